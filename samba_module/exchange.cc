// SPDX-License-Identifier: GPL-3.0-or-later
// exchange.cc: calls of the library for SMB clients.
#include "exchange.hpp"

#include "doubt.hpp"
#include "waiting.hpp"
#include "wire.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>

namespace ntpipe::samba {
namespace {

ntpipe_traits traits_of(ntpipe_end* end)
{
    ntpipe_traits traits{};
    ntpipe_query_traits(end, &traits);
    return traits;
}

// ---- reading in steps ----

void read_step(Exchange& exchange);

// Its callback does not come from within.
void cancel_later(Exchange& exchange)
{
    tevent_req_defer_callback(exchange.inner, exchange.events);
    (void)tevent_req_cancel(exchange.inner); // false: it is over, and the callback is on its way
}

void time_is_over(tevent_context* /*events*/, tevent_timer* /*timer*/, timeval /*now*/, void* data)
{
    auto& exchange = *static_cast<Exchange*>(data);
    exchange.is_late = true;
    exchange.timer = nullptr; // tevent frees it
    cancel_later(exchange);
}

bool start_timer(Exchange& exchange)
{
    constexpr std::uint64_t milliseconds_per_second = 1000;
    if (exchange.milliseconds.value_or(0) == 0) {
        return true;
    }
    const auto [seconds, rest] = std::lldiv(static_cast<long long>(*exchange.milliseconds), milliseconds_per_second);
    const timeval end =
        tevent_timeval_current_ofs(static_cast<std::uint32_t>(seconds), static_cast<std::uint32_t>(rest * 1000));
    exchange.timer = tevent_add_timer(exchange.events, exchange.memory, end, time_is_over, &exchange);
    return exchange.timer != nullptr;
}

// In message read mode a read is a message, or what fits of it, however short it is.
bool wants_more(const Exchange& exchange)
{
    const ntpipe_traits traits = traits_of(exchange.end);
    return exchange.status == Status::success && exchange.transferred < exchange.minimum && !exchange.is_late &&
           traits.read_mode == NTPIPE_READ_BYTE && traits.completion_mode == NTPIPE_QUEUE;
}

void end_reading(Exchange& exchange)
{
    TALLOC_FREE(exchange.timer);
    if (!is_error(exchange.status)) {
        return;
    }
    if (exchange.transferred != 0) {
        exchange.status = Status::success; // why there is no more, the next read will tell
    } else if (exchange.status == Status::cancelled && exchange.is_late) {
        exchange.status = exchange.milliseconds == 0 ? Status::pipe_empty : Status::io_timeout;
    }
}

void read_step_done(Exchange& exchange)
{
    std::size_t size = 0;
    received(exchange, [&](tevent_req* request) { return ntpipe_read_recv(request, &size); });
    exchange.transferred += size;
    if (size != 0 && wants_more(exchange)) {
        exchange.status = Status::pending;
        read_step(exchange);
    } else {
        end_reading(exchange);
    }
}

void read_step(Exchange& exchange)
{
    tevent_req* inner =
        ntpipe_read_send(exchange.memory, exchange.events, exchange.end, exchange.output + exchange.transferred,
                         exchange.length - exchange.transferred);
    if (inner != nullptr && exchange.milliseconds == 0 && tevent_req_is_in_progress(inner)) {
        exchange.is_late = true;
        (void)tevent_req_cancel(inner);
    }
    wait_for(exchange, inner, read_step_done);
}

// ---- raw reading ----

void raw_read_step(Exchange& exchange);

void raw_read_step_done(Exchange& exchange)
{
    std::size_t size = 0;
    received(exchange, [&](tevent_req* request) { return ntpipe_read_recv(request, &size); });
    exchange.transferred += size;
    ntpipe_peek_info more{};
    if (!is_error(exchange.status) && size != 0 && exchange.transferred < exchange.length) {
        (void)ntpipe_peek(exchange.end, nullptr, 0, &more);
    }
    if (more.read_data_available != 0) {
        exchange.status = Status::pending;
        raw_read_step(exchange);
    } else if (exchange.transferred != 0) {
        exchange.status = Status::success;
    }
}

void raw_read_step(Exchange& exchange)
{
    tevent_req* inner =
        ntpipe_read_send(exchange.memory, exchange.events, exchange.end, exchange.output + exchange.transferred,
                         exchange.length - exchange.transferred);
    wait_for(exchange, inner, raw_read_step_done);
}

// ---- calling a pipe ----

void open_for_call(Exchange& exchange);

void call_done(Exchange& exchange)
{
    received(exchange, [&](tevent_req* request) { return ntpipe_control_recv(request, &exchange.transferred); });
    TALLOC_FREE(exchange.own_end);
}

void transact_call(Exchange& exchange)
{
    std::array<std::uint8_t, 8> modes{};
    put(modes.data(), 0, std::uint32_t{NTPIPE_READ_MESSAGE});
    constexpr std::uint32_t class_pipe = 23;
    exchange.status =
        static_cast<Status>(ntpipe_set_information(exchange.own_end, class_pipe, modes.data(), modes.size()));
    if (is_error(exchange.status) || make_output(exchange) == nullptr) {
        TALLOC_FREE(exchange.own_end);
        return;
    }
    wait_for(exchange,
             ntpipe_control_send(exchange.memory, exchange.events, exchange.own_end, NTPIPE_FSCTL_TRANSCEIVE,
                                 exchange.input.data(), exchange.input.size(), exchange.output, exchange.length),
             call_done);
}

void call_waited(Exchange& exchange)
{
    received(exchange, ntpipe_wait_recv);
    if (exchange.status == Status::success) {
        exchange.status = Status::pending;
        exchange.is_late = true;
        open_for_call(exchange);
    }
}

void wait_for_call(Exchange& exchange)
{
    const std::string path = "\\\\.\\pipe\\" + exchange.wanted.name;
    const std::int64_t limit =
        exchange.milliseconds ? static_cast<std::int64_t>(*exchange.milliseconds) : NTPIPE_WAIT_DEFAULT;
    wait_for(exchange,
             ntpipe_wait_send(exchange.memory, exchange.events, exchange.gateway->session(), path.c_str(), limit,
                              exchange.wanted.identity),
             call_waited);
}

void call_opened(Exchange& exchange)
{
    const Opened opened = open_pipe_recv(exchange.inner, exchange.memory);
    TALLOC_FREE(exchange.inner);
    exchange.own_end = opened.end;
    if (opened.is_sambas) {
        exchange.status = Status::object_name_not_found;
    } else if (opened.status == Status::pipe_not_available && !exchange.is_late) {
        wait_for_call(exchange);
    } else if (is_error(opened.status)) {
        exchange.status = opened.status;
    } else {
        transact_call(exchange);
    }
}

void open_for_call(Exchange& exchange)
{
    OpenParameters open;
    static_cast<Wanted&>(open) = exchange.wanted;
    open.desired_access = NTPIPE_GENERIC_READ | NTPIPE_GENERIC_WRITE;
    open.disposition = NTPIPE_FILE_OPEN;
    open.impersonation_level = NTPIPE_IMPERSONATION;
    wait_for(exchange, open_pipe_send(exchange.memory, *exchange.gateway, open), call_opened);
}

// ---- presentation ----

constexpr std::uint32_t class_standard = 5;
constexpr std::uint32_t class_all = 18;
constexpr std::size_t standard_in_all = 40;

/// What SMB servers say of a pipe's size, whatever its quotas are and whatever is in it: 4096 bytes allocated, none in the file, one
/// link, to be deleted (SEMANTICS 5.2).
constexpr std::array<std::uint8_t, 24> standard_information{0, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                                                            0, 0,    0, 0, 1, 0, 0, 0, 1, 0, 0, 0};

void present_standard_information(Exchange& exchange)
{
    if (exchange.code != class_standard && exchange.code != class_all) {
        return;
    }
    const std::size_t at = exchange.code == class_all ? standard_in_all : 0;
    if (exchange.transferred > at) {
        const std::size_t size = std::min(exchange.transferred - at, standard_information.size());
        std::memcpy(exchange.output + at, standard_information.data(), size);
    }
}

// ---- control codes ----

constexpr std::array allowed_control_codes{NTPIPE_FSCTL_PEEK, NTPIPE_FSCTL_TRANSCEIVE};

constexpr std::uint32_t kind_of_device(std::uint32_t control_code)
{
    constexpr unsigned bits = 16;
    return control_code >> bits;
}

} // namespace

Status check_control_code(std::uint32_t code)
{
    if (kind_of_device(code) != kind_of_device(NTPIPE_FSCTL_PEEK)) {
        return Status::invalid_device_request;
    }
    const bool is_allowed = std::ranges::find(allowed_control_codes, code) != allowed_control_codes.end();
    return is_allowed ? Status::success : doubt::control_code_not_for_clients;
}

void call_read(Exchange& exchange)
{
    if (make_output(exchange) == nullptr) {
        return;
    }
    transfer<ntpipe_read_recv>(exchange, ntpipe_read_begin, exchange.output, exchange.length);
}

void call_write(Exchange& exchange)
{
    transfer<ntpipe_write_recv>(exchange, ntpipe_write_begin, exchange.input.data(), exchange.input.size());
}

void call_flush(Exchange& exchange)
{
    wait_for(exchange, ntpipe_flush_send(exchange.memory, exchange.events, exchange.end),
             [](Exchange& over) { received(over, ntpipe_flush_recv); });
}

void call_control(Exchange& exchange)
{
    if (make_output(exchange) == nullptr) {
        return;
    }
    transfer<ntpipe_control_recv>(exchange, ntpipe_control_begin, exchange.code, exchange.input.data(),
                                  exchange.input.size(), exchange.output, exchange.length);
}

void call_wait(Exchange& exchange)
{
    wait_for(exchange,
             wait_pipe_send(exchange.memory, *exchange.gateway, exchange.wanted, exchange.input, exchange.milliseconds),
             [](Exchange& over) { received(over, [](tevent_req* request) { return raw(wait_pipe_recv(request)); }); });
}

void call_query(Exchange& exchange)
{
    if (make_output(exchange) == nullptr) {
        return;
    }
    exchange.status = static_cast<Status>(
        ntpipe_query_information(exchange.end, exchange.code, exchange.output, exchange.length, &exchange.transferred));
    if (!is_error(exchange.status)) {
        present_standard_information(exchange);
    }
}

void call_set(Exchange& exchange)
{
    exchange.status = static_cast<Status>(
        ntpipe_set_information(exchange.end, exchange.code, exchange.input.data(), exchange.input.size()));
}

void call_query_volume(Exchange& exchange)
{
    if (make_output(exchange) == nullptr) {
        return;
    }
    exchange.status = static_cast<Status>(ntpipe_query_volume_information(exchange.end, exchange.code, exchange.output,
                                                                          exchange.length, &exchange.transferred));
}

void call_read_in_steps(Exchange& exchange)
{
    if (make_output(exchange) == nullptr) {
        return;
    }
    if (!start_timer(exchange)) {
        exchange.status = Status::no_memory;
        return;
    }
    read_step(exchange);
}

void call_raw_read(Exchange& exchange)
{
    if (traits_of(exchange.end).completion_mode != NTPIPE_QUEUE) {
        exchange.status = Status::invalid_parameter;
    } else if (make_output(exchange) != nullptr) {
        raw_read_step(exchange);
    }
}

void call_raw_write(Exchange& exchange)
{
    constexpr std::size_t prefix = sizeof(std::uint16_t);
    const ntpipe_traits traits = traits_of(exchange.end);
    const bool is_message = traits.type == NTPIPE_TYPE_MESSAGE;
    const auto& input = exchange.input;
    const bool is_whole = input.size() >= prefix && get<std::uint16_t>(input, 0) == input.size() - prefix;
    if (traits.completion_mode != NTPIPE_QUEUE || (is_message && !is_whole)) {
        exchange.status = Status::invalid_parameter;
        return;
    }
    exchange.input = is_message ? input.subspan(prefix) : input;
    call_write(exchange);
}

void call_transact(Exchange& exchange)
{
    constexpr std::uint32_t full_duplex = 2;
    const ntpipe_traits traits = traits_of(exchange.end);
    if (traits.read_mode != NTPIPE_READ_MESSAGE || traits.configuration != full_duplex) {
        exchange.status = Status::invalid_parameter;
        return;
    }
    exchange.code = NTPIPE_FSCTL_TRANSCEIVE;
    call_control(exchange);
}

void call_peek(Exchange& exchange)
{
    if (make_output(exchange) == nullptr) {
        return;
    }
    exchange.status = static_cast<Status>(ntpipe_peek(exchange.end, exchange.output, exchange.length, &exchange.found));
    exchange.transferred = exchange.found.copied;
}

void call_query_security(Exchange& exchange)
{
    if (make_output(exchange) == nullptr) {
        return;
    }
    exchange.status = static_cast<Status>(
        ntpipe_query_security_buffer(exchange.end, exchange.code, exchange.output, exchange.length, &exchange.needed));
    exchange.transferred = is_error(exchange.status) ? 0 : exchange.needed;
}

void call_set_security(Exchange& exchange)
{
    wait_for(exchange,
             ntpipe_set_security_send(exchange.memory, exchange.events, exchange.end, exchange.code,
                                      exchange.input.data(), exchange.input.size()),
             [](Exchange& over) { received(over, ntpipe_set_security_recv); });
}

void call_pipe_call(Exchange& exchange)
{
    open_for_call(exchange);
}

} // namespace ntpipe::samba

// SPDX-License-Identifier: GPL-3.0-or-later
// exchange.cc: calls of the library for SMB clients.
#include "exchange.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace ntpipe::samba {
namespace {

void wait_for(Exchange& exchange, tevent_req* inner, void (*receive)(Exchange&))
{
    if (inner == nullptr) {
        exchange.status = Status::no_memory;
        return;
    }
    exchange.inner = inner;
    exchange.receive = receive;
    if (!tevent_req_is_in_progress(inner)) {
        receive(exchange);
    }
}

/// Takes in the result of a request, and lets go of it.
template <typename Receive>
void received(Exchange& exchange, Receive&& receive)
{
    exchange.status = static_cast<Status>(receive(exchange.inner));
    talloc_free(exchange.inner);
    exchange.inner = nullptr;
}

// nullptr: out of memory, and the status says so.
std::uint8_t* make_output(Exchange& exchange)
{
    exchange.output = talloc_array(exchange.memory, std::uint8_t, std::max<std::uint32_t>(exchange.length, 1));
    exchange.status = exchange.output == nullptr ? Status::no_memory : Status::pending;
    return exchange.output;
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

} // namespace

void call_read(Exchange& exchange)
{
    if (make_output(exchange) == nullptr) {
        return;
    }
    tevent_req* inner =
        ntpipe_read_send(exchange.memory, exchange.events, exchange.end, exchange.output, exchange.length);
    wait_for(exchange, inner, [](Exchange& over) {
        received(over, [&](tevent_req* request) { return ntpipe_read_recv(request, &over.transferred); });
    });
}

void call_write(Exchange& exchange)
{
    tevent_req* inner =
        ntpipe_write_send(exchange.memory, exchange.events, exchange.end, exchange.input.data(), exchange.input.size());
    wait_for(exchange, inner, [](Exchange& over) {
        received(over, [&](tevent_req* request) { return ntpipe_write_recv(request, &over.transferred); });
    });
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
    tevent_req* inner =
        ntpipe_control_send(exchange.memory, exchange.events, exchange.end, exchange.code, exchange.input.data(),
                            exchange.input.size(), exchange.output, exchange.length);
    wait_for(exchange, inner, [](Exchange& over) {
        received(over, [&](tevent_req* request) { return ntpipe_control_recv(request, &over.transferred); });
    });
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

} // namespace ntpipe::samba

// SPDX-License-Identifier: GPL-3.0-or-later
// root_directory.cc: enumerating the root of IPC$, and waiting for changes.
#include "root_directory.hpp"

#include "exchange.hpp"

#include "waiting.hpp"

#include <array>

namespace ntpipe::samba {
namespace {

/// What generic rights and "all that I may have" mean here; the library grants what it is asked for.
std::uint32_t specific(std::uint32_t access)
{
    struct Generic {
        std::uint32_t bit;
        std::uint32_t rights;
    };
    constexpr std::uint32_t all = 0x001F01FF;
    constexpr std::array<Generic, 5> generics{{
        {0x80000000, 0x00120089},
        {0x40000000, 0x00120116},
        {0x20000000, 0x001200A0},
        {0x10000000, all},
        {NTPIPE_MAXIMUM_ALLOWED, all},
    }};
    std::uint32_t rights = access;
    for (const Generic& generic : generics) {
        if ((access & generic.bit) != 0) {
            rights = (rights & ~generic.bit) | generic.rights;
        }
    }
    return rights;
}

// Only what is asked of the directory itself waits.
void finish(Exchange& exchange, ntpipe_status status, std::size_t size = 0)
{
    exchange.status = static_cast<Status>(status);
    exchange.transferred = is_error(exchange.status) ? 0 : size;
}

void listed(Exchange& exchange)
{
    ntpipe_listing* pipes = nullptr;
    std::size_t count = 0;
    received(exchange, [&](tevent_req* request) { return ntpipe_list_recv(request, nullptr, &pipes, &count); });
    if (exchange.status == Status::success) {
        exchange.root->begin(exchange.wanted.name, pipes, count);
        exchange.status = exchange.root->give(exchange);
    }
}

void changed(Exchange& exchange)
{
    received(exchange, [](tevent_req* request) { return raw(Gateway::change_recv(request)); });
}

void controlled(Exchange& exchange)
{
    received(exchange, ntpipe_directory_control_recv);
}

} // namespace

RootDirectory::~RootDirectory()
{
    talloc_free(pipes_);
    talloc_free(directory_);
}

Status RootDirectory::open(std::uint32_t desired_access, std::uint32_t options)
{
    ntpipe_session* session = gateway_.connected_session();
    if (session == nullptr) {
        return Status::object_name_not_found;
    }
    return static_cast<Status>(
        ntpipe_open_directory(nullptr, session, "\\\\.\\pipe\\", specific(desired_access), options, &directory_));
}

// The user's own scope and the one for all.
bool RootDirectory::shows(const ntpipe_listing& pipe) const
{
    return (pipe.global || pipe.owner == user_) && gateway_.shows(pipe.name, pipe.owner, pipe.offered);
}

// Of pipes of the same name, which stand side by side, an open finds the user's own before the one for all, and one before an offer.
void RootDirectory::begin(std::string pattern, ntpipe_listing* pipes, std::size_t count)
{
    const auto is_better = [](const ntpipe_listing& one, const ntpipe_listing& other) {
        return one.global == other.global ? !one.offered && other.offered : !one.global;
    };
    talloc_free(pipes_);
    pipes_ = pipes;
    pattern_ = std::move(pattern);
    count_ = given_ = 0;
    is_first_ = true;
    for (std::size_t i = 0; i < count; ++i) {
        if (!shows(pipes[i])) {
            continue;
        }
        if (count_ != 0 && is_same_name(pipes[count_ - 1].name, pipes[i].name)) {
            if (is_better(pipes[i], pipes[count_ - 1])) {
                pipes[count_ - 1] = pipes[i];
            }
        } else {
            pipes[count_++] = pipes[i];
        }
    }
}

Status RootDirectory::give(Exchange& exchange)
{
    const std::uint32_t flags =
        (is_first_ ? NTPIPE_RESTART_SCAN : 0U) | (exchange.is_single ? NTPIPE_SINGLE_ENTRY : 0U);
    std::size_t done = 0;
    const auto status = static_cast<Status>(ntpipe_directory_entries(pipes_ + given_, count_ - given_, exchange.code,
                                                                     pattern_.c_str(), flags, exchange.output,
                                                                     exchange.length, &done, &exchange.transferred));
    given_ += done;
    is_first_ = is_first_ && done == 0 && status != Status::no_such_file;
    return status;
}

// The first call's pattern counts until the scan is begun anew.
void call_enumerate(Exchange& exchange)
{
    RootDirectory& root = *exchange.root;
    ntpipe_session* session = root.gateway().connected_session();
    if ((root.granted_access() & NTPIPE_READ_DATA) == 0 || session == nullptr) {
        exchange.status = session == nullptr ? Status::pipe_not_available : Status::access_denied;
    } else if (make_output(exchange) == nullptr) {
        return;
    } else if (root.has_begun() && !exchange.restarts) {
        exchange.status = root.give(exchange);
    } else {
        tevent_req* list = ntpipe_list_send(exchange.memory, exchange.events, session, nullptr);
        if (list != nullptr) {
            (void)tevent_req_set_endtime(list, exchange.events, root.gateway().open_deadline());
        }
        wait_for(exchange, list, listed);
    }
}

void call_notify(Exchange& exchange)
{
    const RootDirectory& root = *exchange.root;
    if ((root.granted_access() & NTPIPE_READ_DATA) == 0) {
        exchange.status = Status::access_denied;
        return;
    }
    wait_for(exchange, root.gateway().change_send(exchange.memory, root.user()), changed);
}

void call_root_query(Exchange& exchange)
{
    if (make_output(exchange) != nullptr) {
        std::size_t size = 0;
        const ntpipe_status status = ntpipe_directory_query_information(exchange.root->directory(), exchange.code,
                                                                        exchange.output, exchange.length, &size);
        finish(exchange, status, size);
    }
}

void call_root_query_volume(Exchange& exchange)
{
    if (make_output(exchange) != nullptr) {
        std::size_t size = 0;
        const ntpipe_status status = ntpipe_directory_query_volume_information(
            exchange.root->directory(), exchange.code, exchange.output, exchange.length, &size);
        finish(exchange, status, size);
    }
}

void call_root_set(Exchange& exchange)
{
    finish(exchange, ntpipe_directory_set_information(exchange.root->directory(), exchange.code, exchange.input.data(),
                                                      exchange.input.size()));
}

void call_root_read(Exchange& exchange)
{
    finish(exchange, ntpipe_directory_read(exchange.root->directory()));
}

void call_root_write(Exchange& exchange)
{
    finish(exchange, ntpipe_directory_write(exchange.root->directory()));
}

void call_root_control(Exchange& exchange)
{
    wait_for(exchange,
             ntpipe_directory_control_send(exchange.memory, exchange.events, exchange.root->directory(), exchange.code,
                                           exchange.input.data(), exchange.input.size()),
             controlled);
}

} // namespace ntpipe::samba

// SPDX-License-Identifier: GPL-3.0-or-later
// request.hpp: tevent requests whose state is a C++ object, and whose result is a status.
#pragma once

#include <ntpipe.h>
#include <ntpipe_status.hpp>

#include <new>

namespace ntpipe::samba {

template <typename State>
[[nodiscard]] State* state_of(tevent_req* request)
{
    return static_cast<State*>(_tevent_req_data(request));
}

/// Makes a request with a State in place, which is destroyed with it. nullptr: out of memory.
template <typename State>
[[nodiscard]] tevent_req* make_request(TALLOC_CTX* memory, State*& state)
{
    void* place = nullptr;
    tevent_req* request = tevent_req_create(memory, &place, State);
    if (request == nullptr) {
        return nullptr;
    }
    state = new (place) State();
    state->request = request;
    _talloc_set_destructor(place, [](void* object) {
        static_cast<State*>(object)->~State();
        return 0;
    });
    return request;
}

/// Ends a request; the callback comes from the event loop, never from within.
inline void finish_later(tevent_req* request, tevent_context* events, Status status)
{
    tevent_req_defer_callback(request, events);
    if (is_error(status)) {
        tevent_req_error(request, raw(status));
    } else {
        tevent_req_done(request);
    }
}

/// The status that finish_later() was given, or what tevent made of the request.
[[nodiscard]] inline Status status_of(tevent_req* request)
{
    tevent_req_state how = TEVENT_REQ_INIT;
    std::uint64_t error = 0;
    if (!tevent_req_is_error(request, &how, &error)) {
        return Status::success;
    }
    switch (how) {
    case TEVENT_REQ_TIMED_OUT:
        return Status::io_timeout;
    case TEVENT_REQ_NO_MEMORY:
        return Status::no_memory;
    default:
        return static_cast<Status>(error);
    }
}

} // namespace ntpipe::samba

// SPDX-License-Identifier: LGPL-2.1-or-later
// session.cc: the C API: sessions.
#include "api/objects_internal.hpp"

#include "session/local.hpp"
#include "session/session.hpp"

using namespace ntpipe;
using namespace ntpipe::api;

namespace {

constexpr std::uint64_t nanoseconds_per_microsecond = 1000;

Result<std::unique_ptr<glue::Loop>> loop_on(tevent_context* ev)
{
    return ev == nullptr ? glue::Loop::own() : glue::Loop::on(ev);
}

ntpipe_session* make_session(TALLOC_CTX* mem_ctx, std::shared_ptr<session::Gate> gate, std::string directory)
{
    return glue::make_talloc<ntpipe_session>(mem_ctx, "struct ntpipe_session",
                                             ntpipe_session{std::move(gate), std::move(directory)});
}

using PingState = RequestState<session::PingRequest>;

} // namespace

extern "C" {

ntpipe_status ntpipe_session_open(TALLOC_CTX* mem_ctx, tevent_context* ev, const ntpipe_session_params* params,
                                  ntpipe_session** session)
{
    return guarded([&] {
        session::SessionOptions options;
        if (params != nullptr) {
            if (params->size != sizeof(*params) || (params->directory != nullptr && params->directory[0] != '/')) {
                return Status::invalid_parameter;
            }
            options.directory = params->directory == nullptr ? "" : params->directory;
            options.root_only = params->root_only;
            if (params->never_start_broker) {
                options.start_broker = false;
            }
            if ((params->before_connect == nullptr) != (params->after_connect == nullptr)) {
                return Status::invalid_parameter;
            }
            if (params->before_connect != nullptr) {
                options.before_connect = [call = params->before_connect, data = params->private_data] { call(data); };
                options.after_connect = [call = params->after_connect, data = params->private_data] { call(data); };
            }
        }
        auto loop = loop_on(ev);
        if (!loop) {
            return loop.status();
        }
        auto gate = std::make_shared<session::Session>(*std::move(loop), std::move(options));
        *session = make_session(mem_ctx, gate, gate->directory());
        return *session == nullptr ? Status::no_memory : Status::success;
    });
}

ntpipe_status ntpipe_namespace_create_local(TALLOC_CTX* mem_ctx, tevent_context* ev, ntpipe_session** session)
{
    return guarded([&] {
        auto loop = loop_on(ev);
        if (!loop) {
            return loop.status();
        }
        *session = make_session(mem_ctx, std::make_shared<session::LocalGate>(*std::move(loop)), "");
        return *session == nullptr ? Status::no_memory : Status::success;
    });
}

tevent_context* ntpipe_session_event_context(ntpipe_session* session)
{
    return session->gate->loop().events();
}

int ntpipe_session_fd(ntpipe_session* session)
{
    return session->gate->loop().descriptor();
}

void ntpipe_session_dispatch(ntpipe_session* session)
{
    const std::shared_ptr<session::Gate> gate = session->gate; // a callback may free the session
    gate->loop().dispatch();
}

const char* ntpipe_session_directory(ntpipe_session* session)
{
    return session->directory.c_str();
}

void ntpipe_session_set_spin(ntpipe_session* session, uint32_t microseconds)
{
    session->gate->loop().set_spin(microseconds * nanoseconds_per_microsecond);
}

void ntpipe_session_begin_turn(ntpipe_session* session)
{
    session->gate->loop().begin_turn();
}

bool ntpipe_session_work(ntpipe_session* session, uint32_t microseconds)
{
    bool some = false;
    (void)guarded([&] {
        const std::shared_ptr<session::Gate> gate = session->gate; // a callback may free the session
        some = gate->loop().work(microseconds * nanoseconds_per_microsecond);
        return Status::success;
    });
    return some;
}

void ntpipe_session_end_turn(ntpipe_session* session)
{
    (void)guarded([&] {
        session->gate->loop().end_turn();
        return Status::success;
    });
}

void ntpipe_session_take_in(ntpipe_session* session)
{
    (void)guarded([&] {
        session->gate->take_in();
        return Status::success;
    });
}

tevent_req* ntpipe_ping_send(TALLOC_CTX* mem_ctx, tevent_context* ev, ntpipe_session* session)
{
    PingState* state = nullptr;
    tevent_req* req = make_request(mem_ctx, state);
    if (req == nullptr) {
        return nullptr;
    }
    return launch(req, *state, ev, session->gate, [&] {
        session->gate->start(*state);
        return Status::pending;
    });
}

ntpipe_status ntpipe_ping_recv(tevent_req* req)
{
    const Status status = outcome_of<PingState>(req);
    tevent_req_received(req);
    return raw(status);
}

ntpipe_status ntpipe_ping(ntpipe_session* session)
{
    return block(
        *session->gate, [&](tevent_context* ev) { return ntpipe_ping_send(nullptr, ev, session); }, ntpipe_ping_recv);
}
}

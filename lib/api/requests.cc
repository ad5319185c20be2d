// SPDX-License-Identifier: LGPL-2.1-or-later
// requests.cc: the C API: creating, opening and waiting.
#include "api/objects_internal.hpp"

#include "namespace/wait_buffer.hpp"

using namespace ntpipe;
using namespace ntpipe::api;

namespace ntpipe::api {

struct ntpipe_end* make_pipe(TALLOC_CTX* mem_ctx, const std::shared_ptr<session::Gate>& gate,
                             std::unique_ptr<session::PipeEnd> pipe)
{
    const std::u16string& path = pipe->end().attributes().path;
    std::string name = name::to_utf8(std::u16string_view(path).substr(path.empty() ? 0 : 1));
    return glue::make_talloc<struct ntpipe_end>(mem_ctx, "struct ntpipe_end",
                                                ntpipe_end{gate, nullptr, std::move(pipe), std::move(name)});
}

} // namespace ntpipe::api

namespace {

constexpr std::uint64_t nanoseconds_per_millisecond = 1'000'000;

using CreateState = RequestState<session::CreateRequest>;
using OpenState = RequestState<session::OpenRequest>;
using WaitState = RequestState<session::WaitRequest>;

Status fill(space::CreateParameters& out, const ntpipe_create_params& in)
{
    out.desired_access = in.desired_access;
    out.share_access = in.share_access;
    out.disposition = in.disposition;
    out.options = in.options;
    out.type = in.type;
    out.read_mode = in.read_mode;
    out.completion_mode = in.completion_mode;
    out.maximum_instances = in.max_instances;
    out.inbound_quota = in.inbound_quota;
    out.outbound_quota = in.outbound_quota;
    out.default_timeout = in.default_timeout;
    out.scope = static_cast<space::ScopeChoice>(in.scope);
    if (in.security_descriptor == nullptr) {
        return Status::success;
    }
    auto descriptor =
        security::Descriptor::parse(std::as_bytes(std::span(in.security_descriptor, in.security_descriptor_length)));
    if (!descriptor) {
        return descriptor.status();
    }
    out.descriptor = *std::move(descriptor);
    return Status::success;
}

} // namespace

namespace ntpipe::api {

tevent_req* send_create(TALLOC_CTX* mem_ctx, tevent_context* ev, const std::shared_ptr<session::Gate>& gate,
                        const std::function<Result<name::Name>()>& name, const ntpipe_create_params* params,
                        std::optional<space::GatewayHandle> gateway, std::optional<space::QuestionId> question)
{
    CreateState* state = nullptr;
    tevent_req* req = make_request(mem_ctx, state);
    if (req == nullptr) {
        return nullptr;
    }
    allow_cancel<CreateState>(req);
    return launch(req, *state, ev, gate, [&] {
        const ntpipe_create_params defaults = NTPIPE_CREATE_PARAMS_INIT;
        const ntpipe_create_params& given = params == nullptr ? defaults : *params;
        if (given.size != sizeof(given)) {
            return Status::invalid_parameter;
        }
        auto parsed = name();
        if (!parsed) {
            return parsed.status();
        }
        state->parameters.name = *std::move(parsed);
        state->parameters.gateway = gateway;
        state->parameters.question = question;
        if (const Status status = fill(state->parameters, given); status != Status::success) {
            return status;
        }
        gate->start(*state);
        return Status::pending;
    });
}

tevent_req* send_open(TALLOC_CTX* mem_ctx, tevent_context* ev, const std::shared_ptr<session::Gate>& gate,
                      const std::function<Status(session::OpenRequest&)>& name_it, const ntpipe_open_params* params)
{
    OpenState* state = nullptr;
    tevent_req* req = make_request(mem_ctx, state);
    if (req == nullptr) {
        return nullptr;
    }
    allow_cancel<OpenState>(req);
    return launch(req, *state, ev, gate, [&] {
        const ntpipe_open_params defaults = NTPIPE_OPEN_PARAMS_INIT;
        const ntpipe_open_params& given = params == nullptr ? defaults : *params;
        if (given.size != sizeof(given)) {
            return Status::invalid_parameter;
        }
        if (const Status status = name_it(*state); status != Status::success) {
            return status;
        }
        auto identity = identity_from(given.identity);
        if (!identity) {
            return identity.status();
        }
        state->identity = *std::move(identity);
        state->desired_access = given.desired_access;
        state->disposition = given.disposition;
        state->options = given.options;
        state->impersonation_level = given.impersonation_level;
        state->dynamic_tracking = given.dynamic_tracking;
        state->effective_only = given.effective_only;
        state->message_mode = given.message_mode;
        if (given.process_id != 0) {
            state->process_id = given.process_id;
        }
        if (given.session_id != 0) {
            state->session_id = given.session_id;
        }
        gate->start(*state);
        return Status::pending;
    });
}

tevent_req* send_wait_buffer(TALLOC_CTX* mem_ctx, tevent_context* ev, const std::shared_ptr<session::Gate>& gate,
                             glue::ByteSpan input, const ntpipe_identity* identity)
{
    WaitState* state = nullptr;
    tevent_req* req = make_request(mem_ctx, state);
    if (req == nullptr) {
        return nullptr;
    }
    allow_cancel<WaitState>(req);
    return launch(req, *state, ev, gate, [&] {
        auto stated = identity_from(identity);
        if (!stated) {
            return stated.status();
        }
        const bool remote = identity != nullptr && (identity->flags & NTPIPE_IDENTITY_REMOTE) != 0;
        auto parsed = space::parse_wait_buffer(input, remote);
        if (!parsed) {
            return parsed.status();
        }
        state->name = std::move(parsed->name);
        state->identity = *std::move(stated);
        if (parsed->timeout) {
            const std::uint64_t now = glue::Loop::now();
            state->for_ever = *parsed->timeout > UINT64_MAX - now;
            state->deadline = state->for_ever ? 0 : now + *parsed->timeout;
        }
        gate->start(*state);
        return Status::pending;
    });
}

} // namespace ntpipe::api

extern "C" {

// ---- create ----

tevent_req* ntpipe_create_send(TALLOC_CTX* mem_ctx, tevent_context* ev, ntpipe_session* session, const char* name,
                               const ntpipe_create_params* params)
{
    return send_create(mem_ctx, ev, session->gate, [name] { return name::parse(name); }, params);
}

ntpipe_status ntpipe_create_recv(tevent_req* req, TALLOC_CTX* mem_ctx, struct ntpipe_end** pipe, uint32_t* information)
{
    const ntpipe_status result = guarded([&] {
        const Status status = outcome_of<CreateState>(req);
        auto* state = state_of<CreateState>(req);
        if (status != Status::success) {
            return status;
        }
        if (information != nullptr) {
            *information = state->information;
        }
        *pipe = make_pipe(mem_ctx, state->gate, std::move(state->pipe));
        return *pipe == nullptr ? Status::no_memory : Status::success;
    });
    tevent_req_received(req);
    return result;
}

ntpipe_status ntpipe_create(TALLOC_CTX* mem_ctx, ntpipe_session* session, const char* name,
                            const ntpipe_create_params* params, struct ntpipe_end** pipe, uint32_t* information)
{
    return block(
        *session->gate, [&](tevent_context* ev) { return ntpipe_create_send(nullptr, ev, session, name, params); },
        [&](tevent_req* req) { return ntpipe_create_recv(req, mem_ctx, pipe, information); });
}

// ---- open ----

tevent_req* ntpipe_open_send(TALLOC_CTX* mem_ctx, tevent_context* ev, ntpipe_session* session, const char* name,
                             const ntpipe_open_params* params)
{
    const auto name_it = [name](session::OpenRequest& request) {
        auto parsed = name::parse(name);
        if (!parsed) {
            return parsed.status();
        }
        request.name = *std::move(parsed);
        return Status::success;
    };
    return send_open(mem_ctx, ev, session->gate, name_it, params);
}

ntpipe_status ntpipe_open_recv(tevent_req* req, TALLOC_CTX* mem_ctx, struct ntpipe_end** pipe)
{
    const ntpipe_status result = guarded([&] {
        const Status status = outcome_of<OpenState>(req);
        if (status != Status::success) {
            return status;
        }
        auto* state = state_of<OpenState>(req);
        *pipe = make_pipe(mem_ctx, state->gate, std::move(state->pipe));
        if (*pipe != nullptr && state->message_mode) {
            (*pipe)->end().begin_in_message_mode();
        }
        return *pipe == nullptr ? Status::no_memory : Status::success;
    });
    tevent_req_received(req);
    return result;
}

ntpipe_status ntpipe_open(TALLOC_CTX* mem_ctx, ntpipe_session* session, const char* name,
                          const ntpipe_open_params* params, struct ntpipe_end** pipe)
{
    return block(
        *session->gate, [&](tevent_context* ev) { return ntpipe_open_send(nullptr, ev, session, name, params); },
        [&](tevent_req* req) { return ntpipe_open_recv(req, mem_ctx, pipe); });
}

// ---- wait ----

tevent_req* ntpipe_wait_send(TALLOC_CTX* mem_ctx, tevent_context* ev, ntpipe_session* session, const char* name,
                             int64_t timeout_ms, const ntpipe_identity* identity)
{
    WaitState* state = nullptr;
    tevent_req* req = make_request(mem_ctx, state);
    if (req == nullptr) {
        return nullptr;
    }
    allow_cancel<WaitState>(req);
    return launch(req, *state, ev, session->gate, [&] {
        auto parsed = name::parse(name);
        auto stated = identity_from(identity);
        if (!parsed || !stated) {
            return parsed ? stated.status() : parsed.status();
        }
        constexpr auto longest = static_cast<std::int64_t>(UINT64_MAX / 4 / nanoseconds_per_millisecond);
        if (timeout_ms < NTPIPE_WAIT_FOREVER) {
            return Status::invalid_parameter;
        }
        state->name = *std::move(parsed);
        state->identity = *std::move(stated);
        state->for_ever = timeout_ms == NTPIPE_WAIT_FOREVER || timeout_ms > longest;
        if (timeout_ms > 0 && !state->for_ever) {
            state->deadline = glue::Loop::now() + static_cast<std::uint64_t>(timeout_ms) * nanoseconds_per_millisecond;
        }
        session->gate->start(*state);
        return Status::pending;
    });
}

ntpipe_status ntpipe_wait_recv(tevent_req* req)
{
    const Status status = outcome_of<WaitState>(req);
    tevent_req_received(req);
    return raw(status);
}

ntpipe_status ntpipe_wait(ntpipe_session* session, const char* name, int64_t timeout_ms)
{
    return block(
        *session->gate,
        [&](tevent_context* ev) { return ntpipe_wait_send(nullptr, ev, session, name, timeout_ms, nullptr); },
        ntpipe_wait_recv);
}

tevent_req* ntpipe_wait_control_send(TALLOC_CTX* mem_ctx, tevent_context* ev, ntpipe_session* session,
                                     const uint8_t* input, size_t input_length, const ntpipe_identity* identity)
{
    return send_wait_buffer(mem_ctx, ev, session->gate, std::as_bytes(std::span(input, input_length)), identity);
}

ntpipe_status ntpipe_wait_control_recv(tevent_req* req)
{
    return ntpipe_wait_recv(req);
}
}

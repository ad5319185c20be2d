// SPDX-License-Identifier: LGPL-2.1-or-later
// impersonation.cc: the C API: for whom a server acts, and as whom a client writes.
#include "api/objects_internal.hpp"

using namespace ntpipe;
using namespace ntpipe::api;

namespace {

using SetContextState = RequestState<session::SetContextRequest>;

} // namespace

extern "C" {

ntpipe_status ntpipe_impersonate(struct ntpipe_end* pipe, TALLOC_CTX* mem_ctx, ntpipe_identity** identity,
                                 uint32_t* level)
{
    return guarded([&] {
        end::Impersonation impersonation;
        if (const Status status = pipe->end().impersonate(impersonation); status != Status::success) {
            return status;
        }
        *identity = make_identity(mem_ctx, *impersonation.identity);
        *level = impersonation.level;
        return *identity == nullptr ? Status::no_memory : Status::success;
    });
}

ntpipe_status ntpipe_disable_impersonation(struct ntpipe_end* pipe)
{
    return guarded([&] { return pipe->end().disable_impersonation(); });
}

tevent_req* ntpipe_set_client_context_send(TALLOC_CTX* mem_ctx, tevent_context* ev, struct ntpipe_end* pipe,
                                           const ntpipe_identity* identity)
{
    SetContextState* state = nullptr;
    tevent_req* req = make_request(mem_ctx, state);
    if (req == nullptr) {
        return nullptr;
    }
    allow_cancel<SetContextState>(req);
    return launch(req, *state, ev, pipe->gate, [&] {
        if (const Status status = pipe->end().check_set_context(); status != Status::success) {
            return status;
        }
        auto stated = identity_from(identity);
        if (!stated || !pipe->end().context_matters()) {
            return stated.status(); // static tracking: nobody looks at it
        }
        state->pipe = pipe->pipe.get();
        state->identity = *std::move(stated);
        pipe->gate->start(*state);
        return Status::pending;
    });
}

ntpipe_status ntpipe_set_client_context_recv(tevent_req* req)
{
    const Status status = outcome_of<SetContextState>(req);
    tevent_req_received(req);
    return raw(status);
}

ntpipe_status ntpipe_set_client_context(struct ntpipe_end* pipe, const ntpipe_identity* identity)
{
    return block(
        *pipe->gate, [&](tevent_context* ev) { return ntpipe_set_client_context_send(nullptr, ev, pipe, identity); },
        ntpipe_set_client_context_recv);
}
}

// SPDX-License-Identifier: LGPL-2.1-or-later
// objects_internal.hpp: what stands behind the C API's opaque structs, and how tevent requests carry our operations.
#pragma once

#include "glue/talloc.hpp"
#include "session/gate.hpp"

#include <ntpipe.h>

#include <functional>
#include <memory>
#include <new>
#include <string>

struct ntpipe_session {
    std::shared_ptr<ntpipe::session::Gate> gate;
    std::string directory;
};

struct ntpipe_end {
    std::shared_ptr<ntpipe::session::Gate> gate; // first: the end goes before it
    std::unique_ptr<ntpipe::end::Readiness> readiness;
    std::unique_ptr<ntpipe::session::PipeEnd> pipe;
    std::string name;
    tevent_req* spare = nullptr; ///< a request that was made and not needed, for the next operation

    [[nodiscard]] ntpipe::end::End& end() const { return pipe->end(); }
};

namespace ntpipe::api {

/// Runs `body`; no exception crosses into C.
template <typename Body>
[[nodiscard]] ntpipe_status guarded(Body&& body)
{
    try {
        return raw(body());
    } catch (const std::bad_alloc&) {
        return NTPIPE_STATUS_NO_MEMORY;
    } catch (...) {
        return NTPIPE_STATUS_INTERNAL_ERROR;
    }
}

inline void finish(tevent_req* req, Status status)
{
    if (is_error(status)) {
        tevent_req_error(req, raw(status));
    } else {
        tevent_req_done(req);
    }
}

/// The state of a tevent request that waits for a `Base`, an end::Operation or a session::Request.
template <typename Base>
class RequestState : public Base {
public:
    explicit RequestState(tevent_req* owner) : req(owner) {}
    void completed() override
    {
        outcome = this->status();
        finish(req, outcome); // may destroy this
    }
    /// Tells the result that is there, when others have had their turn.
    struct Turn final : glue::Completion {
        explicit Turn(RequestState& owner) : state(owner) {}
        void completed() override
        {
            if (tevent_req_is_in_progress(state.req)) { // it may have timed out
                finish(state.req, state.outcome);
            }
        }
        RequestState& state;
    };

    tevent_req* req;
    std::shared_ptr<session::Gate> gate;
    Status outcome = Status::pending;
    Turn turn{*this};
};

/// The state that make_request() made. talloc's check by name is of no use here: the name would be that of the template.
template <typename State>
[[nodiscard]] State* state_of(tevent_req* req)
{
    return static_cast<State*>(_tevent_req_data(req));
}

/// Makes a request with a State in place. nullptr: out of memory.
template <typename State>
[[nodiscard]] tevent_req* make_request(TALLOC_CTX* mem_ctx, State*& state)
{
    void* memory = nullptr;
    tevent_req* req = tevent_req_create(mem_ctx, &memory, State);
    if (req == nullptr) {
        return nullptr;
    }
    state = new (memory) State(req);
    _talloc_set_destructor(memory, [](void* pointer) {
        static_cast<State*>(pointer)->~State();
        return 0;
    });
    return req;
}

/// Makes `req` one that tevent_req_cancel() cancels.
template <typename State>
void allow_cancel(tevent_req* req)
{
    tevent_req_set_cancel_fn(req, [](tevent_req* cancelled) {
        auto* state = state_of<State>(cancelled);
        if (!state->pending()) {
            return false;
        }
        state->gate->cancel(*state);
        return true;
    });
    tevent_req_set_cleanup_fn(req, [](tevent_req* over, enum tevent_req_state) {
        state_of<State>(over)->abandon(); // it may have timed out
    });
}

/// Starts `start`, which returns a status, on that state. True: it is over, and state.outcome tells how; nobody was told.
template <typename State, typename Start>
[[nodiscard]] bool launch_at_once(State& state, tevent_context* ev, const std::shared_ptr<session::Gate>& gate,
                                  Start&& start)
{
    state.gate = gate;
    Status status = Status::invalid_parameter;
    if (ev == gate->loop().events()) {
        status = static_cast<Status>(guarded(start));
    }
    if (status == Status::pending) {
        return false;
    }
    state.outcome = status;
    glue::Loop& loop = gate->loop();
    return !loop.is_hogged() || guarded([&] {
                                    loop.complete_in_turn(state.turn);
                                    return Status::success;
                                }) != NTPIPE_STATUS_SUCCESS;
}

/// As launch_at_once(); completes the request if it is over.
template <typename State, typename Start>
[[nodiscard]] tevent_req* launch(tevent_req* req, State& state, tevent_context* ev,
                                 const std::shared_ptr<session::Gate>& gate, Start&& start)
{
    if (!launch_at_once(state, ev, gate, start)) {
        return req;
    }
    finish(req, state.outcome);
    return gate->loop().post(req);
}

/// What became of a request: its state's outcome, or what tevent made of it. A time limit that comes when it is over loses
/// nothing.
template <typename State>
[[nodiscard]] Status outcome_of(tevent_req* req)
{
    enum tevent_req_state how = TEVENT_REQ_INIT;
    std::uint64_t error = 0;
    if (tevent_req_is_error(req, &how, &error)) {
        switch (how) {
        case TEVENT_REQ_TIMED_OUT: {
            const Status outcome = state_of<State>(req)->outcome;
            return outcome == Status::pending ? Status::io_timeout : outcome;
        }
        case TEVENT_REQ_NO_MEMORY:
            return Status::no_memory;
        default:
            return static_cast<Status>(error);
        }
    }
    return state_of<State>(req)->outcome;
}

/// For a blocking form: runs the loop until the request is over.
[[nodiscard]] inline bool run(tevent_req* req, session::Gate& gate)
{
    return gate.loop().run_until([req] { return !tevent_req_is_in_progress(req); });
}

/// The whole of a blocking form: starts with `send`, runs, and gets the result with `receive`.
template <typename Send, typename Receive>
[[nodiscard]] ntpipe_status block(session::Gate& gate, Send&& send, Receive&& receive)
{
    tevent_req* req = send(gate.loop().events());
    if (req == nullptr) {
        return NTPIPE_STATUS_NO_MEMORY;
    }
    const ntpipe_status status = run(req, gate) ? receive(req) : NTPIPE_STATUS_INTERNAL_ERROR;
    talloc_free(req);
    return status;
}

/// An end as a C object on mem_ctx. nullptr: out of memory.
[[nodiscard]] struct ntpipe_end* make_pipe(TALLOC_CTX* mem_ctx, const std::shared_ptr<session::Gate>& gate,
                                           std::unique_ptr<session::PipeEnd> pipe);

/// What the functions that create and open have in common; `name` and `name_it` say what.
[[nodiscard]] tevent_req* send_create(TALLOC_CTX* mem_ctx, tevent_context* ev,
                                      const std::shared_ptr<session::Gate>& gate,
                                      const std::function<Result<name::Name>()>& name,
                                      const ntpipe_create_params* params,
                                      std::optional<space::GatewayHandle> gateway = std::nullopt,
                                      std::optional<space::QuestionId> question = std::nullopt);
[[nodiscard]] tevent_req* send_open(TALLOC_CTX* mem_ctx, tevent_context* ev, const std::shared_ptr<session::Gate>& gate,
                                    const std::function<Status(session::OpenRequest&)>& name_it,
                                    const ntpipe_open_params* params);

/// FSCTL_PIPE_WAIT with its structure.
[[nodiscard]] tevent_req* send_wait_buffer(TALLOC_CTX* mem_ctx, tevent_context* ev,
                                           const std::shared_ptr<session::Gate>& gate, glue::ByteSpan input,
                                           const ntpipe_identity* identity);

/// To C, on mem_ctx, in one piece. nullptr: out of memory.
[[nodiscard]] ntpipe_identity* make_identity(TALLOC_CTX* mem_ctx, const security::Identity& identity);

/// From C. nullptr in: nullptr out.
[[nodiscard]] Result<std::shared_ptr<const security::Identity>> identity_from(const ntpipe_identity* identity);

} // namespace ntpipe::api

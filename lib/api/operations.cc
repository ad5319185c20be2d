// SPDX-License-Identifier: LGPL-2.1-or-later
// operations.cc: the C API: listening, data, control codes.
#include "api/objects_internal.hpp"

using namespace ntpipe;
using namespace ntpipe::api;

namespace {

/// An operation on an end. Keeps the gate, so that the end's completions have somewhere to go.
struct OperationState : RequestState<end::Operation> {
    using RequestState::RequestState;
    struct ntpipe_end* pipe = nullptr;
};

tevent_req* make_operation(TALLOC_CTX* mem_ctx, struct ntpipe_end* pipe, OperationState*& state)
{
    tevent_req* req = make_request(mem_ctx, state);
    if (req == nullptr) {
        return nullptr;
    }
    state->pipe = pipe;
    tevent_req_set_cancel_fn(req, [](tevent_req* cancelled) {
        auto* operation = state_of<OperationState>(cancelled);
        return operation->pending() && (operation->cancel(), true);
    });
    tevent_req_set_cleanup_fn(req, [](tevent_req* over, enum tevent_req_state) {
        state_of<OperationState>(over)->abandon(); // it may have timed out
    });
    return req;
}

template <typename Start>
tevent_req* start_operation(TALLOC_CTX* mem_ctx, tevent_context* ev, struct ntpipe_end* pipe, Start&& start)
{
    OperationState* state = nullptr;
    tevent_req* req = make_operation(mem_ctx, pipe, state);
    return req == nullptr ? nullptr : launch(req, *state, ev, pipe->gate, [&] { return start(pipe->end(), *state); });
}

/// What came of an operation that is over at once.
struct Outcome {
    ntpipe_status* status;
    size_t* information; ///< may be nullptr

    void set(Status result, size_t size) const
    {
        *status = raw(result);
        if (information != nullptr) {
            *information = is_error(result) ? 0 : size;
        }
    }
};

// Making a request and freeing it takes longer than many an operation. So the one that was not needed is kept.
template <typename Start>
tevent_req* begin_operation(TALLOC_CTX* mem_ctx, tevent_context* ev, struct ntpipe_end* pipe, Outcome result,
                            Start&& start)
{
    OperationState* state = nullptr;
    tevent_req* req = std::exchange(pipe->spare, nullptr);
    if (req != nullptr) {
        state = state_of<OperationState>(req);
    } else if (req = make_operation(pipe, pipe, state); req == nullptr) {
        result.set(Status::no_memory, 0);
        return nullptr;
    }
    if (!launch_at_once(*state, ev, pipe->gate, [&] { return start(pipe->end(), *state); })) {
        result.set(Status::pending, 0);
        return talloc_steal(mem_ctx, req);
    }
    result.set(std::exchange(state->outcome, Status::pending), state->information());
    pipe->spare = req;
    return nullptr;
}

ntpipe_status receive(tevent_req* req, size_t* information)
{
    const Status status = outcome_of<OperationState>(req);
    if (information != nullptr) {
        *information = is_error(status) ? 0 : state_of<OperationState>(req)->information();
    }
    tevent_req_received(req);
    return raw(status);
}

/// Calls a program back when it should try again.
class ReadyCallback final : public end::Readiness {
public:
    ReadyCallback(struct ntpipe_end* pipe, ntpipe_ready_fn call, void* data) : pipe_(pipe), call_(call), data_(data) {}
    void completed() override
    {
        const std::uint32_t what = std::exchange(ready, 0);
        std::uint32_t told = (what & channel::want::data) != 0 ? NTPIPE_READY_READ : 0U;
        told |= (what & channel::want::room) != 0 ? NTPIPE_READY_WRITE : 0U;
        call_(pipe_, told, data_); // may destroy this
    }

private:
    struct ntpipe_end* pipe_;
    ntpipe_ready_fn call_;
    void* data_;
};

std::span<std::byte> out_span(void* buffer, size_t length)
{
    return {static_cast<std::byte*>(buffer), length};
}

glue::ByteSpan in_span(const void* buffer, size_t length)
{
    return {static_cast<const std::byte*>(buffer), length};
}

} // namespace

extern "C" {

tevent_req* ntpipe_listen_send(TALLOC_CTX* mem_ctx, tevent_context* ev, struct ntpipe_end* pipe)
{
    return start_operation(mem_ctx, ev, pipe,
                           [](end::End& end, end::Operation& operation) { return end.listen(operation); });
}

ntpipe_status ntpipe_listen_recv(tevent_req* req)
{
    return receive(req, nullptr);
}

ntpipe_status ntpipe_listen(struct ntpipe_end* pipe)
{
    return block(
        *pipe->gate, [&](tevent_context* ev) { return ntpipe_listen_send(nullptr, ev, pipe); }, ntpipe_listen_recv);
}

ntpipe_status ntpipe_disconnect(struct ntpipe_end* pipe)
{
    return guarded([&] { return pipe->end().disconnect(); });
}

void ntpipe_close(struct ntpipe_end* pipe)
{
    (void)guarded([&] {
        pipe->pipe->close();
        return Status::success;
    });
}

tevent_req* ntpipe_read_send(TALLOC_CTX* mem_ctx, tevent_context* ev, struct ntpipe_end* pipe, void* buffer,
                             size_t length)
{
    return start_operation(mem_ctx, ev, pipe, [&](end::End& end, end::Operation& operation) {
        return end.read(operation, out_span(buffer, length));
    });
}

tevent_req* ntpipe_read_begin(TALLOC_CTX* mem_ctx, tevent_context* ev, struct ntpipe_end* pipe, void* buffer,
                              size_t length, ntpipe_status* status, size_t* nread)
{
    return begin_operation(mem_ctx, ev, pipe, {status, nread}, [&](end::End& end, end::Operation& operation) {
        return end.read(operation, out_span(buffer, length));
    });
}

ntpipe_status ntpipe_read_recv(tevent_req* req, size_t* nread)
{
    return receive(req, nread);
}

ntpipe_status ntpipe_read(struct ntpipe_end* pipe, void* buffer, size_t length, size_t* nread)
{
    return block(
        *pipe->gate, [&](tevent_context* ev) { return ntpipe_read_send(nullptr, ev, pipe, buffer, length); },
        [&](tevent_req* req) { return ntpipe_read_recv(req, nread); });
}

tevent_req* ntpipe_write_send(TALLOC_CTX* mem_ctx, tevent_context* ev, struct ntpipe_end* pipe, const void* buffer,
                              size_t length)
{
    return start_operation(mem_ctx, ev, pipe, [&](end::End& end, end::Operation& operation) {
        return end.write(operation, in_span(buffer, length));
    });
}

tevent_req* ntpipe_write_begin(TALLOC_CTX* mem_ctx, tevent_context* ev, struct ntpipe_end* pipe, const void* buffer,
                               size_t length, ntpipe_status* status, size_t* nwritten)
{
    return begin_operation(mem_ctx, ev, pipe, {status, nwritten}, [&](end::End& end, end::Operation& operation) {
        return end.write(operation, in_span(buffer, length));
    });
}

ntpipe_status ntpipe_write_recv(tevent_req* req, size_t* nwritten)
{
    return receive(req, nwritten);
}

ntpipe_status ntpipe_write(struct ntpipe_end* pipe, const void* buffer, size_t length, size_t* nwritten)
{
    return block(
        *pipe->gate, [&](tevent_context* ev) { return ntpipe_write_send(nullptr, ev, pipe, buffer, length); },
        [&](tevent_req* req) { return ntpipe_write_recv(req, nwritten); });
}

tevent_req* ntpipe_transceive_send(TALLOC_CTX* mem_ctx, tevent_context* ev, struct ntpipe_end* pipe,
                                   const void* request, size_t request_length, void* reply, size_t reply_length)
{
    return start_operation(mem_ctx, ev, pipe, [&](end::End& end, end::Operation& operation) {
        return end.transceive(operation, in_span(request, request_length), out_span(reply, reply_length));
    });
}

tevent_req* ntpipe_transceive_begin(TALLOC_CTX* mem_ctx, tevent_context* ev, struct ntpipe_end* pipe,
                                    const void* request, size_t request_length, void* reply, size_t reply_length,
                                    ntpipe_status* status, size_t* nread)
{
    return begin_operation(mem_ctx, ev, pipe, {status, nread}, [&](end::End& end, end::Operation& operation) {
        return end.transceive(operation, in_span(request, request_length), out_span(reply, reply_length));
    });
}

ntpipe_status ntpipe_transceive_recv(tevent_req* req, size_t* nread)
{
    return receive(req, nread);
}

ntpipe_status ntpipe_transceive(struct ntpipe_end* pipe, const void* request, size_t request_length, void* reply,
                                size_t reply_length, size_t* nread)
{
    return block(
        *pipe->gate,
        [&](tevent_context* ev) {
            return ntpipe_transceive_send(nullptr, ev, pipe, request, request_length, reply, reply_length);
        },
        [&](tevent_req* req) { return ntpipe_transceive_recv(req, nread); });
}

ntpipe_status ntpipe_try_read(struct ntpipe_end* pipe, void* buffer, size_t length, size_t* nread)
{
    return guarded([&] { return pipe->end().try_read(out_span(buffer, length), *nread); });
}

ntpipe_status ntpipe_try_write(struct ntpipe_end* pipe, const void* buffer, size_t length, size_t* nwritten)
{
    return guarded([&] { return pipe->end().try_write(in_span(buffer, length), *nwritten); });
}

ntpipe_status ntpipe_set_ready(struct ntpipe_end* pipe, ntpipe_ready_fn ready, void* private_data)
{
    return guarded([&] {
        if (const Status status = pipe->end().check_handle(); status != Status::success) {
            return status;
        }
        std::unique_ptr<end::Readiness> readiness;
        if (ready != nullptr) {
            readiness = std::make_unique<ReadyCallback>(pipe, ready, private_data);
        }
        pipe->end().set_readiness(readiness.get());
        pipe->readiness = std::move(readiness);
        return Status::success;
    });
}

tevent_req* ntpipe_flush_send(TALLOC_CTX* mem_ctx, tevent_context* ev, struct ntpipe_end* pipe)
{
    return start_operation(mem_ctx, ev, pipe,
                           [](end::End& end, end::Operation& operation) { return end.flush(operation); });
}

ntpipe_status ntpipe_flush_recv(tevent_req* req)
{
    return receive(req, nullptr);
}

ntpipe_status ntpipe_flush(struct ntpipe_end* pipe)
{
    return block(
        *pipe->gate, [&](tevent_context* ev) { return ntpipe_flush_send(nullptr, ev, pipe); }, ntpipe_flush_recv);
}

ntpipe_status ntpipe_peek(struct ntpipe_end* pipe, void* buffer, size_t length, ntpipe_peek_info* info)
{
    return guarded([&] {
        end::PeekInformation seen;
        const Status status = pipe->end().peek(out_span(buffer, length), seen);
        *info = {seen.named_pipe_state, seen.read_data_available, seen.number_of_messages, seen.message_length,
                 seen.copied};
        return status;
    });
}

tevent_req* ntpipe_look_send(TALLOC_CTX* mem_ctx, tevent_context* ev, struct ntpipe_end* pipe, void* buffer,
                             size_t length)
{
    return start_operation(mem_ctx, ev, pipe, [&](end::End& end, end::Operation& operation) {
        return end.look(operation, out_span(buffer, length));
    });
}

ntpipe_status ntpipe_look_recv(tevent_req* req, ntpipe_look_info* info)
{
    const auto* state = state_of<OperationState>(req);
    *info = {0, state->rest(), state->continued(), state->revoked(), state->revoked_at(), state->withdrawn()};
    return receive(req, &info->length);
}

ntpipe_status ntpipe_look(struct ntpipe_end* pipe, void* buffer, size_t length, ntpipe_look_info* info)
{
    return block(
        *pipe->gate, [&](tevent_context* ev) { return ntpipe_look_send(nullptr, ev, pipe, buffer, length); },
        [&](tevent_req* req) { return ntpipe_look_recv(req, info); });
}

ntpipe_status ntpipe_take(struct ntpipe_end* pipe, size_t length)
{
    return guarded([&] { return pipe->end().take(length); });
}

ntpipe_status ntpipe_settle_revoked(struct ntpipe_end* pipe, size_t at, size_t length, bool given_back)
{
    return guarded([&] { return pipe->end().settle_revoked(at, length, given_back); });
}

ntpipe_status ntpipe_posted_read(struct ntpipe_end* pipe, size_t* length)
{
    return guarded([&] {
        std::uint32_t posted = 0;
        const Status status = pipe->end().posted_read(posted);
        *length = posted;
        return status;
    });
}

ntpipe_status ntpipe_release_posted_read(struct ntpipe_end* pipe)
{
    return guarded([&] { return pipe->end().release_posted_read(); });
}

tevent_req* ntpipe_control_send(TALLOC_CTX* mem_ctx, tevent_context* ev, struct ntpipe_end* pipe, uint32_t code,
                                const void* input, size_t input_length, void* output, size_t output_length)
{
    return start_operation(mem_ctx, ev, pipe, [&](end::End& end, end::Operation& operation) {
        return end.control(operation, code, in_span(input, input_length), out_span(output, output_length));
    });
}

tevent_req* ntpipe_control_begin(TALLOC_CTX* mem_ctx, tevent_context* ev, struct ntpipe_end* pipe, uint32_t code,
                                 const void* input, size_t input_length, void* output, size_t output_length,
                                 ntpipe_status* status, size_t* information)
{
    return begin_operation(mem_ctx, ev, pipe, {status, information}, [&](end::End& end, end::Operation& operation) {
        return end.control(operation, code, in_span(input, input_length), out_span(output, output_length));
    });
}

ntpipe_status ntpipe_control_recv(tevent_req* req, size_t* information)
{
    return receive(req, information);
}
}

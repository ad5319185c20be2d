// SPDX-License-Identifier: GPL-3.0-or-later
// pipe_stream.cc: the operations of a tstream_context.
#include "pipe_stream.hpp"

#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <span>

namespace ntpipe::rpc {
namespace {

/// More than a fragment of Samba's is long. A longer message is taken in by parts.
constexpr std::size_t buffer_size = 8192;

struct Stream {
    ntpipe_end* end; ///< nullptr: disconnected
    std::uint8_t* buffer;
    std::size_t begin; ///< of what was taken in and is not read yet
    std::size_t size;  ///< of that
};

Stream& stream_of(tstream_context* context)
{
    return *static_cast<Stream*>(_tstream_context_data(context));
}

template <typename State>
State& state_of(tevent_req* request)
{
    return *static_cast<State*>(_tevent_req_data(request));
}

tevent_req* request_of(tevent_req* inner)
{
    return static_cast<tevent_req*>(tevent_req_callback_data_void(inner));
}

ssize_t pending_bytes(tstream_context* context)
{
    const Stream& stream = stream_of(context);
    if (stream.end == nullptr) {
        errno = ENOTCONN;
        return -1;
    }
    return static_cast<ssize_t>(stream.size);
}

// What tstream's users are told: that the other side has gone, or that something is wrong with the connection.
int errno_of(ntpipe_status status)
{
    switch (status) {
    case NTPIPE_STATUS_PIPE_BROKEN:
    case NTPIPE_STATUS_PIPE_CLOSING:
    case NTPIPE_STATUS_PIPE_DISCONNECTED:
        return EPIPE;
    case NTPIPE_STATUS_NO_MEMORY:
        return ENOMEM;
    default:
        return EIO;
    }
}

int result_of(tevent_req* request, int* error, int result)
{
    const int failed = tsocket_simple_int_recv(request, error);
    return failed != 0 ? failed : result;
}

// ---- reading ----

struct Reading {
    tstream_context* context;
    tevent_context* events;
    iovec* vector;
    std::size_t count;
    int total;
};

/// Moves what is there into the vector. True if that is full.
bool take(Reading& reading)
{
    Stream& stream = stream_of(reading.context);
    while (reading.count > 0) {
        iovec& part = *reading.vector;
        const std::size_t size = std::min(part.iov_len, stream.size);
        std::memcpy(part.iov_base, stream.buffer + stream.begin, size);
        stream.begin += size;
        stream.size -= size;
        reading.total += static_cast<int>(size);
        part.iov_base = static_cast<std::uint8_t*>(part.iov_base) + size;
        part.iov_len -= size;
        if (part.iov_len > 0) {
            return false;
        }
        ++reading.vector;
        --reading.count;
    }
    return true;
}

/// The result of a read. False: the request has failed.
bool took_in(tevent_req* request, Stream& stream, tevent_req* inner)
{
    std::size_t size = 0;
    const ntpipe_status status = ntpipe_read_recv(inner, &size);
    talloc_free(inner);
    if (status != NTPIPE_STATUS_SUCCESS && status != NTPIPE_STATUS_BUFFER_OVERFLOW) {
        tevent_req_error(request, static_cast<std::uint64_t>(errno_of(status)));
        return false;
    }
    stream.begin = 0;
    stream.size = size;
    return true;
}

void read_done(tevent_req* inner);

// Until the vector is full or a read has to wait. Empty messages add nothing.
void go_on_reading(tevent_req* request)
{
    auto& reading = state_of<Reading>(request);
    Stream& stream = stream_of(reading.context);
    while (!take(reading)) {
        tevent_req* inner = ntpipe_read_send(&reading, reading.events, stream.end, stream.buffer, buffer_size);
        if (tevent_req_nomem(inner, request)) {
            return;
        }
        if (tevent_req_is_in_progress(inner)) {
            tevent_req_set_callback(inner, read_done, request);
            return;
        }
        if (!took_in(request, stream, inner)) {
            return;
        }
    }
    tevent_req_done(request);
}

void read_done(tevent_req* inner)
{
    tevent_req* request = request_of(inner);
    if (took_in(request, stream_of(state_of<Reading>(request).context), inner)) {
        go_on_reading(request);
    }
}

tevent_req* readv_send(TALLOC_CTX* memory, tevent_context* events, tstream_context* context, iovec* vector,
                       std::size_t count)
{
    Reading* state = nullptr;
    tevent_req* request = tevent_req_create(memory, &state, Reading);
    if (request == nullptr) {
        return nullptr;
    }
    auto* copy = static_cast<iovec*>(talloc_memdup(state, vector, sizeof(*vector) * count));
    if (tevent_req_nomem(copy, request)) {
        return tevent_req_post(request, events);
    }
    *state = {context, events, copy, count, 0};
    if (stream_of(context).end == nullptr) {
        tevent_req_error(request, ENOTCONN);
    } else {
        go_on_reading(request);
    }
    return tevent_req_is_in_progress(request) ? request : tevent_req_post(request, events);
}

int readv_recv(tevent_req* request, int* error)
{
    const int total = state_of<Reading>(request).total;
    return result_of(request, error, total);
}

// ---- writing ----

struct Writing {
    unsigned total;
};

void write_done(tevent_req* inner)
{
    tevent_req* request = request_of(inner);
    const ntpipe_status status = ntpipe_write_recv(inner, nullptr);
    talloc_free(inner);
    if (status == NTPIPE_STATUS_SUCCESS) {
        tevent_req_done(request);
    } else {
        tevent_req_error(request, static_cast<std::uint64_t>(errno_of(status)));
    }
}

/// More than INT_MAX: too much.
unsigned size_of(std::span<const iovec> parts)
{
    std::size_t size = 0;
    for (const iovec& part : parts) {
        size = std::min<std::size_t>(size + std::min<std::size_t>(part.iov_len, UINT_MAX), UINT_MAX);
    }
    return static_cast<unsigned>(size);
}

/// The parts one behind the other.
std::uint8_t* joined(TALLOC_CTX* memory, std::span<const iovec> parts)
{
    auto* message = talloc_array(memory, std::uint8_t, std::max(size_of(parts), 1u));
    if (message == nullptr) {
        return nullptr;
    }
    std::uint8_t* at = message;
    for (const iovec& part : parts) {
        at = std::copy_n(static_cast<const std::uint8_t*>(part.iov_base), part.iov_len, at);
    }
    return message;
}

tevent_req* writev_send(TALLOC_CTX* memory, tevent_context* events, tstream_context* context, const iovec* vector,
                        std::size_t count)
{
    Writing* state = nullptr;
    tevent_req* request = tevent_req_create(memory, &state, Writing);
    if (request == nullptr) {
        return nullptr;
    }
    const Stream& stream = stream_of(context);
    const std::span parts(vector, count);
    state->total = size_of(parts);
    if (stream.end == nullptr || state->total > INT_MAX) {
        tevent_req_error(request, stream.end == nullptr ? ENOTCONN : EMSGSIZE);
        return tevent_req_post(request, events);
    }
    std::uint8_t* message = joined(state, parts);
    if (tevent_req_nomem(message, request)) {
        return tevent_req_post(request, events);
    }
    tevent_req* inner = ntpipe_write_send(state, events, stream.end, message, state->total);
    talloc_free(message);
    if (tevent_req_nomem(inner, request)) {
        return tevent_req_post(request, events);
    }
    tevent_req_set_callback(inner, write_done, request);
    return request;
}

int writev_recv(tevent_req* request, int* error)
{
    const auto total = static_cast<int>(state_of<Writing>(request).total);
    return result_of(request, error, total);
}

// ---- the end ----

struct Disconnecting {
    std::uint8_t nothing;
};

// What was written can still be read by the other end.
tevent_req* disconnect_send(TALLOC_CTX* memory, tevent_context* events, tstream_context* context)
{
    Disconnecting* state = nullptr;
    tevent_req* request = tevent_req_create(memory, &state, Disconnecting);
    if (request == nullptr) {
        return nullptr;
    }
    Stream& stream = stream_of(context);
    if (stream.end != nullptr) {
        ntpipe_close(stream.end);
        stream.end = nullptr;
    }
    tevent_req_done(request);
    return tevent_req_post(request, events);
}

int disconnect_recv(tevent_req* request, int* error)
{
    return result_of(request, error, 0);
}

const tstream_context_ops operations = {
    .name = "ntpipe",
    .pending_bytes = pending_bytes,
    .readv_send = readv_send,
    .readv_recv = readv_recv,
    .writev_send = writev_send,
    .writev_recv = writev_recv,
    .disconnect_send = disconnect_send,
    .disconnect_recv = disconnect_recv,
};

} // namespace

tstream_context* make_pipe_stream(TALLOC_CTX* memory, ntpipe_end* end)
{
    Stream* stream = nullptr;
    tstream_context* context =
        tstream_context_create(memory, &operations, static_cast<void*>(&stream), Stream, __location__);
    if (context == nullptr) {
        return nullptr;
    }
    *stream = {talloc_steal(stream, end), talloc_array(stream, std::uint8_t, buffer_size), 0, 0};
    if (stream->buffer == nullptr) {
        talloc_free(context);
        return nullptr;
    }
    return context;
}

} // namespace ntpipe::rpc

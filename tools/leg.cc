// SPDX-License-Identifier: LGPL-2.1-or-later
// leg.cc: the sides of a bridge, and the copying between them.
#include "leg.hpp"

#include "failure.hpp"

namespace ntpipe::tools {
namespace {

constexpr std::size_t buffer_size = 65536;
constexpr std::size_t drained_at_most = std::size_t{16} << 20;

bool means_over(Status status)
{
    return status == Status::pipe_broken || status == Status::pipe_closing || status == Status::pipe_disconnected;
}

/// One direction of a bridge.
struct Direction {
    bool source_over = false;
    std::uint64_t messages = 0;
};

Task<> copy(Leg& from, Leg& to, Direction& direction, Event& over)
{
    struct Tell {
        Event& over;
        ~Tell() { over.happen(); }
    } tell_at_the_end{over};
    Message message;
    for (;;) {
        if (!co_await from.receive(message)) {
            direction.source_over = true;
            co_return;
        }
        if (!co_await to.send(message)) {
            co_return;
        }
        ++direction.messages;
    }
}

Task<> drain_and_tell(StreamLeg& stream, Event& over, bool& endless)
{
    endless = !co_await stream.drain();
    over.happen();
}

/// What the pipe's client wrote before it went is still on its way. What comes for the client must be read meanwhile: who
/// cannot write may not read either.
Task<> finish_to_stream(const Task<>& to_stream, StreamLeg& stream, Event& over)
{
    bool endless = false;
    Task<> draining = drain_and_tell(stream, over, endless);
    draining.start();
    while (!to_stream.done() && !endless) {
        co_await over.next();
    }
    if (endless) {
        throw Failure(exit_failed, "the client has gone, but what comes for it does not end");
    }
}

/// The stream has ended, but answers to what it brought may still come.
Task<> await_answers(End& pipe, const Task<>& to_stream, const Direction& outward, Event& over,
                     std::optional<std::int64_t> linger)
{
    auto flushed = pipe.flush();
    if (linger) {
        flushed.set_end(std::chrono::milliseconds(*linger));
    }
    co_await std::move(flushed);
    bool going_on = true;
    while (going_on && !to_stream.done()) {
        const std::uint64_t seen = outward.messages;
        Waited end = over.next();
        if (linger) {
            end.set_end(std::chrono::milliseconds(*linger));
        }
        const bool came = co_await std::move(end);
        going_on = came || outward.messages != seen;
    }
}

} // namespace

void TransferOptions::declare_framing(Options& options)
{
    options.choice("framing", 'f', framing, framing_words(), "how messages of a message pipe stand in the stream");
    options.number("max-message", 0, max_message, "BYTES", "the longest message that is taken (default 16M)", 1);
}

void TransferOptions::declare_linger(Options& options)
{
    options.seconds("linger", 0, linger,
                    "when the stream has ended, wait for answers until none came for so long (default 1)");
}

// ---- the pipe ----

PipeLeg::PipeLeg(End& pipe, bool whole, std::size_t limit)
    : pipe_(pipe), whole_(whole), limit_(limit), buffer_(buffer_size)
{
}

Task<bool> PipeLeg::receive(Message& message)
{
    message.clear();
    for (;;) {
        const Transfer got = co_await pipe_.read(buffer_);
        if (!got) {
            if (means_over(got.status)) {
                co_return false;
            }
            throw failure_of(got.status, "cannot read from the pipe");
        }
        message.insert(message.end(), buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(got.size));
        if (!whole_ || !got.more()) {
            co_return true;
        }
        if (message.size() > limit_) {
            throw Failure(exit_failed,
                          "a message is longer than " + std::to_string(limit_) + " bytes; see --max-message");
        }
    }
}

Task<bool> PipeLeg::send(const Message& message)
{
    const Transfer put = co_await pipe_.write(message);
    if (!put && !means_over(put.status)) {
        throw failure_of(put.status, "cannot write to the pipe");
    }
    co_return static_cast<bool>(put);
}

// ---- the stream ----

StreamLeg::StreamLeg(Descriptor input, Descriptor output, const TransferOptions& options)
    : input_(std::move(input)),
      output_(std::move(output)),
      framing_(options.framing_or_none()),
      splitter_(options.framing_or_none(), options.max_message),
      buffer_(buffer_size)
{
}

Task<bool> StreamLeg::receive(Message& message)
{
    while (!splitter_.next(message)) {
        const std::size_t count = co_await input_.read(buffer_);
        if (count == 0) {
            co_return splitter_.rest(message);
        }
        splitter_.add(std::span(buffer_).first(count));
    }
    co_return true;
}

Task<bool> StreamLeg::send(const Message& message)
{
    if (framing_ == Framing::none) {
        co_return co_await output_.write(message);
    }
    const auto bytes = framed(framing_, message);
    co_return co_await output_.write(bytes);
}

Task<bool> StreamLeg::drain()
{
    std::size_t total = 0;
    std::size_t count = 0;
    do {
        count = co_await input_.read(buffer_);
        total += count;
    } while (count != 0 && total < drained_at_most);
    co_return count == 0;
}

// ---- the bridge ----

Task<> finish(tevent_context* events, StreamLeg& stream, std::optional<std::int64_t> limit)
{
    stream.end_sending();
    Event over(events);
    bool endless = false;
    Task<> draining = drain_and_tell(stream, over, endless);
    draining.start();
    Waited drained = over.next();
    if (limit) {
        drained.set_end(std::chrono::milliseconds(*limit));
    }
    co_await std::move(drained);
}

Task<> bridge(tevent_context* events, PipeLeg& pipe, StreamLeg& stream, const TransferOptions& options)
{
    Event over(events);
    Direction outward;
    Direction inward;
    Task<> to_stream = copy(pipe, stream, outward, over);
    Task<> to_pipe = copy(stream, pipe, inward, over);
    to_stream.start();
    to_pipe.start();
    while (!to_stream.done() && !to_pipe.done()) {
        co_await over.next();
    }
    if (to_pipe.done()) {
        to_pipe.result();
    }
    if (!to_stream.done() && inward.source_over) {
        co_await await_answers(pipe.pipe(), to_stream, outward, over, options.linger);
    } else if (!to_stream.done()) {
        co_await finish_to_stream(to_stream, stream, over);
    }
    if (to_stream.done()) {
        to_stream.result();
    }
}

} // namespace ntpipe::tools

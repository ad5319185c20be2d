// SPDX-License-Identifier: LGPL-2.1-or-later
// leg.hpp: the two sides that a bridge joins, a pipe and a stream, each as a source and sink of messages; and the bridge.
#pragma once

#include "descriptor.hpp"
#include "framing.hpp"

#include <ntpipe.hpp>

#include <memory>
#include <optional>
#include <vector>

namespace ntpipe::tools {

using Message = std::vector<std::byte>; ///< on a byte pipe: some bytes

struct TransferOptions {
    std::optional<Framing> framing; ///< nothing: not said
    std::uint32_t max_message = 16u << 20;
    std::optional<std::int64_t> linger = 1000; ///< milliseconds; nothing: for ever

    void declare_framing(Options& options);
    void declare_linger(Options& options);
    [[nodiscard]] Framing framing_or_none() const { return framing.value_or(Framing::none); }
};

/// Gives and takes messages. One receive and one send may be under way at a time.
class Leg {
public:
    virtual ~Leg() = default;
    /// False: there will be no more.
    [[nodiscard]] virtual Task<bool> receive(Message& message) = 0;
    /// False: nobody takes them any more.
    [[nodiscard]] virtual Task<bool> send(const Message& message) = 0;
};

class PipeLeg : public Leg {
public:
    /// `whole`: messages are gathered up to `limit` bytes, else long ones come in parts.
    PipeLeg(End& pipe, bool whole, std::size_t limit);
    Task<bool> receive(Message& message) override;
    Task<bool> send(const Message& message) override;
    [[nodiscard]] End& pipe() { return pipe_; }

private:
    End& pipe_;
    bool whole_;
    std::size_t limit_;
    std::vector<std::byte> buffer_;
};

class StreamLeg : public Leg {
public:
    StreamLeg(Descriptor input, Descriptor output, const TransferOptions& options);
    Task<bool> receive(Message& message) override;
    Task<bool> send(const Message& message) override;
    void end_sending() { output_.end_writing(); }
    /// Reads what still comes, and forgets it, to its end; false: it seems to have none. A sender that is cut off
    /// at once could lose what it has not read yet.
    [[nodiscard]] Task<bool> drain();

private:
    Descriptor input_;
    Descriptor output_;
    Framing framing_;
    Splitter splitter_;
    std::vector<std::byte> buffer_;
};

/// Copies both ways until either side is over, and what was under way has arrived. A pipe cannot be closed for one direction
/// only. So when the stream ends, the pipe is open until no answer has come for the time to linger.
[[nodiscard]] Task<> bridge(tevent_context* events, PipeLeg& pipe, StreamLeg& stream, const TransferOptions& options);

/// Ends the stream, and drains it for at most `limit`; nothing: however long it takes.
[[nodiscard]] Task<> finish(tevent_context* events, StreamLeg& stream, std::optional<std::int64_t> limit);

} // namespace ntpipe::tools

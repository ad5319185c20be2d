// SPDX-License-Identifier: LGPL-2.1-or-later
// framing.hpp: how messages stand in a stream of bytes.
#pragma once

#include "options.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace ntpipe::tools {

enum class Framing {
    none,   ///< not at all: what one read gives is one message, and messages run together
    length, ///< each behind its length: four bytes, the lowest first
    line,   ///< each is a line; the newline is not part of the message
};

[[nodiscard]] const std::vector<std::string>& framing_words();

/// Cuts a stream into messages. It holds one unfinished message and what one read gave, no more.
class Splitter {
public:
    /// A message beyond `limit` bytes is a Failure.
    Splitter(Framing framing, std::size_t limit) : framing_(framing), limit_(limit) {}

    void add(std::span<const std::byte> data);
    /// Takes the next whole message out; false: more bytes are needed.
    [[nodiscard]] bool next(std::vector<std::byte>& message);
    /// At the end of the stream: what is left, if that is a message. Failure: it ends within one.
    [[nodiscard]] bool rest(std::vector<std::byte>& message);

private:
    void take(std::vector<std::byte>& message, std::size_t skip_before, std::size_t body, std::size_t skip_after);

    Framing framing_;
    std::size_t limit_;
    std::vector<std::byte> buffer_;
    std::size_t begin_ = 0;    ///< what is before it was taken
    std::size_t searched_ = 0; ///< no newline from begin_ up to here
};

/// The message as it stands in the stream.
[[nodiscard]] std::vector<std::byte> framed(Framing framing, std::span<const std::byte> message);

} // namespace ntpipe::tools

// SPDX-License-Identifier: LGPL-2.1-or-later
// framing.cc: messages to bytes and back.
#include "framing.hpp"

#include "failure.hpp"

#include <algorithm>

namespace ntpipe::tools {
namespace {

constexpr std::size_t header = 4;
constexpr unsigned bits_per_byte = 8;
constexpr std::byte newline{'\n'};

} // namespace

const std::vector<std::string>& framing_words()
{
    static const std::vector<std::string> words{"none", "length", "line"};
    return words;
}

void Splitter::add(std::span<const std::byte> data)
{
    buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(begin_));
    searched_ -= begin_;
    begin_ = 0;
    buffer_.insert(buffer_.end(), data.begin(), data.end());
}

void Splitter::take(std::vector<std::byte>& message, std::size_t skip_before, std::size_t body, std::size_t skip_after)
{
    const auto start = buffer_.begin() + static_cast<std::ptrdiff_t>(begin_ + skip_before);
    message.assign(start, start + static_cast<std::ptrdiff_t>(body));
    begin_ += skip_before + body + skip_after;
    searched_ = begin_;
}

bool Splitter::next(std::vector<std::byte>& message)
{
    const std::size_t available = buffer_.size() - begin_;
    std::size_t length = available;
    if (framing_ == Framing::none && available > 0) {
        take(message, 0, available, 0);
        return true;
    }
    if (framing_ == Framing::length && available >= header) {
        length = 0;
        for (std::size_t i = 0; i < header; ++i) {
            length |= std::to_integer<std::size_t>(buffer_[begin_ + i]) << (i * bits_per_byte);
        }
        if (length <= limit_ && available - header >= length) {
            take(message, header, length, 0);
            return true;
        }
    }
    if (framing_ == Framing::line) {
        const auto found = std::find(buffer_.begin() + static_cast<std::ptrdiff_t>(searched_), buffer_.end(), newline);
        length = static_cast<std::size_t>(found - buffer_.begin()) - begin_;
        if (found != buffer_.end() && length <= limit_) {
            take(message, 0, length, 1);
            return true;
        }
        searched_ = static_cast<std::size_t>(found - buffer_.begin());
    }
    if (length > limit_) {
        throw Failure(exit_failed,
                      "a message of " + std::to_string(length) + " bytes or more is too long; see --max-message");
    }
    return false;
}

bool Splitter::rest(std::vector<std::byte>& message)
{
    const std::size_t available = buffer_.size() - begin_;
    if (available == 0) {
        return false;
    }
    if (framing_ == Framing::length) {
        throw Failure(exit_failed, "the stream ends in the middle of a message");
    }
    take(message, 0, available, 0);
    return true;
}

std::vector<std::byte> framed(Framing framing, std::span<const std::byte> message)
{
    std::vector<std::byte> out;
    out.reserve(message.size() + header);
    if (framing == Framing::length) {
        for (std::size_t i = 0; i < header; ++i) {
            out.push_back(static_cast<std::byte>(message.size() >> (i * bits_per_byte)));
        }
    }
    out.insert(out.end(), message.begin(), message.end());
    if (framing == Framing::line) {
        out.push_back(newline);
    }
    return out;
}

} // namespace ntpipe::tools

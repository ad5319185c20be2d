// SPDX-License-Identifier: LGPL-2.1-or-later
// descriptor.hpp: a file descriptor that coroutines read and write.
#pragma once

#include "async.hpp"

#include <cstddef>
#include <span>

namespace ntpipe::tools {

/// A descriptor. Closed with its owner, unless it was borrowed.
class Descriptor {
public:
    enum class Ownership { owned, borrowed };

    Descriptor() = default;
    Descriptor(tevent_context* events, int fd, Ownership ownership = Ownership::owned);
    Descriptor(Descriptor&& other) noexcept { swap(other); }
    Descriptor& operator=(Descriptor&& other) noexcept
    {
        swap(other);
        return *this;
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() { close(); }

    /// Bytes read; 0 at the end of the data, also when the other side has broken off.
    [[nodiscard]] Task<std::size_t> read(std::span<std::byte> buffer);
    /// Writes it all; false: nobody is there any more to read it.
    [[nodiscard]] Task<bool> write(std::span<const std::byte> data);
    /// Nothing more will be written: a socket stays readable, anything else is closed.
    void end_writing();
    void close();
    [[nodiscard]] int get() const { return fd_; }

private:
    void swap(Descriptor& other) noexcept;

    tevent_context* events_ = nullptr;
    int fd_ = -1;
    bool owned_ = false;
    bool waits_ = false;
};

} // namespace ntpipe::tools

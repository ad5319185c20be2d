// SPDX-License-Identifier: LGPL-2.1-or-later
// memory.hpp: shared memory as the channel sees it: bytes that somebody else mapped.
#pragma once

#include <cstddef>
#include <span>

namespace ntpipe::channel {

class Memory {
public:
    Memory() = default;
    Memory(const Memory&) = delete;
    Memory& operator=(const Memory&) = delete;
    virtual ~Memory() = default;

    [[nodiscard]] virtual std::span<std::byte> bytes() const = 0;
    /// Makes sure that the first `size` bytes have pages behind them, so that touching them cannot kill the process when the
    /// system has none left. False: they have not.
    [[nodiscard]] virtual bool commit(std::size_t size) = 0;
};

} // namespace ntpipe::channel

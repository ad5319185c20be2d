// SPDX-License-Identifier: LGPL-2.1-or-later
// memory_reserve.hpp: what the broker finishes its work with when the system has no more memory.
//
// A change of the namespace must not stop half-way. So when an allocation fails a reserve is given up, the change goes on with that, and
// afterwards the session for which it was made is closed. Nothing is begun before there is a reserve again. No session loses anything
// by that: its process comes back later, and connections live without the broker.
#pragma once

#include <cstddef>
#include <memory>

namespace ntpipe::broker {

/// There is one in a process, since there is one operator new.
class MemoryReserve {
public:
    MemoryReserve();
    MemoryReserve(const MemoryReserve&) = delete;
    MemoryReserve& operator=(const MemoryReserve&) = delete;
    ~MemoryReserve();

    /// It had to be given up since it was last there.
    [[nodiscard]] bool was_used() const { return memory_ == nullptr; }
    /// False: there is no memory for it yet.
    [[nodiscard]] bool refill();

private:
    static void give_up();

    /// Several of the largest message, in all the forms that it takes.
    static constexpr std::size_t size = std::size_t{1} << 20;
    std::unique_ptr<std::byte[]> memory_;
};

} // namespace ntpipe::broker

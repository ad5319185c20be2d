// SPDX-License-Identifier: LGPL-2.1-or-later
// memory_reserve.cc: what the broker finishes its work with when the system has no more memory.
#include "memory_reserve.hpp"

#include <new>

namespace ntpipe::broker {
namespace {

MemoryReserve* the_reserve = nullptr;

} // namespace

MemoryReserve::MemoryReserve()
{
    (void)refill();
    the_reserve = this;
    std::set_new_handler(give_up);
}

MemoryReserve::~MemoryReserve()
{
    std::set_new_handler(nullptr);
    the_reserve = nullptr;
}

bool MemoryReserve::refill()
{
    if (memory_ == nullptr) {
        memory_.reset(new (std::nothrow) std::byte[size]);
    }
    return memory_ != nullptr;
}

// operator new calls it when there is nothing, and then tries again.
void MemoryReserve::give_up()
{
    if (the_reserve->memory_ == nullptr) {
        throw std::bad_alloc();
    }
    the_reserve->memory_.reset();
}

} // namespace ntpipe::broker

// SPDX-License-Identifier: LGPL-2.1-or-later
// table.hpp: a hash table of addresses that is emptied in no time, for what is looked up at each step of each schedule.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace ntpipe::explore {

template <typename Value>
class Table {
public:
    Table() : places_(capacity) {}
    void clear() { ++generation_; }
    /// The value of `key`; a fresh one if there was none.
    Value& operator[](std::uintptr_t key)
    {
        for (std::size_t at = key * 0x9E3779B97F4A7C15ULL >> (64 - bits);; at = (at + 1) % capacity) {
            Place& place = places_[at];
            if (place.generation != generation_) {
                place = {key, generation_, Value{}};
            }
            if (place.key == key) {
                return place.value;
            }
        }
    }

private:
    struct Place {
        std::uintptr_t key = 0;
        std::uint64_t generation = 0;
        Value value{};
    };
    static constexpr unsigned bits = 14; // more than any schedule touches
    static constexpr std::size_t capacity = std::size_t{1} << bits;
    std::vector<Place> places_;
    std::uint64_t generation_ = 1;
};

} // namespace ntpipe::explore

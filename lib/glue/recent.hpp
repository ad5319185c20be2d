// SPDX-License-Identifier: LGPL-2.1-or-later
// recent.hpp: the objects that were used last, kept alive because they are likely to be used again soon.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>

namespace ntpipe::glue {

/// Allocates nothing.
template <typename T, std::size_t Most>
class Recent {
public:
    void use(const std::shared_ptr<T>& object)
    {
        auto place = std::find(objects_.begin(), objects_.end(), object);
        if (place == objects_.end()) {
            *--place = object;
        }
        std::rotate(objects_.begin(), place, place + 1);
    }
    void forget(const T* object)
    {
        const auto place = std::find_if(objects_.begin(), objects_.end(),
                                        [object](const std::shared_ptr<T>& kept) { return kept.get() == object; });
        if (place != objects_.end()) {
            place->reset();
        }
    }
    void clear() { objects_.fill(nullptr); }

private:
    std::array<std::shared_ptr<T>, Most> objects_;
};

} // namespace ntpipe::glue

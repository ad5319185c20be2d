// SPDX-License-Identifier: LGPL-2.1-or-later
// uninterrupted.hpp: system calls that go on when a signal comes between.
#pragma once

#include <cerrno>

namespace ntpipe::glue {

/// What `call` returns, which is repeated while it fails with EINTR.
template <typename Call>
auto uninterrupted(Call call)
{
    for (;;) {
        const auto result = call();
        if (result >= 0 || errno != EINTR) {
            return result;
        }
    }
}

} // namespace ntpipe::glue

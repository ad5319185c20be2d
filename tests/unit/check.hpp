// SPDX-License-Identifier: LGPL-2.1-or-later
// check.hpp: assertions that our unit tests share.
#pragma once

#include "main.hpp"

#include "status/status.hpp"

namespace ntpipe::unit {

/// Compares by name, so that a failure says which status came.
inline void check_status(Status actual, Status expected, const char* file, int line)
{
    _assert_string_equal(ntpipe_status_name(raw(actual)), ntpipe_status_name(raw(expected)), file, line);
}

} // namespace ntpipe::unit

#define assert_status(actual, expected) ntpipe::unit::check_status((actual), (expected), __FILE__, __LINE__)

// SPDX-License-Identifier: LGPL-2.1-or-later
// sandbox.hpp: what the broker gives up once it has started: another user's rights, and the system calls that it never makes.
#pragma once

#include <string>

namespace ntpipe::broker {

/// Becomes that Unix user for good, with the user's own group and no others. Throws std::system_error, or std::runtime_error if there is
/// no such user.
void become_user(const std::string& name);

/// From now on only the system calls that the broker makes are carried out; others fail with EPERM. False: this build cannot (a
/// sanitizer needs others). Throws std::system_error.
[[nodiscard]] bool restrict_system_calls();

} // namespace ntpipe::broker

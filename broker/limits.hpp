// SPDX-License-Identifier: LGPL-2.1-or-later
// limits.hpp: what users may have at most: the defaults, and the file that says otherwise (ntpiped.conf(5)).
#pragma once

#include "namespace/accounts.hpp"

#include <stdexcept>
#include <string>

namespace ntpipe::broker {

struct BadConfiguration : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// For a broker of one user, who can do no harm to anybody else: none.
[[nodiscard]] space::Limits no_limits();
/// For a broker of all users: what no honest program meets, as far as the memory of the machine and the descriptors that this process
/// may have allow it.
[[nodiscard]] space::Limits default_limits();
/// Changes `limits` as the file says. Throws BadConfiguration, with what is wrong and where.
void read_limits(const std::string& path, space::Limits& limits);

} // namespace ntpipe::broker

// SPDX-License-Identifier: LGPL-2.1-or-later
// process.cc: what the kernel says of a process.
#include "session/process.hpp"

#include <fstream>
#include <limits>
#include <string>

namespace ntpipe::session {

std::uint32_t login_session_of(std::uint32_t process)
{
    constexpr std::uint32_t unset = std::numeric_limits<std::uint32_t>::max();
    std::ifstream file("/proc/" + std::to_string(process) + "/sessionid");
    std::uint32_t session = unset;
    return file >> session && session != unset ? session : 0;
}

} // namespace ntpipe::session

// SPDX-License-Identifier: GPL-3.0-or-later
// services.hpp: which pipes Samba itself serves: those that the programs of its RPC services name when they are asked, as
// samba-dcerpcd asks them, and those that have a socket already.
#pragma once

#include "samba_side.hpp"

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace ntpipe::samba::npa {

/// The pipes of the interfaces that such a program has printed, as Samba spells sockets.
[[nodiscard]] std::set<std::string> pipes_in(std::string_view interfaces);

/// Where the programs of Samba's RPC services are. None is logged.
[[nodiscard]] std::vector<std::string> service_programs();

/// The pipes of one of them. Nothing: it does not answer in time, or cannot be run; `complaint` says why.
[[nodiscard]] Task<std::optional<std::set<std::string>>> pipes_of(tevent_context* events, std::string program,
                                                                  std::string& complaint);

} // namespace ntpipe::samba::npa

// SPDX-License-Identifier: GPL-3.0-or-later
// services.hpp: which pipes Samba itself serves: those that the programs of its RPC services name when they are asked, as
// samba-dcerpcd asks them, and those that have a socket already.
#pragma once

#include "listener.hpp"
#include "samba_side.hpp"

#include <set>
#include <string>
#include <string_view>

namespace ntpipe::samba::npa {

/// The pipes of the interfaces that such a program has printed, as Samba spells sockets.
[[nodiscard]] std::set<std::string> pipes_in(std::string_view interfaces);

/// Asks all of them at once. One that does not answer in time, or cannot be run, is logged and counts as one without pipes.
[[nodiscard]] Task<std::set<std::string>> find_services(tevent_context* events, const SocketDirectory& sockets);

} // namespace ntpipe::samba::npa

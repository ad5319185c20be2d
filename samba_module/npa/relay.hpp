// SPDX-License-Identifier: GPL-3.0-or-later
// relay.hpp: messages between an end of a pipe here and a connection with a pipe on Samba's side, until one of the two is over.
#pragma once

#include "samba_side.hpp"

namespace ntpipe::samba::npa {

/// Carries messages both ways, each whole. What Samba's side cannot carry, empty messages and those of more than 65535 bytes, ends
/// both, with a line in the log. The end is in message read mode.
[[nodiscard]] Task<> relay(End end, Stream stream, std::string name, tevent_context* events);

} // namespace ntpipe::samba::npa

// SPDX-License-Identifier: GPL-3.0-or-later
// smbd_redirections.hpp: the functions of smbd that the module takes the place of.
#pragma once

#include "redirect.hpp"

namespace ntpipe::samba::smbd {

/// All of them: module.cc has the list. It lives as long as the module.
[[nodiscard]] std::span<const Redirection> redirections();

} // namespace ntpipe::samba::smbd

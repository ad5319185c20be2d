// SPDX-License-Identifier: GPL-3.0-or-later
// guards.hpp: what must be true of the smbd that has loaded us before anything of it is touched.
#pragma once

#include "redirect.hpp"

#include <string>

namespace ntpipe::samba {

/// Empty: this is the very build of smbd that the module was compiled for. Else what is different.
[[nodiscard]] std::string compare_with_built_for(const LoadedLibrary& smbd_base, const char* version);

} // namespace ntpipe::samba

// SPDX-License-Identifier: LGPL-2.1-or-later
// samba_names.hpp: the names that Samba serves itself: what its RPC services listen on. Programs rely on these being Samba's.
#pragma once

#include <span>
#include <string_view>

namespace ntpipe::name {

/// In lower case.
[[nodiscard]] std::span<const std::string_view> samba_names();
[[nodiscard]] bool is_samba_name(std::u16string_view folded);

} // namespace ntpipe::name

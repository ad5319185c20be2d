// SPDX-License-Identifier: LGPL-2.1-or-later
// status.hpp: statuses as the layers use them.
#pragma once

#include "status/ntpipe_status.hpp"

namespace ntpipe {

/// The nearest status for an errno of a system call.
[[nodiscard]] Status status_from_errno(int error);

} // namespace ntpipe

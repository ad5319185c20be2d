// SPDX-License-Identifier: GPL-3.0-or-later
// session_info.hpp: the client of a pipe as Samba's services know their clients.
#pragma once

#include "rpc.h"

#include <ntpipe.h>

namespace ntpipe::rpc {

/// What smbd has authenticated, if the client came through it: with the session key if the broker trusts this process with that.
/// Else made of what the broker tells. On `memory`.
/// NT_STATUS_ACCESS_DENIED: somebody who comes over the network as LocalSystem, which nobody can be.
[[nodiscard]] NTSTATUS make_session_info(TALLOC_CTX* memory, const ntpipe_identity& client, auth_session_info*& info);

} // namespace ntpipe::rpc

// SPDX-License-Identifier: LGPL-2.1-or-later
// peer.hpp: who is at the other end of a session's socket, from the kernel.
#pragma once

#include "glue/unique_fd.hpp"
#include "security/identity.hpp"
#include "status/status.hpp"

namespace ntpipe::broker {

struct Peer {
    security::UnixCredentials credentials;
    std::uint32_t process_id = 0;
    std::uint32_t login_session = 0;
    glue::UniqueFd process; ///< pidfd
};

/// SO_PEERCRED, SO_PEERGROUPS and a pidfd of the process that connected. STATUS_CONNECTION_DISCONNECTED: it is gone already.
[[nodiscard]] Result<Peer> peer_of(int socket);

/// A pidfd of a process by its number; empty when there is none of that number.
[[nodiscard]] glue::UniqueFd open_process(std::uint32_t process);

[[nodiscard]] bool is_in_group(const security::UnixCredentials& credentials, std::uint32_t group);

} // namespace ntpipe::broker

// SPDX-License-Identifier: LGPL-2.1-or-later
// identity.hpp: who somebody is: a token for access checks, and what a server may be told about its client.
#pragma once

#include "security/privileges.hpp"
#include "security/sid.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace ntpipe::security {

/// For access checks. sids[0] is the user, the rest are groups.
struct Token {
    std::vector<Sid> sids;
    std::uint64_t privileges = 0; ///< held, enabled or not
    std::uint64_t disabled = 0;   ///< of these, those that are not enabled

    [[nodiscard]] bool has(const Sid& sid) const;
    /// Holds the privilege, enabled.
    [[nodiscard]] bool may(std::uint64_t privilege) const { return (privileges & ~disabled & privilege) != 0; }
    /// Whom new objects belong to: the user.
    [[nodiscard]] const Sid& owner() const { return sids.front(); }
};

/// From the kernel, never from the peer's own words.
struct UnixCredentials {
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::vector<std::uint32_t> groups;
};

namespace identity_flag {
inline constexpr std::uint32_t remote = 1U << 0;    ///< came over the network
inline constexpr std::uint32_t anonymous = 1U << 1; ///< nobody proved anything
inline constexpr std::uint32_t guest = 1U << 2;     ///< Samba mapped it to the guest account
inline constexpr std::uint32_t is_signed = 1U << 3; ///< the transport signs
inline constexpr std::uint32_t encrypted = 1U << 4; ///< the transport encrypts
inline constexpr std::uint32_t known = remote | anonymous | guest | is_signed | encrypted;
} // namespace identity_flag

/// What is known of a client. The Unix part is what the kernel says of the process that opened the pipe, unless a trusted
/// front spoke for somebody else; then it is the Unix user that the front mapped the client to.
struct Identity {
    Token token;
    UnixCredentials credentials;
    std::uint32_t flags = 0;
    std::uint32_t process_id = 0;
    std::uint32_t session_id = 0;
    std::string account;  ///< UTF-8; empty: unknown
    std::string domain;   ///< UTF-8
    std::string computer; ///< UTF-8; empty for a local client
    std::string address;  ///< of the remote client, as text; empty for a local client
    std::vector<std::byte>
        authorization; ///< opaque, as a trusted front gave it (Samba: NDR auth_session_info_transport)
    std::vector<std::byte>
        secret_authorization; ///< the same with what allows acting as the client elsewhere: keys, credentials
};

/// The token of a Unix user as Samba writes it: S-1-22-1-uid, S-1-22-2-gid..., the well-known groups; root is LocalSystem
/// and one of the Administrators, with all privileges. Others have none.
[[nodiscard]] Token unix_token(const UnixCredentials& credentials);

/// Nobody: what a server sees of a client that gives it no more than the level Anonymous.
[[nodiscard]] Identity anonymous_identity();

/// The identity of a local process.
[[nodiscard]] Identity unix_identity(const UnixCredentials& credentials, std::uint32_t process_id);

} // namespace ntpipe::security

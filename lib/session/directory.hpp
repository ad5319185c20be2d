// SPDX-License-Identifier: LGPL-2.1-or-later
// directory.hpp: where the broker is, and whether that place can be trusted.
#pragma once

#include "glue/unique_fd.hpp"
#include "status/status.hpp"

#include <sys/un.h>

#include <string>

namespace ntpipe::session {

inline constexpr const char* system_directory = "/run/ntpipe";
inline constexpr const char* broker_socket_name = "broker.sock";

/// $NTPIPE_DIR (not for set-user-id programs); else /run/ntpipe if a system broker's socket is there or the caller is root;
/// else $XDG_RUNTIME_DIR/ntpipe; else /run/user/UID/ntpipe. Empty when there is no such place.
[[nodiscard]] std::string default_directory();

/// Whether a process may start a broker there on demand: anywhere but in the system's directory.
[[nodiscard]] bool may_start_broker_in(const std::string& directory);

/// Connects to the broker in `directory`; never blocks. STATUS_ACCESS_DENIED: the directory or the listening process belongs
/// to somebody whom this process must not trust (root and the own user are trusted, and for the socket the directory's owner;
/// `root_only`: root alone). STATUS_CONNECTION_REFUSED: nobody listens. STATUS_PENDING: its queue is full, try again.
[[nodiscard]] Result<glue::UniqueFd> connect_to_broker(const std::string& directory, bool root_only);

/// Starts a broker for `directory` in the background; it ends at once when one is running there.
/// STATUS_CONNECTION_REFUSED: the program is not there.
[[nodiscard]] Status start_broker(const std::string& directory);

/// Fills a Unix socket address for `name` in `directory`, also when the path is too long for one: then by way of `anchor`,
/// a descriptor of the directory, which must stay open for the call. False: errno says why.
[[nodiscard]] bool socket_address(const std::string& directory, const char* name, sockaddr_un& address,
                                  glue::UniqueFd& anchor);

} // namespace ntpipe::session

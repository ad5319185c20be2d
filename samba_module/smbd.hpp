// SPDX-License-Identifier: GPL-3.0-or-later
// smbd.hpp: what the rest of the module needs of smbd, without smbd's headers. The smbd_*.cc files have it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace ntpipe::samba::smbd {

/// The module's options in [global] of smb.conf.
///
///   ntpipe:directory     the broker's directory [/run/ntpipe]
///   ntpipe:export        the pipes that SMB clients may open (Exports) [none]
///   ntpipe:override      names of Samba's own pipes that may be served from here nevertheless (SambaNames) [none]
///   ntpipe:null session pipes  those of them that sessions without a user may open (NullSessionPipes) [none]
///   ntpipe:open timeout  milliseconds that an open may wait for the broker [5000]
struct Settings {
    std::string directory;
    std::string exports;
    std::string overrides;
    std::string null_session_pipes;
    unsigned open_timeout = 0;

    friend bool operator==(const Settings&, const Settings&) = default;
};
[[nodiscard]] Settings read_settings();

/// The version of the Samba whose libraries are loaded.
[[nodiscard]] const char* samba_version();

/// For programs that are not smbd: reads smb.conf, "" for Samba's own. False: it cannot be read.
[[nodiscard]] bool load_configuration(const char* path);

/// What in smb.conf makes smbd load the module.
struct Loading {
    std::vector<std::string> preloaded; ///< those of [global]'s "preload modules" that are called ntpipe.so
    bool by_vfs = false;                ///< "vfs objects" of [IPC$]
};
[[nodiscard]] Loading loading();

/// Writes a line to smbd's log.
void log_error(const std::string& line);
void log_debug(const std::string& line);

/// Does the conversion that smbd does for a name. False: it is not UTF-16, or has a NUL in it.
[[nodiscard]] bool utf8_from(std::span<const std::uint8_t> utf16, std::string& utf8);

/// The same from the 8-bit characters of old clients (the option `dos charset`).
[[nodiscard]] bool utf8_from_oem(std::span<const std::uint8_t> oem, std::string& utf8);
/// A name for a client, without an end. Empty: the client's characters cannot say it.
[[nodiscard]] std::string utf16_from(const std::string& utf8);
[[nodiscard]] std::string oem_from(const std::string& utf8);

/// smbd runs with the rights of the client that it has served last; between these two it is root.
void become_root();
void unbecome_root();

} // namespace ntpipe::samba::smbd

// SPDX-License-Identifier: GPL-3.0-or-later
// root_directory.hpp: the root of IPC$ as a client sees it: a directory of the pipes that it could open. SEMANTICS 1.7, 8.4.
#pragma once

#include "gateway.hpp"

namespace ntpipe::samba {

struct Exchange;

/// A handle of it. What it answers is the library's to say (SEMANTICS 1.4), but for which pipes there are.
class RootDirectory {
public:
    RootDirectory(Gateway& gateway, std::uint32_t user) : gateway_(gateway), user_(user) {}
    RootDirectory(const RootDirectory&) = delete;
    RootDirectory& operator=(const RootDirectory&) = delete;
    ~RootDirectory();

    /// `desired_access`: as the client asks for it.
    [[nodiscard]] Status open(std::uint32_t desired_access, std::uint32_t options);
    [[nodiscard]] ntpipe_directory* directory() const { return directory_; }
    [[nodiscard]] std::uint32_t granted_access() const { return ntpipe_directory_granted_access(directory_); }
    [[nodiscard]] Gateway& gateway() const { return gateway_; }
    [[nodiscard]] std::uint32_t user() const { return user_; }

    /// Begins an enumeration with these, of which it keeps what the client may see; the array is its own then.
    void begin(std::string pattern, ntpipe_listing* pipes, std::size_t count);
    [[nodiscard]] bool has_begun() const { return pipes_ != nullptr; }
    /// The next entries.
    [[nodiscard]] Status give(Exchange& exchange);

private:
    [[nodiscard]] bool shows(const ntpipe_listing& pipe) const;

    Gateway& gateway_;
    std::uint32_t user_; ///< the Unix user that the client is mapped to
    ntpipe_directory* directory_ = nullptr;
    std::string pattern_;
    ntpipe_listing* pipes_ = nullptr;
    std::size_t count_ = 0;
    std::size_t given_ = 0;
    bool is_first_ = true;
};

/// Calls for an Exchange on a root directory, as those in exchange.hpp. `wanted.name` is the pattern, `code` the class.
void call_enumerate(Exchange& exchange);
/// Over when a pipe that the client may see has come or gone.
void call_notify(Exchange& exchange);
void call_root_query(Exchange& exchange);
void call_root_query_volume(Exchange& exchange);
void call_root_set(Exchange& exchange);
void call_root_read(Exchange& exchange);
void call_root_write(Exchange& exchange);
void call_root_control(Exchange& exchange);

} // namespace ntpipe::samba

// SPDX-License-Identifier: GPL-3.0-or-later
// open_pipe.hpp: opening a pipe for a client, and waiting for one, through the broker and within a time limit.
#pragma once

#include "gateway.hpp"

namespace ntpipe::samba {

/// Whose names are looked up, and how they are called.
struct Wanted {
    std::string name;                          ///< UTF-8, exactly as the client spelled it
    std::string otherwise;                     ///< what it means if no pipe of ours is called so; empty: nothing
    const ntpipe_identity* identity = nullptr; ///< of the client; must stay as long as the request
};

struct OpenParameters : Wanted {
    std::uint32_t desired_access = 0;
    std::uint32_t disposition = 0;
    std::uint32_t options = 0;
    std::uint32_t impersonation_level = 0;
    bool message_mode = false; ///< to begin with, on a message pipe
};

struct Opened {
    bool is_sambas = false; ///< it turned out not to be ours: Samba's own code has to answer, whatever the rest says
    Status status = Status::success;
    ntpipe_end* end = nullptr;
};

/// Whether the broker has to be asked for one of the names; if not, they are Samba's business. Asks nobody, and leaves only names that
/// may be ours.
[[nodiscard]] bool may_be_ours(Gateway& gateway, Wanted& wanted, std::uint32_t user);

/// For a name that concerns the gateway. Waits for the list of names first if it is not complete. The time limit is that of
/// ntpipe:open timeout: when it is over before the list is complete the name is Samba's, else the status is STATUS_IO_TIMEOUT.
[[nodiscard]] tevent_req* open_pipe_send(TALLOC_CTX* memory, Gateway& gateway, const OpenParameters& parameters);
/// `end` becomes a child of `memory`.
[[nodiscard]] Opened open_pipe_recv(tevent_req* request, TALLOC_CTX* memory);

/// FSCTL_PIPE_WAIT. `input` is its structure, `milliseconds` the time limit in it, if it has one. A name that is not known is
/// STATUS_OBJECT_NAME_NOT_FOUND.
[[nodiscard]] tevent_req* wait_pipe_send(TALLOC_CTX* memory, Gateway& gateway, const Wanted& wanted,
                                         std::span<const std::uint8_t> input,
                                         std::optional<std::uint64_t> milliseconds);
[[nodiscard]] Status wait_pipe_recv(tevent_req* request);

} // namespace ntpipe::samba

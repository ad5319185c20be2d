// SPDX-License-Identifier: GPL-3.0-or-later
// smb2_dispatch.hpp: the SMB2 commands on our pipes, one row each: from bytes to an Exchange and back to bytes.
#pragma once

#include "exchange.hpp"

#include <array>

namespace ntpipe::samba::smb2 {

inline constexpr std::size_t header_size = 64;

/// A request as it came in, and what was negotiated. smbd has checked the session, the tree and the handle.
struct Message {
    std::span<const std::uint8_t> body; ///< the fixed part, as long as the command's row says
    std::span<const std::uint8_t> data; ///< what follows it
    std::uint16_t dialect = 0;
    std::uint32_t max_read = 0;
    std::uint32_t max_write = 0;
    std::uint32_t max_transact = 0;

    /// A part of `data` by its place, counted from the header; nullopt if it is not all there.
    [[nodiscard]] std::optional<std::span<const std::uint8_t>> part(std::uint32_t offset, std::uint32_t length) const;
};

struct Command {
    std::uint16_t code;
    std::uint16_t structure_size; ///< of the request: that of the body, plus 1 if something must follow it
    std::uint16_t file_id;        ///< where in the body it is
    std::uint32_t interim_after;  ///< microseconds
    /// Fills in the exchange. `payload`: bytes for which the client must have paid with credits.
    Status (*decode)(const Message& message, Exchange& exchange, std::uint32_t& payload);
    void (*call)(Exchange& exchange);
    std::size_t answer_size; ///< of the fixed part; the exchange's result follows it
    void (*encode)(const Message& message, const Exchange& exchange, std::uint8_t* answer);
};

inline constexpr std::uint16_t code_create = 5;
inline constexpr std::uint16_t code_close = 6;
inline constexpr std::uint16_t code_flush = 7;
inline constexpr std::uint16_t code_read = 8;
inline constexpr std::uint16_t code_write = 9;
inline constexpr std::uint16_t code_lock = 10;
inline constexpr std::uint16_t code_ioctl = 11;
inline constexpr std::uint16_t code_query_directory = 14;
inline constexpr std::uint16_t code_change_notify = 15;
inline constexpr std::uint16_t code_query_info = 16;
inline constexpr std::uint16_t code_set_info = 17;

/// The rows. CREATE and CLOSE have none: they make and end the handle, which is smbd's.
[[nodiscard]] const Command& command(std::uint16_t code);
/// Those for a handle of the root of IPC$: as long, and with the file id in the same place.
[[nodiscard]] const Command& root_command(std::uint16_t code);

/// What goes with STATUS_BUFFER_TOO_SMALL: how much room a security descriptor needs. [MS-SMB2] 2.2.2.
[[nodiscard]] std::array<std::uint8_t, 4> error_data(const Exchange& exchange);

/// FSCTL_PIPE_WAIT has a row of its own: it is the IOCTL that has no handle.
[[nodiscard]] bool is_wait(std::span<const std::uint8_t> ioctl_body);
extern const Command wait_command;

inline constexpr std::uint16_t close_structure_size = 24;
inline constexpr std::uint16_t close_file_id = 8;

// ---- CREATE ----

inline constexpr std::uint16_t create_structure_size = 57;
inline constexpr std::size_t create_answer_size = 88;
inline constexpr std::uint32_t create_interim_after = 500;

struct Create {
    OpenParameters open;
    std::span<const std::uint8_t> contexts;
};
/// False: malformed, or with a name that is none. Samba's own code finds the right words for that.
[[nodiscard]] bool decode_create(const Message& message, Create& create);
/// What the answer to CREATE tells of what has been opened.
struct Described {
    std::uint64_t allocation_size;
    std::uint32_t attributes;
};
inline constexpr Described described_pipe{4096, 0x80};
inline constexpr Described described_root{0, 0x10};
/// The answer for what has been opened. `contexts`: bytes of create contexts that follow it.
void encode_create(std::uint64_t persistent_id, std::uint64_t volatile_id, const Described& described,
                   std::size_t contexts, std::uint8_t* answer);

/// The create context MxAc: what the client would be granted at most. [MS-SMB2] 2.2.13.2.5, 2.2.14.2.5.
struct MaximalAccess {
    Status status = Status::success;
    std::uint32_t access = 0;
};
/// A query has nothing, or the time when the client believes the file was written last, which no pipe has.
[[nodiscard]] bool is_maximal_access_query(std::size_t size);
[[nodiscard]] std::array<std::uint8_t, 8> encode_maximal_access(const MaximalAccess& maximal);

} // namespace ntpipe::samba::smb2

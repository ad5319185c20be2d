// SPDX-License-Identifier: GPL-3.0-or-later
// smb1_dispatch.hpp: the SMB1 commands on our pipes, one row each: from bytes to an Exchange and back to bytes.
#pragma once

#include "exchange.hpp"
#include "wire.hpp"

#include <array>
#include <string>
#include <vector>

namespace ntpipe::samba::smb1 {

inline constexpr std::size_t header_size = 32;

/// A command as it came in, alone or in a chain. smbd has checked that its words and bytes are all there.
struct Packet {
    bool is_unicode = false;
    Bytes whole; ///< the packet from its header on: offsets in it are counted from there
    Bytes words;
    Bytes bytes;

    /// A part of the packet; nullopt if it is not all there.
    [[nodiscard]] std::optional<Bytes> part(std::uint64_t offset, std::uint64_t length) const;
    /// The string, up to its NUL or the end, in bytes of the packet or, by their offset there, of a transaction. nullopt: it is none.
    [[nodiscard]] std::optional<std::string> text(Bytes from, std::size_t offset) const;
    [[nodiscard]] std::optional<std::string> text() const;
    [[nodiscard]] std::size_t word_count() const { return words.size() / 2; }
};

/// A message that a client writes with several WRITE_ANDX.
struct Message {
    bool is_open = false;
    std::size_t size = 0; ///< of the whole
    std::vector<std::uint8_t> bytes;
};

/// What follows the words of an answer.
enum class Payload {
    none,
    andx, ///< a byte of padding, and the result
    core, ///< a buffer format, the result's length, and the result
    raw,  ///< the result is the whole packet, without header
};

struct Command {
    std::uint8_t code;
    std::array<std::uint8_t, 2> word_counts; ///< of the request: the one or the other
    std::uint8_t fid_at;                     ///< which of the words it is
    /// Fills in the exchange. STATUS_PENDING: it is to be called; else it is over.
    Status (*decode)(const Packet& packet, Message& message, Exchange& exchange);
    void (*call)(Exchange& exchange);
    std::uint8_t answer_words;
    void (*encode)(const Exchange& exchange, std::uint8_t* words);
    Payload payload;
};

inline constexpr std::uint8_t code_flush = 0x05;
inline constexpr std::uint8_t code_read = 0x0A;
inline constexpr std::uint8_t code_write = 0x0B;
inline constexpr std::uint8_t code_read_raw = 0x1A;
inline constexpr std::uint8_t code_read_mpx = 0x1B;
inline constexpr std::uint8_t code_write_complete = 0x20;
inline constexpr std::uint8_t code_read_andx = 0x2E;
inline constexpr std::uint8_t code_write_andx = 0x2F;

/// The rows. Opens have none: they make the handle.
[[nodiscard]] const Command& command(std::uint8_t code);

// ---- opens ----

/// Which rule a command has for the paths of pipes (SEMANTICS 7.1).
struct Open {
    OpenParameters parameters;
    bool is_extended = false; ///< the long form of the answer is wanted
};
/// Each is false for what is malformed, or is no path of a pipe. Samba's own code finds the right words for that.
[[nodiscard]] bool decode_open_andx(const Packet& packet, Open& open);
[[nodiscard]] bool decode_nt_create_andx(const Packet& packet, Open& open);
/// `parameters`: of NT_TRANSACT_CREATE.
[[nodiscard]] bool decode_nt_transact_create(const Packet& packet, Bytes parameters, Open& open);

/// What the answers tell.
struct OpenedPipe {
    std::uint16_t fid;
    std::uint32_t granted_access;
    ntpipe_traits traits;
};

/// The answers' words or parameters. The extended form of NT_CREATE_ANDX has 50 words and says 42: so do all servers.
inline constexpr std::uint8_t open_andx_words = 15;
inline constexpr std::uint8_t nt_create_words = 34;
inline constexpr std::uint8_t nt_create_extended_words = 50;
inline constexpr std::uint8_t nt_create_extended_word_count = 42;
inline constexpr std::size_t nt_transact_create_size = 69;
inline constexpr std::size_t nt_transact_create_extended_size = 101;
void encode_open_andx(const OpenedPipe& pipe, std::uint8_t* words);
void encode_nt_create_andx(const OpenedPipe& pipe, bool is_extended, std::uint8_t* words);
void encode_nt_transact_create(const OpenedPipe& pipe, bool is_extended, std::uint8_t* parameters);

/// NMPipeStatus (SEMANTICS 7.2).
[[nodiscard]] std::uint16_t status_word(const ntpipe_traits& traits);

/// The pipe's name in the path of OPEN_ANDX, or the Name of a TRANSACTION: what follows \PIPE\. nullopt: it is none.
[[nodiscard]] std::optional<std::string> name_in_pipe_path(const std::string& path, bool needs_backslash);

} // namespace ntpipe::samba::smb1

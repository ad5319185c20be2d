// SPDX-License-Identifier: GPL-3.0-or-later
// exchange.hpp: one request of an SMB client to one of our pipes, whatever dialect it came in: what is asked, what comes of it.
//
// A dialect's table decodes a request into an Exchange, calls one of the functions below, and, when it is over, encodes the
// answer. smbd's side keeps the Exchange while it is pending.
#pragma once

#include "open_pipe.hpp"

#include <cstdint>
#include <optional>
#include <span>

namespace ntpipe::samba {

class RootDirectory;

struct Exchange {
    // Who asks for what.
    TALLOC_CTX* memory = nullptr; ///< buffers and the library's requests belong to it
    tevent_context* events = nullptr;
    ntpipe_end* end = nullptr;     ///< the pipe; nullptr for a wait
    RootDirectory* root = nullptr; ///< or the root of IPC$

    Wanted wanted;              ///< what needs no pipe that is open: the name, and for whom
    Gateway* gateway = nullptr; ///< the same
    /// A wait, a call: how long to wait for an instance; a read in steps: for data. nullopt: the pipe's default, or as its mode says.
    std::optional<std::uint64_t> milliseconds;
    std::uint32_t minimum = 0; ///< a read in steps is not over before so much is there, or the time is

    std::uint8_t kind = 0;               ///< of SMB2's information: what the class is one of
    std::uint32_t code = 0;              ///< control code, information class, parts of a security descriptor
    std::uint32_t length = 0;            ///< of the output that is wanted
    bool is_single = false;              ///< an enumeration: one entry
    bool restarts = false;               ///< an enumeration: from the beginning
    std::span<const std::uint8_t> input; ///< stays until the exchange is over

    // While it is pending.
    ntpipe_end* own_end = nullptr; ///< that a call has opened
    tevent_timer* timer = nullptr;
    bool is_late = false;        ///< the time is over
    tevent_req* inner = nullptr; ///< the library's request
    void (*receive)(Exchange& exchange) = nullptr;

    // What came of it.
    Status status = Status::pending;
    std::uint8_t* output = nullptr;
    std::size_t transferred = 0; ///< bytes of output; for a write, of input
    std::size_t needed = 0;      ///< a security descriptor's whole size
    ntpipe_peek_info found{};    ///< by a peek

    [[nodiscard]] std::span<const std::uint8_t> result() const { return {output, transferred}; }
};

/// Whether a client may use that control code on a pipe. The others are for its server end, or for programs on this machine
/// (SEMANTICS 8.3, 7.6).
[[nodiscard]] Status check_control_code(std::uint32_t code);

/// Each starts what is asked. The status is in the exchange then, STATUS_PENDING if it is not over.
void call_read(Exchange& exchange);
void call_write(Exchange& exchange);
void call_flush(Exchange& exchange);
void call_control(Exchange& exchange);
void call_wait(Exchange& exchange);
void call_query(Exchange& exchange);
void call_set(Exchange& exchange);
void call_query_volume(Exchange& exchange);

/// A read as SMB1 has them, with a minimum and a time limit. What has come before it fails is not lost: that is a success then. Nothing
/// in time is STATUS_IO_TIMEOUT, or, if there was no time at all, STATUS_PIPE_EMPTY.
void call_read_in_steps(Exchange& exchange);
/// Reads bytes, of whatever messages, and waits for the first. STATUS_INVALID_PARAMETER for an end that does not wait (SEMANTICS 7.5).
void call_raw_read(Exchange& exchange);
/// Writes bytes that say by themselves how long the message is, if it is one. Also STATUS_INVALID_PARAMETER if they are wrong.
void call_raw_write(Exchange& exchange);
/// FSCTL_PIPE_TRANSCEIVE; STATUS_INVALID_PARAMETER for an end that cannot do that by its modes.
void call_transact(Exchange& exchange);
void call_peek(Exchange& exchange);
/// `code` are the parts of the descriptor.
void call_query_security(Exchange& exchange);
void call_set_security(Exchange& exchange);
/// CallNamedPipe: opens, sets message read mode, transacts, closes. If no instance listens it waits for one, once.
void call_pipe_call(Exchange& exchange);

} // namespace ntpipe::samba

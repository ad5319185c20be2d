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

struct Exchange {
    // Who asks for what.
    TALLOC_CTX* memory = nullptr; ///< buffers and the library's requests belong to it
    tevent_context* events = nullptr;
    ntpipe_end* end = nullptr; ///< the pipe; nullptr for a wait

    Wanted wanted;              ///< a wait: the name, and for whom
    Gateway* gateway = nullptr; ///< a wait
    std::optional<std::uint64_t> milliseconds;

    std::uint32_t code = 0;              ///< control code or information class
    std::uint32_t length = 0;            ///< of the output that is wanted
    std::span<const std::uint8_t> input; ///< stays until the exchange is over

    // While it is pending.
    tevent_req* inner = nullptr; ///< the library's request
    void (*receive)(Exchange& exchange) = nullptr;

    // What came of it.
    Status status = Status::pending;
    std::uint8_t* output = nullptr;
    std::size_t transferred = 0; ///< bytes of output; for a write, of input

    [[nodiscard]] std::span<const std::uint8_t> result() const { return {output, transferred}; }
};

/// Each starts what is asked. The status is in the exchange then, STATUS_PENDING if it is not over.
void call_read(Exchange& exchange);
void call_write(Exchange& exchange);
void call_flush(Exchange& exchange);
void call_control(Exchange& exchange);
void call_wait(Exchange& exchange);
void call_query(Exchange& exchange);
void call_set(Exchange& exchange);

} // namespace ntpipe::samba

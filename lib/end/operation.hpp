// SPDX-License-Identifier: LGPL-2.1-or-later
// operation.hpp: an operation on an end, from its start to its completion.
#pragma once

#include "glue/bytes.hpp"
#include "glue/completion.hpp"
#include "status/status.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

namespace ntpipe::end {

class End;

/// Owned by whoever starts it. Destroying a pending one cancels it silently. completed() is called only if it was pending.
class Operation : public glue::Completion {
public:
    Operation() = default;
    Operation(const Operation&) = delete;
    Operation& operator=(const Operation&) = delete;
    ~Operation() override;

    [[nodiscard]] bool pending() const { return end_ != nullptr; }
    /// If pending: End::cancel().
    void cancel();
    /// If pending: takes it out of its end without a completion. A read leaves its data for the next one.
    void abandon();
    [[nodiscard]] Status status() const { return status_; }
    /// Bytes transferred, as IO_STATUS_BLOCK.Information.
    [[nodiscard]] std::size_t information() const { return information_; }
    /// Of a look: bytes of the same message behind what it brought; whether that goes on with the message of the look before.
    [[nodiscard]] std::uint32_t rest() const { return rest_; }
    [[nodiscard]] bool continued() const { return continued_; }
    /// Of a look: bytes looked at before and not taken that the writer wants back, and how many such bytes are before them.
    [[nodiscard]] std::size_t revoked() const { return revoked_; }
    [[nodiscard]] std::size_t revoked_at() const { return revoked_at_; }
    /// Of a look: the read that End::posted_read() has told of is to be cancelled, or is no longer posted.
    [[nodiscard]] bool withdrawn() const { return withdrawn_; }

private:
    friend class End;
    /// NT counts in 32 bits.
    void read_into(std::span<std::byte> buffer)
    {
        buffer_ = buffer.first(std::min<std::size_t>(buffer.size(), std::numeric_limits<std::uint32_t>::max()));
    }

    enum class Kind : std::uint8_t { none, read, look, write, transceive, flush, listen };

    End* end_ = nullptr; ///< while pending
    Kind kind_ = Kind::none;
    bool starting_ = false; ///< its start function has not returned: completion is told by return value
    Status status_ = Status::pending;
    std::size_t information_ = 0;

    // Of a look, a read and the read half of a transceive.
    std::span<std::byte> buffer_;
    std::size_t filled_ = 0;  ///< of a message that arrives in parts
    bool whole_only_ = false; ///< takes whole messages or nothing
    bool posted_ = false;
    bool leaving_ = false; ///< it will be cancelled when the other end lets it go
    std::uint64_t ledger_index_ = 0;
    std::uint32_t rest_ = 0;
    bool continued_ = false;
    std::size_t revoked_ = 0;
    std::size_t revoked_at_ = 0;
    bool withdrawn_ = false;

    // Of a flush: the first write, and the first record, that it does not wait for.
    std::uint64_t flush_sequence_ = 0;
    std::uint64_t flush_records_ = 0;
};

} // namespace ntpipe::end

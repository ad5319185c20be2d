// SPDX-License-Identifier: LGPL-2.1-or-later
// try.cc: reads and writes that never wait, whatever the completion mode is, and telling when to try again. The rules are those of
// non-blocking mode (SEMANTICS 3.1, 3.4); nothing that is pending is overtaken.
#include "end/end.hpp"

#include <algorithm>

namespace ntpipe::end {
namespace {

/// A read that is over when it returns: nobody waits for its completion.
class TriedRead final : public Operation {
public:
    void completed() override {}
};

} // namespace

Status End::try_read(std::span<std::byte> buffer, std::size_t& information)
{
    information = 0;
    if (const Status status = check_read(reads_.empty()); status != Status::success) {
        return status;
    }
    TriedRead operation;
    operation.kind_ = Operation::Kind::read;
    operation.read_into(buffer);
    const Status status = read_without_waiting(operation);
    information = operation.filled_;
    if (status == Status::pipe_empty && readiness_ != nullptr) {
        tried_ |= channel::want::data;
        settle();
    }
    return status;
}

Status End::try_write(glue::ByteSpan data, std::size_t& written)
{
    written = 0;
    const Status status = check_write(data);
    if (status != Status::success || (data.empty() && attributes_.type == PipeType::byte)) {
        return status;
    }
    const Status done = write_without_queueing(data, written);
    if (written < data.size() && done == Status::success && readiness_ != nullptr) {
        refused_ = attributes_.type == PipeType::message ? data.size() : 1;
        tried_ |= channel::want::room;
        settle();
    }
    return done;
}

void End::set_readiness(Readiness* readiness)
{
    forget_readiness();
    readiness_ = readiness;
    tried_ = readiness == nullptr ? 0 : channel::want::data;
    settle();
}

// What was refused would be taken, and half of the quota is free: who is woken for every small message that was read gets nowhere.
bool End::has_room()
{
    if (!connection_->outgoing || !connection_->outgoing->refresh()) {
        return true; // the try will tell
    }
    if (anything_waits_for_room()) {
        return false;
    }
    const std::uint64_t quota = outgoing_quota();
    const std::uint64_t needed =
        refused_ >= quota / few_messages ? refused_ : std::max<std::uint64_t>(refused_, quota / 2);
    if (unread_outgoing() + needed <= quota) {
        return true;
    }
    return !connection_->outgoing->posted_reads().empty() && acceptable_bytes(refused_) == refused_;
}

bool End::has_something()
{
    channel::Record record;
    return connection_->incoming && reads_.empty() && connection_->incoming->front(record) != channel::Look::none;
}

void End::look_at_readiness()
{
    if ((tried_ & channel::want::data) != 0 && (phase_ != Phase::connected || has_something())) {
        tell_ready(channel::want::data);
    }
    if ((tried_ & channel::want::room) != 0 && (phase_ != Phase::connected || has_room())) {
        tell_ready(channel::want::room);
    }
}

void End::tell_ready(std::uint32_t what)
{
    if ((tried_ & what) == 0) {
        return;
    }
    readiness_->ready |= tried_ & what;
    tried_ &= ~what;
    if (!readiness_->linked()) {
        completions_.add(*readiness_);
    }
}

void End::forget_readiness()
{
    tried_ = 0;
    if (readiness_ != nullptr) {
        readiness_->unlink();
        readiness_ = nullptr;
    }
}

} // namespace ntpipe::end

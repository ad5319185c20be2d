// SPDX-License-Identifier: LGPL-2.1-or-later
// end.cc: the states of an end: listening, connected, closing, disconnected; taking and leaving a connection.
#include "end/end.hpp"

#include "end/doubt.hpp"

#include <cassert>
#include <ranges>

namespace ntpipe::end {
namespace {

/// In a row, before it waits: the event loop has others to serve.
constexpr int most_dallies = 16;
/// Bytes of a record.
constexpr std::uint32_t least_bulk = 16384;

} // namespace

Operation::~Operation()
{
    abandon();
}

void Operation::cancel()
{
    if (end_ != nullptr) {
        end_->cancel(*this);
    }
}

void Operation::abandon()
{
    if (end_ != nullptr) {
        end_->abandon(*this);
    }
}

std::unique_ptr<End> End::server(Host& host, glue::Completions& completions, Attributes attributes,
                                 security::AccessMask granted_access, PipeInformation modes,
                                 std::size_t maximum_overflow)
{
    return std::unique_ptr<End>(
        new End(Side::server, host, completions, std::move(attributes), granted_access, modes, maximum_overflow));
}

std::unique_ptr<End> End::client(Host& host, glue::Completions& completions, Attributes attributes,
                                 security::AccessMask granted_access, std::size_t maximum_overflow,
                                 Connection connection)
{
    // SEMANTICS 2.7 step 6: a client begins in byte read mode, queue mode.
    auto end = std::unique_ptr<End>(new End(Side::client, host, completions, std::move(attributes), granted_access,
                                            PipeInformation(), maximum_overflow));
    end->client_ = connection.opened_as.identity;
    end->server_process_id_ = connection.server_process_id;
    end->server_session_id_ = connection.server_session_id;
    end->connection_ = std::move(connection);
    return end;
}

End::End(Side side, Host& host, glue::Completions& completions, Attributes attributes,
         security::AccessMask granted_access, PipeInformation modes, std::size_t maximum_overflow)
    : side_(side),
      host_(host),
      completions_(completions),
      attributes_(std::move(attributes)),
      granted_access_(granted_access),
      modes_(modes),
      maximum_overflow_(maximum_overflow),
      phase_(side == Side::server ? Phase::listening : Phase::connected),
      server_process_id_(attributes_.server_process_id),
      server_session_id_(attributes_.server_session_id)
{
}

End::~End()
{
    close();
}

// ---- the life of an operation ----

Status End::begin(Operation& operation, Operation::Kind kind)
{
    if (operation.pending() || operation.linked()) {
        assert(false && "an operation is started once at a time");
        return Status::invalid_parameter;
    }
    operation.kind_ = kind;
    operation.starting_ = true;
    operation.status_ = Status::pending;
    operation.information_ = 0;
    operation.filled_ = 0;
    operation.posted_ = false;
    operation.leaving_ = false;
    operation.whole_only_ = false;
    operation.rest_ = 0;
    operation.continued_ = false;
    operation.revoked_ = 0;
    operation.revoked_at_ = 0;
    return Status::success;
}

void End::pend(Operation& operation, glue::List<Operation>& list)
{
    operation.end_ = this;
    list.push_back(operation);
}

// What a start function returns: the status, when the operation is over already.
Status End::finish_start(Operation& operation)
{
    operation.starting_ = false;
    return operation.pending() ? Status::pending : operation.status_;
}

void End::complete(Operation& operation, Status status, std::size_t information)
{
    operation.unlink();
    operation.end_ = nullptr;
    no_longer_leaving(operation);
    operation.status_ = status;
    operation.information_ = information;
    if (!operation.starting_) {
        completions_.add(operation);
    }
}

void End::no_longer_leaving(Operation& operation)
{
    if (operation.leaving_) {
        operation.leaving_ = false;
        --leaving_reads_;
    }
}

void End::complete_all(glue::List<Operation>& operations, Status status)
{
    while (Operation* operation = operations.front()) {
        if (operation->posted_) {
            settle_posted(*operation);
        }
        complete(*operation, status);
    }
}

Status End::cancel(Operation& operation)
{
    if (operation.end_ != this) {
        return Status::not_found;
    }
    switch (operation.kind_) {
    case Operation::Kind::read:
    case Operation::Kind::transceive: // SEMANTICS 3.5: only the read half; what was written stays
        cancel_read(operation);
        break;
    case Operation::Kind::write:
        cancel_write(operation, false);
        break;
    case Operation::Kind::look:
    case Operation::Kind::flush:
    case Operation::Kind::listen:
    case Operation::Kind::none:
        complete(operation, Status::cancelled);
        break;
    }
    settle();
    if (operation.pending()) {
        return Status::pending;
    }
    return operation.status_ == Status::cancelled ? Status::success : Status::not_found;
}

// Its owner destroys a pending operation. What a read would have got stays for the next one.
void End::abandon(Operation& operation)
{
    if (operation.posted_) {
        settle_posted(operation);
        connection_->incoming->abort_tentative();
    }
    if (operation.kind_ == Operation::Kind::write) {
        cancel_write(operation, true);
    }
    operation.unlink();
    operation.end_ = nullptr;
    no_longer_leaving(operation);
    settle();
}

// ---- checks that every call begins with ----

// SEMANTICS 3.9: access bits come before the state.
Status End::check_handle(security::AccessMask needed) const
{
    if (const Status status = check_handle(); status != Status::success) {
        return status;
    }
    return (granted_access_ & needed) != needed ? Status::access_denied : Status::success;
}

// A detached client gets PIPE_DISCONNECTED for everything.
Status End::check(security::AccessMask needed, bool from_front)
{
    if (const Status status = check_handle(needed); status != Status::success) {
        return status;
    }
    look_at_state(from_front);
    return phase_ == Phase::detached ? Status::pipe_disconnected : Status::success;
}

Status End::check_handle() const
{
    if (phase_ == Phase::closed) {
        return Status::file_closed;
    }
    return phase_ == Phase::disowned ? Status::invalid_handle : Status::success;
}

// Takes in what the other end, or the broker, has done to the state since the last look. `from_front`: for who reads, and will see
// by itself when the next record is not there.
void End::look_at_state(bool from_front)
{
    if (phase_ == Phase::listening) {
        host_.take_in();
        take_offer();
    }
    if (!has_channel()) {
        return;
    }
    // Before the overflow segments: whoever leaves may have begun to use one just before.
    const bool disconnected = connection_->page->peer_disconnected();
    const bool closed = connection_->page->peer_closed();
    if ((!from_front || disconnected || closed) && connection_->incoming && connection_->incoming->lacks_overflow()) {
        take_in_overflow();
    }
    if (!has_channel()) {
        return;
    }
    if (disconnected) {
        become_detached();
    } else if (phase_ == Phase::connected && closed) {
        become_closing();
    }
}

// There are messages in an overflow segment that this end does not have yet.
void End::take_in_overflow()
{
    host_.take_in();
    if (has_channel() && connection_->overflow_missed && connection_->incoming &&
        connection_->incoming->lacks_overflow()) {
        break_connection();
    }
}

PipeState End::state()
{
    look_at_state();
    return last_state();
}

PipeState End::last_state() const
{
    switch (phase_) {
    case Phase::listening:
        return PipeState::listening;
    case Phase::connected:
        return PipeState::connected;
    case Phase::closing:
        return PipeState::closing;
    case Phase::disconnected:
    case Phase::detached:
    case Phase::closed:
    case Phase::disowned:
        break;
    }
    return PipeState::disconnected;
}

// ---- state changes ----

bool End::offer(Connection connection, std::uint64_t period)
{
    if (phase_ != Phase::listening || period != listening_period_ || offer_) {
        // The broker matched a client with this instance while it was on its way out of that state.
        if (!connection.page->withdraw()) {
            connection.page->say_disconnected();
        }
        connection.doorbell->ring();
        return false;
    }
    offer_ = std::move(connection);
    take_offer();
    return true;
}

void End::offer_failed(std::uint64_t period)
{
    if (phase_ == Phase::listening && period == listening_period_ && !offer_) {
        host_.listening(++listening_period_);
    }
}

// A client is connected once it has attached; until then the instance is listening as before.
void End::take_offer()
{
    if (!offer_ || !offer_->page->attached()) {
        return;
    }
    connection_ = std::move(offer_);
    offer_.reset();
    client_ = connection_->opened_as.identity;
    server_process_id_ = connection_->server_process_id;
    server_session_id_ = connection_->server_session_id;
    read_context_ = no_context;
    phase_ = Phase::connected;
    if (doubt::all_listens_complete) {
        complete_all(listens_, Status::success);
    } else if (Operation* first = listens_.front()) {
        complete(*first, Status::success);
    }
}

// The client whose half of the connection this is went away before it attached: nothing has happened.
void End::drop_client_of_offer()
{
    (void)offer_->page->withdraw();
    offer_.reset();
    ++listening_period_;
    host_.released();
    host_.listening(listening_period_);
}

// The other end is leaving. What it had read before is complete, even if this end has not looked since.
void End::complete_what_was_read()
{
    if (connection_->outgoing && connection_->outgoing->refresh()) {
        complete_writes();
    }
}

// SEMANTICS 2.6: what the other end had completely written stays readable; what waited for it is discarded.
void End::become_closing()
{
    complete_what_was_read();
    phase_ = Phase::closing;
    outstanding_.clear();
    connection_->outgoing.reset();
    complete_all(writes_, Status::pipe_broken);
    complete_all(flushes_, Status::pipe_broken);
    serve_reads();
    serve_looks();
    tell_ready(tried_);
}

// SEMANTICS 2.5: the server has disconnected; this client end stays useless for ever.
void End::become_detached()
{
    serve_pending_reads(); // what was written before the disconnect was theirs already
    serve_looks();
    complete_what_was_read();
    complete_all(reads_, Status::pipe_disconnected);
    complete_all(looks_, Status::pipe_disconnected);
    complete_all(writes_, Status::pipe_disconnected);
    complete_all(flushes_, Status::pipe_disconnected);
    phase_ = Phase::detached;
    tell_ready(tried_);
    leave_connection();
}

// The other end has broken the rules of the channel. To the caller it has closed, and nothing of it is trusted any more.
void End::break_connection()
{
    if (phase_ != Phase::connected && phase_ != Phase::closing) {
        return;
    }
    complete_all(reads_, Status::pipe_broken);
    complete_all(looks_, Status::pipe_broken);
    connection_->incoming.reset();
    connection_->page->say_closed();
    connection_->doorbell->ring();
    become_closing();
}

// The last one first: the other end may read meanwhile, and must not read a write of which one before it is missing. What it had read
// before is complete, even if this end has not looked since.
void End::take_back_what_is_pending()
{
    if (outstanding_.empty()) {
        return;
    }
    complete_what_was_read();
    if (!connection_->outgoing || !doubt::close_drops_pending_writes) {
        return;
    }
    for (Outstanding& write : std::views::reverse(outstanding_)) {
        if (write.operation != nullptr || write.asked) {
            (void)revoke(write, true);
        }
    }
    for (Outstanding& write : outstanding_) {
        if (write.operation != nullptr && !write.revoked) {
            complete(*write.operation, Status::success, write.size); // the reader was faster
            write.operation = nullptr;
        }
    }
}

void End::leave_connection()
{
    if (!connection_) {
        return;
    }
    connection_.reset();
    outstanding_.clear();
    forget_looks();
    overflow_requested_ = false;
    overflow_refused_ = false;
    armed_wants_ = 0;
    host_.released();
}

Status End::listen(Operation& operation)
{
    if (const Status status = begin(operation, Operation::Kind::listen); status != Status::success) {
        return status;
    }
    if (side_ == Side::client) {
        return Status::illegal_function;
    }
    if (const Status status = check(0); status != Status::success) {
        return status;
    }
    switch (phase_) {
    case Phase::connected:
        return Status::pipe_connected;
    case Phase::closing:
        return Status::pipe_closing;
    case Phase::disconnected:
        if (orphaned_) {
            return Status::connection_disconnected;
        }
        phase_ = Phase::listening;
        ++listening_period_;
        client_.reset();
        host_.listening(listening_period_);
        break;
    default:
        if (!security::has_data_access(granted_access_) && doubt::server_without_data_access_needs_listen &&
            listening_period_ == 1) {
            host_.listening(++listening_period_); // which it was not for the namespace so far
        }
        break;
    }
    if (orphaned_) {
        return Status::connection_disconnected;
    }
    if (modes_.completion_mode == CompletionMode::complete) {
        return Status::pipe_listening;
    }
    pend(operation, listens_);
    return finish_start(operation);
}

Status End::disconnect()
{
    if (side_ == Side::client) {
        return phase_ == Phase::closed ? Status::file_closed : Status::illegal_function;
    }
    if (const Status status = check(0); status != Status::success) {
        return status;
    }
    if (phase_ == Phase::disconnected) {
        return Status::pipe_disconnected;
    }
    if (phase_ == Phase::listening && offer_ && !offer_->page->withdraw()) {
        take_offer(); // the client was faster
    }
    if (phase_ == Phase::listening) {
        if (!doubt::disconnect_while_listening_succeeds) {
            return Status::pipe_listening;
        }
        if (offer_) {
            offer_->doorbell->ring();
            offer_.reset();
            host_.released();
        }
        complete_all(listens_, Status::pipe_disconnected);
    } else {
        connection_->page->say_disconnected();
        connection_->doorbell->ring();
        complete_all(reads_, Status::pipe_disconnected);
        complete_all(looks_, Status::pipe_disconnected);
        complete_all(writes_, Status::pipe_disconnected);
        complete_all(flushes_, Status::pipe_disconnected);
        leave_connection();
    }
    phase_ = Phase::disconnected;
    client_.reset();
    host_.disconnected();
    return Status::success;
}

void End::close()
{
    if (phase_ == Phase::closed || phase_ == Phase::disowned) {
        phase_ = Phase::closed;
        return;
    }
    forget_readiness();
    if (offer_) {
        if (!offer_->page->withdraw()) {
            offer_->page->say_closed();
        }
        offer_->doorbell->ring();
        offer_.reset();
        host_.released();
    }
    if (has_channel()) {
        take_back_what_is_pending();
        if (connection_->outgoing) {
            mirror_unread();
        }
        connection_->page->say_closed();
        connection_->doorbell->ring();
    }
    for (glue::List<Operation>* operations : {&listens_, &reads_, &looks_, &writes_, &flushes_}) {
        complete_all(*operations, Status::pipe_broken);
    }
    phase_ = Phase::closed;
    leave_connection();
}

void End::disown()
{
    forget_readiness();
    for (glue::List<Operation>* operations : {&listens_, &reads_, &looks_, &writes_, &flushes_}) {
        while (Operation* operation = operations->front()) {
            complete(*operation, Status::invalid_handle);
        }
    }
    outstanding_.clear();
    connection_.reset();
    offer_.reset();
    phase_ = Phase::disowned;
}

void End::orphan()
{
    orphaned_ = true;
    complete_all(listens_, Status::connection_disconnected);
}

// ---- from outside ----

void End::wake()
{
    armed_wants_ = 0; // the other side took them back when it rang
    look();
}

void End::look()
{
    look_at_state();
    settle();
}

void End::arm()
{
    arming_ = true;
    look();
    arming_ = false;
}

// Whoever writes waits for an answer. If it is looked for, nobody need ring.
void End::look_for_the_answer()
{
    if (armed_wants_ != 0 && host_.arms_later()) {
        armed_wants_ = 0;
        connection_->page->set_wants(0);
    }
}

void End::peer_gone()
{
    if (offer_ && !offer_->page->attached()) {
        drop_client_of_offer();
        return;
    }
    look_at_state();
    if (phase_ == Phase::connected) {
        drop_pending_of_dead_writer();
        become_closing();
    }
    settle();
}

// Does all that can be done now, then says what to be woken for, then looks once more: what the other side did before it
// could see that would otherwise be waited for without end.
void End::settle()
{
    for (int dallies = 0; has_channel();) {
        serve_reads();
        serve_looks();
        publish_outstanding();
        complete_writes();
        if (!has_channel()) {
            return;
        }
        if (tried_ != 0) {
            look_at_readiness();
        }
        const std::uint32_t wants = wanted();
        const bool impatient =
            (wants & channel::want::space) != 0 && (armed_wants_ & ~wants & channel::want::room) != 0;
        if ((wants & ~armed_wants_) == 0 && !impatient) {
            return;
        }
        if (!arming_ && host_.arms_later()) {
            return;
        }
        if (dallies < most_dallies && dally(wants)) {
            ++dallies;
            continue;
        }
        armed_wants_ = impatient ? wants : armed_wants_ | wants;
        connection_->page->set_wants(armed_wants_);
    }
}

// Only where copying takes the time: who is close behind the writer of small records takes the processor's cache lines away from it.
bool End::dally(std::uint32_t wants) const
{
    const channel::Incoming* incoming =
        (wants & channel::want::data) != 0 && connection_->incoming ? &*connection_->incoming : nullptr;
    const channel::Outgoing* outgoing =
        (wants & channel::want::space) != 0 && connection_->outgoing ? &*connection_->outgoing : nullptr;
    const bool is_bulk = (incoming != nullptr && incoming->last_size() >= least_bulk) ||
                         (outgoing != nullptr && outgoing->last_size() >= least_bulk);
    return is_bulk && connection_->doorbell->dally([incoming, outgoing] {
        return (incoming != nullptr && incoming->has_news()) || (outgoing != nullptr && outgoing->has_news());
    });
}

std::uint32_t End::wanted() const
{
    std::uint32_t wants = 0;
    if (!reads_.empty() || !looks_.empty() || (tried_ & channel::want::data) != 0) {
        wants |= channel::want::data;
    }
    if (!outstanding_.empty() || !flushes_.empty()) {
        wants |= channel::want::space;
    } else if ((tried_ & channel::want::room) != 0) {
        wants |= channel::want::space | channel::want::room;
    }
    return wants;
}

} // namespace ntpipe::end

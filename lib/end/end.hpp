// SPDX-License-Identifier: LGPL-2.1-or-later
// end.hpp: one end of a pipe. The rules of NPFS for reading, writing and changing state live in this class and nowhere else.
//
// Sans-I/O: calls go in, statuses and completions come out. An end is driven by one thread at a time. What it needs from the
// world it asks of its Host; the bytes of its connection are a Connection, which somebody else made and mapped.
//
//   end.cc         states: listening, connected, closing, disconnected; attaching, losing and leaving a connection
//   read.cc        reads, peek: what a read takes from the queue
//   look.cc        looking ahead, taking later: for who hands the data on
//   try.cc         reads and writes that never wait, and when to try again
//   write.cc       writes, quota, flush: when a write is complete
//   control.cc     transceive, FSCTLs as codes
//   attributes.cc  attributes, the client's process
//   security.cc    security descriptor, impersonation
//   information.cc information classes
#pragma once

#include "channel/incoming.hpp"
#include "channel/outgoing.hpp"
#include "channel/page.hpp"
#include "end/operation.hpp"
#include "end/types.hpp"
#include "security/identity.hpp"
#include "status/status.hpp"

#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <vector>

namespace ntpipe::end {

/// Wakes the other end of a connection.
class Doorbell {
public:
    Doorbell() = default;
    Doorbell(const Doorbell&) = delete;
    Doorbell& operator=(const Doorbell&) = delete;
    virtual ~Doorbell() = default;
    virtual void ring() = 0;
    /// The other end was rung and may answer at once: gives it a moment, if that is worth while. `answered` looks.
    virtual void linger(const std::function<bool()>& /*answered*/) {}
    /// This end is going to wait for the other one: looks for a moment whether it is just about to go on, if it mostly is. True: so it is.
    [[nodiscard]] virtual bool dally(const std::function<bool()>& /*goes_on*/) { return false; }
};

/// If so many messages fill a quota, each is worth waking somebody for.
inline constexpr std::uint64_t few_messages = 8;

/// Stands on records that nobody may act for.
inline constexpr std::uint32_t no_context = 0;

/// Whom a client has written as, in the broker's words.
struct ClientContext {
    std::uint32_t id = 1;
    std::uint32_t level = 2; ///< of impersonation: 0 anonymous, 1 identification, 2 impersonation, 3 delegation
    std::shared_ptr<const security::Identity> identity;
};

/// What a server acts as.
struct Impersonation {
    std::shared_ptr<const security::Identity> identity;
    std::uint32_t level = 0;
};

/// A connection as one end has it.
struct Connection {
    std::unique_ptr<channel::ConnectionView> page;
    std::optional<channel::Incoming> incoming; ///< empty: this end may not read, or there is no such direction
    std::optional<channel::Outgoing> outgoing;
    bool peer_maps_incoming = true; ///< false: the mirror in the page must be kept for it
    bool peer_maps_outgoing = true;
    std::unique_ptr<Doorbell> doorbell;
    std::uint32_t context = 1; ///< this end's security context, stamped on its records
    ClientContext opened_as;   ///< the client; on its own end the level that it allows
    bool dynamic_tracking = false;
    bool effective_only = true;
    std::vector<ClientContext> contexts; ///< server: further ones, in the order of their numbers
    std::uint32_t last_context = 1;      ///< server: the highest number that it was told
    bool overflow_missed = false;        ///< End::miss_overflow()
    std::uint32_t server_process_id = 0;
    std::uint32_t server_session_id = 0;
};

/// Whom an end tells that what was tried in vain should be tried again.
class Readiness : public glue::Completion {
public:
    std::uint32_t ready =
        0; ///< channel::want::data: a read; channel::want::room: a write. completed() takes it and sets it to 0
};

/// The process around an end.
class Host {
public:
    Host() = default;
    Host(const Host&) = delete;
    Host& operator=(const Host&) = delete;
    virtual ~Host() = default;

    /// Hand over whatever has arrived for it by now (End::offer, End::add_overflow), without waiting.
    virtual void take_in() = 0;
    /// Server end: the instance is listening again, for the `period`th time.
    virtual void listening(std::uint64_t period) = 0;
    /// Server end: the instance is disconnected.
    virtual void disconnected() = 0;
    /// The end has let go of its connection and of its doorbell.
    virtual void released() = 0;
    /// Asks the broker for an overflow segment of `size` bytes for what this end writes; the answer is End::add_overflow() or
    /// End::refuse_overflow(). False: nobody is there to ask.
    [[nodiscard]] virtual bool request_overflow(std::size_t size) = 0;
    /// The end waits for something. True: the host will look() now and then, and arm() before it sleeps. Until then the other end
    /// need not ring.
    [[nodiscard]] virtual bool arms_later() { return false; }
};

class End {
public:
    /// A server end, listening. `maximum_overflow`: bytes of shared memory that one direction may have besides its ring.
    static std::unique_ptr<End> server(Host& host, glue::Completions& completions, Attributes attributes,
                                       security::AccessMask granted_access, PipeInformation modes,
                                       std::size_t maximum_overflow);
    /// A client end, attached to `connection`.
    static std::unique_ptr<End> client(Host& host, glue::Completions& completions, Attributes attributes,
                                       security::AccessMask granted_access, std::size_t maximum_overflow,
                                       Connection connection);
    End(const End&) = delete;
    End& operator=(const End&) = delete;
    /// Closes.
    ~End();

    // ---- operations (SEMANTICS 2 and 3). Each returns its final status, or STATUS_PENDING and completes later. ----

    [[nodiscard]] Status listen(Operation& operation);
    [[nodiscard]] Status disconnect();
    [[nodiscard]] Status read(Operation& operation, std::span<std::byte> buffer);
    /// FSCTL_PIPE_INTERNAL_READ_OVFLOW: as read(), but a message that does not fit stays as it is.
    [[nodiscard]] Status read_whole(Operation& operation, std::span<std::byte> buffer);
    /// Copies what it does not transfer at once.
    [[nodiscard]] Status write(Operation& operation, glue::ByteSpan data);
    [[nodiscard]] Status transceive(Operation& operation, glue::ByteSpan data, std::span<std::byte> buffer);
    [[nodiscard]] Status flush(Operation& operation);
    /// As a read in COMPLETE mode, whatever the mode is. STATUS_PIPE_EMPTY also while reads are pending: what comes is theirs.
    [[nodiscard]] Status try_read(std::span<std::byte> buffer, std::size_t& information);
    /// As a write in COMPLETE mode, whatever the mode is: `written` may be less than there is, also 0.
    [[nodiscard]] Status try_write(glue::ByteSpan data, std::size_t& written);
    /// Who hears, once after each try that was in vain and at first for data, that there is something to try again for: data,
    /// room, or another state. nullptr: nobody any more. It must outlive that.
    void set_readiness(Readiness* readiness);
    [[nodiscard]] Status peek(std::span<std::byte> buffer, PeekInformation& information);
    /// As a read (by message on a message pipe), but everything stays in place, and it goes on where the last look has ended.
    [[nodiscard]] Status look(Operation& operation, std::span<std::byte> buffer);
    /// Consumes the first `length` bytes of what was looked at, with empty messages before them; SIZE_MAX: all of it.
    [[nodiscard]] Status take(std::size_t length);
    /// The other end waits in a read, for the next write, or the first `length` bytes of it. Until that comes, or release_posted_read(),
    /// it is not cancelled; a look tells when that is wanted, or when it has gone otherwise. STATUS_NOT_FOUND: it does not, or something
    /// is there that it has not read.
    [[nodiscard]] Status posted_read(std::uint32_t& length);
    /// What a look said to be revoked: `given_back` if nobody has got it. False: it is read, or will be. In bytes behind what was taken;
    /// of whole looks.
    [[nodiscard]] Status settle_revoked(std::size_t at, std::size_t length, bool given_back);
    /// Nothing counts any more on the read that posted_read() has told of.
    [[nodiscard]] Status release_posted_read();
    /// STATUS_NOT_FOUND: it is not pending on this end, or can no longer be stopped and is completing. STATUS_PENDING: the other end
    /// hands on and has to say whether it was read or written there; until then it is pending.
    Status cancel(Operation& operation);
    /// The end is over: what is pending completes, the other end sees it. Every later call returns STATUS_FILE_CLOSED.
    void close();

    // ---- information (SEMANTICS 5) ----

    [[nodiscard]] Status query(PipeInformation& information);
    [[nodiscard]] Status set(const PipeInformation& information);
    [[nodiscard]] Status query(PipeLocalInformation& information);
    /// Any class of file information as its bytes; `information` becomes the number of bytes given.
    [[nodiscard]] Status query_information(std::uint32_t information_class, std::span<std::byte> buffer,
                                           std::size_t& information);
    [[nodiscard]] Status set_information(std::uint32_t information_class, glue::ByteSpan buffer);
    /// The client of the connection and the server's process (SEMANTICS 3.9, second table).
    [[nodiscard]] Status query_client(std::shared_ptr<const security::Identity>& client);
    [[nodiscard]] Status query_server_process(std::uint32_t& process_id);
    /// FSCTL_PIPE_GET_CONNECTION_ATTRIBUTE and the like (SEMANTICS 4.2). `name` ends in NUL.
    [[nodiscard]] Status query_connection_attribute(glue::ByteSpan name, std::span<std::byte> value,
                                                    std::size_t& information);
    /// Attributes of the pipe and of this end, of which there are none yet that could be had.
    [[nodiscard]] Status query_other_attribute(glue::ByteSpan name);
    /// FSCTL_PIPE_QUERY_CLIENT_PROCESS: the long form if `may_name_computer` and it fits (SEMANTICS 4.1).
    [[nodiscard]] Status query_client_process(bool may_name_computer, std::span<std::byte> buffer,
                                              std::size_t& information);

    // ---- security (SEMANTICS 6) ----

    /// These parts of the pipe's security descriptor, self-relative.
    [[nodiscard]] Status query_security(std::uint32_t information, glue::ByteVector& descriptor);
    /// Whether the broker may be asked to set these parts.
    [[nodiscard]] Status check_set_security(std::uint32_t information);
    /// Server end: whom it acts for: the client as it was when it wrote what was read last.
    [[nodiscard]] Status impersonate(Impersonation& impersonation);
    /// Client end: nobody may act for it on what it writes from now on.
    [[nodiscard]] Status disable_impersonation();
    /// Client end: whether the broker may be asked for a further context; whether that would change anything.
    [[nodiscard]] Status check_set_context();
    [[nodiscard]] bool context_matters() const;
    /// Client end: what it writes from now on belongs to that context.
    void set_context(std::uint32_t context);
    /// Server end: the broker tells a further context of the client.
    void add_context(ClientContext context);
    /// The highest number of a context that this end knows.
    [[nodiscard]] std::uint32_t last_context() const;
    [[nodiscard]] std::uint32_t allowed_level() const { return connection_ ? connection_->opened_as.level : 0; }

    /// Any FSCTL as its bytes; `output` must stay until the operation has completed.
    [[nodiscard]] Status control(Operation& operation, std::uint32_t code, glue::ByteSpan input,
                                 std::span<std::byte> output);
    /// A new client end, on a message pipe: its first read is by message. No access right is asked for.
    void begin_in_message_mode();
    /// STATUS_FILE_CLOSED or STATUS_INVALID_HANDLE for an end that is no more.
    [[nodiscard]] Status check_handle() const;
    [[nodiscard]] const Attributes& attributes() const { return attributes_; }
    [[nodiscard]] security::AccessMask granted_access() const { return granted_access_; }
    /// How it reads and waits, for who speaks to the client on its behalf: that needs no right, which query() does.
    [[nodiscard]] const PipeInformation& modes() const { return modes_; }
    [[nodiscard]] Side side() const { return side_; }
    [[nodiscard]] PipeState state();

    // ---- what the host brings ----

    /// Server end: a client was matched with this instance in its `period`th time of listening. False: the instance is past
    /// that, and the connection was withdrawn.
    bool offer(Connection connection, std::uint64_t period);
    /// Server end: the same, but the connection could not be made. The instance listens on.
    void offer_failed(std::uint64_t period);
    /// The doorbell of this end was rung.
    void wake();
    /// Takes in what the other end has done, rung for or not.
    void look();
    /// Whoever looks is going to sleep: from now on the other end rings. Takes in what it has done meanwhile.
    void arm();
    /// The other end's process is gone or has closed its doorbell.
    void peer_gone();
    [[nodiscard]] Status add_overflow(Direction direction, std::unique_ptr<channel::Memory> memory);
    /// There will be no overflow segment: what is too large for the ring goes through it in pieces.
    void refuse_overflow();
    /// An overflow segment may have been on its way to this end that will not come. If its peer writes into one, the connection is
    /// broken.
    void miss_overflow();
    /// Whom this end has asked for an overflow segment will not answer any more. Another broker may be asked.
    void forget_overflow_request();
    /// This process is a fork of the one that the end belongs to: forgets the connection without a sign to the other end.
    /// Every later call returns STATUS_INVALID_HANDLE.
    void disown();
    /// Server end: the broker will send no more clients. LISTEN fails from now on; a connection lives on.
    void orphan();
    /// Server end: how often it has begun to listen, and its state without looking further.
    [[nodiscard]] std::uint64_t listening_period() const { return listening_period_; }
    [[nodiscard]] PipeState last_state() const;

private:
    enum class Phase : std::uint8_t { listening, connected, closing, disconnected, detached, closed, disowned };

    /// A write that is not over: its bytes are unread beyond quota, or not in shared memory yet, or it was revoked and the
    /// reader has not passed it. In order; see write.cc.
    struct Outstanding {
        Operation* operation = nullptr; ///< while somebody waits for it
        bool exempt = false;            ///< of a transceive: no quota, no revocation
        bool revoked = false;
        std::size_t revoked_from = 0; ///< the first record that was revoked, and bytes before it
        std::size_t revoked_offset = 0;
        bool asked =
            false; ///< for records from `asked_from` on, and who hands them on has not said whether they are read there
        std::size_t asked_from = 0;
        std::uint32_t context = no_context;
        std::size_t size = 0;
        std::uint64_t start = 0;   ///< stream position of its first byte, once `records` is not empty
        std::size_t published = 0; ///< bytes in shared memory
        glue::ByteVector data;     ///< of a write that did not fit: its bytes from `data_from` on
        std::size_t data_from = 0;
        bool needs_cut = false;     ///< revoked between two of its records: the reader must be told that no more come
        std::uint64_t sequence = 0; ///< in the order of this end's writes
        std::vector<channel::RecordRef> records;

        [[nodiscard]] bool expect_record();
        [[nodiscard]] std::size_t unpublished() const { return revoked ? 0 : size - published; }
        [[nodiscard]] bool wholly_published() const { return !records.empty() && unpublished() == 0; }
        [[nodiscard]] bool waits_for_room() const { return revoked ? needs_cut : !wholly_published(); }
    };

    /// Bytes of a record that were looked at and not taken.
    struct Looked {
        std::uint64_t sequence = 0;
        std::uint32_t from = 0;
        std::uint32_t size = 0;
        bool revocable = false;
        bool told = false; ///< that its writer wants it back, or has revoked it
    };

    End(Side side, Host& host, glue::Completions& completions, Attributes attributes,
        security::AccessMask granted_access, PipeInformation modes, std::size_t maximum_overflow);
    friend class Operation;

    // end.cc
    [[nodiscard]] Status check(security::AccessMask needed, bool from_front = false);
    [[nodiscard]] Status check_handle(security::AccessMask needed) const;
    void look_at_state(bool from_front = false);
    void take_in_overflow();
    void take_offer();
    void complete_what_was_read();
    void become_closing();
    void become_detached();
    void break_connection();
    void leave_connection();
    void take_back_what_is_pending();
    void drop_client_of_offer();
    void complete(Operation& operation, Status status, std::size_t information = 0);
    void complete_all(glue::List<Operation>& operations, Status status);
    void no_longer_leaving(Operation& operation);
    [[nodiscard]] Status begin(Operation& operation, Operation::Kind kind);
    [[nodiscard]] Status finish_start(Operation& operation);
    void pend(Operation& operation, glue::List<Operation>& list);
    void abandon(Operation& operation);
    void settle();
    void look_for_the_answer();
    [[nodiscard]] bool tell_what_is_withdrawn(Operation& operation);
    [[nodiscard]] std::optional<channel::Record> find_looked(const Looked& part);
    [[nodiscard]] std::uint32_t wanted() const;
    [[nodiscard]] bool dally(std::uint32_t wants) const;
    [[nodiscard]] bool connected() const { return phase_ == Phase::connected; }
    [[nodiscard]] bool has_channel() const { return phase_ == Phase::connected || phase_ == Phase::closing; }

    // security.cc
    [[nodiscard]] const ClientContext* find_context(std::uint32_t id);

    // read.cc
    [[nodiscard]] Status check_read(bool from_front = false);
    void wait_to_read(Operation& operation, std::span<std::byte> buffer, Operation::Kind kind);
    [[nodiscard]] Status start_read(Operation& operation, std::span<std::byte> buffer);
    [[nodiscard]] Status read_without_waiting(Operation& operation);
    [[nodiscard]] Status read_what_is_there(Operation& operation);
    [[nodiscard]] std::uint32_t posted_size(const Operation& read) const;
    enum class Advance : std::uint8_t { finished, waiting, broken };
    [[nodiscard]] Advance advance_read(Operation& operation, Status& status);
    void serve_reads();
    void post_reads();
    void settle_posted(Operation& operation);
    [[nodiscard]] bool enough_consumed();
    void show_consumed();
    void cancel_read(Operation& operation);
    void end_cancelled_read(Operation& operation);
    void end_released_reads();
    void serve_pending_reads();
    void drop_pending_of_dead_writer();
    [[nodiscard]] bool reads_by_message(const Operation& operation) const;
    [[nodiscard]] std::uint64_t unread_incoming();

    // try.cc
    [[nodiscard]] bool has_room();
    [[nodiscard]] bool has_something();
    void look_at_readiness();
    void tell_ready(std::uint32_t what);
    void forget_readiness();

    // look.cc
    [[nodiscard]] Advance advance_look(Operation& operation, Status& status);
    [[nodiscard]] bool tell_what_is_revoked(Operation& operation);
    [[nodiscard]] Advance take_looked(std::size_t& length);
    void serve_looks();
    void forget_looks();

    // write.cc
    [[nodiscard]] Status check_write(glue::ByteSpan data);
    [[nodiscard]] Status start_write(Operation* operation, glue::ByteSpan data, bool exempt);
    [[nodiscard]] Status write_without_queueing(glue::ByteSpan data, std::size_t& written);
    [[nodiscard]] Status write_among_posted_reads(glue::ByteSpan data, std::size_t& written);
    [[nodiscard]] std::size_t acceptable_bytes(std::size_t size);
    void forget_tentative(const channel::RecordRef& ref, std::uint64_t start, std::list<Outstanding>& place);
    [[nodiscard]] bool anything_waits_for_room() const;
    [[nodiscard]] std::uint64_t revoked_ahead(const Outstanding& write) const;
    [[nodiscard]] std::uint64_t unread_outgoing() const;
    [[nodiscard]] std::uint64_t absorbed_by_posted_reads(std::uint64_t* idle = nullptr);
    void publish_outstanding();
    void keep_rest(glue::ByteSpan rest);
    [[nodiscard]] bool publish_piece(Outstanding& write, glue::ByteSpan rest);
    [[nodiscard]] bool wait_for_overflow(std::size_t size);
    void complete_writes();
    void complete_flushes();
    [[nodiscard]] bool flushed(const Operation& flush) const;
    /// What has come of taking a write back.
    enum class TakenBack : std::uint8_t { taken, over, asked };
    [[nodiscard]] TakenBack revoke(Outstanding& write, bool at_once);
    void take_in_answers();
    void take_in_answer(Outstanding& write);
    void hold_what_was_asked_for(const Outstanding& write);
    void cancel_write(Operation& operation, bool silently);
    void forget_passed();
    void show_published();
    void mirror_unread();
    [[nodiscard]] std::uint64_t outgoing_quota() const { return attributes_.quota(channel::outgoing_direction(side_)); }
    [[nodiscard]] std::uint64_t incoming_quota() const { return attributes_.quota(channel::incoming_direction(side_)); }

    const Side side_;
    Host& host_;
    glue::Completions& completions_;
    const Attributes attributes_;
    const security::AccessMask granted_access_;
    PipeInformation modes_;
    const std::size_t maximum_overflow_;

    Phase phase_;
    std::uint64_t listening_period_ = 1;
    bool orphaned_ = false;
    std::optional<Connection> connection_;
    std::optional<Connection> offer_; ///< its client has not attached yet
    std::shared_ptr<const security::Identity> client_;
    std::uint32_t server_process_id_ = 0;
    std::uint32_t server_session_id_ = 0;
    std::uint32_t armed_wants_ = 0;
    bool arming_ = false;
    Readiness* readiness_ = nullptr;
    std::uint32_t tried_ = 0;     ///< what readiness_ is to be told of
    std::size_t refused_ = 0;     ///< bytes of the write that was tried in vain
    std::uint64_t room_mark_ = 0; ///< consumed when the peer began to want room

    glue::List<Operation> listens_;
    glue::List<Operation> reads_;
    glue::List<Operation> looks_;
    glue::List<Operation> writes_;
    glue::List<Operation> flushes_;

    std::list<Outstanding> outstanding_;
    std::uint64_t write_sequence_ = 0; ///< of the next write
    bool some_asked_ = false;          ///< of outstanding_, or was
    bool overflow_requested_ = false;
    bool overflow_refused_ = false;
    std::deque<Looked> looked_;
    std::uint64_t look_sequence_ = 0;                  ///< of the record where the next look begins,
    std::uint32_t look_offset_ = 0;                    ///< and where in it
    std::optional<channel::ClaimedRead> claimed_read_; ///< what posted_read() has told, until something is written
    bool withdrawal_told_ = false;
    std::size_t leaving_reads_ = 0;           ///< that are to be cancelled when the other end says so
    bool look_within_message_ = false;        ///< the last look did not reach the end of its message
    std::uint32_t read_context_ = no_context; ///< of the record that was read last in this connection
};

} // namespace ntpipe::end

// SPDX-License-Identifier: LGPL-2.1-or-later
// model.hpp: a plain, slow, single-threaded model of NPFS, written from docs/SEMANTICS.md alone; what the real thing is compared with.
//
// How to use it
//   A Model is one namespace of pipes with everything in it. It is a value: copy it, compare it, put it aside.
//   apply() carries out one operation and returns what it brings about: the completions, in the order in which they happen. The
//   operation itself is among them if it is over at once; if it is not, it is pending, and a later apply() brings its completion.
//   The caller gives each operation and each end a number of its own, which it never uses twice in one model:
//
//       Model model;
//       model.apply(create(1, 100, "p", parameters));     // operation 1 makes the server end 100: {1: SUCCESS, FILE_CREATED}
//       model.apply(open(2, 200, "p", access));           // operation 2 makes the client end 200: {2: SUCCESS}
//       model.apply(read(3, 100, 10));                    // {}: operation 3 is pending
//       model.apply(write(4, 200, bytes));                // {4: SUCCESS 5, 3: SUCCESS 5 and the bytes}, in whichever order
//
//   So a history of operations that ran at the same time can be searched for an order that explains it: keep copies of the model, try
//   each operation that could be next, compare its completions with what was observed, and go back by using the copy.
//   Completions that one apply() brings have no order between them that a program could rely on, except: reads and transceives of
//   one end are over in the order in which they were started, and so are its writes.
//
// What is not in it: timeouts (waits are for ever), security descriptors and identities (everybody may do everything that the access
// of the end allows), names beyond ASCII, and the limit of shared memory per direction beyond which ntpipe shows data later than
// NPFS does (docs/SPEC.md): keep the unread bytes of a direction below 1 MiB.
#pragma once

#include <ntpipe_status.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

namespace ntpipe::model {

using Bytes = std::vector<std::uint8_t>;
using Id = std::uint32_t; ///< of an operation or an end; 0 is none
using Status = ntpipe_status;

enum class Kind : std::uint8_t {
    create,      ///< NtCreateNamedPipeFile: end, name, parameters
    open,        ///< NtOpenFile: end, name, access
    wait,        ///< FSCTL_PIPE_WAIT, for ever: name
    listen,      ///< FSCTL_PIPE_LISTEN: end
    disconnect,  ///< FSCTL_PIPE_DISCONNECT: end
    close,       ///< NtClose of the last handle: end
    read,        ///< end, room
    write,       ///< end, data
    transceive,  ///< FSCTL_PIPE_TRANSCEIVE: end, data, room
    flush,       ///< end
    peek,        ///< FSCTL_PIPE_PEEK: end, room. values: state, ReadDataAvailable, NumberOfMessages, MessageLength
    set_modes,   ///< set FilePipeInformation: end, read_mode, completion_mode
    query_modes, ///< FilePipeInformation: end. values: read mode, completion mode
    query_local, ///< FilePipeLocalInformation: end. values: its ten fields
    query_standard, ///< FileStandardInformation: end. values: AllocationSize, EndOfFile, NumberOfLinks, DeletePending, Directory
    cancel,    ///< NtCancelIoFileEx: target. Over at once, SUCCESS or NOT_FOUND
    abandon,   ///< the same, but there is no completion of the target. Not NT's: talloc_free() of a request
    try_read,  ///< as read in COMPLETE mode, in whatever mode the end is. Not NT's, as the next
    try_write, ///< as write in COMPLETE mode
};

/// What NtCreateNamedPipeFile takes (2.1).
struct CreateParameters {
    std::uint32_t access = 0xC0000000; ///< generic read and write
    std::uint32_t share = 3;           ///< 1 outbound, 2 inbound, 3 duplex
    std::uint32_t disposition = 3;     ///< 1 open, 2 create, 3 open if
    std::uint32_t type = 1;            ///< 0 byte, 1 message
    std::uint32_t read_mode = 1;
    std::uint32_t completion_mode = 0;
    std::uint32_t max_instances = 0xFFFFFFFF;
    std::uint32_t inbound_quota = 4096;
    std::uint32_t outbound_quota = 4096;
    std::int64_t default_timeout = -500000;
};

struct Operation {
    Kind kind = Kind::peek;
    Id id = 0;
    Id end = 0; ///< which it is done on; create, open: how the new end is called
    Id target = 0;
    std::string name;
    CreateParameters parameters;
    std::uint32_t access = 0xC0000000;
    Bytes data;
    std::uint32_t room = 0; ///< bytes that the caller's buffer has
    std::uint32_t read_mode = 0;
    std::uint32_t completion_mode = 0;
};

struct Completion {
    Id operation = 0;
    Status status = 0;
    std::uint64_t information = 0; ///< bytes; of a create: 2 created, 1 opened
    Bytes data;
    std::vector<std::uint64_t> values;
    bool operator==(const Completion&) const = default;
};
using Effects = std::vector<Completion>;

/// A write that is in a queue, as far as it is unread (0.1 "Queue").
struct Entry {
    Bytes unread;
    std::size_t size = 0;       ///< of the write as a whole
    Id pending = 0;             ///< the write, while it is not complete
    std::uint64_t sequence = 0; ///< in the order of the writes
    bool operator==(const Entry&) const = default;
};

struct PendingRead {
    Id operation = 0;
    std::uint32_t room = 0;
    bool transceive = false;
    bool operator==(const PendingRead&) const = default;
};

struct PendingFlush {
    Id operation = 0;
    std::uint64_t marker = 0; ///< waits for entries with a lower sequence
    bool operator==(const PendingFlush&) const = default;
};

/// One direction of an instance: entries or pending reads, never both.
struct Queue {
    std::uint32_t quota = 0;
    std::deque<Entry> entries;
    std::deque<PendingRead> reads;
    std::deque<PendingFlush> flushes;
    std::uint64_t next_sequence = 1;
    bool operator==(const Queue&) const = default;
};

enum class State : std::uint8_t { disconnected = 1, listening = 2, connected = 3, closing = 4 };

/// FCB (0.1). It outlives its name while a client holds an end of it (2.2).
struct Pipe {
    std::string name;
    std::uint32_t type = 0;
    std::uint32_t configuration = 0; ///< 0 inbound, 1 outbound, 2 full duplex
    std::uint32_t max_instances = 0;
    std::uint32_t instances = 0; ///< with a server end
    bool operator==(const Pipe&) const = default;
};

struct Instance {
    Id pipe = 0;
    State state = State::listening;
    Id server = 0; ///< 0: closed
    Id client = 0;
    std::uint64_t listening_since = 0; ///< order of entering LISTENING (2.7)
    Queue inbound;
    Queue outbound;
    std::deque<Id> listens;
    bool operator==(const Instance&) const = default;
};

struct End {
    bool server = false;
    bool closed = false;
    std::uint32_t access = 0; ///< specific rights
    std::uint32_t read_mode = 0;
    std::uint32_t completion_mode = 0;
    Id instance = 0; ///< 0: detached client (2.5)
    bool operator==(const End&) const = default;
};

struct PendingWait {
    Id operation = 0;
    Id pipe = 0;
    bool operator==(const PendingWait&) const = default;
};

class Model {
public:
    [[nodiscard]] Effects apply(const Operation& operation);
    bool operator==(const Model&) const = default;

    // For those who choose operations by what would be interesting next.
    [[nodiscard]] const std::map<Id, End>& ends() const { return ends_; }
    [[nodiscard]] const std::map<Id, Instance>& instances() const { return instances_; }
    [[nodiscard]] const std::map<Id, Pipe>& pipes() const { return pipes_; }

private:
    // One function for each operation.
    void create(const Operation& operation);
    void open(const Operation& operation);
    void wait(const Operation& operation);
    void listen(const Operation& operation);
    void disconnect(const Operation& operation);
    void close(const Operation& operation);
    void read(const Operation& operation);
    void write(const Operation& operation);
    void transceive(const Operation& operation);
    void flush(const Operation& operation);
    void peek(const Operation& operation);
    void set_modes(const Operation& operation);
    void query_modes(const Operation& operation);
    void query_local(const Operation& operation);
    void query_standard(const Operation& operation);
    void cancel(const Operation& operation);

    // What several operations do.
    void complete(Id operation, Status status, std::uint64_t information = 0, Bytes data = {},
                  std::vector<std::uint64_t> values = {});
    [[nodiscard]] Status refusal_of(const CreateParameters& wanted, const Pipe* existing) const;
    void new_instance(const Operation& operation, Id pipe);
    void enter_listening(Instance& instance);
    void end_listens(Instance& instance, Status status);
    void end_reads(Queue& queue, Status status);
    void end_writes_and_flushes(Queue& queue, Status status);
    void take_back_pending_writes(Queue& queue);
    void forget_if_unused(Id instance_id);
    void satisfy_reads(Queue& queue, const End& reader, Bytes& rest);
    void append(Queue& queue, Bytes rest, std::size_t size, Id pending);
    void pop_front(Queue& queue);
    void settle(Queue& queue);
    [[nodiscard]] bool cancel_in_queue(Queue& queue, Id target);
    [[nodiscard]] bool cancel_anywhere(Id target);
    [[nodiscard]] bool begin(const Operation& operation, std::uint32_t access);
    [[nodiscard]] Status take(Queue& queue, bool by_message, std::uint32_t room, Bytes& data);

    [[nodiscard]] Id find_name(const std::string& name) const;
    [[nodiscard]] Instance* first_listening(Id pipe);
    [[nodiscard]] Queue& incoming(Instance& instance, const End& end);
    [[nodiscard]] Queue& outgoing(Instance& instance, const End& end);
    [[nodiscard]] const End* peer_of(const Instance& instance, const End& end) const;
    [[nodiscard]] bool message_type(const Instance& instance) const;

    std::map<std::string, Id> names_; ///< upcased
    std::map<Id, Pipe> pipes_;
    std::map<Id, Instance> instances_;
    std::map<Id, End> ends_;
    std::deque<PendingWait> waits_;
    Id next_id_ = 1; ///< of pipes and instances
    std::uint64_t clock_ = 0;
    Effects effects_; ///< of the operation under way
};

} // namespace ntpipe::model

# SPDX-License-Identifier: LGPL-2.1-or-later
"""mutations.py: the list: which rule is broken, where it stands, and what stands there instead. `find` is in `file` exactly once."""
from typing import NamedTuple


class Mutation(NamedTuple):
    """A rule, turned into its opposite or into its neighbour."""

    section: str  # of SEMANTICS.md
    rule: str  # what is the case instead
    file: str
    find: str
    replace: str


READ, WRITE, END = "lib/end/read.cc", "lib/end/write.cc", "lib/end/end.cc"
CONTROL, INFORMATION, VOLUME = "lib/end/control.cc", "lib/end/information.cc", "lib/end/volume.cc"
CREATE, OPEN, NAMESPACE, WAIT = (f"lib/namespace/{name}.cc" for name in ("create", "open", "namespace", "wait"))
WAIT_BUFFER, ALIAS, NOTIFY = "lib/namespace/wait_buffer.cc", "lib/namespace/alias.cc", "lib/namespace/notify.cc"
CONTAINER, SCAN = "lib/namespace/container.cc", "lib/namespace/directory_scan.cc"

MUTATIONS = [
    # ---- reads (3.1, 3.2) ----
    Mutation("3.2", "an empty message does not end a read", READ, "if (empty_message && (first || !doubt::empty_message_in_the_middle_is_skipped)) {",
             "if (empty_message && first && operation.buffer_.empty()) {"),
    Mutation("3.1", "an empty message in the middle ends a byte read", READ, "if (empty_message && (first || !doubt::empty_message_in_the_middle_is_skipped)) {",
             "if (empty_message && (first || !full || full)) {"),
    Mutation("3.2", "a message that goes on ends with SUCCESS", READ,
             "return finished(by_message ? Status::buffer_overflow : Status::success);", "return finished(Status::success);"),
    Mutation("3.2", "the end of a message does not end a read", READ, "if (by_message && left == 0) {", "if (by_message && left == 0 && full) {"),
    Mutation("3.2", "a byte read waits until its buffer is full", READ,
             "return operation.filled_ > 0 && !by_message ? finished(Status::success) : Advance::waiting;", "return Advance::waiting;"),
    Mutation("3.2", "a read of nothing does not wait", READ, "    pend(operation, reads_);\n",
             "    pend(operation, reads_);\n    if (buffer.empty()) {\n        complete(operation, Status::success, 0);\n"
             "        return finish_start(operation);\n    }\n"),
    Mutation("3.2", "a waiting read keeps the mode in which it began: a transceive reads by the mode of the end", READ,
             "return operation.kind_ == Operation::Kind::transceive || modes_.read_mode == ReadMode::message;",
             "return operation.kind_ != Operation::Kind::transceive && modes_.read_mode == ReadMode::message;"),
    Mutation("3.9", "a read of a listening instance waits", READ, "return Status::pipe_listening;", "return Status::pipe_disconnected;"),
    Mutation("2.6", "a read after the close does not drain the data", READ,
             "    while (connection_->incoming) {\n        Operation* read = reads_.front();",
             "    while (connection_->incoming && phase_ != Phase::closing) {\n        Operation* read = reads_.front();"),
    Mutation("2.6", "the end of the data says PIPE_CLOSING", READ, "read->filled_ == 0 ? Status::pipe_broken : Status::buffer_overflow",
             "read->filled_ == 0 ? Status::pipe_closing : Status::buffer_overflow"),
    Mutation("2.6", "pending writes of a dead process stay", READ, "if (whole && !(revocable && unread + size > incoming_quota())) {",
             "if (whole && (revocable || unread + size <= incoming_quota() || true)) {"),
    # ---- peek (3.8) ----
    Mutation("3.8", "a peek shows all messages", READ, "if (!messages || count == 1) {", "if (count > 0) {"),
    Mutation("3.8", "empty messages are not counted", READ, "count += begins ? 1 : 0;", "count += begins && record.size != 0 ? 1 : 0;"),
    Mutation("3.8", "MessageLength is that of the whole message", READ,
             "first_message = std::uint64_t{record.unread()} + record.rest;", "first_message = std::uint64_t{record.size} + record.rest;"),
    Mutation("3.8", "a peek of a part of a message: SUCCESS", READ, "return first_message > seen.copied ? Status::buffer_overflow : Status::success;",
             "return Status::success;"),
    Mutation("3.8", "a peek of a closing pipe reports CONNECTED", READ, "phase_ == Phase::closing ? PipeState::closing : PipeState::connected",
             "PipeState::connected"),
    Mutation("3.8", "a peek of a closing pipe without data succeeds", READ, "if (!any && phase_ == Phase::closing) {",
             "if (!any && phase_ == Phase::disconnected) {"),
    Mutation("3.8", "a byte pipe has messages", READ, "    if (messages) {\n        seen.number_of_messages = count;",
             "    if (any) {\n        seen.number_of_messages = count;"),
    # ---- writes and quotas (3.3) ----
    Mutation("3.3", "the quota is one larger", WRITE, "fits = unread - std::min(unread, *absorbed) <= outgoing_quota();",
             "fits = unread - std::min(unread, *absorbed) <= outgoing_quota() + 1U;"),
    Mutation("3.3", "each direction has the other's quota", "lib/end/end.hpp",
             "outgoing_quota() const { return attributes_.quota(channel::outgoing_direction(side_)); }",
             "outgoing_quota() const { return attributes_.quota(channel::incoming_direction(side_)); }"),
    Mutation("3.3", "an empty message waits behind writes that pend", WRITE, "if (write.wholly_published() && (fits || write.size == 0)) {",
             "if (write.wholly_published() && fits) {"),
    Mutation("3.3", "what readers take counts against the quota", WRITE, "absorbed = absorbed_by_posted_reads();", "absorbed = 0;"),
    Mutation("3.3", "a write to a closed pipe says PIPE_BROKEN", WRITE, "        return Status::pipe_closing;\n    default:",
             "        return Status::pipe_broken;\n    default:"),
    Mutation("3.3", "an empty byte write is queued", WRITE, "if (data.empty() && attributes_.type == PipeType::byte) {",
             "if (data.empty() && attributes_.type == PipeType::byte && data.size() == 1) {"),
    # ---- complete mode (3.4) ----
    Mutation("3.4", "a message is written in part", WRITE, "if (attributes_.type == PipeType::message || taken == 0) {", "if (taken == 0) {"),
    Mutation("3.4", "bytes that do not fit are dropped also for waiting readers", WRITE,
             "if (attributes_.type == PipeType::message || taken == 0) {", "if (taken != data.size()) {"),
    Mutation("3.4", "unread data does not count", WRITE, "if (!data.empty() && unread_outgoing() + data.size() > outgoing_quota()) {",
             "if (!data.empty() && data.size() > outgoing_quota()) {"),
    Mutation("3.4", "a read of an empty pipe waits", READ,
             "kind == Operation::Kind::read && modes_.completion_mode == CompletionMode::complete) {",
             "kind == Operation::Kind::flush && modes_.completion_mode == CompletionMode::complete) {"),
    Mutation("3.4", "a transceive does not wait", READ,
             "kind == Operation::Kind::read && modes_.completion_mode == CompletionMode::complete) {",
             "modes_.completion_mode == CompletionMode::complete) {"),
    Mutation("3.4", "LISTEN waits", END, "if (modes_.completion_mode == CompletionMode::complete) {\n        return Status::pipe_listening;",
             "if (modes_.completion_mode > CompletionMode::complete) {\n        return Status::pipe_listening;"),
    Mutation("3.4", "pending writes do not keep complete mode out", INFORMATION, "(!reads_.empty() || !writes_.empty())", "!reads_.empty()"),
    # ---- cancelling (3.5) ----
    Mutation("3.5", "a write that was read in part leaves its rest", WRITE, "            took = true;\n            stopped_reader = true;",
             "            took = ref.sequence == write.records.front().sequence && connection_->outgoing->consumed_bytes() <= write.start;\n"
             "            stopped_reader = true;"),
    Mutation("3.5", "a cancelled read ends with PIPE_BROKEN", READ, "operation.filled_ == 0 ? Status::cancelled : Status::buffer_overflow",
             "operation.filled_ == 0 ? Status::pipe_broken : Status::buffer_overflow"),
    Mutation("3.5", "a flush cannot be cancelled", END, "        complete(operation, Status::cancelled);\n        break;",
             "        if (operation.kind_ != Operation::Kind::flush) {\n            complete(operation, Status::cancelled);\n        }\n        break;"),
    # ---- flush (3.6) ----
    Mutation("3.6", "a flush waits for later writes", WRITE, "return passed >= (doubt::flush_is_a_marker ? flush.flush_records_ : connection_->outgoing->produced_records());",
             "return passed >= connection_->outgoing->produced_records();"),
    Mutation("3.6", "a flush does not wait for the last write", WRITE, "return passed >= (doubt::flush_is_a_marker ? flush.flush_records_ : connection_->outgoing->produced_records());",
             "return passed + 1 >= flush.flush_records_;"),
    Mutation("3.6", "a flush of a closed pipe fails", WRITE, "    if (phase_ != Phase::connected || !connection_->outgoing) {\n        return Status::success;",
             "    if (phase_ != Phase::connected || !connection_->outgoing) {\n"
             "        return phase_ == Phase::closing ? Status::pipe_closing : Status::success;"),
    # ---- transceive (3.7) ----
    Mutation("3.7", "a transceive in byte mode", CONTROL, " || modes_.read_mode != ReadMode::message) {", ") {"),
    Mutation("3.7", "a transceive on a one-way pipe", CONTROL, "if (attributes_.configuration != Configuration::full_duplex || ", "if ("),
    Mutation("3.7", "a transceive with unread data", CONTROL, "if (seen == channel::Look::record) {", "if (seen == channel::Look::record && data.empty()) {"),
    Mutation("3.7", "a transceive while a read waits", CONTROL, "if (!reads_.empty()) {", "if (!reads_.empty() && data.empty()) {"),
    Mutation("3.7", "a transceive after the close says PIPE_CLOSING", CONTROL,
             "    if (phase_ != Phase::connected) {\n        return Status::invalid_pipe_state;",
             "    if (phase_ != Phase::connected) {\n        return phase_ == Phase::closing ? Status::pipe_closing : Status::invalid_pipe_state;"),
    # ---- states (2.3 to 2.6, 3.9) ----
    Mutation("2.3", "LISTEN on a closing instance says PIPE_CONNECTED", END, "        return Status::pipe_closing;\n    case Phase::disconnected:",
             "        return Status::pipe_connected;\n    case Phase::disconnected:"),
    Mutation("2.3", "a client may listen", END, "    if (side_ == Side::client) {\n        return Status::illegal_function;",
             "    if (side_ == Side::client) {\n        return Status::pipe_connected;"),
    Mutation("2.3", "only one LISTEN completes", END, "    complete_all(listens_, Status::success);",
             "    if (!listens_.empty()) {\n        complete(*listens_.front(), Status::success);\n    }"),
    Mutation("2.5", "DISCONNECT ends pending writes with PIPE_BROKEN", END,
             "        complete_all(writes_, Status::pipe_disconnected);\n        complete_all(flushes_, Status::pipe_disconnected);\n        leave",
             "        complete_all(writes_, Status::pipe_broken);\n        complete_all(flushes_, Status::pipe_disconnected);\n        leave"),
    Mutation("2.5", "DISCONNECT ends the client's reads with PIPE_BROKEN", END,
             "    complete_all(reads_, Status::pipe_disconnected);\n    complete_all(writes_, Status::pipe_disconnected);\n    complete_all(flushes_",
             "    complete_all(reads_, Status::pipe_broken);\n    complete_all(writes_, Status::pipe_disconnected);\n    complete_all(flushes_"),
    Mutation("2.5", "a second DISCONNECT succeeds", END, "    if (phase_ == Phase::disconnected) {\n        return Status::pipe_disconnected;",
             "    if (phase_ == Phase::disconnected) {\n        return Status::success;"),
    Mutation("2.5", "a detached client is told PIPE_BROKEN", END, "phase_ == Phase::detached ? Status::pipe_disconnected", "phase_ == Phase::detached ? Status::pipe_broken"),
    Mutation("2.6", "a close leaves the closer's pending writes readable", END, "if (doubt::close_drops_pending_writes && write.operation != nullptr && !revoke(write)) {",
             "if (!doubt::close_drops_pending_writes && write.operation != nullptr && !revoke(write)) {"),
    Mutation("2.6", "a close ends the other end's flush with SUCCESS", END,
             "    complete_all(flushes_, Status::pipe_broken);\n    serve_reads();", "    complete_all(flushes_, Status::success);\n    serve_reads();"),
    Mutation("3.9", "one right of two is enough", END, "    return (granted_access_ & needed) != needed ? Status::access_denied",
             "    return (granted_access_ & needed) == 0 && needed != 0 ? Status::access_denied"),
    Mutation("3.9", "a closing instance reports CONNECTED", END, "        return PipeState::closing;", "        return PipeState::connected;"),
    # ---- information (5) ----
    Mutation("5.1", "one mode is set though the other is wrong", INFORMATION, "information.completion_mode > CompletionMode::complete ||", "false ||"),
    Mutation("5.1", "a byte pipe can be read by message", INFORMATION,
             "(information.read_mode == ReadMode::message && attributes_.type == PipeType::byte)", "false"),
    Mutation("5.1", "unread bytes do not reduce WriteQuotaAvailable", INFORMATION, "std::min<std::uint64_t>(outgoing_quota, unread + posted)",
             "std::min<std::uint64_t>(outgoing_quota, posted)"),
    Mutation("5.1", "waiting reads do not reduce WriteQuotaAvailable", INFORMATION, "std::min<std::uint64_t>(outgoing_quota, unread + posted)",
             "std::min<std::uint64_t>(outgoing_quota, unread)"),
    Mutation("5.1", "a client sees the quotas swapped", INFORMATION, "    information.inbound_quota = attributes_.inbound_quota;",
             "    information.inbound_quota = side_ == Side::client ? attributes_.outbound_quota : attributes_.inbound_quota;"),
    Mutation("5.2", "DeletePending is FALSE", INFORMATION, "writer.put(std::uint8_t{1});  // DeletePending", "writer.put(std::uint8_t{0});"),
    Mutation("5.2", "the name needs FILE_READ_ATTRIBUTES", INFORMATION, "{9, 8, 0, write_name},", "{9, 8, security::access::read_attributes, write_name},"),
    Mutation("5.2", "a buffer that is too short for the class is filled as far as it goes", INFORMATION,
             "    if (buffer.size() < row->shortest_buffer) {", "    if (buffer.size() < 0 * row->shortest_buffer) {"),
    Mutation("5.2", "every class can be set", INFORMATION, "    return Status::invalid_parameter;\n}\n\n} // namespace ntpipe::end",
             "    return Status::success;\n}\n\n} // namespace ntpipe::end"),
    Mutation("1.8", "volumes have no label", VOLUME, "    write_text(writer, label);", "    write_text(writer, u\"NamedPip_\");"),
    # ---- creating (2.1, 2.2) ----
    Mutation("2.1", "a pipe needs no direction", CREATE, "parameters.share_access != 0 && ", ""),
    Mutation("2.1", "inbound and outbound are swapped", CREATE, "        return end::Configuration::outbound;", "        return end::Configuration::inbound;"),
    Mutation("2.1", "MaximumInstances may be 0", CREATE, " || parameters.maximum_instances == 0) {", ") {"),
    Mutation("2.1", "a default timeout may be a point in time", CREATE, "*parameters.default_timeout >= 0", "*parameters.default_timeout == 0"),
    Mutation("2.2", "one instance more than the maximum", CREATE, "pipe.instances.size() >= pipe.maximum_instances", "pipe.instances.size() > pipe.maximum_instances"),
    Mutation("2.2", "FILE_CREATE comes before the count", CREATE, "    if (pipe.maximum_instances != end::unlimited_instances",
             "    if (parameters.disposition == file_create) {\n        return Status::access_denied;\n    }\n"
             "    if (pipe.maximum_instances != end::unlimited_instances"),
    Mutation("2.2", "FILE_CREATE opens what exists", CREATE, "    if (parameters.disposition == file_create) {\n        return Status::access_denied;",
             "    if (parameters.disposition == 0) {\n        return Status::access_denied;"),
    Mutation("2.2", "instances may have another direction", CREATE, "configuration_of(parameters.share_access) != pipe.configuration ||", "false ||"),
    Mutation("2.2", "a further instance needs no right", CREATE, "parameters.desired_access | security::access::create_pipe_instance)",
             "security::access::maximum_allowed)"),
    Mutation("2.2", "the name stays when the last server end has gone", NAMESPACE, "    if (pipe.instances.empty() && !pipe.reserved_until) {\n        remove_pipe(pipe);",
             "    if (pipe.instances.empty() && pipe.reserved_until) {\n        remove_pipe(pipe);"),
    # ---- opening (2.7) ----
    Mutation("2.7", "the newest instance comes first", NAMESPACE,
             "    pipe.listening.push_back(&instance);\n    instance.place_in_queue = std::prev(pipe.listening.end());",
             "    pipe.listening.push_front(&instance);\n    instance.place_in_queue = pipe.listening.begin();"),
    Mutation("2.7", "a client may read an inbound pipe", OPEN, "against_direction = access & security::access::read_data;", "against_direction = 0;"),
    Mutation("2.7", "a free instance comes before the access", OPEN, "    if (!granted && (doubt::access_before_availability || available)) {",
             "    if (!granted && available) {"),
    Mutation("2.7", "a client needs the right to create instances", OPEN, "security::map_generic(parameters.desired_access) & ~security::access::create_pipe_instance;",
             "security::map_generic(parameters.desired_access);"),
    Mutation("2.7", "an open of a busy pipe says INSTANCE_NOT_AVAILABLE", OPEN,
             "        answer(session.id, request, Status::pipe_not_available);\n        return;\n    }\n    Instance& instance",
             "        answer(session.id, request, Status::instance_not_available);\n        return;\n    }\n    Instance& instance"),
    # ---- waiting (4.3) ----
    Mutation("4.3", "a listening instance wakes nobody", NAMESPACE, "    wake_waiters(pipe, Status::success);\n", "    (void)pipe;\n"),
    Mutation("4.3", "the end of the pipe wakes nobody", NAMESPACE, "    wake_waiters(pipe, Status::object_name_not_found);\n", ""),
    Mutation("4.3", "all waiters of all pipes are woken", WAIT, "waiter = waiter->pipe == pipe.id ? end_wait(waiter, status) : std::next(waiter);",
             "waiter = pipe.id != 0 ? end_wait(waiter, status) : std::next(waiter);"),
    Mutation("4.3", "the end of the time says OBJECT_NAME_NOT_FOUND", NAMESPACE, "waiter = end_wait(waiter, Status::io_timeout);",
             "waiter = end_wait(waiter, Status::object_name_not_found);"),
    Mutation("4.3", "the pipe's default timeout does not count", WAIT, "} else if (doubt::wait_uses_default_timeout) {", "} else if (!doubt::wait_uses_default_timeout) {"),
    Mutation("4.3", "a name may be longer than the buffer", WAIT_BUFFER, " || length > reader.left()", ""),
    Mutation("4.3", "FSCTL_PIPE_WAIT on an end is not known", CONTROL, "{fsctl_pipe_wait, run_always<doubt::wait_on_pipe>},", "{fsctl_pipe_wait, run_always<Status::not_supported>},"),
    # ---- names, containers, listings (1) ----
    Mutation("1.2", "names differ in case", "lib/name/name.cc", "        c = upcase(c);", "        c = c == u'a' ? upcase(c) : c;"),
    Mutation("1.2", "the volume is a pipe", "lib/name/name.cc", "    if (parse_container(text)) {\n        return Status::object_name_invalid;",
             "    if (parse_container(text)) {\n        return Status::object_path_syntax_bad;"),
    Mutation("1.4", "the volume waits", CONTAINER, "{end::fsctl_pipe_wait, Status::illegal_function,", "{end::fsctl_pipe_wait, Status::not_supported,"),
    Mutation("1.4", "pipes are made relative to the volume", CONTAINER, "return kind_ == name::Container::root ? Status::success : Status::object_name_invalid;",
             "return Status::success;"),
    Mutation("1.5", "any client may have an instance that is connected", OPEN, "    if (instance->state != InstanceState::listening) {\n        answer(session.id, request, Status::pipe_not_available);",
             "    if (instance->state != InstanceState::listening) {\n        answer(session.id, request, Status::pipe_busy);"),
    Mutation("1.6", "aliases lead nowhere", ALIAS, "return found == session_aliases_.end() ? name : found->second.second;",
             "return found == session_aliases_.end() ? name : name;"),
    Mutation("1.7", "EndOfFile is the maximum", SCAN, "writer.put(std::uint64_t{instances_of(pipe)});     // EndOfFile",
             "writer.put(std::uint64_t{instances_of(pipe)} + pipe.maximum_instances);"),
    Mutation("1.7", "a changed state tells also who waits for names", NOTIFY, "(name_changed || !notifier->names_only)", "(name_changed || notifier->names_only)"),
]

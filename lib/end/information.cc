// SPDX-License-Identifier: LGPL-2.1-or-later
// information.cc: information classes (SEMANTICS 5.1, 5.2).
#include "end/doubt.hpp"
#include "end/end.hpp"

#include <algorithm>
#include <array>
#include <limits>

namespace ntpipe::end {
namespace {

constexpr std::uint32_t file_attribute_normal = 0x80;

std::uint32_t saturated(std::uint64_t value)
{
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(value, std::numeric_limits<std::uint32_t>::max()));
}

} // namespace

Status End::query(PipeInformation& information)
{
    if (const Status status = check(security::access::read_attributes); status != Status::success) {
        return status;
    }
    information = modes_;
    return Status::success;
}

void End::begin_in_message_mode()
{
    if (attributes_.type == PipeType::message) {
        modes_.read_mode = ReadMode::message;
    }
}

Status End::set(const PipeInformation& information)
{
    if (const Status status = check(security::access::write_attributes); status != Status::success) {
        return status;
    }
    if (information.read_mode > ReadMode::message || information.completion_mode > CompletionMode::complete ||
        (information.read_mode == ReadMode::message && attributes_.type == PipeType::byte)) {
        return Status::invalid_parameter;
    }
    const bool to_complete =
        information.completion_mode == CompletionMode::complete && modes_.completion_mode != CompletionMode::complete;
    if (doubt::complete_mode_needs_idle_end && to_complete && (!reads_.empty() || !writes_.empty())) {
        return Status::pipe_busy;
    }
    modes_ = information;
    for (const Operation* read = reads_.front(); read != nullptr; read = reads_.after(*read)) {
        if (read->posted_) {
            connection_->incoming->repost_read(read->ledger_index_, posted_size(*read), reads_by_message(*read));
        }
    }
    return Status::success;
}

Status End::query(PipeLocalInformation& information)
{
    if (const Status status = check(security::access::read_attributes); status != Status::success) {
        return status;
    }
    if (!reads_.empty()) {
        settle(); // what they wait for is theirs
    }
    const auto outgoing_quota = doubt::client_writes_from_inbound_quota
                                    ? attributes_.quota(channel::outgoing_direction(side_))
                                    : attributes_.outbound_quota;
    std::uint64_t unread = 0;
    std::uint64_t posted = 0;
    if (phase_ == Phase::connected && connection_->outgoing) {
        if (!connection_->outgoing->refresh()) {
            break_connection();
        } else {
            unread = unread_outgoing();
            unread -= std::min(unread, absorbed_by_posted_reads(&posted));
        }
    } else if (phase_ == Phase::connected) {
        const channel::DirectionMirror& mirror = connection_->page->mirror(channel::outgoing_direction(side_));
        posted = mirror.posted.load(std::memory_order_relaxed);
    }
    if (!doubt::pending_reads_reduce_write_quota || unread != 0) {
        posted = 0; // unread data and reads that wait for it do not stand side by side
    }
    const std::uint64_t used = std::min<std::uint64_t>(outgoing_quota, unread + posted);

    information.named_pipe_type = static_cast<std::uint32_t>(attributes_.type);
    information.named_pipe_configuration = static_cast<std::uint32_t>(attributes_.configuration);
    information.maximum_instances = attributes_.maximum_instances;
    information.current_instances = attributes_.pipe ? attributes_.pipe->current_instances() : 0;
    information.inbound_quota = attributes_.inbound_quota;
    information.read_data_available = has_channel() ? saturated(unread_incoming()) : 0;
    information.outbound_quota = attributes_.outbound_quota;
    information.write_quota_available = static_cast<std::uint32_t>(outgoing_quota - used);
    information.named_pipe_state = static_cast<std::uint32_t>(state());
    information.named_pipe_end = static_cast<std::uint32_t>(side_);
    return Status::success;
}

// SEMANTICS 3.9, second table.
Status End::query_client(std::shared_ptr<const security::Identity>& client)
{
    if (const Status status = check(0); status != Status::success) {
        return status;
    }
    if (client_ == nullptr) {
        return Status::not_found;
    }
    client = client_;
    return Status::success;
}

Status End::query_server_process(std::uint32_t& process_id)
{
    if (const Status status = check(0); status != Status::success) {
        return status;
    }
    process_id = server_process_id_;
    return Status::success;
}

// ---- classes as bytes ----

namespace {

// What is wanted of one class: how its bytes are made, and how short a buffer may be. The two classes that end in a name may be
// cut inside of it: of them only the fixed part counts, for the name alone the length and what [MS-FSCC] pads it to.
struct InformationClass {
    std::uint32_t number;
    std::size_t shortest_buffer;
    security::AccessMask access; ///< to query
    Status (*write)(End& end, glue::ByteWriter& writer);
};

Status write_basic(End& /*end*/, glue::ByteWriter& writer)
{
    writer.put_zeros(32); // four times
    writer.put(file_attribute_normal);
    writer.put_zeros(4);
    return Status::success;
}

Status write_standard(End& end, glue::ByteWriter& writer)
{
    PipeLocalInformation local;
    if (const Status status = end.query(local); status != Status::success) {
        return status;
    }
    writer.put(std::uint64_t{local.inbound_quota} + local.outbound_quota);
    writer.put(std::uint64_t{local.read_data_available});
    writer.put(std::uint32_t{1}); // links
    writer.put(std::uint8_t{1});  // DeletePending
    writer.put(std::uint8_t{0});  // Directory
    writer.put_zeros(2);
    return Status::success;
}

Status write_internal(End& end, glue::ByteWriter& writer)
{
    writer.put(static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(&end) >> 4) |
               1U); // some non-zero per-end value
    return Status::success;
}

Status write_ea(End& /*end*/, glue::ByteWriter& writer)
{
    writer.put(std::uint32_t{0});
    return Status::success;
}

Status write_access(End& end, glue::ByteWriter& writer)
{
    writer.put(end.granted_access());
    return Status::success;
}

Status write_name(End& end, glue::ByteWriter& writer)
{
    const std::u16string& path = end.attributes().path;
    writer.put(static_cast<std::uint32_t>(path.size() * sizeof(char16_t)));
    writer.put_bytes(std::as_bytes(std::span(path)));
    return Status::success;
}

Status write_position(End& end, glue::ByteWriter& writer)
{
    PipeLocalInformation local;
    if (const Status status = end.query(local); status != Status::success) {
        return status;
    }
    writer.put(std::uint64_t{local.read_data_available});
    return Status::success;
}

// What of the create options FileModeInformation shows: write-through, sequential, unbuffered, synchronous, delete-on-close.
Status write_mode(End& end, glue::ByteWriter& writer)
{
    constexpr std::uint32_t shown = 0x103E;
    writer.put(end.attributes().options & shown);
    return Status::success;
}

Status write_zero(End& /*end*/, glue::ByteWriter& writer)
{
    writer.put(std::uint32_t{0});
    return Status::success;
}

Status write_all(End& end, glue::ByteWriter& writer)
{
    for (const auto write : {write_basic, write_standard, write_internal, write_ea, write_access, write_position,
                             write_mode, write_zero}) {
        if (const Status status = write(end, writer); status != Status::success) {
            return status;
        }
    }
    return write_name(end, writer);
}

Status write_pipe(End& end, glue::ByteWriter& writer)
{
    PipeInformation modes;
    if (const Status status = end.query(modes); status != Status::success) {
        return status;
    }
    writer.put(static_cast<std::uint32_t>(modes.read_mode));
    writer.put(static_cast<std::uint32_t>(modes.completion_mode));
    return Status::success;
}

Status write_pipe_local(End& end, glue::ByteWriter& writer)
{
    PipeLocalInformation local;
    if (const Status status = end.query(local); status != Status::success) {
        return status;
    }
    for (const std::uint32_t field :
         {local.named_pipe_type, local.named_pipe_configuration, local.maximum_instances, local.current_instances,
          local.inbound_quota, local.read_data_available, local.outbound_quota, local.write_quota_available,
          local.named_pipe_state, local.named_pipe_end}) {
        writer.put(field);
    }
    return Status::success;
}

constexpr std::uint32_t class_basic = 4;
constexpr std::uint32_t class_pipe = 23;

constexpr std::array<InformationClass, 12> information_classes = {{
    {class_basic, 40, security::access::read_attributes, write_basic},
    {5, 24, security::access::read_attributes, write_standard},
    {6, 8, 0, write_internal},
    {7, 4, 0, write_ea},
    {8, 4, 0, write_access},
    {9, 8, 0, write_name},
    {14, 8, 0, write_position},
    {16, 4, 0, write_mode},
    {17, 4, 0, write_zero}, // FileAlignmentInformation
    {18, 104, security::access::read_attributes, write_all},
    {class_pipe, 8, security::access::read_attributes, write_pipe},
    {24, 40, security::access::read_attributes, write_pipe_local},
}};

} // namespace

Status End::query_information(std::uint32_t information_class, std::span<std::byte> buffer, std::size_t& information)
{
    information = 0;
    const auto row =
        std::find_if(information_classes.begin(), information_classes.end(),
                     [&](const InformationClass& candidate) { return candidate.number == information_class; });
    if (row == information_classes.end()) {
        const Status status = check(0);
        return status != Status::success ? status : Status::invalid_parameter;
    }
    // As the I/O manager does, before the file system sees the query: also a detached client is told.
    if (buffer.size() < row->shortest_buffer) {
        return Status::info_length_mismatch;
    }
    if (const Status status = check(row->access); status != Status::success) {
        return status;
    }
    glue::ByteWriter writer;
    if (const Status status = row->write(*this, writer); status != Status::success) {
        return status;
    }
    const glue::ByteSpan full = writer.bytes();
    information = std::min(buffer.size(), full.size());
    std::copy_n(full.begin(), information, buffer.begin());
    return information < full.size() ? Status::buffer_overflow : Status::success;
}

Status End::set_information(std::uint32_t information_class, glue::ByteSpan buffer)
{
    constexpr std::size_t basic_size = 40;
    constexpr std::size_t pipe_size = 8;
    if (information_class == class_pipe) {
        if (const Status status = check(security::access::write_attributes); status != Status::success) {
            return status;
        }
        if (buffer.size() < pipe_size) {
            return Status::info_length_mismatch;
        }
        glue::ByteReader reader(buffer);
        PipeInformation modes;
        modes.read_mode = static_cast<ReadMode>(reader.get<std::uint32_t>());
        modes.completion_mode = static_cast<CompletionMode>(reader.get<std::uint32_t>());
        return set(modes);
    }
    if (const Status status = check(information_class == class_basic ? security::access::write_attributes : 0);
        status != Status::success) {
        return status;
    }
    if (information_class == class_basic) { // accepted and ignored
        return buffer.size() < basic_size ? Status::info_length_mismatch : Status::success;
    }
    return Status::invalid_parameter;
}

} // namespace ntpipe::end

// SPDX-License-Identifier: LGPL-2.1-or-later
// control.cc: transceive (SEMANTICS 3.7), and FSCTLs by their codes (SEMANTICS 4).
#include "end/control_codes.hpp"
#include "end/doubt.hpp"
#include "end/end.hpp"

#include <algorithm>
#include <array>
#include <limits>

namespace ntpipe::end {

Status End::transceive(Operation& operation, glue::ByteSpan data, std::span<std::byte> buffer)
{
    if (const Status status = begin(operation, Operation::Kind::transceive); status != Status::success) {
        return status;
    }
    if (const Status status = check(security::access::read_data | security::access::write_data);
        status != Status::success) {
        return status;
    }
    if (phase_ != Phase::connected) {
        return Status::invalid_pipe_state;
    }
    if (attributes_.configuration != Configuration::full_duplex || modes_.read_mode != ReadMode::message) {
        return doubt::transceive_in_byte_mode;
    }
    if (data.size() > std::numeric_limits<std::uint32_t>::max()) {
        return Status::invalid_parameter;
    }
    channel::Record record;
    const channel::Look seen = connection_->incoming->front(record);
    if (seen == channel::Look::broken) {
        break_connection();
        return Status::invalid_pipe_state;
    }
    if (seen == channel::Look::record) {
        return Status::pipe_busy;
    }
    if (!reads_.empty()) {
        return doubt::transceive_with_pending_read;
    }
    // The read is posted first: whoever answers before it is served must not find nobody waiting (SEMANTICS 3.4).
    wait_to_read(operation, buffer, Operation::Kind::transceive);
    post_reads();
    (void)start_write(nullptr, data, true);
    connection_->doorbell->linger([this] {
        channel::Record answer;
        return !connection_->incoming || connection_->incoming->front(answer) != channel::Look::none;
    });
    serve_pending_reads();
    settle();
    return finish_start(operation);
}

namespace {

struct ControlCode {
    std::uint32_t code;
    Status (*run)(End& end, Operation& operation, glue::ByteSpan input, std::span<std::byte> output,
                  std::size_t& information);
};

constexpr std::size_t peek_header_size = 16;

// SEMANTICS 3.8, the structure of [MS-FSCC] 2.3.46.
Status run_peek(End& end, Operation& /*operation*/, glue::ByteSpan /*input*/, std::span<std::byte> output,
                std::size_t& information)
{
    if (output.size() < peek_header_size) {
        // The state decides first: a dead end is no better for a larger buffer.
        PeekInformation seen;
        const Status status = end.peek({}, seen);
        return is_error(status) ? status : doubt::peek_without_room;
    }
    PeekInformation seen;
    const Status status = end.peek(output.subspan(peek_header_size), seen);
    if (is_error(status)) {
        return status;
    }
    glue::ByteWriter writer;
    writer.put(seen.named_pipe_state);
    writer.put(seen.read_data_available);
    writer.put(seen.number_of_messages);
    writer.put(seen.message_length);
    std::copy(writer.bytes().begin(), writer.bytes().end(), output.begin());
    information = peek_header_size + seen.copied;
    return status;
}

using Output = std::span<std::byte>;

template <bool may_name_computer>
Status run_query_client_process(End& end, Operation& /*operation*/, glue::ByteSpan /*input*/, Output output,
                                std::size_t& information)
{
    return end.query_client_process(may_name_computer, output, information);
}

Status run_other_attribute(End& end, Operation& /*operation*/, glue::ByteSpan input, Output /*output*/,
                           std::size_t& /*information*/)
{
    return end.query_other_attribute(input);
}

Status run_transceive(End& end, Operation& operation, glue::ByteSpan input, Output output, std::size_t& /*information*/)
{
    return end.transceive(operation, input, output);
}

// Here nothing acts as somebody else for a thread; the code says whether there is somebody to act for.
Status run_impersonate(End& end, Operation& /*operation*/, glue::ByteSpan /*input*/, Output /*output*/,
                       std::size_t& /*information*/)
{
    Impersonation impersonation;
    return end.impersonate(impersonation);
}

// For codes that have the same answer whatever the state is.
template <Status status>
Status run_always(End& /*end*/, Operation& /*operation*/, glue::ByteSpan /*input*/, Output /*output*/,
                  std::size_t& /*information*/)
{
    return status;
}

constexpr std::array control_codes = std::to_array<ControlCode>({
    {fsctl_pipe_assign_event, run_always<doubt::event_control>},
    {fsctl_pipe_disconnect,
     [](End& end, Operation&, glue::ByteSpan, Output, std::size_t&) { return end.disconnect(); }},
    {fsctl_pipe_listen,
     [](End& end, Operation& operation, glue::ByteSpan, Output, std::size_t&) { return end.listen(operation); }},
    {fsctl_pipe_peek, run_peek},
    {fsctl_pipe_query_event, run_always<doubt::event_control>},
    {fsctl_pipe_transceive, run_transceive},
    {fsctl_pipe_wait, run_always<doubt::wait_on_pipe>},
    {fsctl_pipe_impersonate, run_impersonate},
    {fsctl_pipe_set_client_process, run_always<doubt::set_client_process>},
    {fsctl_pipe_query_client_process, run_query_client_process<true>},
    {fsctl_pipe_get_pipe_attribute, run_other_attribute},
    {fsctl_pipe_set_pipe_attribute, run_always<doubt::set_attribute>},
    {fsctl_pipe_get_connection_attribute,
     [](End& end, Operation&, glue::ByteSpan input, Output output, std::size_t& information) {
         return end.query_connection_attribute(input, output, information);
     }},
    {fsctl_pipe_set_connection_attribute, run_always<doubt::set_attribute>},
    {fsctl_pipe_get_handle_attribute, run_other_attribute},
    {fsctl_pipe_set_handle_attribute, run_always<doubt::set_attribute>},
    {fsctl_pipe_flush,
     [](End& end, Operation& operation, glue::ByteSpan, Output, std::size_t&) { return end.flush(operation); }},
    {fsctl_pipe_disable_impersonate,
     [](End& end, Operation&, glue::ByteSpan, Output, std::size_t&) { return end.disable_impersonation(); }},
    {fsctl_pipe_silo_arrival, run_always<doubt::root_control_on_pipe>},
    {fsctl_pipe_create_symlink, run_always<doubt::root_control_on_pipe>},
    {fsctl_pipe_delete_symlink, run_always<doubt::root_control_on_pipe>},
    {fsctl_pipe_query_client_process_v2, run_query_client_process<false>},
    {fsctl_pipe_internal_read, [](End& end, Operation& operation, glue::ByteSpan, Output output,
                                  std::size_t&) { return end.read(operation, output); }},
    {fsctl_pipe_internal_write, [](End& end, Operation& operation, glue::ByteSpan input, Output,
                                   std::size_t&) { return end.write(operation, input); }},
    {fsctl_pipe_internal_transceive, run_transceive},
    {fsctl_pipe_internal_read_ovflow, [](End& end, Operation& operation, glue::ByteSpan, Output output,
                                         std::size_t&) { return end.read_whole(operation, output); }},
});

} // namespace

// The I/O manager looks at the access bits of a code before the file system sees it, whether that knows the code or not.
Status End::control(Operation& operation, std::uint32_t code, glue::ByteSpan input, std::span<std::byte> output)
{
    if (const Status status = begin(operation, Operation::Kind::none); status != Status::success) {
        return status;
    }
    operation.starting_ = false;
    if (const Status status = check_handle(access_needed_for(code)); status != Status::success) {
        return status;
    }
    const auto row = std::find_if(control_codes.begin(), control_codes.end(),
                                  [code](const ControlCode& candidate) { return candidate.code == code; });
    if (row == control_codes.end()) {
        return doubt::unknown_control;
    }
    std::size_t information = 0;
    const Status status = row->run(*this, operation, input, output, information);
    if (status != Status::pending && information != 0) {
        operation.information_ = information;
    }
    return status;
}

} // namespace ntpipe::end

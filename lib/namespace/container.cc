// SPDX-License-Identifier: LGPL-2.1-or-later
// container.cc: what the volume and the root directory answer.
#include "namespace/container.hpp"

#include "end/control_codes.hpp"
#include "namespace/doubt.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace ntpipe::space {
namespace {

/// A directory lists with the bit that is FILE_READ_DATA on files.
constexpr security::AccessMask list_directory = security::access::read_data;

/// What the two containers answer to a code; SUCCESS: `work` is to be done.
struct ControlRow {
    std::uint32_t code;
    Status volume;
    Status root;
    ContainerWork work;
};

constexpr ControlRow same(std::uint32_t code, Status status)
{
    return {code, status, status, ContainerWork::none};
}

constexpr std::array<ControlRow, 13> control_rows = {{
    same(end::fsctl_pipe_assign_event, Status::not_supported),
    same(end::fsctl_pipe_query_event, Status::not_supported),
    same(end::fsctl_pipe_set_client_process, Status::not_supported),
    same(end::fsctl_pipe_disconnect, Status::pipe_disconnected),
    same(end::fsctl_pipe_transceive, Status::pipe_disconnected),
    same(end::fsctl_pipe_listen, Status::illegal_function),
    same(end::fsctl_pipe_impersonate, Status::illegal_function),
    same(end::fsctl_pipe_peek, Status::invalid_parameter),
    same(end::fsctl_pipe_get_connection_attribute, Status::invalid_parameter),
    same(end::fsctl_pipe_query_client_process, doubt::client_process_of_container),
    {end::fsctl_pipe_wait, Status::illegal_function, Status::success, ContainerWork::wait},
    {end::fsctl_pipe_create_symlink, Status::illegal_function, Status::success, ContainerWork::create_alias},
    {end::fsctl_pipe_delete_symlink, Status::illegal_function, Status::success, ContainerWork::delete_alias},
}};

} // namespace

Container::Container(name::Container kind, security::AccessMask desired_access, std::uint32_t options)
    : kind_(kind), granted_access_(security::map_generic(desired_access)), options_(options)
{
    if ((granted_access_ & security::access::maximum_allowed) != 0) {
        granted_access_ = (granted_access_ & ~security::access::maximum_allowed) | security::access::file_all;
    }
}

std::string Container::object_name() const
{
    std::string name(name::native_prefix);
    if (kind_ == name::Container::volume) {
        name.pop_back();
    }
    return name;
}

Status Container::check(security::AccessMask needed) const
{
    return (granted_access_ & needed) == needed ? Status::success : Status::access_denied;
}

Status Container::read() const
{
    const Status status = check(security::access::read_data);
    return status != Status::success ? status : Status::invalid_parameter;
}

Status Container::write() const
{
    const Status status = check(security::access::write_data);
    return status != Status::success ? status : Status::invalid_parameter;
}

Status Container::control(std::uint32_t code, ContainerWork& work) const
{
    work = ContainerWork::none;
    if (const Status status = check(end::access_needed_for(code)); status != Status::success) {
        return status;
    }
    const auto* const row = std::find_if(control_rows.begin(), control_rows.end(),
                                         [code](const ControlRow& candidate) { return candidate.code == code; });
    if (row == control_rows.end()) {
        return Status::not_supported;
    }
    if (kind_ == name::Container::volume) {
        return row->volume;
    }
    work = row->work;
    return row->root;
}

Status Container::query_information(std::uint32_t information_class, std::span<std::byte> buffer,
                                    std::size_t& information) const
{
    constexpr std::uint32_t class_access = 8;
    constexpr std::uint32_t class_name = 9;
    constexpr std::uint32_t class_mode = 16;
    constexpr std::uint32_t class_alignment = 17;
    constexpr std::size_t shortest_name_buffer = 8;
    information = 0;
    glue::ByteWriter writer;
    std::size_t shortest = sizeof(std::uint32_t);
    switch (information_class) {
    case class_name:
        shortest = shortest_name_buffer;
        if (buffer.size() >= shortest && kind_ == name::Container::volume) {
            return Status::invalid_parameter;
        }
        writer.put(static_cast<std::uint32_t>(sizeof(char16_t)));
        writer.put(static_cast<std::uint16_t>(u'\\'));
        break;
    case class_access: // these three are the I/O manager's
        writer.put(granted_access_);
        break;
    case class_mode:
        writer.put(options_);
        break;
    case class_alignment:
        writer.put(std::uint32_t{0});
        break;
    default:
        return Status::invalid_parameter;
    }
    if (buffer.size() < shortest) {
        return Status::info_length_mismatch;
    }
    information = writer.size();
    std::copy_n(writer.bytes().begin(), information, buffer.begin());
    return Status::success;
}

Status Container::set_information() const
{
    return Status::invalid_parameter;
}

Status Container::check_relative_name() const
{
    return kind_ == name::Container::root ? Status::success : Status::object_name_invalid;
}

Status Container::check_enumeration() const
{
    if (const Status status = check(list_directory); status != Status::success) {
        return status;
    }
    return kind_ == name::Container::root ? Status::success : Status::invalid_parameter;
}

Status Container::check_notification(std::uint32_t completion_filter, bool& names_only) const
{
    constexpr std::uint32_t name_bits = 0x3; // FILE_NOTIFY_CHANGE_FILE_NAME, _DIR_NAME
    constexpr std::uint32_t known_bits = 0xFFF;
    if (const Status status = check_enumeration(); status != Status::success) {
        return status;
    }
    if (completion_filter == 0 || (completion_filter & ~known_bits) != 0) {
        return Status::invalid_parameter;
    }
    names_only = (completion_filter & ~name_bits) == 0;
    return Status::success;
}

// ---- symbolic links (SEMANTICS 4) ----

namespace {

std::optional<std::string> text_at(glue::ByteSpan buffer, std::size_t offset, std::size_t length)
{
    if (length % sizeof(char16_t) != 0 || offset > buffer.size() || length > buffer.size() - offset) {
        return std::nullopt;
    }
    std::u16string wide(length / sizeof(char16_t), u'\0');
    if (length != 0) {
        std::memcpy(wide.data(), buffer.data() + offset, length);
    }
    return name::to_utf8(wide);
}

// Relative to the root directory, with or without a leading backslash.
Result<name::Name> relative_name(std::string_view text)
{
    return name::parse_bare(text.starts_with('\\') ? text.substr(1) : text);
}

} // namespace

Result<SymlinkBuffer> parse_symlink_buffer(glue::ByteSpan buffer, bool deletion)
{
    constexpr std::uint32_t flag_global = 1;
    constexpr std::uint32_t flag_relative = 2;
    glue::ByteReader reader(buffer);
    const auto name_offset = reader.get<std::uint16_t>();
    const auto name_length = reader.get<std::uint16_t>();
    const auto real_offset = deletion ? std::uint16_t{0} : reader.get<std::uint16_t>();
    const auto real_length = deletion ? std::uint16_t{0} : reader.get<std::uint16_t>();
    const auto flags = deletion ? std::uint32_t{0} : reader.get<std::uint32_t>();
    const auto alias = text_at(buffer, name_offset, name_length);
    const auto real = text_at(buffer, real_offset, real_length);
    if (reader.failed() || (flags & ~(flag_global | flag_relative)) != 0 || !alias || !real) {
        return Status::invalid_parameter;
    }
    SymlinkBuffer link;
    auto parsed = relative_name(*alias);
    if (!parsed) {
        return parsed.status();
    }
    link.alias = *std::move(parsed);
    if (deletion) {
        return link;
    }
    parsed = (flags & flag_relative) != 0 ? relative_name(*real) : name::parse(*real);
    if (!parsed) {
        return parsed.status();
    }
    link.real = *std::move(parsed);
    return link;
}

} // namespace ntpipe::space

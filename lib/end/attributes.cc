// SPDX-License-Identifier: LGPL-2.1-or-later
// attributes.cc: attributes of a connection, and the process of its client (SEMANTICS 4.1, 4.2; 3.9, second table).
#include "end/doubt.hpp"
#include "end/end.hpp"
#include "name/name.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace ntpipe::end {
namespace {

// The text before the NUL that ends it. nullopt: there is none, or not at the end.
std::optional<std::string_view> attribute_name(glue::ByteSpan input)
{
    const std::string_view text(reinterpret_cast<const char*>(input.data()), input.size());
    if (text.empty() || text.find('\0') != text.size() - 1) {
        return std::nullopt;
    }
    return text.substr(0, text.size() - 1);
}

struct ConnectionAttribute {
    std::string_view name;
    bool of_client; ///< there only while the end has a client
    Status (*write)(const security::Identity* client, std::uint32_t server_process, std::uint32_t server_session,
                    glue::ByteWriter& writer);
};

Status write_computer_name(const security::Identity* client, std::uint32_t /*server_process*/,
                           std::uint32_t /*server_session*/, glue::ByteWriter& writer)
{
    std::u16string wide;
    if (client->computer.empty() || !name::to_utf16(client->computer, wide)) {
        return doubt::unknown_attribute; // a local client has none
    }
    writer.put_bytes(std::as_bytes(std::span(wide)));
    if (doubt::computer_name_has_terminator) {
        writer.put(std::uint16_t{0});
    }
    return Status::success;
}

template <std::uint32_t security::Identity::* member>
Status write_of_client(const security::Identity* client, std::uint32_t /*server_process*/,
                       std::uint32_t /*server_session*/, glue::ByteWriter& writer)
{
    writer.put(client->*member);
    return Status::success;
}

constexpr std::array connection_attributes = std::to_array<ConnectionAttribute>({
    {"ClientProcessId", true, write_of_client<&security::Identity::process_id>},
    {"ServerProcessId", false,
     [](const security::Identity*, std::uint32_t process, std::uint32_t, glue::ByteWriter& writer) {
         writer.put(process);
         return Status::success;
     }},
    {"ClientSessionId", true, write_of_client<&security::Identity::session_id>},
    {"ServerSessionId", false,
     [](const security::Identity*, std::uint32_t, std::uint32_t session, glue::ByteWriter& writer) {
         writer.put(session);
         return Status::success;
     }},
    {"ClientComputerName", true, write_computer_name},
});

// FILE_PIPE_CLIENT_PROCESS_BUFFER and its _EX form, as 64-bit systems have them.
constexpr std::size_t client_process_size = 16;
constexpr std::size_t client_process_ex_size = 56;
/// Characters before the terminator.
constexpr std::size_t longest_computer_name = 15;

} // namespace

Status End::query_connection_attribute(glue::ByteSpan name, std::span<std::byte> value, std::size_t& information)
{
    if (const Status status = check(0); status != Status::success) {
        return status;
    }
    const auto wanted = attribute_name(name);
    if (!wanted) {
        return doubt::malformed_attribute_name;
    }
    const auto row = std::find_if(connection_attributes.begin(), connection_attributes.end(),
                                  [&](const ConnectionAttribute& candidate) { return candidate.name == *wanted; });
    if (row == connection_attributes.end()) {
        return doubt::unknown_attribute;
    }
    if (row->of_client && client_ == nullptr) {
        return doubt::no_client;
    }
    glue::ByteWriter writer;
    if (const Status status = row->write(client_.get(), server_process_id_, server_session_id_, writer);
        status != Status::success) {
        return status;
    }
    if (value.size() < writer.size()) {
        return Status::buffer_too_small;
    }
    information = writer.size();
    std::copy(writer.bytes().begin(), writer.bytes().end(), value.begin());
    return Status::success;
}

Status End::query_other_attribute(glue::ByteSpan name)
{
    if (const Status status = check(0); status != Status::success) {
        return status;
    }
    return attribute_name(name) ? doubt::unknown_attribute : doubt::malformed_attribute_name;
}

Status End::query_client_process(bool may_name_computer, std::span<std::byte> buffer, std::size_t& information)
{
    if (const Status status = check(0); status != Status::success) {
        return status;
    }
    if (buffer.size() < client_process_size) {
        return Status::invalid_parameter;
    }
    if (client_ == nullptr) {
        return doubt::client_process_without_client;
    }
    glue::ByteWriter writer;
    writer.put(std::uint64_t{client_->session_id});
    writer.put(std::uint64_t{client_->process_id});
    if (may_name_computer && buffer.size() >= client_process_ex_size) {
        std::u16string computer;
        (void)name::to_utf16(client_->computer, computer);
        computer.resize(std::min(computer.size(), longest_computer_name));
        writer.put(static_cast<std::uint16_t>(computer.size() * sizeof(char16_t)));
        writer.put_bytes(std::as_bytes(std::span(computer)));
        writer.put_zeros(client_process_ex_size - writer.size());
    }
    information = writer.size();
    std::copy(writer.bytes().begin(), writer.bytes().end(), buffer.begin());
    return Status::success;
}

} // namespace ntpipe::end

// SPDX-License-Identifier: GPL-3.0-or-later
// smb2_dispatch.cc: the tables for SMB2: commands, control codes, kinds of information. [MS-SMB2] 2.2.13 to 2.2.40, 3.3.5.
#include "smb2_dispatch.hpp"

#include "doubt.hpp"
#include "root_directory.hpp"
#include "wire.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>

namespace ntpipe::samba::smb2 {
namespace {

constexpr std::size_t file_id_size = 16;
constexpr std::uint16_t dialect_3_00 = 0x300;
constexpr std::uint16_t dialect_3_02 = 0x302;

// Channels are for RDMA, which smbd does not have; before SMB 3 the field means nothing.
bool has_channel(const Message& message, std::size_t at)
{
    return message.dialect >= dialect_3_00 && get<std::uint32_t>(message.body, at) != 0;
}

std::uint32_t result_size(const Exchange& exchange)
{
    return static_cast<std::uint32_t>(exchange.transferred);
}

// ---- READ, WRITE, FLUSH ----

Status decode_read(const Message& message, Exchange& exchange, std::uint32_t& payload)
{
    constexpr std::uint8_t unbuffered = 1;
    exchange.length = get<std::uint32_t>(message.body, 4);
    payload = exchange.length;
    // SEMANTICS 8.2: unbuffered reads are for files.
    const bool is_unbuffered = message.dialect >= dialect_3_02 && (message.body[3] & unbuffered) != 0;
    const bool is_wrong = exchange.length > message.max_read || is_unbuffered || has_channel(message, 36);
    return is_wrong ? Status::invalid_parameter : Status::success;
}

void encode_read(const Message& /*message*/, const Exchange& exchange, std::uint8_t* answer)
{
    put<std::uint16_t>(answer, 0, 17);
    answer[2] = header_size + 16;
    put(answer, 4, result_size(exchange));
}

Status decode_write(const Message& message, Exchange& exchange, std::uint32_t& payload)
{
    const auto length = get<std::uint32_t>(message.body, 4);
    const auto data = message.part(get<std::uint16_t>(message.body, 2), length);
    payload = length;
    if (!data || length > message.max_write || has_channel(message, 32)) {
        return Status::invalid_parameter;
    }
    exchange.input = *data;
    return Status::success;
}

void encode_write(const Message& /*message*/, const Exchange& exchange, std::uint8_t* answer)
{
    put<std::uint16_t>(answer, 0, 17);
    put(answer, 4, result_size(exchange));
}

Status decode_flush(const Message& /*message*/, Exchange& /*exchange*/, std::uint32_t& /*payload*/)
{
    return Status::success;
}

void encode_flush(const Message& /*message*/, const Exchange& /*exchange*/, std::uint8_t* answer)
{
    put<std::uint16_t>(answer, 0, 4);
}

// ---- IOCTL ----

struct Ioctl {
    std::uint32_t code;
    std::uint32_t max_output;
    std::uint64_t payload;
    Bytes input;
};

// The fields of any IOCTL. [MS-SMB2] 3.3.5.15.
Status decode_fields(const Message& message, Ioctl& ioctl)
{
    constexpr std::uint32_t is_fsctl = 1;
    const auto field = [&](std::size_t at) { return get<std::uint32_t>(message.body, at); };
    const std::uint32_t input_length = field(28);
    const std::uint32_t max_input = field(32);
    const std::uint32_t output_length = field(40);
    ioctl.code = field(4);
    ioctl.max_output = field(44);
    const auto input = message.part(field(24), input_length);
    const auto output = message.part(field(36), output_length);
    if (!input || !output || std::max({input_length, max_input, ioctl.max_output}) > message.max_transact) {
        return Status::invalid_parameter;
    }
    ioctl.input = *input;
    ioctl.payload = std::max(std::uint64_t{input_length} + output_length, std::uint64_t{max_input} + ioctl.max_output);
    return field(48) == is_fsctl ? Status::success : Status::not_supported;
}

Status decode_ioctl(const Message& message, Exchange& exchange, std::uint32_t& payload)
{
    Ioctl ioctl{};
    if (const Status status = decode_fields(message, ioctl); status != Status::success) {
        return status;
    }
    payload = static_cast<std::uint32_t>(ioctl.payload); // both of its parts have limits
    if (const Status status = check_control_code(ioctl.code); status != Status::success) {
        return status;
    }
    exchange.code = ioctl.code;
    exchange.input = ioctl.input;
    exchange.length = ioctl.max_output;
    return Status::success;
}

void encode_ioctl(const Message& message, const Exchange& exchange, std::uint8_t* answer)
{
    constexpr std::uint32_t end_of_answer = header_size + 48;
    put<std::uint16_t>(answer, 0, 49);
    put(answer, 4, get<std::uint32_t>(message.body, 4));
    std::memcpy(answer + 8, message.body.data() + 8, file_id_size);
    put(answer, 24, end_of_answer);
    put(answer, 32, end_of_answer);
    put(answer, 36, result_size(exchange));
}

// FSCTL_PIPE_WAIT (SEMANTICS 4.3). The library reads the structure; what is needed here is whether it is a name of ours.
Status decode_wait(const Message& message, Exchange& exchange, std::uint32_t& payload)
{
    constexpr std::size_t name_at = 14;
    constexpr std::uint64_t units_per_millisecond = 10'000;
    Ioctl ioctl{};
    if (const Status status = decode_fields(message, ioctl); status != Status::success) {
        return status;
    }
    payload = static_cast<std::uint32_t>(ioctl.payload);
    const Bytes file_id = message.body.subspan(8, file_id_size);
    const bool has_handle = std::ranges::any_of(file_id, [](std::uint8_t byte) { return byte != 0xFF; });
    if (has_handle || ioctl.input.size() < name_at) {
        return Status::invalid_parameter;
    }
    const auto name_length = get<std::uint32_t>(ioctl.input, 8);
    if (name_length > ioctl.input.size() - name_at || name_length % 2 != 0) {
        return Status::invalid_parameter;
    }
    if (!smbd::utf8_from(ioctl.input.subspan(name_at, name_length), exchange.wanted.name)) {
        return Status::object_name_not_found;
    }
    if (ioctl.input[12] != 0) {
        const auto timeout = get<std::uint64_t>(ioctl.input, 0);
        const bool is_negative = timeout >> 63 != 0;
        exchange.milliseconds = (is_negative ? ~timeout + 1 : timeout) / units_per_millisecond;
    }
    exchange.input = ioctl.input;
    return Status::success;
}

// ---- QUERY_INFO, SET_INFO ----

/// InfoType: what is asked about.
struct Kind {
    std::uint8_t number;
    void (*query)(Exchange& exchange);
    void (*set)(Exchange& exchange); ///< nullptr: it cannot be set
};
constexpr std::uint8_t kind_security = 3;
constexpr std::array<Kind, 3> kinds{{
    {1, call_query, call_set},
    {2, call_query_volume, nullptr},
    {kind_security, call_query_security, call_set_security},
}};

const Kind* find_kind(std::uint8_t number)
{
    const auto* row = std::ranges::find(kinds, number, &Kind::number);
    return row == kinds.end() ? nullptr : row;
}

// A security descriptor has no classes, but parts (AdditionalInformation).
void decode_kind(const Message& message, std::size_t parts_at, Exchange& exchange)
{
    exchange.kind = message.body[2];
    exchange.code =
        exchange.kind == kind_security ? get<std::uint32_t>(message.body, parts_at) : std::uint32_t{message.body[3]};
}

Status decode_query_info(const Message& message, Exchange& exchange, std::uint32_t& payload)
{
    decode_kind(message, 16, exchange);
    exchange.length = get<std::uint32_t>(message.body, 4);
    payload = exchange.length;
    if (exchange.length > message.max_transact) {
        return Status::invalid_parameter;
    }
    return find_kind(exchange.kind) != nullptr ? Status::success : Status::not_supported;
}

void call_query_kind(Exchange& exchange)
{
    find_kind(exchange.kind)->query(exchange);
}

void encode_query_info(const Message& /*message*/, const Exchange& exchange, std::uint8_t* answer)
{
    put<std::uint16_t>(answer, 0, 9);
    put<std::uint16_t>(answer, 2, header_size + 8);
    put(answer, 4, result_size(exchange));
}

Status decode_set_info(const Message& message, Exchange& exchange, std::uint32_t& payload)
{
    decode_kind(message, 12, exchange);
    payload = get<std::uint32_t>(message.body, 4);
    const auto data = message.part(get<std::uint16_t>(message.body, 8), payload);
    if (!data || payload > message.max_transact) {
        return Status::invalid_parameter;
    }
    exchange.input = *data;
    const Kind* kind = find_kind(exchange.kind);
    return kind != nullptr && kind->set != nullptr ? Status::success : Status::not_supported;
}

void call_set_kind(Exchange& exchange)
{
    find_kind(exchange.kind)->set(exchange);
}

void encode_set_info(const Message& /*message*/, const Exchange& /*exchange*/, std::uint8_t* answer)
{
    put<std::uint16_t>(answer, 0, 2);
}

// ---- what makes no sense on a pipe (SEMANTICS 8.4; [MS-SMB2] 3.3.5.18 and 3.3.5.19 for the last two) ----

template <Status status>
Status refuse(const Message& /*message*/, Exchange& /*exchange*/, std::uint32_t& /*payload*/)
{
    return status;
}

constexpr auto refuse_device = refuse<Status::invalid_device_request>;
constexpr auto refuse_directory = refuse<Status::invalid_parameter>;

constexpr std::array<Command, 9> commands{{
    {code_flush, 24, 8, 500, decode_flush, call_flush, 4, encode_flush},
    {code_read, 49, 16, 500, decode_read, call_read, 16, encode_read},
    {code_write, 49, 16, 500, decode_write, call_write, 16, encode_write},
    {code_lock, 48, 8, 0, refuse_device, nullptr, 0, nullptr},
    {code_ioctl, 57, 8, 1000, decode_ioctl, call_control, 48, encode_ioctl},
    {code_query_directory, 33, 8, 0, refuse_directory, nullptr, 0, nullptr},
    {code_change_notify, 32, 8, 0, refuse_directory, nullptr, 0, nullptr},
    {code_query_info, 41, 24, 0, decode_query_info, call_query_kind, 8, encode_query_info},
    {code_set_info, 33, 16, 500, decode_set_info, call_set_kind, 2, encode_set_info},
}};

// ---- the root of IPC$ (SEMANTICS 8.4, 1.4, 1.7): a directory, whose answers are the library's ----

constexpr std::array<Kind, 2> root_kinds{{
    {1, call_root_query, call_root_set},
    {2, call_root_query_volume, nullptr},
}};

Status decode_query_directory(const Message& message, Exchange& exchange, std::uint32_t& payload)
{
    constexpr std::uint8_t restart = 0x01;
    constexpr std::uint8_t single = 0x02;
    constexpr std::uint8_t reopen = 0x10;
    const std::uint8_t flags = message.body[3];
    const auto pattern = message.part(get<std::uint16_t>(message.body, 24), get<std::uint16_t>(message.body, 26));
    exchange.code = message.body[2];
    exchange.length = get<std::uint32_t>(message.body, 28);
    exchange.is_single = (flags & single) != 0;
    exchange.restarts = (flags & (restart | reopen)) != 0;
    payload = exchange.length;
    if (!pattern || exchange.length > message.max_transact) {
        return Status::invalid_parameter;
    }
    return smbd::utf8_from(*pattern, exchange.wanted.name) ? Status::success : Status::object_name_invalid;
}

// There are no records: a change only says that there was one.
Status decode_change_notify(const Message& message, Exchange& /*exchange*/, std::uint32_t& payload)
{
    constexpr std::uint32_t known_changes = 0xFFF;
    payload = get<std::uint32_t>(message.body, 4);
    const bool is_good = payload <= message.max_transact && (get<std::uint32_t>(message.body, 24) & known_changes) != 0;
    return is_good ? Status::success : Status::invalid_parameter;
}

const Kind* find_root_kind(std::uint8_t number)
{
    const auto* row = std::ranges::find(root_kinds, number, &Kind::number);
    return row == root_kinds.end() ? nullptr : row;
}

Status decode_root_query(const Message& message, Exchange& exchange, std::uint32_t& payload)
{
    const Status status = decode_query_info(message, exchange, payload);
    return is_error(status) || find_root_kind(exchange.kind) != nullptr ? status : Status::not_supported;
}

Status decode_root_set(const Message& message, Exchange& exchange, std::uint32_t& payload)
{
    const Status status = decode_set_info(message, exchange, payload);
    const Kind* kind = find_root_kind(exchange.kind);
    return is_error(status) || (kind != nullptr && kind->set != nullptr) ? status : Status::not_supported;
}

void call_root_query_kind(Exchange& exchange)
{
    find_root_kind(exchange.kind)->query(exchange);
}

constexpr std::array<Command, 9> root_commands{{
    {code_flush, 24, 8, 0, refuse_device, nullptr, 0, nullptr},
    {code_read, 49, 16, 0, decode_read, call_root_read, 16, encode_read},
    {code_write, 49, 16, 0, decode_write, call_root_write, 16, encode_write},
    {code_lock, 48, 8, 0, refuse_device, nullptr, 0, nullptr},
    {code_ioctl, 57, 8, 1000, decode_ioctl, call_root_control, 48, encode_ioctl},
    {code_query_directory, 33, 8, 500, decode_query_directory, call_enumerate, 8, encode_query_info},
    {code_change_notify, 32, 8, 500, decode_change_notify, call_notify, 8, encode_query_info},
    {code_query_info, 41, 24, 0, decode_root_query, call_root_query_kind, 8, encode_query_info},
    {code_set_info, 33, 16, 0, decode_root_set, call_root_set, 2, encode_set_info},
}};

const Command& row_of(const std::array<Command, 9>& rows, std::uint16_t code)
{
    const auto* row = std::ranges::find(rows, code, &Command::code);
    if (row == rows.end()) {
        std::abort(); // the redirected functions are for the commands in the tables
    }
    return *row;
}

} // namespace

const Command wait_command{code_ioctl, 57, 8, 1000, decode_wait, call_wait, 48, encode_ioctl};

std::optional<Bytes> Message::part(std::uint32_t offset, std::uint32_t length) const
{
    if (length == 0) {
        return Bytes();
    }
    const std::size_t begin = header_size + body.size();
    if (offset < begin || offset - begin > data.size() || length > data.size() - (offset - begin)) {
        return std::nullopt;
    }
    return data.subspan(offset - begin, length);
}

std::array<std::uint8_t, 4> error_data(const Exchange& exchange)
{
    std::array<std::uint8_t, 4> size{};
    put(size.data(), 0, static_cast<std::uint32_t>(exchange.needed));
    return size;
}

const Command& command(std::uint16_t code)
{
    return row_of(commands, code);
}

const Command& root_command(std::uint16_t code)
{
    return row_of(root_commands, code);
}

bool is_wait(Bytes ioctl_body)
{
    return get<std::uint32_t>(ioctl_body, 4) == NTPIPE_FSCTL_WAIT;
}

// ---- CREATE ----

bool decode_create(const Message& message, Create& create)
{
    const auto name = message.part(get<std::uint16_t>(message.body, 44), get<std::uint16_t>(message.body, 46));
    const auto contexts = message.part(get<std::uint32_t>(message.body, 48), get<std::uint32_t>(message.body, 52));
    if (!name || !contexts || !smbd::utf8_from(*name, create.open.name)) {
        return false;
    }
    create.contexts = *contexts;
    create.open.impersonation_level = get<std::uint32_t>(message.body, 4);
    create.open.desired_access = get<std::uint32_t>(message.body, 24);
    create.open.disposition = get<std::uint32_t>(message.body, 36);
    create.open.options = get<std::uint32_t>(message.body, 40);
    create.open.message_mode = doubt::smb_opens_in_message_mode;
    return true;
}

// SEMANTICS 8.1: no oplock, no times, nothing in the file.
void encode_create(std::uint64_t persistent_id, std::uint64_t volatile_id, const Described& described,
                   std::size_t contexts, std::uint8_t* answer)
{
    constexpr std::uint32_t file_was_opened = 1;
    put<std::uint16_t>(answer, 0, 89);
    put(answer, 4, file_was_opened);
    put(answer, 40, described.allocation_size);
    put(answer, 56, described.attributes);
    put(answer, 64, persistent_id);
    put(answer, 72, volatile_id);
    if (contexts != 0) {
        put(answer, 80, static_cast<std::uint32_t>(header_size + create_answer_size));
        put(answer, 84, static_cast<std::uint32_t>(contexts));
    }
}

bool is_maximal_access_query(std::size_t size)
{
    return size == 0 || size == sizeof(std::uint64_t);
}

std::array<std::uint8_t, 8> encode_maximal_access(const MaximalAccess& maximal)
{
    std::array<std::uint8_t, 8> data{};
    put(data.data(), 0, raw(maximal.status));
    put(data.data(), 4, maximal.access);
    return data;
}

} // namespace ntpipe::samba::smb2

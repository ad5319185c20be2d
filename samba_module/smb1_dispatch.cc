// SPDX-License-Identifier: GPL-3.0-or-later
// smb1_dispatch.cc: the tables for SMB1's commands on pipes, and its opens. [MS-CIFS] 2.2.4, [MS-SMB] 2.2.4.
#include "smb1_dispatch.hpp"

#include "doubt.hpp"

#include <algorithm>
#include <cstdlib>
#include <limits>

namespace ntpipe::samba::smb1 {
namespace {

std::uint16_t word(const Packet& packet, std::size_t number)
{
    return get<std::uint16_t>(packet.words, 2 * number);
}

std::uint32_t double_word(const Packet& packet, std::size_t number)
{
    return get<std::uint32_t>(packet.words, 2 * number);
}

std::uint16_t saturated(std::size_t value)
{
    return static_cast<std::uint16_t>(std::min<std::size_t>(value, std::numeric_limits<std::uint16_t>::max()));
}

// ---- reads ----

constexpr std::uint32_t for_ever = 0xFFFFFFFF;
constexpr std::uint32_t default_timeout = 0xFFFFFFFE;

std::uint64_t default_timeout_of(ntpipe_end* end)
{
    constexpr std::uint64_t units_per_millisecond = 10'000;
    ntpipe_traits traits{};
    ntpipe_query_traits(end, &traits);
    const auto units = static_cast<std::uint64_t>(traits.default_timeout);
    return (traits.default_timeout < 0 ? ~units + 1 : units) / units_per_millisecond;
}

// SEMANTICS 7.4. The timeout shares its place with the upper half of the count: see doubt.hpp for what a zero means.
void limit_read(Exchange& exchange, std::uint32_t timeout, std::uint16_t minimum)
{
    if (timeout == 0) {
        if (minimum == 0 || !doubt::zero_timeout_with_minimum_waits) {
            exchange.milliseconds = 0;
        }
        return;
    }
    exchange.minimum = std::min<std::uint32_t>(minimum, exchange.length);
    if (timeout == default_timeout) {
        exchange.milliseconds = default_timeout_of(exchange.end);
    } else if (timeout != for_ever) {
        exchange.milliseconds = timeout;
    }
}

Status decode_read_andx(const Packet& packet, Message& /*message*/, Exchange& exchange)
{
    exchange.length = word(packet, 5);
    limit_read(exchange, double_word(packet, 7), word(packet, 6));
    return Status::pending;
}

Status decode_read_raw(const Packet& packet, Message& /*message*/, Exchange& exchange)
{
    exchange.length = word(packet, 3);
    limit_read(exchange, double_word(packet, 5), word(packet, 4));
    return Status::pending;
}

Status decode_read(const Packet& packet, Message& /*message*/, Exchange& exchange)
{
    exchange.length = word(packet, 1);
    return Status::pending;
}

// What is there to be read, if this end may know.
std::uint16_t available(const Exchange& exchange)
{
    constexpr std::uint16_t unknown = 0xFFFF;
    ntpipe_peek_info info{};
    const auto status = static_cast<Status>(ntpipe_peek(exchange.end, nullptr, 0, &info));
    if (status == Status::pipe_broken) {
        return 0;
    }
    return is_error(status) ? unknown : saturated(info.read_data_available);
}

constexpr std::uint8_t no_andx = 0xFF;

void encode_read_andx(const Exchange& exchange, std::uint8_t* words)
{
    constexpr std::size_t words_of_answer = 12;
    constexpr std::size_t data_at = header_size + 1 + 2 * words_of_answer + 2 + 1;
    words[0] = no_andx;
    put(words, 4, available(exchange));
    put(words, 10, saturated(exchange.transferred));
    put<std::uint16_t>(words, 12, data_at);
}

void encode_read(const Exchange& exchange, std::uint8_t* words)
{
    put(words, 0, saturated(exchange.transferred));
}

// ---- writes ----

constexpr std::uint16_t wants_available = 2;
constexpr std::uint16_t raw_mode = 4;
constexpr std::uint16_t message_start = 8;

Status continue_message(Message& message, Bytes data, Exchange& exchange)
{
    if (data.size() > message.size - message.bytes.size()) {
        message = {};
        return Status::invalid_parameter;
    }
    message.bytes.insert(message.bytes.end(), data.begin(), data.end());
    if (message.bytes.size() < message.size) {
        return Status::success;
    }
    auto* whole = static_cast<std::uint8_t*>(talloc_memdup(exchange.memory, message.bytes.data(), message.size));
    exchange.input = {whole, message.size};
    message = {};
    return whole == nullptr && !exchange.input.empty() ? Status::no_memory : Status::pending;
}

// A new message in the middle of one: the client has given that up. impacket always says that a message has the largest size, and the true
// one as what remains.
Status begin_message(Message& message, Bytes data, std::uint16_t remaining, Exchange& exchange)
{
    constexpr std::size_t prefix = sizeof(std::uint16_t);
    constexpr std::size_t not_told = 0xFFFF;
    message = {};
    if (data.size() < prefix) {
        return Status::invalid_parameter;
    }
    message.is_open = true;
    message.size = get<std::uint16_t>(data, 0);
    if (message.size == not_told && remaining >= data.size() - prefix && remaining != 0) {
        message.size = remaining;
    }
    return continue_message(message, data.subspan(prefix), exchange);
}

// SEMANTICS 7.4. How much of the request is taken if it is a part only: `length`, until encode_write_andx() needs it.
Status decode_write_andx(const Packet& packet, Message& message, Exchange& exchange)
{
    const std::uint32_t length = word(packet, 10) | static_cast<std::uint32_t>(word(packet, 9)) << 16;
    const auto data = packet.part(word(packet, 11), length);
    const std::uint16_t mode = word(packet, 7);
    if (!data) {
        return Status::invalid_parameter;
    }
    exchange.length = length;
    exchange.code = mode & wants_available;
    const bool is_part = (mode & (raw_mode | message_start)) == (raw_mode | message_start) ||
                         (message.is_open && (mode & message_start) == 0);
    if (is_part && (ntpipe_granted_access(exchange.end) & NTPIPE_WRITE_DATA) == 0) {
        return Status::access_denied;
    }
    if (is_part) {
        return (mode & message_start) != 0 ? begin_message(message, *data, word(packet, 8), exchange)
                                           : continue_message(message, *data, exchange);
    }
    message = {};
    exchange.input = *data;
    return Status::pending;
}

// A pipe that does not wait may have taken less than the whole.
std::size_t taken(const Exchange& exchange)
{
    const std::size_t missing = exchange.input.size() - exchange.transferred;
    return exchange.length - std::min<std::size_t>(missing, exchange.length);
}

void encode_write_andx(const Exchange& exchange, std::uint8_t* words)
{
    const std::size_t count = taken(exchange);
    words[0] = no_andx;
    put(words, 4, static_cast<std::uint16_t>(count));
    put<std::uint16_t>(words, 6, exchange.code == 0 ? 0 : available(exchange));
    put(words, 8, static_cast<std::uint16_t>(count >> 16));
}

Status decode_write(const Packet& packet, Message& /*message*/, Exchange& exchange)
{
    constexpr std::size_t data_at = 3; // behind a format and a length that says the same once more
    const std::size_t length = word(packet, 1);
    if (packet.bytes.size() < data_at || length > packet.bytes.size() - data_at) {
        return Status::invalid_parameter;
    }
    exchange.input = packet.bytes.subspan(data_at, length);
    return Status::pending;
}

void encode_write(const Exchange& exchange, std::uint8_t* words)
{
    put(words, 0, saturated(exchange.transferred));
}

// ---- FLUSH ----

Status decode_flush(const Packet& /*packet*/, Message& /*message*/, Exchange& /*exchange*/)
{
    return Status::pending;
}

void encode_nothing(const Exchange& /*exchange*/, std::uint8_t* /*words*/) {}

constexpr std::array<Command, 6> commands{{
    {code_flush, {1, 1}, 0, decode_flush, call_flush, 0, encode_nothing, Payload::none},
    {code_read, {5, 5}, 0, decode_read, call_read, 5, encode_read, Payload::core},
    {code_write, {5, 5}, 0, decode_write, call_write, 1, encode_write, Payload::none},
    {code_read_raw, {8, 10}, 0, decode_read_raw, call_read_in_steps, 0, encode_nothing, Payload::raw},
    {code_read_andx, {10, 12}, 2, decode_read_andx, call_read_in_steps, 12, encode_read_andx, Payload::andx},
    {code_write_andx, {12, 14}, 2, decode_write_andx, call_write, 6, encode_write_andx, Payload::none},
}};

// ---- strings and names ----

bool is_pipe_letter(char c, char letter)
{
    return c == letter || c == letter - 'A' + 'a';
}

// How many characters at its beginning spell PIPE.
std::size_t pipe_prefix(const std::string& path, std::size_t at)
{
    constexpr std::string_view word = "PIPE";
    for (std::size_t i = 0; i < word.size(); ++i) {
        if (at + i >= path.size() || !is_pipe_letter(path[at + i], word[i])) {
            return 0;
        }
    }
    return word.size();
}

std::string without_backslashes(const std::string& path, std::size_t at)
{
    const std::size_t begin = path.find_first_not_of('\\', at);
    return begin == std::string::npos ? std::string() : path.substr(begin);
}

// The root of the tree is the root of pipes. Some clients put PIPE before the name nevertheless, with or without a backslash.
void name_relative_to_tree(const std::string& path, Wanted& wanted)
{
    wanted.name = without_backslashes(path, 0);
    const std::size_t prefix = pipe_prefix(wanted.name, 0);
    wanted.otherwise = prefix == 0 ? std::string() : without_backslashes(wanted.name, prefix);
}

// ---- opens ----

constexpr std::uint32_t file_was_opened = 1;
constexpr std::uint32_t attribute_normal = 0x80;
constexpr std::uint64_t allocation_size = 4096;
constexpr std::uint32_t wants_extended_answer = 0x10;

std::uint32_t access_of_mode(std::uint16_t mode)
{
    switch (mode & 7U) {
    case 0:
    case 3: // to execute
        return NTPIPE_GENERIC_READ;
    case 1:
        return NTPIPE_GENERIC_WRITE;
    default:
        return NTPIPE_GENERIC_READ | NTPIPE_GENERIC_WRITE;
    }
}

std::uint16_t mode_of_access(std::uint32_t granted)
{
    const bool reads = (granted & NTPIPE_READ_DATA) != 0;
    const bool writes = (granted & NTPIPE_WRITE_DATA) != 0;
    return reads && writes ? 2 : writes ? 1 : 0;
}

std::uint16_t resource_type(const ntpipe_traits& traits)
{
    return traits.type == NTPIPE_TYPE_MESSAGE ? 2 : 1;
}

/// The fields that both forms of NT's open have, where each has them.
struct OpenLayout {
    std::size_t flags, access, disposition, options, impersonation;
};
constexpr OpenLayout nt_create_layout{7, 15, 35, 39, 43};
constexpr OpenLayout nt_transact_layout{0, 8, 28, 32, 48};

void decode_fields(Bytes fields, const OpenLayout& layout, Open& open)
{
    open.is_extended = (get<std::uint32_t>(fields, layout.flags) & wants_extended_answer) != 0;
    open.parameters.desired_access = get<std::uint32_t>(fields, layout.access);
    open.parameters.disposition = get<std::uint32_t>(fields, layout.disposition);
    open.parameters.options = get<std::uint32_t>(fields, layout.options);
    open.parameters.impersonation_level = get<std::uint32_t>(fields, layout.impersonation);
}

// What follows the FID in the answers: SEMANTICS 7.3. There are four times between action and attributes.
void encode_fields(const OpenedPipe& pipe, bool is_extended, std::uint8_t* at_attributes)
{
    put(at_attributes, 0, attribute_normal);
    put(at_attributes, 4, allocation_size);
    put(at_attributes, 20, resource_type(pipe.traits));
    put(at_attributes, 22, status_word(pipe.traits));
    if (is_extended) {
        put(at_attributes, 49, pipe.granted_access);
        put(at_attributes, 53, pipe.granted_access);
    }
}

} // namespace

std::optional<Bytes> Packet::part(std::uint64_t offset, std::uint64_t length) const
{
    if (length == 0) {
        return Bytes();
    }
    if (offset > whole.size() || length > whole.size() - offset) {
        return std::nullopt;
    }
    return whole.subspan(offset, length);
}

std::optional<std::string> Packet::text(Bytes from, std::size_t offset) const
{
    if (is_unicode && offset % 2 != 0) {
        from = from.subspan(std::min<std::size_t>(1, from.size()));
    }
    const std::size_t unit = is_unicode ? 2 : 1;
    std::size_t size = 0;
    while (size + unit <= from.size() && (from[size] != 0 || from[size + unit - 1] != 0)) {
        size += unit;
    }
    std::string converted;
    const bool good =
        is_unicode ? smbd::utf8_from(from.first(size), converted) : smbd::utf8_from_oem(from.first(size), converted);
    return good ? std::optional(converted) : std::nullopt;
}

std::optional<std::string> Packet::text() const
{
    return text(bytes, static_cast<std::size_t>(bytes.data() - whole.data()));
}

const Command& command(std::uint8_t code)
{
    const auto* row = std::ranges::find(commands, code, &Command::code);
    if (row == commands.end()) {
        std::abort(); // the redirected functions are for the commands above
    }
    return *row;
}

std::optional<std::string> name_in_pipe_path(const std::string& path, bool needs_backslash)
{
    const std::size_t begin = path.find_first_not_of('\\');
    const std::size_t prefix = begin == std::string::npos ? 0 : pipe_prefix(path, begin);
    const std::size_t behind = prefix == 0 ? 0 : begin + prefix;
    if (prefix == 0 || (needs_backslash && (behind == path.size() || path[behind] != '\\'))) {
        return std::nullopt;
    }
    return without_backslashes(path, behind);
}

std::uint16_t status_word(const ntpipe_traits& traits)
{
    constexpr std::uint16_t reads_messages = 0x0100;
    constexpr std::uint16_t is_message_pipe = 0x0400;
    constexpr std::uint16_t does_not_wait = 0x8000;
    auto bits = static_cast<std::uint16_t>(std::min<std::uint32_t>(traits.maximum_instances, 0xFF));
    bits |= traits.read_mode == NTPIPE_READ_MESSAGE ? reads_messages : 0;
    bits |= traits.type == NTPIPE_TYPE_MESSAGE ? is_message_pipe : 0;
    bits |= traits.completion_mode == NTPIPE_COMPLETE ? does_not_wait : 0;
    return bits;
}

bool decode_open_andx(const Packet& packet, Open& open)
{
    const auto path = packet.word_count() < open_andx_words ? std::nullopt : packet.text();
    const auto name = path ? name_in_pipe_path(*path, true) : std::nullopt;
    if (!name) {
        return false;
    }
    open.parameters.name = *name;
    open.parameters.desired_access = access_of_mode(word(packet, 3));
    open.parameters.disposition = NTPIPE_FILE_OPEN;
    open.parameters.impersonation_level = NTPIPE_IMPERSONATION;
    return true;
}

bool decode_nt_create_andx(const Packet& packet, Open& open)
{
    constexpr std::size_t words = 24;
    const auto path = packet.word_count() < words ? std::nullopt : packet.text();
    if (!path) {
        return false;
    }
    decode_fields(packet.words, nt_create_layout, open);
    name_relative_to_tree(*path, open.parameters);
    return true;
}

// The name has a length, and perhaps an end.
bool decode_nt_transact_create(const Packet& packet, Bytes parameters, Open& open)
{
    constexpr std::size_t name_length_at = 44;
    constexpr std::size_t name_at = 53;
    if (parameters.size() <= name_at) {
        return false;
    }
    const std::size_t padding = packet.is_unicode ? 1 : 0;
    const std::size_t length = get<std::uint32_t>(parameters, name_length_at);
    const std::size_t rest = parameters.size() - name_at;
    const auto path =
        packet.text(parameters.subspan(name_at, length < rest - padding ? length + padding : rest), name_at);
    if (!path) {
        return false;
    }
    decode_fields(parameters, nt_transact_layout, open);
    name_relative_to_tree(*path, open.parameters);
    return true;
}

void encode_open_andx(const OpenedPipe& pipe, std::uint8_t* words)
{
    words[0] = no_andx;
    put(words, 4, pipe.fid);
    put(words, 16, mode_of_access(pipe.granted_access));
    put(words, 18, resource_type(pipe.traits));
    put(words, 20, status_word(pipe.traits));
    put<std::uint16_t>(words, 22, file_was_opened);
}

void encode_nt_create_andx(const OpenedPipe& pipe, bool is_extended, std::uint8_t* words)
{
    words[0] = no_andx;
    put(words, 5, pipe.fid);
    put(words, 7, file_was_opened);
    encode_fields(pipe, is_extended, words + 43);
}

void encode_nt_transact_create(const OpenedPipe& pipe, bool is_extended, std::uint8_t* parameters)
{
    put(parameters, 2, pipe.fid);
    put(parameters, 4, file_was_opened);
    encode_fields(pipe, is_extended, parameters + 44);
}

} // namespace ntpipe::samba::smb1

// SPDX-License-Identifier: GPL-3.0-or-later
// smb1_transaction.cc: the tables for SMB1's transactions. [MS-CIFS] 2.2.4.33, 2.2.4.46, 2.2.4.62, 2.2.5 to 2.2.7; SEMANTICS 7.5, 7.6.
#include "smb1_transaction.hpp"

#include <algorithm>
#include <cstring>
#include <limits>

namespace ntpipe::samba::smb1 {
namespace {

// ---- fields of packets ----

/// Where the words of a kind of transaction have their fields, in bytes; `is_wide`: they have 32 bits instead of 16.
struct Layout {
    bool is_wide;
    std::size_t words; ///< in front of the setup
    std::size_t totals, maxima, flags, timeout, parts, setup_count, secondary_words, secondary_totals, secondary_parts;
};
constexpr Layout narrow{false, 14, 0, 4, 10, 12, 18, 26, 8, 0, 4};
constexpr Layout wide{true, 19, 3, 11, 0, 0, 19, 35, 18, 3, 11};

const Layout& layout_of(Kind kind)
{
    return kind == Kind::nt_transact ? wide : narrow;
}

/// The numbers of a kind of transaction that stand one behind the other.
class Fields {
public:
    Fields(const Layout& layout, Bytes words, std::size_t at) : is_wide_(layout.is_wide), words_(words), at_(at) {}
    std::uint32_t next()
    {
        const std::size_t at = at_;
        at_ += is_wide_ ? sizeof(std::uint32_t) : sizeof(std::uint16_t);
        return is_wide_ ? get<std::uint32_t>(words_, at) : get<std::uint16_t>(words_, at);
    }

private:
    bool is_wide_;
    Bytes words_;
    std::size_t at_;
};

std::uint16_t word_of(Bytes setup, std::size_t number)
{
    return get<std::uint16_t>(setup, 2 * number);
}

std::uint16_t saturated(std::size_t value)
{
    return static_cast<std::uint16_t>(std::min<std::size_t>(value, std::numeric_limits<std::uint16_t>::max()));
}

// ---- subcommands: what is asked ----

Bytes parameters_of(const Transaction& transaction)
{
    return transaction.parameters.bytes();
}

Status decode_data(const Transaction& transaction, Exchange& exchange)
{
    exchange.input = transaction.data.bytes();
    return Status::pending;
}

Status decode_room(const Transaction& transaction, Exchange& exchange)
{
    exchange.length = transaction.primary.max_data;
    return Status::pending;
}

Status decode_both(const Transaction& transaction, Exchange& exchange)
{
    (void)decode_room(transaction, exchange);
    return decode_data(transaction, exchange);
}

Status decode_nothing(const Transaction& /*transaction*/, Exchange& /*exchange*/)
{
    return Status::pending;
}

constexpr std::uint32_t class_pipe = 23;

Status decode_set_state(const Transaction& transaction, Exchange& exchange)
{
    constexpr std::size_t size = 8;
    if (parameters_of(transaction).size() < sizeof(std::uint16_t)) {
        return Status::invalid_parameter;
    }
    const auto state = get<std::uint16_t>(parameters_of(transaction), 0);
    auto* modes = talloc_array(exchange.memory, std::uint8_t, size);
    if (modes == nullptr) {
        return Status::no_memory;
    }
    put<std::uint32_t>(modes, 0, state >> 8 & 3U);
    put<std::uint32_t>(modes, 4, state >> 15);
    exchange.code = class_pipe;
    exchange.input = {modes, size};
    return Status::pending;
}

Status decode_query_info(const Transaction& transaction, Exchange& exchange)
{
    constexpr std::uint16_t only_level = 1;
    const Bytes parameters = parameters_of(transaction);
    if (parameters.size() < sizeof(only_level) || get<std::uint16_t>(parameters, 0) != only_level) {
        return Status::invalid_parameter;
    }
    exchange.code = transaction.is_unicode ? 1 : 0;
    return decode_room(transaction, exchange);
}

constexpr std::uint32_t for_ever = 0xFFFFFFFF;
constexpr std::uint64_t longer_than_any = std::uint64_t{100} * 365 * 24 * 3600 * 1000;

// 0: the pipe's own.
void decode_timeout(const Transaction& transaction, Exchange& exchange)
{
    const std::uint32_t timeout = transaction.primary.timeout;
    if (timeout != 0) {
        exchange.milliseconds = timeout == for_ever ? longer_than_any : timeout;
    }
}

// As the structure of FSCTL_PIPE_WAIT, SEMANTICS 4.3.
Status decode_wait(const Transaction& transaction, Exchange& exchange)
{
    constexpr std::size_t name_at = 14;
    constexpr std::uint64_t units_per_millisecond = 10'000;
    decode_timeout(transaction, exchange);
    const std::string name = smbd::utf16_from(exchange.wanted.name);
    auto* structure = talloc_zero_array(exchange.memory, std::uint8_t, static_cast<unsigned>(name_at + name.size()));
    if (structure == nullptr) {
        return Status::no_memory;
    }
    put(structure, 0, ~(exchange.milliseconds.value_or(0) * units_per_millisecond) + 1);
    put(structure, 8, static_cast<std::uint32_t>(name.size()));
    put<std::uint8_t>(structure, 12, exchange.milliseconds ? 1 : 0);
    std::ranges::copy(name, structure + name_at);
    exchange.input = {structure, name_at + name.size()};
    return Status::pending;
}

Status decode_call(const Transaction& transaction, Exchange& exchange)
{
    decode_timeout(transaction, exchange);
    return decode_both(transaction, exchange);
}

// ---- TRANSACTION2 ----

/// The information levels of SMB that are classes by other names, with the same bytes. SEMANTICS 7.6.
struct Level {
    std::uint16_t level;
    std::uint16_t information_class;
};
constexpr std::array levels{Level{0x101, 4}, Level{0x102, 5}, Level{0x103, 7}, Level{0x104, 9}};
constexpr std::uint16_t pass_through = 1000;

std::optional<std::uint32_t> class_of(std::uint16_t level)
{
    if (level >= pass_through) {
        return static_cast<std::uint32_t>(level - pass_through);
    }
    const auto* row = std::ranges::find(levels, level, &Level::level);
    return row == levels.end() ? std::nullopt : std::optional<std::uint32_t>(row->information_class);
}

Status decode_level(const Transaction& transaction, std::size_t shortest, Exchange& exchange)
{
    const Bytes parameters = parameters_of(transaction);
    if (parameters.size() < shortest) {
        return Status::invalid_parameter;
    }
    const auto information_class = class_of(get<std::uint16_t>(parameters, 2));
    exchange.code = information_class.value_or(0);
    return information_class ? decode_both(transaction, exchange) : Status::invalid_level;
}

Status decode_query_file(const Transaction& transaction, Exchange& exchange)
{
    return decode_level(transaction, 4, exchange);
}

Status decode_set_file(const Transaction& transaction, Exchange& exchange)
{
    return decode_level(transaction, 6, exchange);
}

// ---- NT_TRANSACT ----

/// A reply may be no longer; what it does not bring of a message is read next.
constexpr std::uint32_t largest_output = 1024 * 1024;

Status decode_ioctl(const Transaction& transaction, Exchange& exchange)
{
    const Bytes setup = transaction.primary.setup;
    const auto code = get<std::uint32_t>(setup, 0);
    const bool is_fsctl = setup[6] != 0;
    if (!is_fsctl) {
        return Status::not_supported;
    }
    if (const Status status = check_control_code(code); status != Status::success) {
        return status;
    }
    exchange.code = code;
    exchange.input = transaction.data.bytes();
    exchange.length = std::min(transaction.primary.max_data, largest_output);
    return Status::pending;
}

Status decode_security(const Transaction& transaction, Exchange& exchange)
{
    constexpr std::size_t shortest = 8;
    const Bytes parameters = parameters_of(transaction);
    if (parameters.size() < shortest) {
        return Status::invalid_parameter;
    }
    exchange.code = get<std::uint32_t>(parameters, 4);
    exchange.input = transaction.data.bytes();
    exchange.length = std::min(transaction.primary.max_data, largest_output);
    return Status::pending;
}

// ---- calls that are SMB1's own ----

void call_query_state(Exchange& exchange)
{
    ntpipe_pipe_info modes{};
    exchange.status = static_cast<Status>(ntpipe_query_pipe_info(exchange.end, &modes)); // that it may be asked
}

// SEMANTICS 7.5: sizes, instances, and the name with its length and its end.
void call_query_info(Exchange& exchange)
{
    constexpr std::size_t name_at = 7;
    constexpr std::uint32_t all_ones = 0xFF;
    const bool is_unicode = exchange.code != 0;
    ntpipe_local_info info{};
    exchange.status = static_cast<Status>(ntpipe_query_local_info(exchange.end, &info));
    if (is_error(exchange.status)) {
        return;
    }
    const std::string path = std::string("\\PIPE\\") + ntpipe_name(exchange.end);
    std::string name = is_unicode ? smbd::utf16_from(path) : smbd::oem_from(path);
    name.append(is_unicode ? 2 : 1, '\0');
    std::vector<std::uint8_t> whole(name_at + name.size());
    put(whole.data(), 0, saturated(info.outbound_quota));
    put(whole.data(), 2, saturated(info.inbound_quota));
    whole[4] = static_cast<std::uint8_t>(std::min(info.maximum_instances, all_ones));
    whole[5] = static_cast<std::uint8_t>(std::min(info.current_instances, all_ones));
    whole[6] = static_cast<std::uint8_t>(std::min<std::size_t>(name.size(), all_ones));
    std::memcpy(whole.data() + name_at, name.data(), name.size());
    exchange.transferred = std::min<std::size_t>(whole.size(), exchange.length);
    exchange.output = static_cast<std::uint8_t*>(talloc_memdup(exchange.memory, whole.data(), whole.size()));
    exchange.status = exchange.output == nullptr            ? Status::no_memory
                      : exchange.transferred < whole.size() ? Status::buffer_overflow
                                                            : Status::success;
}

// ---- subcommands: what is answered ----

void encode_nothing(const Exchange& /*exchange*/, std::uint8_t* /*parameters*/) {}

void encode_state(const Exchange& exchange, std::uint8_t* parameters)
{
    ntpipe_traits traits{};
    ntpipe_query_traits(exchange.end, &traits);
    put(parameters, 0, status_word(traits));
}

void encode_written(const Exchange& exchange, std::uint8_t* parameters)
{
    put(parameters, 0, saturated(exchange.transferred));
}

// The length that a message began with has been taken, too.
void encode_raw_written(const Exchange& exchange, std::uint8_t* parameters)
{
    ntpipe_traits traits{};
    ntpipe_query_traits(exchange.end, &traits);
    const std::size_t prefix = traits.type == NTPIPE_TYPE_MESSAGE ? sizeof(std::uint16_t) : 0;
    put(parameters, 0, saturated(exchange.transferred + prefix));
}

void encode_peek(const Exchange& exchange, std::uint8_t* parameters)
{
    put(parameters, 0, saturated(exchange.found.read_data_available));
    put(parameters, 2, saturated(exchange.found.message_length));
    put(parameters, 4, static_cast<std::uint16_t>(exchange.found.state));
}

void encode_needed(const Exchange& exchange, std::uint8_t* parameters)
{
    put(parameters, 0, static_cast<std::uint32_t>(exchange.needed));
}

// TRANSACTION2 has a field for an offset in extended attributes.
constexpr std::array<Subcommand, 16> subcommands{{
    {Kind::transaction, 0x01, 2, Target::setup_fid, 0, false, decode_set_state, call_set, encode_nothing},
    {Kind::transaction, 0x11, 2, Target::setup_fid, 0, true, decode_room, call_raw_read, encode_nothing},
    {Kind::transaction, 0x21, 2, Target::setup_fid, 2, false, decode_nothing, call_query_state, encode_state},
    {Kind::transaction, 0x22, 2, Target::setup_fid, 0, true, decode_query_info, call_query_info, encode_nothing},
    {Kind::transaction, 0x23, 2, Target::setup_fid, 6, true, decode_room, call_peek, encode_peek},
    {Kind::transaction, 0x26, 2, Target::setup_fid, 0, true, decode_both, call_transact, encode_nothing},
    {Kind::transaction, 0x31, 2, Target::setup_fid, 2, false, decode_data, call_raw_write, encode_raw_written},
    {Kind::transaction, 0x36, 2, Target::setup_fid, 0, true, decode_room, call_read, encode_nothing},
    {Kind::transaction, 0x37, 2, Target::setup_fid, 2, false, decode_data, call_write, encode_written},
    {Kind::transaction, 0x53, 2, Target::name, 0, false, decode_wait, call_wait, encode_nothing},
    {Kind::transaction, 0x54, 2, Target::name, 0, true, decode_call, call_pipe_call, encode_nothing},
    {Kind::transaction2, 0x07, 1, Target::parameter_fid, 2, true, decode_query_file, call_query, encode_nothing},
    {Kind::transaction2, 0x08, 1, Target::parameter_fid, 2, false, decode_set_file, call_set, encode_nothing},
    {Kind::nt_transact, 2, 4, Target::ioctl_fid, 0, true, decode_ioctl, call_control, encode_nothing},
    {Kind::nt_transact, 3, 0, Target::parameter_fid, 0, false, decode_security, call_set_security, encode_nothing},
    {Kind::nt_transact, 6, 0, Target::parameter_fid, 4, true, decode_security, call_query_security, encode_needed},
}};

constexpr std::size_t aligned(std::size_t value)
{
    constexpr std::size_t alignment = 4;
    return (value + alignment - 1) / alignment * alignment;
}

} // namespace

// ---- packets that come ----

bool decode_primary(Kind kind, const Packet& packet, Primary& primary)
{
    const Layout& layout = layout_of(kind);
    if (packet.word_count() < layout.words) {
        return false;
    }
    const std::size_t setup_words = packet.words[layout.setup_count];
    if (packet.word_count() < layout.words + setup_words) {
        return false;
    }
    const Bytes setup = packet.words.subspan(2 * layout.words, 2 * setup_words);
    primary.setup.assign(setup.begin(), setup.end());
    Fields totals(layout, packet.words, layout.totals);
    Fields maxima(layout, packet.words, layout.maxima);
    Fields parts(layout, packet.words, layout.parts);
    primary.fragment.total_parameters = totals.next();
    primary.fragment.total_data = totals.next();
    primary.max_parameters = maxima.next();
    primary.max_data = maxima.next();
    for (Part* part : {&primary.fragment.parameters, &primary.fragment.data}) {
        part->count = parts.next();
        part->offset = parts.next();
    }
    if (kind == Kind::nt_transact) {
        primary.function = get<std::uint16_t>(packet.words, 36);
        return true;
    }
    primary.flags = get<std::uint16_t>(packet.words, layout.flags);
    primary.timeout = get<std::uint32_t>(packet.words, layout.timeout);
    const auto name = kind == Kind::transaction ? packet.text() : std::string();
    primary.name = name.value_or("");
    return name.has_value();
}

bool decode_secondary(Kind kind, const Packet& packet, Fragment& fragment)
{
    const Layout& layout = layout_of(kind);
    if (packet.word_count() < layout.secondary_words) {
        return false;
    }
    Fields totals(layout, packet.words, layout.secondary_totals);
    Fields parts(layout, packet.words, layout.secondary_parts);
    fragment.total_parameters = totals.next();
    fragment.total_data = totals.next();
    for (Part* part : {&fragment.parameters, &fragment.data}) {
        part->count = parts.next();
        part->offset = parts.next();
        part->displacement = parts.next();
    }
    return true;
}

bool Assembly::is_free(std::size_t begin, std::size_t end) const
{
    const auto after = pieces_.lower_bound(begin);
    if (after != pieces_.end() && after->first < end) {
        return false;
    }
    return after == pieces_.begin() || std::prev(after)->second <= begin;
}

// The total may become less, never more.
Status Assembly::add(std::uint32_t total, const Part& part, const Packet& packet)
{
    const auto data = packet.part(part.offset, part.count);
    const std::size_t begin = part.displacement;
    const std::size_t end = begin + part.count;
    const std::size_t received_up_to = pieces_.empty() ? 0 : pieces_.rbegin()->second;
    if (!data || (part.count != 0 && end > total) || received_up_to > total ||
        (part.count != 0 && !is_free(begin, end))) {
        return Status::invalid_parameter;
    }
    bytes_.resize(total);
    if (part.count != 0) {
        std::ranges::copy(*data, bytes_.begin() + static_cast<std::ptrdiff_t>(begin));
        pieces_.emplace(begin, end);
        received_ += part.count;
    }
    return Status::success;
}

Status Transaction::add(const Fragment& fragment, const Packet& packet)
{
    const bool is_first = parameters.bytes().empty() && data.bytes().empty();
    const auto smaller = [&](std::uint32_t total, const Assembly& assembly) {
        return is_first ? total : std::min(total, static_cast<std::uint32_t>(assembly.bytes().size()));
    };
    if (fragment.total_parameters > largest_output || fragment.total_data > largest_output) {
        return Status::insufficient_resources;
    }
    Status status = parameters.add(smaller(fragment.total_parameters, parameters), fragment.parameters, packet);
    if (status == Status::success) {
        status = data.add(smaller(fragment.total_data, data), fragment.data, packet);
    }
    if (status != Status::success) {
        return status;
    }
    return parameters.is_complete() && data.is_complete() ? Status::success : Status::pending;
}

// ---- subcommands ----

const Subcommand* subcommand(const Primary& primary, Kind kind)
{
    const bool has_code = primary.setup.size() >= sizeof(std::uint16_t);
    if (kind != Kind::nt_transact && !has_code) {
        return nullptr;
    }
    const std::uint16_t code = kind == Kind::nt_transact ? primary.function : word_of(primary.setup, 0);
    const auto* row = std::ranges::find_if(
        subcommands, [&](const Subcommand& candidate) { return candidate.kind == kind && candidate.code == code; });
    return row == subcommands.end() ? nullptr : row;
}

std::optional<std::uint16_t> fid_of(const Primary& primary, Target target, Bytes parameters)
{
    const std::size_t number = target == Target::ioctl_fid ? 2 : 1;
    if (target == Target::parameter_fid) {
        return parameters.size() < sizeof(std::uint16_t) ? std::nullopt
                                                         : std::optional(get<std::uint16_t>(parameters, 0));
    }
    if (target == Target::name || primary.setup.size() < 2 * (number + 1)) {
        return std::nullopt;
    }
    return word_of(primary.setup, number);
}

bool is_pipe_transaction(const std::string& name)
{
    const auto pipe = name_in_pipe_path(name, false);
    return pipe && !is_same_name(*pipe, "LANMAN");
}

// ---- answers ----

std::uint8_t answer_words(Kind kind)
{
    return kind == Kind::nt_transact ? 18 : 10;
}

AnswerPacket plan_answer(Kind kind, std::size_t words_at, std::size_t parameters, std::size_t data, std::size_t room)
{
    const std::size_t bytes_at = words_at + std::size_t{answer_words(kind)} * 2 + 2;
    const auto left = [&](std::size_t at) { return room > at ? room - at : 0; };
    AnswerPacket packet{};
    const std::size_t parameters_at = aligned(bytes_at);
    packet.parameters_at = parameters_at - bytes_at;
    packet.parameters = std::min(parameters, left(parameters_at));
    const std::size_t data_at = aligned(parameters_at + packet.parameters);
    packet.data_at = data_at - bytes_at;
    packet.data = std::min(data, left(data_at));
    return packet;
}

void encode_answer(Kind kind, std::size_t words_at, const AnswerPacket& packet, const AnswerTotals& totals,
                   std::uint8_t* words)
{
    const std::size_t bytes_at = words_at + std::size_t{answer_words(kind)} * 2 + 2;
    const std::array fields{
        totals.parameters,      totals.data, packet.parameters,         bytes_at + packet.parameters_at,
        totals.sent_parameters, packet.data, bytes_at + packet.data_at, totals.sent_data};
    std::size_t at = kind == Kind::nt_transact ? 3 : 0; // reserved bytes
    for (std::size_t i = 0; i < fields.size(); ++i) {
        if (kind == Kind::nt_transact) {
            put(words, at, static_cast<std::uint32_t>(fields[i]));
            at += sizeof(std::uint32_t);
        } else {
            at += i == 2 ? sizeof(std::uint16_t) : 0; // a reserved word
            put(words, at, static_cast<std::uint16_t>(fields[i]));
            at += sizeof(std::uint16_t);
        }
    }
}

std::vector<std::uint8_t> whole_nt_transact(const Transaction& transaction)
{
    const Primary& primary = transaction.primary;
    const std::size_t words = wide.words + primary.setup.size() / 2;
    const std::size_t bytes_at = header_size + 1 + 2 * words + 2;
    const std::size_t parameters_at = aligned(bytes_at);
    const Bytes parameters = transaction.parameters.bytes();
    const Bytes data = transaction.data.bytes();
    const std::size_t data_at = aligned(parameters_at + parameters.size());
    std::vector<std::uint8_t> block(data_at + data.size() - header_size);
    block[0] = static_cast<std::uint8_t>(words);
    std::uint8_t* at = block.data() + 1;
    const std::array fields{parameters.size(),
                            data.size(),
                            std::size_t{primary.max_parameters},
                            std::size_t{primary.max_data},
                            parameters.size(),
                            parameters_at,
                            data.size(),
                            data_at};
    for (std::size_t i = 0; i < fields.size(); ++i) {
        put(at, wide.totals + 4 * i, static_cast<std::uint32_t>(fields[i]));
    }
    at[wide.setup_count] = static_cast<std::uint8_t>(primary.setup.size() / 2);
    put(at, 36, primary.function);
    std::ranges::copy(primary.setup, at + 2 * wide.words);
    put(at, 2 * words, saturated(block.size() - (bytes_at - header_size)));
    std::ranges::copy(parameters, block.data() + parameters_at - header_size);
    std::ranges::copy(data, block.data() + data_at - header_size);
    return block;
}

} // namespace ntpipe::samba::smb1

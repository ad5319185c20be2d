// SPDX-License-Identifier: LGPL-2.1-or-later
// sddl.cc: security descriptors as text.
#include "security/sddl.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace ntpipe::security {
namespace {

struct SidAlias {
    std::string_view name;
    Sid sid;
};

constexpr Sid builtin(std::uint32_t relative)
{
    return Sid{5, {32, relative}};
}

constexpr SidAlias sid_aliases[] = {
    {"WD", well_known::everyone},
    {"CO", well_known::creator_owner},
    {"CG", well_known::creator_group},
    {"OW", well_known::owner_rights},
    {"NU", well_known::network},
    {"IU", well_known::interactive},
    {"SU", well_known::service},
    {"AN", well_known::anonymous},
    {"ED", Sid{5, {9}}},  // enterprise domain controllers
    {"PS", Sid{5, {10}}}, // principal self
    {"AU", well_known::authenticated_users},
    {"RC", Sid{5, {12}}}, // restricted code
    {"SY", well_known::local_system},
    {"LS", well_known::local_service},
    {"NS", well_known::network_service},
    {"WR", Sid{5, {33}}}, // write-restricted code
    {"BA", well_known::administrators},
    {"BU", well_known::users},
    {"BG", well_known::guests},
    {"PU", builtin(547)},                // power users
    {"AO", builtin(548)},                // account operators
    {"SO", builtin(549)},                // server operators
    {"PO", builtin(550)},                // printer operators
    {"BO", builtin(551)},                // backup operators
    {"RE", builtin(552)},                // replicator
    {"RU", builtin(554)},                // alias prew2kcompacc
    {"RD", builtin(555)},                // remote desktop users
    {"NO", builtin(556)},                // network configuration operators
    {"MU", builtin(558)},                // performance monitor users
    {"LU", builtin(559)},                // performance log users
    {"IS", builtin(568)},                // anonymous internet users
    {"CY", builtin(569)},                // crypto operators
    {"ER", builtin(573)},                // event log readers
    {"CD", builtin(574)},                // certificate services DCOM access
    {"RA", builtin(575)},                // RDS remote access servers
    {"ES", builtin(576)},                // RDS endpoint servers
    {"MS", builtin(577)},                // RDS management servers
    {"HA", builtin(578)},                // Hyper-V administrators
    {"AA", builtin(579)},                // access control assistance operators
    {"RM", builtin(580)},                // remote management users
    {"UD", Sid{5, {84, 0, 0, 0, 0, 0}}}, // user-mode drivers
    {"AC", Sid{15, {2, 1}}},             // all application packages
    {"LW", Sid{16, {4096}}},             // integrity: low
    {"ME", Sid{16, {8192}}},             // medium
    {"MP", Sid{16, {8448}}},             // medium plus
    {"HI", Sid{16, {12288}}},            // high
    {"SI", Sid{16, {16384}}},            // system
    {"AS", Sid{18, {1}}},                // asserted by an authentication authority
    {"SS", Sid{18, {2}}},                // asserted by a service
};

struct TypeAlias {
    std::string_view name;
    std::uint8_t type;
};

// Types whose entries have a plain form as text: no GUIDs, no condition.
constexpr TypeAlias type_aliases[] = {
    {"AU", ace_type::system_audit},  {"AL", ace_type::system_alarm}, {"ML", ace_type::mandatory_label},
    {"A", ace_type::access_allowed}, {"D", ace_type::access_denied},
};

struct RightAlias {
    std::string_view name;
    AccessMask mask;
};

// Names of whole sets first, so that formatting finds the shortest text.
constexpr RightAlias right_aliases[] = {
    {"GA", access::generic_all},
    {"GR", access::generic_read},
    {"GW", access::generic_write},
    {"GX", access::generic_execute},
    {"FA", access::file_all},
    {"FR", access::file_generic_read},
    {"FW", access::file_generic_write},
    {"FX", access::file_generic_execute},
    {"RC", access::read_control},
    {"SD", access::delete_object},
    {"WD", access::write_dac},
    {"WO", access::write_owner},
    {"CC", 0x001},
    {"DC", 0x002},
    {"LC", 0x004},
    {"SW", 0x008},
    {"RP", 0x010},
    {"WP", 0x020},
    {"DT", 0x040},
    {"LO", 0x080},
    {"CR", 0x100},
};
constexpr std::size_t first_single_right = 8;

// Of a mandatory label: what those below it may not do.
constexpr RightAlias label_aliases[] = {{"NW", 1}, {"NR", 2}, {"NX", 4}};

struct FlagAlias {
    std::string_view name;
    std::uint8_t flag;
};

constexpr FlagAlias flag_aliases[] = {
    {"OI", 0x01},
    {"CI", 0x02},
    {"NP", 0x04},
    {"IO", 0x08},
    {"ID", 0x10},
    {"SA", ace_flag::successful_access},
    {"FA", ace_flag::failed_access},
};

constexpr FlagAlias control_aliases[] = {
    {"P", 1},
    {"AR", 2},
    {"AI", 4},
};
using ControlBits = std::array<std::uint16_t, 3>;
constexpr ControlBits dacl_control_bits = {0x1000, 0x0100, 0x0400};
constexpr ControlBits sacl_control_bits = {0x2000, 0x0200, 0x0800};

constexpr std::size_t longest_acl = 0xFFF0;
constexpr std::size_t ace_header_size = 8; ///< with the mask

class Parser {
public:
    explicit Parser(std::string_view text) : text_(text) {}

    std::optional<Descriptor> parse()
    {
        Descriptor descriptor;
        while (at_ < text_.size()) {
            if (take("O:")) {
                descriptor.owner = sid();
            } else if (take("G:")) {
                descriptor.group = sid();
            } else if (take("D:")) {
                if (descriptor.dacl_present) {
                    return std::nullopt;
                }
                descriptor.dacl_present = true;
                parse_acl(descriptor.control, dacl_control_bits, descriptor.dacl);
            } else if (take("S:")) {
                if (descriptor.sacl_present) {
                    return std::nullopt;
                }
                descriptor.sacl_present = true;
                parse_acl(descriptor.control, sacl_control_bits, descriptor.sacl);
            } else {
                return std::nullopt;
            }
            if (failed_) {
                return std::nullopt;
            }
        }
        return descriptor;
    }
    [[nodiscard]] std::size_t at() const { return at_; }

private:
    bool take(std::string_view word)
    {
        if (text_.substr(at_, word.size()) != word) {
            return false;
        }
        at_ += word.size();
        return true;
    }
    void expect(std::string_view word) { failed_ = failed_ || !take(word); }

    Sid sid()
    {
        const std::string_view rest = text_.substr(at_);
        if (rest.starts_with("S-")) {
            std::size_t end = std::min(rest.find_first_not_of("S-x0123456789abcdefABCDEF"), rest.size());
            if (rest.substr(end).starts_with(':')) {
                --end; // "...-544D:": the D is no digit but begins the next part
            }
            const auto parsed = Sid::parse(rest.substr(0, end));
            if (parsed) {
                at_ += end;
                return *parsed;
            }
        }
        for (const SidAlias& alias : sid_aliases) {
            if (take(alias.name)) {
                return alias.sid;
            }
        }
        failed_ = true;
        return {};
    }

    void parse_acl(std::uint16_t& control, const ControlBits& control_bits, std::optional<Acl>& acl)
    {
        if (take("NO_ACCESS_CONTROL")) {
            return;
        }
        for (bool more = true; more;) {
            more = false;
            for (std::size_t i = 0; i < control_bits.size(); ++i) {
                if (take(control_aliases[i].name)) {
                    control |= control_bits[i];
                    more = true;
                }
            }
        }
        acl.emplace();
        std::size_t size = 0;
        while (!failed_ && take("(")) {
            acl->aces.push_back(ace());
            size += ace_header_size + acl->aces.back().sid.size();
            failed_ = failed_ || size > longest_acl;
        }
    }

    Ace ace()
    {
        Ace ace;
        const auto type = std::find_if(std::begin(type_aliases), std::end(type_aliases),
                                       [this](const TypeAlias& alias) { return take(alias.name); });
        if (type == std::end(type_aliases)) {
            failed_ = true;
        } else {
            ace.type = type->type;
        }
        expect(";");
        while (!failed_ && !take(";")) {
            ace.flags |= one_of(flag_aliases);
        }
        ace.mask = ace.type == ace_type::mandatory_label ? rights(label_aliases) : rights(right_aliases);
        expect(";"); // no object types
        expect(";");
        if (!failed_) {
            ace.sid = sid();
        }
        expect(")");
        return ace;
    }

    template <typename Aliases>
    std::uint8_t one_of(const Aliases& aliases)
    {
        for (const auto& alias : aliases) {
            if (take(alias.name)) {
                return alias.flag;
            }
        }
        failed_ = true;
        return 0;
    }

    // Up to and with the ';' behind the rights.
    template <typename Aliases>
    AccessMask rights(const Aliases& aliases)
    {
        const std::string_view rest = text_.substr(at_);
        if (!rest.empty() && rest.front() >= '0' && rest.front() <= '9') {
            return number();
        }
        AccessMask mask = 0;
        while (!failed_ && !take(";")) {
            bool known = false;
            for (const RightAlias& alias : aliases) {
                if (take(alias.name)) {
                    mask |= alias.mask;
                    known = true;
                    break;
                }
            }
            failed_ = failed_ || !known;
        }
        return mask;
    }

    AccessMask number()
    {
        const bool hexadecimal = take("0x") || take("0X");
        const char* begin = text_.data() + at_;
        AccessMask mask = 0;
        const auto [end, error] = std::from_chars(begin, text_.data() + text_.size(), mask, hexadecimal ? 16 : 10);
        failed_ = failed_ || error != std::errc() || end == begin;
        at_ += static_cast<std::size_t>(end - begin);
        expect(";");
        return mask;
    }

    std::string_view text_;
    std::size_t at_ = 0;
    bool failed_ = false;
};

std::string format_sid(const Sid& sid)
{
    for (const SidAlias& alias : sid_aliases) {
        if (alias.sid == sid) {
            return std::string(alias.name);
        }
    }
    return sid.text();
}

template <typename Aliases>
std::string format_rights(AccessMask mask, const Aliases& aliases, std::size_t first_single)
{
    for (const RightAlias& alias : aliases) {
        if (alias.mask == mask) {
            return std::string(alias.name);
        }
    }
    std::string text;
    AccessMask left = mask;
    for (std::size_t i = first_single; i < std::size(aliases); ++i) {
        if ((left & aliases[i].mask) == aliases[i].mask) {
            text += aliases[i].name;
            left &= ~aliases[i].mask;
        }
    }
    if (left == 0 && mask != 0) {
        return text;
    }
    std::array<char, 16> digits{};
    const auto result = std::to_chars(digits.data(), digits.data() + digits.size(), mask, 16);
    return "0x" + std::string(digits.data(), result.ptr);
}

// Empty: it has no plain form.
std::string format_ace(const Ace& ace)
{
    const auto type = std::find_if(std::begin(type_aliases), std::end(type_aliases),
                                   [&ace](const TypeAlias& alias) { return alias.type == ace.type; });
    if (type == std::end(type_aliases) || !ace.body.empty()) {
        return {};
    }
    std::string text = "(" + std::string(type->name) + ';';
    for (const FlagAlias& alias : flag_aliases) {
        if ((ace.flags & alias.flag) != 0) {
            text += alias.name;
        }
    }
    text += ';';
    text += ace.type == ace_type::mandatory_label ? format_rights(ace.mask, label_aliases, 0)
                                                  : format_rights(ace.mask, right_aliases, first_single_right);
    return text + ";;;" + format_sid(ace.sid) + ')';
}

std::string format_acl(std::uint16_t control, const ControlBits& control_bits, const std::optional<Acl>& acl)
{
    if (!acl) {
        return "NO_ACCESS_CONTROL";
    }
    std::string text;
    for (std::size_t i = 0; i < control_bits.size(); ++i) {
        if ((control & control_bits[i]) != 0) {
            text += control_aliases[i].name;
        }
    }
    for (const Ace& ace : acl->aces) {
        text += format_ace(ace);
    }
    return text;
}

} // namespace

Result<Descriptor> parse_sddl(std::string_view text, std::size_t* error_at)
{
    Parser parser(text);
    auto descriptor = parser.parse();
    if (!descriptor) {
        if (error_at != nullptr) {
            *error_at = parser.at();
        }
        return Status::invalid_security_descr;
    }
    return *std::move(descriptor);
}

std::string format_sddl(const Descriptor& descriptor)
{
    std::string text;
    if (descriptor.owner) {
        text += "O:" + format_sid(*descriptor.owner);
    }
    if (descriptor.group) {
        text += "G:" + format_sid(*descriptor.group);
    }
    if (descriptor.dacl_present) {
        text += "D:" + format_acl(descriptor.control, dacl_control_bits, descriptor.dacl);
    }
    if (descriptor.sacl_present) {
        text += "S:" + format_acl(descriptor.control, sacl_control_bits, descriptor.sacl);
    }
    return text;
}

} // namespace ntpipe::security

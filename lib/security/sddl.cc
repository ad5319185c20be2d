// SPDX-License-Identifier: LGPL-2.1-or-later
// sddl.cc: security descriptors as text.
#include "security/sddl.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

namespace ntpipe::security {
namespace {

struct SidAlias {
    std::string_view name;
    Sid sid;
};

constexpr SidAlias sid_aliases[] = {
    {"WD", well_known::everyone},       {"CO", well_known::creator_owner}, {"CG", well_known::creator_group},
    {"OW", well_known::owner_rights},   {"NU", well_known::network},       {"IU", well_known::interactive},
    {"SU", well_known::service},        {"AN", well_known::anonymous},     {"AU", well_known::authenticated_users},
    {"SY", well_known::local_system},   {"LS", well_known::local_service}, {"NS", well_known::network_service},
    {"BA", well_known::administrators}, {"BU", well_known::users},         {"BG", well_known::guests},
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

struct FlagAlias {
    std::string_view name;
    std::uint8_t flag;
};

constexpr FlagAlias flag_aliases[] = {
    {"OI", 0x01}, {"CI", 0x02}, {"NP", 0x04}, {"IO", 0x08}, {"ID", 0x10},
};

constexpr FlagAlias control_aliases[] = {
    {"P", 1},
    {"AR", 2},
    {"AI", 4},
};
constexpr std::array<std::uint16_t, 3> control_bits = {0x1000, 0x0100, 0x0400};

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
                parse_dacl(descriptor);
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

    void parse_dacl(Descriptor& descriptor)
    {
        if (take("NO_ACCESS_CONTROL")) {
            return;
        }
        for (bool more = true; more;) {
            more = false;
            for (std::size_t i = 0; i < control_bits.size(); ++i) {
                if (take(control_aliases[i].name)) {
                    descriptor.control |= control_bits[i];
                    more = true;
                }
            }
        }
        descriptor.dacl.emplace();
        while (!failed_ && take("(")) {
            descriptor.dacl->aces.push_back(ace());
        }
        failed_ = failed_ || Descriptor(descriptor).self_relative().size() > std::numeric_limits<std::uint16_t>::max();
    }

    Ace ace()
    {
        Ace ace;
        if (take("A;")) {
            ace.type = ace_type::access_allowed;
        } else if (take("D;")) {
            ace.type = ace_type::access_denied;
        } else {
            failed_ = true;
        }
        while (!failed_ && !take(";")) {
            ace.flags |= one_of(flag_aliases);
        }
        ace.mask = rights();
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
    AccessMask rights()
    {
        const std::string_view rest = text_.substr(at_);
        if (!rest.empty() && rest.front() >= '0' && rest.front() <= '9') {
            return number();
        }
        AccessMask mask = 0;
        while (!failed_ && !take(";")) {
            bool known = false;
            for (const RightAlias& alias : right_aliases) {
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

std::string format_rights(AccessMask mask)
{
    for (const RightAlias& alias : right_aliases) {
        if (alias.mask == mask) {
            return std::string(alias.name);
        }
    }
    std::string text;
    AccessMask left = mask;
    for (std::size_t i = first_single_right; i < std::size(right_aliases); ++i) {
        if ((left & right_aliases[i].mask) == right_aliases[i].mask) {
            text += right_aliases[i].name;
            left &= ~right_aliases[i].mask;
        }
    }
    if (left == 0 && mask != 0) {
        return text;
    }
    std::array<char, 16> digits{};
    const auto result = std::to_chars(digits.data(), digits.data() + digits.size(), mask, 16);
    return "0x" + std::string(digits.data(), result.ptr);
}

std::string format_ace(const Ace& ace)
{
    std::string text = ace.type == ace_type::access_allowed ? "(A;" : "(D;";
    for (const FlagAlias& alias : flag_aliases) {
        if ((ace.flags & alias.flag) != 0) {
            text += alias.name;
        }
    }
    return text + ';' + format_rights(ace.mask) + ";;;" + format_sid(ace.sid) + ')';
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
    if (!descriptor.dacl_present) {
        return text;
    }
    text += "D:";
    if (!descriptor.dacl) {
        return text + "NO_ACCESS_CONTROL";
    }
    for (std::size_t i = 0; i < control_bits.size(); ++i) {
        if ((descriptor.control & control_bits[i]) != 0) {
            text += control_aliases[i].name;
        }
    }
    for (const Ace& ace : descriptor.dacl->aces) {
        if (ace.simple()) {
            text += format_ace(ace);
        }
    }
    return text;
}

} // namespace ntpipe::security

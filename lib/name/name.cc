// SPDX-License-Identifier: LGPL-2.1-or-later
// name.cc: pipe names.
#include "name/name.hpp"

#include "name/comparison.hpp"
#include "name/samba_names.hpp"
#include "name/upcase_table.hpp"

#include <array>
#include <memory_resource>
#include <vector>

namespace ntpipe::name {
namespace {

constexpr std::array<std::string_view, 5> prefixes = {
    "\\\\.\\pipe\\", "\\\\?\\pipe\\", "\\??\\pipe\\", "\\DosDevices\\pipe\\", native_prefix,
};

char ascii_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool starts_with_ignoring_case(std::string_view text, std::string_view prefix)
{
    if (text.size() < prefix.size()) {
        return false;
    }
    for (std::size_t i = 0; i < prefix.size(); ++i) {
        if (ascii_lower(text[i]) != ascii_lower(prefix[i])) {
            return false;
        }
    }
    return true;
}

constexpr char32_t first_surrogate = 0xD800;
constexpr char32_t first_low_surrogate = 0xDC00;
constexpr char32_t last_surrogate = 0xDFFF;
constexpr char32_t first_supplementary = 0x10000;
constexpr char32_t last_code_point = 0x10FFFF;
constexpr char32_t malformed = 0xFFFFFFFF;

// The next code point, which may be a surrogate; malformed for anything that is not the shortest form.
char32_t take_code_point(std::string_view text, std::size_t& at)
{
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char lead = byte(at);
    std::size_t length = 0;
    char32_t code = 0;
    if (lead < 0x80) {
        ++at;
        return lead;
    }
    if (lead >= 0xC2 && lead <= 0xDF) {
        length = 2;
        code = lead & 0x1FU;
    } else if (lead >= 0xE0 && lead <= 0xEF) {
        length = 3;
        code = lead & 0x0FU;
    } else if (lead >= 0xF0 && lead <= 0xF4) {
        length = 4;
        code = lead & 0x07U;
    } else {
        return malformed;
    }
    if (text.size() - at < length) {
        return malformed;
    }
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(at + i) & 0xC0U) != 0x80) {
            return malformed;
        }
        code = (code << 6) | (byte(at + i) & 0x3FU);
    }
    at += length;
    const bool shortest =
        (length == 2) || (length == 3 && code >= 0x800) || (length == 4 && code >= first_supplementary);
    return shortest && code <= last_code_point ? code : malformed;
}

void put_utf8(std::string& text, char32_t code)
{
    const auto put = [&text](char32_t byte) { text += static_cast<char>(static_cast<unsigned char>(byte)); };
    if (code < 0x80) {
        put(code);
    } else if (code < 0x800) {
        put(0xC0 | (code >> 6));
        put(0x80 | (code & 0x3F));
    } else if (code < first_supplementary) {
        put(0xE0 | (code >> 12));
        put(0x80 | ((code >> 6) & 0x3F));
        put(0x80 | (code & 0x3F));
    } else {
        put(0xF0 | (code >> 18));
        put(0x80 | ((code >> 12) & 0x3F));
        put(0x80 | ((code >> 6) & 0x3F));
        put(0x80 | (code & 0x3F));
    }
}

bool is_high_surrogate(char32_t code)
{
    return code >= first_surrogate && code < first_low_surrogate;
}

bool is_low_surrogate(char32_t code)
{
    return code >= first_low_surrogate && code <= last_surrogate;
}

template <typename String>
bool decode(std::string_view text, String& wide)
{
    wide.clear();
    wide.reserve(text.size());
    for (std::size_t at = 0; at < text.size();) {
        const char32_t code = take_code_point(text, at);
        if (code == malformed) {
            return false;
        }
        if (code >= first_supplementary) {
            wide += static_cast<char16_t>(first_surrogate + ((code - first_supplementary) >> 10));
            wide += static_cast<char16_t>(first_low_surrogate + ((code - first_supplementary) & 0x3FF));
            continue;
        }
        if (is_low_surrogate(code) && !wide.empty() && is_high_surrogate(wide.back())) {
            return false; // a pair must be written as the one character that it is
        }
        wide += static_cast<char16_t>(code);
    }
    return true;
}

template <typename String>
void fold_in_place(String& text)
{
    for (char16_t& c : text) {
        c = upcase(c);
    }
}

/// Where a name is folded that is only looked at.
class Folded {
public:
    /// False: it is not UTF-8.
    [[nodiscard]] bool take(std::string_view spelling)
    {
        const bool is_good = decode(spelling, text_);
        fold_in_place(text_);
        return is_good;
    }
    [[nodiscard]] std::u16string_view text() const { return text_; }

private:
    std::array<std::byte, 1024> place_;
    std::pmr::monotonic_buffer_resource memory_{place_.data(), place_.size()};
    std::pmr::u16string text_{&memory_};
};

// `path_overhead`: characters of the prefix with which the name was given.
Result<Name> make_name(std::string_view spelling, std::size_t path_overhead)
{
    Name name;
    std::u16string wide;
    if (spelling.empty() || spelling.find('\0') != std::string_view::npos || !to_utf16(spelling, wide) ||
        (wide.size() + path_overhead) * sizeof(char16_t) > maximum_path_size) {
        return Status::object_name_invalid;
    }
    name.spelling = spelling;
    name.folded = fold(wide);
    return name;
}

} // namespace

bool to_utf16(std::string_view text, std::u16string& wide)
{
    return decode(text, wide);
}

std::string to_utf8(std::u16string_view wide)
{
    std::string text;
    for (std::size_t i = 0; i < wide.size(); ++i) {
        char32_t code = wide[i];
        if (is_high_surrogate(code) && i + 1 < wide.size() && is_low_surrogate(wide[i + 1])) {
            code = first_supplementary + ((code - first_surrogate) << 10) + (wide[i + 1] - first_low_surrogate);
            ++i;
        }
        put_utf8(text, code);
    }
    return text;
}

std::u16string fold(std::u16string_view text)
{
    std::u16string folded(text);
    fold_in_place(folded);
    return folded;
}

Result<Name> parse(std::string_view text)
{
    if (parse_container(text)) {
        return Status::object_name_invalid;
    }
    for (const std::string_view prefix : prefixes) {
        if (starts_with_ignoring_case(text, prefix)) {
            return make_name(text.substr(prefix.size()), prefix.size());
        }
    }
    // Nothing at all, without a directory that it is relative to, is no name that could be invalid (SEMANTICS 1.3).
    if (text.empty() || text.starts_with("\\\\")) {
        return Status::object_path_syntax_bad;
    }
    return parse_bare(text);
}

Result<Name> parse_bare(std::string_view spelling)
{
    // No longer than what the shortest native prefix lets through.
    constexpr std::size_t shortest_prefix = std::string_view("\\??\\pipe\\").size();
    return make_name(spelling, shortest_prefix);
}

std::optional<Container> parse_container(std::string_view text)
{
    for (const std::string_view prefix : prefixes) {
        const bool is_root = text.size() == prefix.size();
        const bool is_volume = text.size() + 1 == prefix.size();
        if ((is_root || is_volume) && starts_with_ignoring_case(text, prefix.substr(0, text.size()))) {
            return is_root ? Container::root : Container::volume;
        }
    }
    return std::nullopt;
}

bool in_expression(std::u16string_view expression, std::u16string_view text)
{
    constexpr char16_t dos_star = u'<';
    constexpr char16_t dos_question = u'>';
    constexpr char16_t dos_dot = u'"';
    const std::size_t last_dot = text.rfind(u'.');
    // rest[e] says whether the expression from e on matches the text from t on; t goes down.
    std::vector<char> rest(expression.size() + 1);
    std::vector<char> rest_after(expression.size() + 1);
    for (std::size_t t = text.size() + 1; t-- > 0;) {
        const bool at_end = t == text.size();
        const bool at_dot = !at_end && text[t] == u'.';
        std::swap(rest, rest_after);
        rest[expression.size()] = at_end ? 1 : 0;
        for (std::size_t e = expression.size(); e-- > 0;) {
            const bool skip = rest[e + 1] != 0;                  // the wildcard takes nothing more
            const bool take = !at_end && rest_after[e + 1] != 0; // one character for this element
            const bool take_on = !at_end && rest_after[e] != 0;  // one, and the wildcard goes on
            bool matched = false;
            switch (expression[e]) {
            case u'*':
                matched = skip || take_on;
                break;
            case u'?':
                matched = take;
                break;
            case dos_star:
                matched = skip || (t == last_dot ? take : take_on);
                break;
            case dos_question:
                matched = at_end || at_dot ? skip : take;
                break;
            case dos_dot:
                matched = at_end ? skip : at_dot && take;
                break;
            default:
                matched = take && expression[e] == text[t];
                break;
            }
            rest[e] = matched ? 1 : 0;
        }
    }
    return rest[0] != 0;
}

bool matches(std::u16string_view pattern, std::u16string_view text)
{
    std::size_t p = 0;
    std::size_t t = 0;
    std::size_t star = std::u16string_view::npos;
    std::size_t star_text = 0;
    while (t < text.size()) {
        if (p < pattern.size() && (pattern[p] == u'?' || pattern[p] == text[t]) && pattern[p] != u'*') {
            ++p;
            ++t;
        } else if (p < pattern.size() && pattern[p] == u'*') {
            star = p++;
            star_text = t;
        } else if (star != std::u16string_view::npos) {
            p = star + 1;
            t = ++star_text;
        } else {
            return false;
        }
    }
    while (p < pattern.size() && pattern[p] == u'*') {
        ++p;
    }
    return p == pattern.size();
}

bool spelling_matches(std::string_view pattern, std::string_view text)
{
    Folded folded_pattern;
    Folded folded_text;
    return folded_pattern.take(pattern) && folded_text.take(text) && matches(folded_pattern.text(), folded_text.text());
}

bool spells_samba_name(std::string_view text)
{
    Folded folded;
    return folded.take(text) && is_samba_name(folded.text());
}

} // namespace ntpipe::name

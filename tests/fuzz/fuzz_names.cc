// SPDX-License-Identifier: LGPL-2.1-or-later
// fuzz_names.cc: names, patterns, expressions, the structure of FSCTL_PIPE_WAIT.
#include "input.hpp"

#include "name/name.hpp"
#include "namespace/wait_buffer.hpp"

#include <string>

using namespace ntpipe;
using namespace ntpipe::fuzz;

namespace {

// Slow and obvious.
bool plainly_matches(std::u16string_view pattern, std::u16string_view text)
{
    if (pattern.empty()) {
        return text.empty();
    }
    if (pattern.front() == u'*') {
        return plainly_matches(pattern.substr(1), text) || (!text.empty() && plainly_matches(pattern, text.substr(1)));
    }
    return !text.empty() && (pattern.front() == u'?' || pattern.front() == text.front()) &&
           plainly_matches(pattern.substr(1), text.substr(1));
}

void look_at(const name::Name& name)
{
    require(!name.spelling.empty() && name.spelling.find('\0') == std::string::npos,
            "a name is not empty and has no NUL");
    const auto again = name::parse_bare(name.spelling);
    require(again.status() == Status::success && again->folded == name.folded, "its spelling is the same name");
    require(name::fold(name.folded) == name.folded, "folding twice changes nothing");
    std::u16string wide;
    require(name::to_utf16(name.spelling, wide) && name::to_utf8(wide) == name.spelling, "it can be said in UTF-16");
    require((name::native_prefix.size() + wide.size()) * 2 <= name::maximum_path_size, "it is not too long");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    Input input(data, size);
    const std::uint8_t what = input.byte() % 4;
    const bool flag = (input.byte() & 1U) != 0;
    if (what == 0) {
        const auto text = as_text(input.rest());
        if (const auto name = name::parse(text)) {
            look_at(*name);
        }
        if (const auto name = name::parse_bare(text)) {
            look_at(*name);
        }
        (void)name::parse_container(text);
    } else if (what == 1) {
        const auto buffer = space::parse_wait_buffer(as_bytes(input.rest()), flag);
        if (buffer) {
            look_at(buffer->name);
        }
    } else {
        std::u16string pattern;
        std::u16string text;
        const bool good =
            name::to_utf16(as_text(input.take(input.byte())), pattern) && name::to_utf16(as_text(input.rest()), text);
        if (good) {
            const std::u16string folded_pattern = name::fold(pattern);
            const std::u16string folded_text = name::fold(text);
            const bool matches = name::matches(folded_pattern, folded_text);
            constexpr std::size_t quick = 12;
            if (pattern.size() <= quick && text.size() <= quick) {
                require(matches == plainly_matches(folded_pattern, folded_text), "a pattern means what it says");
            }
            const bool in_expression = name::in_expression(folded_pattern, folded_text);
            if (folded_pattern.find_first_of(u"<>\"") == std::u16string::npos) {
                require(matches == in_expression, "an expression without DOS wildcards is a pattern");
            }
        }
    }
    return 0;
}

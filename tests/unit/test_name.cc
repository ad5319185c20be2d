// SPDX-License-Identifier: LGPL-2.1-or-later
// test_name.cc: pipe names (SEMANTICS 1.1 to 1.3).
#include "check.hpp"

#include "name/name.hpp"

#include <string>

using namespace ntpipe;

namespace {

std::string spelling(const std::string& text)
{
    const auto name = name::parse(text);
    return name ? name->spelling : ntpipe_status_name(raw(name.status()));
}

bool same(const std::string& a, const std::string& b)
{
    return name::parse(a)->folded == name::parse(b)->folded;
}

void test_prefixes(void** /*state*/)
{
    for (const char* text : {R"(\\.\pipe\x)", R"(\\.\PIPE\x)", R"(\\?\pipe\x)", R"(\??\pipe\x)",
                             R"(\DosDevices\pipe\x)", R"(\Device\NamedPipe\x)", "x"}) {
        assert_string_equal(spelling(text).c_str(), "x");
    }
    assert_string_equal(spelling(R"(\\server\pipe\x)").c_str(), "STATUS_OBJECT_PATH_SYNTAX_BAD");
    assert_string_equal(spelling("").c_str(), "STATUS_OBJECT_PATH_SYNTAX_BAD");
    for (const char* text : {R"(\\.\pipe\)", R"(\Device\NamedPipe\)"}) {
        assert_string_equal(spelling(text).c_str(), "STATUS_OBJECT_NAME_INVALID");
    }
}

void test_everything_else_is_the_name(void** /*state*/) // cases 3 to 10, 17, 18
{
    for (const char* text : {R"(\)", R"(a\b)", R"(a\)", R"(a/b)", R"(a\.\b)", R"(..\a)", R"(a<>*?|"/b:)",
                             "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", "x y"}) {
        assert_string_equal(spelling(std::string(R"(\\.\pipe\)") + text).c_str(), text);
    }
    assert_false(same(R"(a\b)", "a/b"));
    assert_false(same(R"(a\.\b)", R"(a\b)"));
    assert_false(same("x\\", "x"));
}

void test_nul_and_bad_utf8(void** /*state*/)
{
    assert_string_equal(spelling(std::string("a\0b", 3)).c_str(), "STATUS_OBJECT_NAME_INVALID");
    for (const char* text :
         {"\x80", "\xC0\x80", "\xC3", "\xE2\x82", "\xF5\x80\x80\x80", "\xF4\x90\x80\x80", "\xE0\x80\x80"}) {
        assert_string_equal(spelling(text).c_str(), "STATUS_OBJECT_NAME_INVALID");
    }
    // NT allows a lone surrogate; a pair is one character and must be written as such.
    assert_string_equal(spelling("\xED\xA0\x80").c_str(), "\xED\xA0\x80");
    assert_string_equal(spelling("\xED\xA0\x80\xED\xB0\x80").c_str(), "STATUS_OBJECT_NAME_INVALID");
}

void test_limits(void** /*state*/) // case 14
{
    const std::string prefix = R"(\Device\NamedPipe\)";
    const std::size_t longest = 65532 / 2 - prefix.size();
    assert_string_equal(spelling(prefix + std::string(longest, 'x')).c_str(), std::string(longest, 'x').c_str());
    assert_string_equal(spelling(prefix + std::string(longest + 1, 'x')).c_str(), "STATUS_OBJECT_NAME_INVALID");
    std::string wide;
    for (std::size_t i = 0; i < longest; ++i) {
        wide += "\xE2\x82\xAC"; // three bytes of UTF-8, one character
    }
    assert_string_equal(spelling(prefix + wide).c_str(), wide.c_str());
}

void test_folding(void** /*state*/)
{
    assert_true(same("Echo", "eCHO"));
    assert_true(same("\xC3\xA4\xC3\xB6", "\xC3\x84\xC3\x96"));  // umlauts
    assert_true(same("\xCF\x80\xD0\xB6", "\xCE\xA0\xD0\x96"));  // Greek, Cyrillic
    assert_false(same("\xC3\x9F", "SS"));                       // sharp s is one character
    assert_false(same("\xC4\xB1", "I"));                        // dotless i stays itself in NT
    assert_false(same("\xF0\x90\x90\xA8", "\xF0\x90\x90\x80")); // beyond the BMP nothing folds
}

void test_utf16_round_trip(void** /*state*/)
{
    for (const char* text : {"abc", "\xC3\xA4", "\xE2\x82\xAC", "\xF0\x9F\x98\x80", "\xED\xA0\x80x"}) {
        std::u16string wide;
        assert_true(name::to_utf16(text, wide));
        assert_string_equal(name::to_utf8(wide).c_str(), text);
    }
}

void test_patterns(void** /*state*/)
{
    const auto matches = [](const char16_t* pattern, const char16_t* text) {
        return name::matches(name::fold(pattern), name::fold(text));
    };
    assert_true(matches(u"*", u""));
    assert_true(matches(u"*", u"abc"));
    assert_true(matches(u"a*c", u"ABBBC"));
    assert_true(matches(u"a*b*c", u"aXXbYYbZc"));
    assert_false(matches(u"a*c", u"abcd"));
    assert_true(matches(u"?b?", u"abc"));
    assert_false(matches(u"?", u""));
    assert_false(matches(u"", u"a"));
    assert_true(matches(u"**", u"x"));
}

} // namespace

NTPIPE_UNIT_MAIN(NTPIPE_UNIT_TEST(test_prefixes), NTPIPE_UNIT_TEST(test_everything_else_is_the_name),
                 NTPIPE_UNIT_TEST(test_nul_and_bad_utf8), NTPIPE_UNIT_TEST(test_limits), NTPIPE_UNIT_TEST(test_folding),
                 NTPIPE_UNIT_TEST(test_utf16_round_trip), NTPIPE_UNIT_TEST(test_patterns))

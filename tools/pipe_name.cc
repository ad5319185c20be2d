// SPDX-License-Identifier: LGPL-2.1-or-later
// pipe_name.cc: the forms of names.
#include "pipe_name.hpp"

#include "failure.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>

namespace ntpipe::tools {
namespace {

bool has_slash_prefix(const std::string& text)
{
    std::string start = text.substr(0, 9);
    std::transform(start.begin(), start.end(), start.begin(), [](char letter) {
        return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
    });
    return start == "//./pipe/" || start == "//?/pipe/";
}

} // namespace

std::string pipe_name(const std::string& text)
{
    std::string name = text;
    if (has_slash_prefix(name)) { // Windows turns all of them, also those in the name
        std::replace(name.begin(), name.end(), '/', '\\');
    }
    const bool native = name.rfind(R"(\\.\)", 0) == 0 || name.rfind(R"(\\?\)", 0) == 0;
    if (name.rfind(R"(\\)", 0) == 0 && !native) {
        throw failure_of(Status::object_path_syntax_bad, "'" + printable(text) + "'");
    }
    if (name.empty() || (native && name.size() == sizeof(R"(\\.\pipe\)") - 1)) {
        throw Failure(exit_usage,
                      "'" + printable(text) + R"(' has no name in it; give NAME, \\.\pipe\NAME or //./pipe/NAME)");
    }
    return name;
}

bool is_utf8(const std::string& text)
{
    try {
        (void)nlohmann::json(text).dump(); // which checks
        return true;
    } catch (const nlohmann::json::type_error&) {
        return false;
    }
}

std::string printable(const std::string& text)
{
    const bool utf8 = is_utf8(text);
    std::string out;
    for (const char letter : text) {
        const auto byte = static_cast<unsigned char>(letter);
        constexpr unsigned char first_printable = 0x20;
        constexpr unsigned char rubout = 0x7F;
        if (byte < first_printable || byte == rubout || (byte > rubout && !utf8)) {
            char escaped[5];
            (void)std::snprintf(escaped, sizeof(escaped), "\\x%02x", byte);
            out += escaped;
        } else {
            out += letter;
        }
    }
    return out;
}

std::string shown(const std::string& name)
{
    return name.rfind('\\', 0) == 0 ? printable(name) : R"(\\.\pipe\)" + printable(name);
}

} // namespace ntpipe::tools

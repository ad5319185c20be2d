// SPDX-License-Identifier: LGPL-2.1-or-later
// lists.cc: reading ntpipe.conf.
#include "lists.hpp"

#include <ntpipe.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <sstream>

namespace wine_bridge {
namespace {

// What a fresh prefix makes for itself. Samba has the first two as well.
constexpr std::array system_names = {"svcctl",        "epmapper",     "lrpc\\*", "net\\NtControlPipe*",
                                     "wine_plugplay", "Win32.Pipes.*"};

bool has_wildcard(const std::string& pattern)
{
    return pattern.find_first_of("*?") != std::string::npos;
}

bool is_systems(const std::string& name)
{
    return std::any_of(system_names.begin(), system_names.end(),
                       [&](const char* pattern) { return ntpipe_name_matches(pattern, name.c_str()); });
}

} // namespace

void Patterns::add(const std::string& pattern)
{
    if (pattern.starts_with('!')) {
        unwanted_.push_back(pattern.substr(1));
    } else {
        wanted_.push_back(pattern);
    }
}

bool Patterns::matches(const std::string& name) const
{
    const bool systems = is_systems(name);
    const auto hits = [&](const std::string& pattern) { return ntpipe_name_matches(pattern.c_str(), name.c_str()); };
    return std::any_of(
               wanted_.begin(), wanted_.end(),
               [&](const std::string& pattern) { return hits(pattern) && !(systems && has_wildcard(pattern)); }) &&
           std::none_of(unwanted_.begin(), unwanted_.end(), hits);
}

std::vector<std::string> Patterns::plain() const
{
    std::vector<std::string> names;
    for (const std::string& pattern : wanted_) {
        if (!has_wildcard(pattern) && matches(pattern)) {
            names.push_back(pattern);
        }
    }
    return names;
}

std::optional<Lists> Lists::read(const std::string& path)
{
    Lists lists;
    struct Key {
        const char* name;
        Patterns& patterns;
        bool seen = false;
    };
    std::array keys = std::to_array<Key>({{"import", lists.import}, {"export", lists.exports}, {"smb", lists.smb}});
    errno = 0;
    std::ifstream file(path);
    if (!file.is_open() && errno != ENOENT) {
        return std::nullopt;
    }
    unsigned number = 0;
    for (std::string line; std::getline(file, line);) {
        ++number;
        std::istringstream words(line.substr(0, line.find('#')));
        words.exceptions(std::ios::badbit); // no word is lost for lack of memory
        std::string name;
        std::string equals;
        if (!(words >> name)) {
            continue;
        }
        const auto key = std::find_if(keys.begin(), keys.end(), [&](const Key& one) { return name == one.name; });
        if (key == keys.end() || !(words >> equals) || equals != "=") {
            lists.complaints.push_back("line " + std::to_string(number) +
                                       ": not `import =`, `export =` or `smb =` and patterns");
            continue;
        }
        key->seen = true;
        for (std::string pattern; words >> pattern;) {
            key->patterns.add(pattern);
        }
    }
    if (file.bad()) {
        return std::nullopt;
    }
    for (const Key& key : keys) {
        if (!key.seen && &key.patterns != &lists.smb) {
            key.patterns.add("*");
        }
    }
    return lists;
}

} // namespace wine_bridge

// SPDX-License-Identifier: LGPL-2.1-or-later
// configuration.cc: reading and following ntpipe.conf.
#include "configuration.hpp"

#include "log.hpp"

#include <ntpipe.h>

#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <sstream>

namespace wine_bridge {
namespace {

constexpr const char* file_name = "ntpipe.conf";

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

Lists Lists::read(const std::string& path)
{
    Lists lists;
    struct Key {
        const char* name;
        Patterns& patterns;
        bool seen = false;
    };
    std::array keys = std::to_array<Key>({{"import", lists.import}, {"export", lists.exports}, {"smb", lists.smb}});
    std::ifstream file(path);
    unsigned number = 0;
    for (std::string line; std::getline(file, line);) {
        ++number;
        std::istringstream words(line.substr(0, line.find('#')));
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
    for (const Key& key : keys) {
        if (!key.seen && &key.patterns != &lists.smb) {
            key.patterns.add("*");
        }
    }
    return lists;
}

Configuration::Configuration(Engine& engine, std::string prefix, std::function<void()> changed)
    : prefix_(std::move(prefix)),
      changed_(std::move(changed)),
      lists_(Lists::read(prefix_ + "/" + file_name)),
      inotify_(inotify_init1(IN_CLOEXEC | IN_NONBLOCK))
{
    for (const std::string& complaint : lists_.complaints) {
        log_line(std::string(file_name) + ": " + complaint);
    }
    if (inotify_ == -1 ||
        inotify_add_watch(inotify_, prefix_.c_str(), IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE) == -1) {
        log_line("changes of ntpipe.conf cannot be followed");
        return;
    }
    engine.watch(inotify_, [this] { look(); });
}

Configuration::~Configuration()
{
    if (inotify_ != -1) {
        close(inotify_);
    }
}

void Configuration::look()
{
    alignas(inotify_event) std::array<char, 8192> buffer{};
    bool ours = false;
    for (ssize_t length = 0; (length = ::read(inotify_, buffer.data(), buffer.size())) > 0;) {
        for (ssize_t at = 0; at < length;) {
            const auto* event = reinterpret_cast<const inotify_event*>(buffer.data() + at);
            ours = ours || (event->len != 0 && std::string(event->name) == file_name);
            at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
        }
    }
    if (!ours) {
        return;
    }
    lists_ = Lists::read(prefix_ + "/" + file_name);
    log_line("ntpipe.conf was read again");
    for (const std::string& complaint : lists_.complaints) {
        log_line(std::string(file_name) + ": " + complaint);
    }
    changed_();
}

} // namespace wine_bridge

// SPDX-License-Identifier: LGPL-2.1-or-later
// configuration.cc: reading ntpipe.conf again when it changes.
#include "configuration.hpp"

#include "log.hpp"

#include <sys/inotify.h>
#include <unistd.h>

#include <array>

namespace wine_bridge {
namespace {

constexpr const char* file_name = "ntpipe.conf";

} // namespace

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

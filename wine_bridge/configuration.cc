// SPDX-License-Identifier: LGPL-2.1-or-later
// configuration.cc: reading ntpipe.conf again when it changes.
#include "configuration.hpp"

#include "log.hpp"

#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <new>
#include <string_view>
#include <utility>

namespace wine_bridge {
namespace {

constexpr const char* file_name = "ntpipe.conf";

} // namespace

Configuration::Configuration(Engine& engine, std::string prefix, std::function<void()> changed)
    : prefix_(std::move(prefix)), changed_(std::move(changed)), inotify_(inotify_init1(IN_CLOEXEC | IN_NONBLOCK))
{
    (void)read();
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

// What cannot be heard may have been about the file.
bool Configuration::is_changed() const
{
    alignas(inotify_event) std::array<char, 8192> buffer{};
    bool ours = false;
    ssize_t length = 0;
    while ((length = ::read(inotify_, buffer.data(), buffer.size())) > 0) {
        for (ssize_t at = 0; at < length;) {
            const auto* event = reinterpret_cast<const inotify_event*>(buffer.data() + at);
            ours = ours || (event->mask & IN_Q_OVERFLOW) != 0 ||
                   (event->len != 0 && std::string_view(event->name) == file_name);
            at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
        }
    }
    return ours || (errno != EAGAIN && errno != EINTR);
}

void Configuration::look() noexcept
{
    if (is_changed() && read()) {
        log_line("ntpipe.conf was read again");
        changed_();
    }
}

bool Configuration::read() noexcept
{
    const bool was_unread = std::exchange(is_unread_, true);
    try {
        if (auto lists = Lists::read(prefix_ + "/" + file_name)) {
            for (const std::string& complaint : lists->complaints) {
                log_line(std::string(file_name) + ": " + complaint);
            }
            lists_ = *std::move(lists);
            is_unread_ = false;
        }
    } catch (const std::bad_alloc&) {
        is_unread_ = true; // it is tried again
    }
    if (is_unread_ && !was_unread) {
        log_line("ntpipe.conf cannot be read; what it said before holds until it can");
    }
    return !is_unread_;
}

void Configuration::heal()
{
    if (is_unread_ && read()) {
        log_line("ntpipe.conf was read again");
        changed_();
    }
}

} // namespace wine_bridge

// SPDX-License-Identifier: LGPL-2.1-or-later
// log.cc: a line at a time.
#include "log.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <ctime>
#include <new>
#include <string_view>

namespace wine_bridge {

bool log_to(const std::string& path)
{
    const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (file == -1) {
        return false;
    }
    const bool done = dup2(file, STDERR_FILENO) != -1;
    close(file);
    return done;
}

void log_line(const char* text) noexcept
{
    try {
        log_line(std::string(text));
    } catch (const std::bad_alloc&) {
        static const std::string_view instead = "ntpipe-wine: there is no memory for a line of this log\n";
        (void)!write(STDERR_FILENO, instead.data(), instead.size());
    }
}

void log_line(const std::string& text)
{
    const std::time_t now = std::time(nullptr);
    std::tm parts{};
    std::array<char, 32> when{};
    std::strftime(when.data(), when.size(), "%Y-%m-%d %H:%M:%S ", localtime_r(&now, &parts));
    std::string line = when.data() + std::string("ntpipe-wine: ");
    for (const char letter : text) {
        line += static_cast<unsigned char>(letter) < 0x20 ? '?' : letter; // names hold anything
    }
    line += '\n';
    (void)!write(STDERR_FILENO, line.data(), line.size());
}

} // namespace wine_bridge

// SPDX-License-Identifier: LGPL-2.1-or-later
// log.cc: a line at a time.
#include "log.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <ctime>
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

// Without memory of its own: it also says that there is none.
void log_line(std::string_view text) noexcept
{
    constexpr std::string_view who = "ntpipe-wine: ";
    constexpr std::string_view more = "...";
    const std::time_t now = std::time(nullptr);
    std::tm parts{};
    std::array<char, 4096> line{};
    std::size_t length = std::strftime(line.data(), line.size(), "%Y-%m-%d %H:%M:%S ", localtime_r(&now, &parts));
    const auto add = [&](std::string_view piece) {
        for (const char letter : piece) {
            line.at(length++) = static_cast<unsigned char>(letter) < 0x20 ? '?' : letter; // names hold anything
        }
    };
    add(who);
    const std::size_t room = line.size() - length - more.size() - 1;
    add(text.substr(0, room));
    add(text.size() > room ? more : "");
    line.at(length++) = '\n';
    (void)!write(STDERR_FILENO, line.data(), length);
}

} // namespace wine_bridge

// SPDX-License-Identifier: LGPL-2.1-or-later
// status_file.cc: writing ntpipe.status, and the lock of the prefix.
#include "status_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <new>
#include <utility>

namespace wine_bridge {
namespace {

constexpr unsigned delay = 50; // milliseconds

} // namespace

PrefixLock::PrefixLock(const std::string& prefix)
    : file_(open((prefix + "/ntpipe.lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600))
{
    struct flock lock = {};
    lock.l_type = F_WRLCK;
    held_ = file_ != -1 && fcntl(file_, F_SETLK, &lock) == 0;
    if (!held_ && file_ != -1 && fcntl(file_, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK) {
        holder_ = lock.l_pid;
    }
}

PrefixLock::~PrefixLock()
{
    if (file_ != -1) {
        close(file_);
    }
}

StatusFile::StatusFile(Engine& engine, std::string path, std::function<std::vector<std::string>()> lines)
    : engine_(engine), path_(std::move(path)), lines_(std::move(lines))
{
}

StatusFile::~StatusFile()
{
    (void)unlink(path_.c_str());
}

void StatusFile::changed() noexcept
{
    if (scheduled_) {
        return;
    }
    try {
        engine_.after(delay, weak_from_this(), [this] {
            scheduled_ = false;
            write();
        });
        scheduled_ = true;
    } catch (const std::bad_alloc&) {
        is_behind_ = true;
    }
}

void StatusFile::heal() noexcept
{
    if (std::exchange(is_behind_, false)) {
        changed();
    }
}

void StatusFile::write()
{
    const std::string fresh = path_ + ".new";
    std::ofstream file(fresh, std::ios::trunc);
    file << "pid " << getpid() << '\n';
    for (const std::string& line : lines_()) {
        file << line << '\n';
    }
    file.close();
    if (!file || std::rename(fresh.c_str(), path_.c_str()) != 0) {
        is_behind_ = true;
    }
}

} // namespace wine_bridge

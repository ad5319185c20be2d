// SPDX-License-Identifier: LGPL-2.1-or-later
// descriptor.cc: reading and writing without blocking the event loop.
#include "descriptor.hpp"

#include "failure.hpp"

#include <fcntl.h>
#include <limits.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace ntpipe::tools {
namespace {

bool is_for_later(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

bool means_gone(int error)
{
    return error == EPIPE || error == ECONNRESET || error == ENOTCONN || error == ETIMEDOUT;
}

} // namespace

Descriptor::Descriptor(tevent_context* events, int fd, Ownership ownership)
    : events_(events), fd_(fd), owned_(ownership == Ownership::owned), waits_(can_wait_for(fd))
{
    if (owned_) { // others may share a borrowed one, and would be surprised
        ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
    }
}

void Descriptor::swap(Descriptor& other) noexcept
{
    std::swap(events_, other.events_);
    std::swap(fd_, other.fd_);
    std::swap(owned_, other.owned_);
    std::swap(waits_, other.waits_);
}

void Descriptor::close()
{
    if (owned_ && fd_ >= 0) {
        ::close(fd_);
    }
    fd_ = -1;
}

void Descriptor::end_writing()
{
    if (owned_ && ::shutdown(fd_, SHUT_WR) != 0 && errno == ENOTSOCK) {
        close();
    }
}

Task<std::size_t> Descriptor::read(std::span<std::byte> buffer)
{
    for (;;) {
        if (waits_) {
            co_await until_readable(events_, fd_);
        }
        const ssize_t count = ::read(fd_, buffer.data(), buffer.size());
        if (count >= 0) {
            co_return static_cast<std::size_t>(count);
        }
        if (means_gone(errno) || errno == EIO) { // EIO: the terminal has hung up
            co_return 0;
        }
        if (!is_for_later(errno)) {
            throw failure_of_errno("cannot read");
        }
    }
}

Task<bool> Descriptor::write(std::span<const std::byte> data)
{
    while (!data.empty()) {
        if (fd_ < 0) {
            co_return false;
        }
        if (waits_ && !owned_) { // it may block
            co_await until_writable(events_, fd_);
        }
        // So much a borrowed one takes when it says that it is writable.
        const std::size_t size = owned_ ? data.size() : std::min<std::size_t>(data.size(), PIPE_BUF);
        const ssize_t count = ::write(fd_, data.data(), size);
        if (count >= 0) {
            data = data.subspan(static_cast<std::size_t>(count));
        } else if (means_gone(errno)) {
            co_return false;
        } else if (!is_for_later(errno)) {
            throw failure_of_errno("cannot write");
        } else if (owned_ && errno != EINTR) {
            co_await until_writable(events_, fd_);
        }
    }
    co_return true;
}

} // namespace ntpipe::tools

// SPDX-License-Identifier: LGPL-2.1-or-later
// doorbell.cc: the socket pair of a connection.
#include "session/doorbell.hpp"

#include <sys/socket.h>

#include <array>
#include <cerrno>

namespace ntpipe::session {

// When the socket is full the other end has a byte to read already; when it is gone, it hears nothing.
void DoorbellSocket::ring()
{
    const char byte = 0;
    while (::send(socket_.get(), &byte, 1, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 && errno == EINTR) {}
}

bool DoorbellSocket::answer()
{
    std::array<char, 64> bytes{};
    for (;;) {
        const ssize_t count = ::recv(socket_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
        if (count > 0) {
            return true; // level-triggered: what is left rings again
        }
        if (count == 0) {
            return false;
        }
        if (errno != EINTR) {
            return errno == EAGAIN || errno == EWOULDBLOCK;
        }
    }
}

bool make_doorbell(glue::UniqueFd& client, glue::UniqueFd& server)
{
    std::array<int, 2> sockets{-1, -1};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, sockets.data()) != 0) {
        return false;
    }
    client.reset(sockets[0]);
    server.reset(sockets[1]);
    return true;
}

} // namespace ntpipe::session

// SPDX-License-Identifier: LGPL-2.1-or-later
// peer.cc: who is at the other end of a session's socket.
#include "peer.hpp"

#include "glue/uninterrupted.hpp"
#include "session/process.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace ntpipe::broker {

glue::UniqueFd open_process(std::uint32_t process)
{
    return glue::UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, static_cast<pid_t>(process), 0)));
}

namespace {

#ifndef SO_PEERPIDFD
constexpr int so_peerpidfd = 77; // Linux 6.5
#else
constexpr int so_peerpidfd = SO_PEERPIDFD;
#endif

bool hung_up(int socket)
{
    pollfd state{socket, POLLRDHUP, 0};
    return glue::uninterrupted([&] { return ::poll(&state, 1, 0); }) != 0 && (state.revents & (POLLHUP | POLLERR)) != 0;
}

glue::UniqueFd process_descriptor(int socket, pid_t process)
{
    int descriptor = -1;
    socklen_t size = sizeof(descriptor);
    if (::getsockopt(socket, SOL_SOCKET, so_peerpidfd, &descriptor, &size) == 0) {
        return glue::UniqueFd(descriptor);
    }
    glue::UniqueFd opened = open_process(static_cast<std::uint32_t>(process));
    // Before Linux 6.5 the number may have been reused. While the socket has its other end, the process that opened it, or a
    // fork of it, lives; a process that dies between connect and this line closes it.
    return hung_up(socket) ? glue::UniqueFd() : std::move(opened);
}

std::vector<std::uint32_t> groups_of(int socket)
{
    std::vector<gid_t> groups(64);
    for (;;) {
        auto size = static_cast<socklen_t>(groups.size() * sizeof(gid_t));
        if (::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size) == 0) {
            groups.resize(size / sizeof(gid_t));
            return {groups.begin(), groups.end()};
        }
        if (errno != ERANGE) {
            return {};
        }
        groups.resize(size / sizeof(gid_t));
    }
}

} // namespace

Result<Peer> peer_of(int socket)
{
    ucred credentials{};
    socklen_t size = sizeof(credentials);
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) {
        return status_from_errno(errno);
    }
    Peer peer;
    peer.credentials.uid = credentials.uid;
    peer.credentials.gid = credentials.gid;
    peer.credentials.groups = groups_of(socket);
    peer.process_id = static_cast<std::uint32_t>(credentials.pid);
    peer.process = process_descriptor(socket, credentials.pid);
    peer.login_session = session::login_session_of(peer.process_id);
    if (!peer.process) {
        return Status::connection_disconnected;
    }
    return peer;
}

bool is_in_group(const security::UnixCredentials& credentials, std::uint32_t group)
{
    return credentials.gid == group ||
           std::find(credentials.groups.begin(), credentials.groups.end(), group) != credentials.groups.end();
}

} // namespace ntpipe::broker

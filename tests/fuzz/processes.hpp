// SPDX-License-Identifier: LGPL-2.1-or-later
// processes.hpp: other processes, for a fuzz target that plays them all: each connects sockets for it, so the kernel says of these that
// they are that process's, and its user's.
#pragma once

#include "input.hpp"

#include "glue/uninterrupted.hpp"

#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstring>
#include <optional>

namespace ntpipe::fuzz {

class Process {
public:
    /// As this user, if one is given, which needs root.
    explicit Process(std::optional<uid_t> user)
    {
        std::array<int, 2> pair{};
        require(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair.data()) == 0, "there is a socket");
        ours_ = pair[0];
        id_ = ::fork();
        require(id_ != -1, "there can be another process");
        if (id_ == 0) {
            be(pair[1], user);
        }
        ::close(pair[1]);
    }
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;
    ~Process()
    {
        ::close(ours_);
        (void)::kill(id_, SIGKILL);
        (void)glue::uninterrupted([this] { return ::waitpid(id_, nullptr, 0); });
    }

    /// What it is told to do, and waiting until it is done: several can be at work meanwhile.
    [[nodiscard]] bool begin_connect(int socket, const sockaddr_un& where) const
    {
        Order order;
        order.address = where;
        order.header.msg_controllen = sizeof(order.control);
        cmsghdr* rights = CMSG_FIRSTHDR(&order.header);
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(sizeof(socket));
        std::memcpy(CMSG_DATA(rights), &socket, sizeof(socket));
        return glue::uninterrupted([&] { return ::sendmsg(ours_, &order.header, MSG_NOSIGNAL); }) == sizeof(where);
    }
    [[nodiscard]] bool end_connect() const
    {
        char done = 0;
        return glue::uninterrupted([&] { return ::read(ours_, &done, 1); }) == 1 && done == 1;
    }

private:
    struct Order {
        sockaddr_un address{};
        iovec part{&address, sizeof(address)};
        alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
        msghdr header{nullptr, 0, &part, 1, control.data(), control.size(), 0};
    };

    // It has other threads' locks: no memory is allocated.
    [[noreturn]] static void be(int socket, std::optional<uid_t> user)
    {
        constexpr int only = 3;
        (void)::dup2(socket, only);
        (void)::syscall(SYS_close_range, only + 1, ~0U, 0);
        bool goes_on = !user || ::syscall(SYS_setresuid, *user, *user, *user) == 0;
        while (goes_on) {
            Order order;
            int connected = -1;
            goes_on = ::recvmsg(only, &order.header, 0) == sizeof(order.address);
            if (goes_on) {
                std::memcpy(&connected, CMSG_DATA(CMSG_FIRSTHDR(&order.header)), sizeof(connected));
                const char done =
                    ::connect(connected, reinterpret_cast<const sockaddr*>(&order.address), sizeof(order.address)) == 0;
                ::close(connected);
                (void)!::write(only, &done, 1);
            }
        }
        ::_exit(0);
    }

    int ours_ = -1;
    pid_t id_ = -1;
};

} // namespace ntpipe::fuzz

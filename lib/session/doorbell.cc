// SPDX-License-Identifier: LGPL-2.1-or-later
// doorbell.cc: the socket pair of a connection.
#include "session/doorbell.hpp"

#include "glue/uninterrupted.hpp"

#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace ntpipe::session {
namespace {

constexpr unsigned most_tries = 100;
constexpr unsigned most_in_vain = 10;
constexpr std::uint64_t longest_dally = 8'000; ///< nanoseconds: less than sleeping and being woken takes both
constexpr std::uint64_t longest_way = 200'000; ///< nanoseconds: two programs that answer each other are faster

} // namespace

// When the socket is full the other end has a byte to read already; when it is gone, it hears nothing. When the system has no memory for
// a byte, and does not get any soon, both ends must know that the connection is of no use: else they might wait for ever.
void DoorbellSocket::ring()
{
    const char byte = 0;
    for (unsigned tries = 0; tries < most_tries; ++tries) {
        const ssize_t sent =
            glue::uninterrupted([&] { return ::send(socket_.get(), &byte, 1, MSG_DONTWAIT | MSG_NOSIGNAL); });
        if (sent >= 0 || (errno != ENOBUFS && errno != ENOMEM)) {
            return;
        }
        (void)::sched_yield();
    }
    (void)::shutdown(socket_.get(), SHUT_RDWR);
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

// If both ends run on one processor, the other one answers while this one gives way, and neither has to sleep and to be woken. If
// they do not, or the other one takes its time, or a third program runs instead, it costs something and brings nothing.
void SharedDoorbell::linger(const std::function<bool()>& answered)
{
    if (answered()) {
        return;
    }
    if (loop_->spin() != 0) {
        (void)glue::spin(loop_->spin(), answered);
        return;
    }
    if (to_give_way_.tries()) {
        to_give_way_.tried(give_way(answered));
    }
}

// Two programs that pass a stream on two processors are never far apart; to sleep and to be woken takes longer than what the other one
// is about to do. If both run on one processor, or the other one takes its time, it brings nothing.
bool SharedDoorbell::dally(const std::function<bool()>& goes_on)
{
    static const bool is_one = ::sysconf(_SC_NPROCESSORS_ONLN) < 2;
    if (is_one || !to_dally_.tries()) {
        return false;
    }
    const bool found = glue::spin(longest_dally, goes_on);
    to_dally_.tried(found);
    return found;
}

bool SharedDoorbell::Patience::tries()
{
    if (skip_ == 0) {
        return true;
    }
    --skip_;
    return false;
}

void SharedDoorbell::Patience::tried(bool successfully)
{
    in_vain_ = successfully ? 0 : std::min(in_vain_ + 1, most_in_vain);
    skip_ = successfully ? 0 : 1U << in_vain_;
}

bool SharedDoorbell::give_way(const std::function<bool()>& answered)
{
    const std::uint64_t begin = glue::Loop::now();
    (void)::sched_yield();
    return answered() && glue::Loop::now() - begin < longest_way;
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

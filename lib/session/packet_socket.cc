// SPDX-License-Identifier: LGPL-2.1-or-later
// packet_socket.cc: packets with descriptors over a SOCK_SEQPACKET socket that never blocks.
#include "session/packet_socket.hpp"

#include "glue/uninterrupted.hpp"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <iterator>

namespace ntpipe::session {
namespace {

constexpr std::size_t control_size = CMSG_SPACE(sizeof(int) * wire::maximum_message_descriptors);

bool must_wait(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK || error == ENOBUFS || error == ENOMEM || error == ETOOMANYREFS;
}

// Takes over the descriptors that came with a message, all of them, whatever else is wrong with it, and before memory is needed.
void adopt_descriptors(msghdr& header, std::vector<glue::UniqueFd>& descriptors)
{
    std::array<glue::UniqueFd, wire::maximum_message_descriptors> adopted;
    std::size_t all = 0;
    for (cmsghdr* control = CMSG_FIRSTHDR(&header); control != nullptr; control = CMSG_NXTHDR(&header, control)) {
        if (control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_RIGHTS) {
            continue;
        }
        const std::size_t count = (control->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (std::size_t i = 0; i < count; ++i) {
            int fd = -1;
            std::memcpy(&fd, CMSG_DATA(control) + i * sizeof(int), sizeof(int));
            adopted.at(all++).reset(fd);
        }
    }
    descriptors.reserve(all);
    std::move(adopted.begin(), adopted.begin() + all, std::back_inserter(descriptors));
}

} // namespace

PacketSocket::PacketSocket(glue::UniqueFd socket)
    : socket_(std::move(socket)), buffer_(new std::byte[wire::maximum_message_size])
{
}

PacketSocket::Sent PacketSocket::send_now(const wire::Packet& packet)
{
    iovec vector{};
    vector.iov_base = const_cast<std::byte*>(packet.bytes.data());
    vector.iov_len = packet.bytes.size();
    msghdr header{};
    header.msg_iov = &vector;
    header.msg_iovlen = 1;
    alignas(cmsghdr) std::array<char, control_size> control{};
    if (!packet.descriptors.empty()) {
        header.msg_control = control.data();
        header.msg_controllen = CMSG_SPACE(sizeof(int) * packet.descriptors.size());
        cmsghdr* rights = CMSG_FIRSTHDR(&header);
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(sizeof(int) * packet.descriptors.size());
        for (std::size_t i = 0; i < packet.descriptors.size(); ++i) {
            const int fd = packet.descriptors[i].get();
            std::memcpy(CMSG_DATA(rights) + i * sizeof(int), &fd, sizeof(int));
        }
    }
    must_pause_ = false;
    const bool is_noted = note_under_way(packet); // before, as it needs memory
    if (glue::uninterrupted([&] { return ::sendmsg(socket_.get(), &header, MSG_DONTWAIT | MSG_NOSIGNAL); }) >= 0) {
        return Sent::all;
    }
    const int error = errno;
    if (is_noted) {
        forget_newest();
    }
    must_pause_ = error == ETOOMANYREFS || error == ENOBUFS;
    return must_wait(error) ? Sent::queued : Sent::broken;
}

bool PacketSocket::note_under_way(const wire::Packet& packet)
{
    constexpr std::size_t least_overhead = 256; // of a packet in the kernel: what describes it, and its place in a page
    constexpr std::size_t often_enough = 64;
    if (packet.descriptors.empty() && under_way_.empty()) {
        return false;
    }
    if (under_way_.size() % often_enough == often_enough - 1) {
        look_what_was_read();
    }
    under_way_.push_back({packet.bytes.size() + least_overhead, packet.descriptors.size()});
    descriptors_under_way_ += packet.descriptors.size();
    return true;
}

void PacketSocket::forget_newest()
{
    descriptors_under_way_ -= under_way_.back().descriptors;
    under_way_.pop_back();
}

// The kernel tells how many bytes have not been read, counted with its overhead. Packets are read in order, so those are the
// newest ones, and no more of them than fit with the least overhead.
void PacketSocket::look_what_was_read()
{
    int unread = 0;
    if (under_way_.empty() || ::ioctl(socket_.get(), SIOCOUTQ, &unread) != 0) {
        return;
    }
    std::size_t newest = 0;
    auto first = under_way_.end();
    while (first != under_way_.begin() && newest + std::prev(first)->bytes <= static_cast<std::size_t>(unread)) {
        newest += (--first)->bytes;
    }
    for (auto read = under_way_.begin(); read != first; ++read) {
        descriptors_under_way_ -= read->descriptors;
    }
    under_way_.erase(under_way_.begin(), first);
}

std::size_t PacketSocket::descriptors_under_way()
{
    look_what_was_read();
    std::size_t count = descriptors_under_way_;
    for (const wire::Packet& packet : queue_) {
        count += packet.descriptors.size();
    }
    return count;
}

PacketSocket::Sent PacketSocket::send(wire::Packet packet)
{
    if (queue_.empty()) {
        const Sent sent = send_now(packet);
        if (sent != Sent::queued) {
            return sent;
        }
    }
    queue_.push_back(std::move(packet));
    return Sent::queued;
}

PacketSocket::Sent PacketSocket::flush()
{
    while (!queue_.empty()) {
        const Sent sent = send_now(queue_.front());
        if (sent != Sent::all) {
            return sent;
        }
        queue_.pop_front();
    }
    return Sent::all;
}

PacketSocket::Received PacketSocket::receive(wire::Packet& packet)
{
    iovec vector{};
    vector.iov_base = buffer_.get();
    vector.iov_len = wire::maximum_message_size;
    alignas(cmsghdr) std::array<char, control_size> control{};
    msghdr header{};
    header.msg_iov = &vector;
    header.msg_iovlen = 1;
    header.msg_control = control.data();
    header.msg_controllen = control.size();
    ssize_t size = -1;
    bool was_reset = false;
    do {
        // That the peer has left without reading what it was sent is told once, before what it had said itself.
        was_reset = !was_reset && size < 0 && errno == ECONNRESET;
        size = ::recvmsg(socket_.get(), &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    } while (size < 0 && (errno == EINTR || (errno == ECONNRESET && !was_reset)));
    if (size < 0) {
        return must_wait(errno) ? Received::none : Received::closed;
    }
    packet.descriptors.clear();
    adopt_descriptors(header, packet.descriptors);
    if (size == 0) {
        return Received::closed;
    }
    if ((header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
        return Received::nonsense;
    }
    packet.bytes.assign(buffer_.get(), buffer_.get() + size);
    return Received::packet;
}

void PacketSocket::hang_up() const
{
    (void)::shutdown(socket_.get(), SHUT_RDWR);
}

} // namespace ntpipe::session

// SPDX-License-Identifier: LGPL-2.1-or-later
// packet_socket.hpp: packets with descriptors over a SOCK_SEQPACKET socket that never blocks. Both sides of the control
// protocol use it.
#pragma once

#include "glue/unique_fd.hpp"
#include "wire/messages.hpp"

#include <cstddef>
#include <deque>
#include <memory>
#include <vector>

namespace ntpipe::session {

class PacketSocket {
public:
    /// Takes a connected, non-blocking SOCK_SEQPACKET socket.
    explicit PacketSocket(glue::UniqueFd socket);

    enum class Sent {
        all,
        queued, ///< the peer does not read just now: call flush() when the socket is writable
        broken,
    };
    /// Sends behind what is queued.
    [[nodiscard]] Sent send(wire::Packet packet);
    [[nodiscard]] Sent flush();
    [[nodiscard]] std::size_t queued() const { return queue_.size(); }

    enum class Received {
        packet,
        none,     ///< nothing there now
        closed,   ///< by the peer, or a broken connection
        nonsense, ///< too large, or with too many descriptors
    };
    [[nodiscard]] Received receive(wire::Packet& packet);
    /// From the peer's side as if it were closed. What has come can still be received, then it is closed here, too.
    void hang_up() const;

    [[nodiscard]] int descriptor() const { return socket_.get(); }

private:
    [[nodiscard]] Sent send_now(const wire::Packet& packet);

    glue::UniqueFd socket_;
    std::deque<wire::Packet> queue_;
    std::unique_ptr<std::byte[]> buffer_; ///< its pages are touched only as far as packets are large
};

} // namespace ntpipe::session

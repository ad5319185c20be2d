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
    /// Descriptors that were sent and that the peer has not taken yet, at most; looks how far the peer has read.
    [[nodiscard]] std::size_t descriptors_under_way();
    /// Whether sending was put off because too many descriptors are under way in the whole system (of this process's user):
    /// the socket is writable all the same, and only time helps.
    [[nodiscard]] bool must_pause() const { return must_pause_; }

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
    /// False: it does not matter.
    [[nodiscard]] bool note_under_way(const wire::Packet& packet);
    void forget_newest();
    void look_what_was_read();

    glue::UniqueFd socket_;
    struct UnderWay {
        std::size_t bytes = 0; ///< that the kernel counts for it at least
        std::size_t descriptors = 0;
    };
    std::deque<UnderWay> under_way_;
    std::size_t descriptors_under_way_ = 0; ///< in that
    bool must_pause_ = false;
    std::deque<wire::Packet> queue_;
    std::unique_ptr<std::byte[]> buffer_; ///< its pages are touched only as far as packets are large
};

} // namespace ntpipe::session

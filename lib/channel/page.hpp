// SPDX-License-Identifier: LGPL-2.1-or-later
// page.hpp: the connection's page and the pipe's page.
#pragma once

#include "channel/layout.hpp"
#include "channel/memory.hpp"
#include "glue/bytes.hpp"

#include <memory>
#include <optional>

namespace ntpipe::channel {

/// One side's view of the page that both ends of a connection map.
class ConnectionView {
public:
    /// `memory` must have connection_page_size bytes at least.
    ConnectionView(std::unique_ptr<Memory> memory, Side side);

    /// The client takes the connection. False: the server has withdrawn it.
    [[nodiscard]] bool attach();
    /// The server takes back a connection that its client has not attached to. False: the client has.
    [[nodiscard]] bool withdraw();
    [[nodiscard]] bool attached() const { return (state() & connection_state::attached) != 0; }
    /// What the other side has said; what this side has said stays out, for the other could have forged it.
    [[nodiscard]] bool peer_closed() const
    {
        return (state() &
                (side_ == Side::client ? connection_state::server_closed : connection_state::client_closed)) != 0;
    }
    [[nodiscard]] bool peer_disconnected() const ///< for the client; a client cannot disconnect a server
    {
        return side_ == Side::client && (state() & connection_state::disconnected) != 0;
    }
    void say_closed();
    void say_disconnected(); ///< by the server

    /// From now on the other side rings for these (want::...). Sequentially consistent: look once more afterwards.
    void set_wants(std::uint32_t wants);
    /// True when the other side sleeps for one of `reasons`: then ring. The other side will not be rung again until it says so.
    [[nodiscard]] bool take_peer_wants(std::uint32_t reasons)
    {
        if (!peer_wants(reasons)) {
            return false;
        }
        page_->sleepers[static_cast<std::size_t>(other(side_))].wants.store(0, std::memory_order_relaxed);
        return true;
    }
    [[nodiscard]] bool peer_wants(std::uint32_t reasons) const
    {
        const ConnectionPage::Sleeper& peer = page_->sleepers[static_cast<std::size_t>(other(side_))];
        return (peer.wants.load(std::memory_order_seq_cst) & reasons) != 0;
    }

    [[nodiscard]] DirectionMirror& mirror(Direction direction) const
    {
        return page_->mirrors[static_cast<std::size_t>(direction)];
    }

private:
    [[nodiscard]] std::uint32_t state() const { return page_->state.load(std::memory_order_seq_cst); }

    std::unique_ptr<Memory> memory_;
    ConnectionPage* page_;
    Side side_;
};

/// A reader's view of a pipe's page. Written by the broker only, so what it says is believed.
class PipeView {
public:
    /// `memory` must have pipe_page_size bytes at least.
    explicit PipeView(std::shared_ptr<const Memory> memory);

    [[nodiscard]] std::uint32_t current_instances() const;
    [[nodiscard]] std::int64_t default_timeout() const;
    /// A consistent copy of the security descriptor; nullopt when the writer died while writing it.
    [[nodiscard]] std::optional<glue::ByteVector> descriptor() const;

private:
    std::shared_ptr<const Memory> memory_;
    const PipePage* page_;
};

/// The broker's side of a pipe's page.
class PipePageWriter {
public:
    PipePageWriter() = default;
    /// A new page.
    PipePageWriter(std::unique_ptr<Memory> memory, std::uint64_t pipe);
    /// One that an earlier broker wrote. Empty: it is not the page of that pipe.
    [[nodiscard]] static PipePageWriter adopt(std::unique_ptr<Memory> memory, std::uint64_t pipe);

    [[nodiscard]] explicit operator bool() const { return memory_ != nullptr; }
    void set_current_instances(std::uint32_t count);
    /// `descriptor` must not be larger than maximum_descriptor_size.
    void set_attributes(std::int64_t default_timeout, glue::ByteSpan descriptor);

private:
    std::unique_ptr<Memory> memory_;
    PipePage* page_ = nullptr;
};

} // namespace ntpipe::channel

// SPDX-License-Identifier: LGPL-2.1-or-later
// doorbell.hpp: the socket pair of a connection: one byte wakes the other end, end-of-file says that it is gone.
#pragma once

#include "end/end.hpp"
#include "glue/loop.hpp"
#include "glue/unique_fd.hpp"

#include <memory>

namespace ntpipe::session {

class DoorbellSocket {
public:
    explicit DoorbellSocket(glue::UniqueFd socket) : socket_(std::move(socket)) {}
    void ring();
    /// Takes in what was rung. False: the other end is gone.
    [[nodiscard]] bool answer();
    [[nodiscard]] int descriptor() const { return socket_.get(); }

private:
    glue::UniqueFd socket_;
};

/// The doorbell as an end has it.
class SharedDoorbell final : public end::Doorbell {
public:
    /// `loop` says how long may be spun. It outlives the doorbell.
    SharedDoorbell(std::shared_ptr<DoorbellSocket> socket, const glue::Loop& loop)
        : socket_(std::move(socket)), loop_(&loop)
    {
    }
    void ring() override { socket_->ring(); }
    void linger(const std::function<bool()>& answered) override;

private:
    [[nodiscard]] bool give_way(const std::function<bool()>& answered);

    std::shared_ptr<DoorbellSocket> socket_;
    const glue::Loop* loop_;
    unsigned in_vain_ = 0; ///< how often in a row giving way has brought nothing
    unsigned skip_ = 0;    ///< so many times it is not tried
};

/// A connected pair of such sockets, as descriptors. False: errno says why.
[[nodiscard]] bool make_doorbell(glue::UniqueFd& client, glue::UniqueFd& server);

} // namespace ntpipe::session

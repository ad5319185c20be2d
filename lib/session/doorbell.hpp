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
    [[nodiscard]] bool dally(const std::function<bool()>& goes_on) override;

private:
    /// Whether something is worth trying again: after each time in vain half as often.
    class Patience {
    public:
        explicit Patience(unsigned skip) : skip_(skip) {}
        [[nodiscard]] bool tries();
        void tried(bool successfully);

    private:
        unsigned in_vain_ = 0; ///< in a row
        unsigned skip_;        ///< so many times it is not tried
    };
    [[nodiscard]] bool give_way(const std::function<bool()>& answered);

    std::shared_ptr<DoorbellSocket> socket_;
    const glue::Loop* loop_;
    Patience to_give_way_{0};
    Patience to_dally_{8}; ///< few connections carry a stream, and most of those that do for long
};

/// A connected pair of such sockets, as descriptors. False: errno says why.
[[nodiscard]] bool make_doorbell(glue::UniqueFd& client, glue::UniqueFd& server);

} // namespace ntpipe::session

// SPDX-License-Identifier: LGPL-2.1-or-later
// doorbell.hpp: the socket pair of a connection: one byte wakes the other end, end-of-file says that it is gone.
#pragma once

#include "end/end.hpp"
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
    explicit SharedDoorbell(std::shared_ptr<DoorbellSocket> socket) : socket_(std::move(socket)) {}
    void ring() override { socket_->ring(); }

private:
    std::shared_ptr<DoorbellSocket> socket_;
};

/// A connected pair of such sockets, as descriptors. False: errno says why.
[[nodiscard]] bool make_doorbell(glue::UniqueFd& client, glue::UniqueFd& server);

} // namespace ntpipe::session

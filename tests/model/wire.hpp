// SPDX-License-Identifier: LGPL-2.1-or-later
// wire.hpp: what tester and actor processes say to each other over a socket: packets of numbers and bytes, with their length in front.
#pragma once

#include "model.hpp"

#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace ntpipe::model::wire {

/// The other process is gone.
struct Gone : std::runtime_error {
    using std::runtime_error::runtime_error;
};

class Packet {
public:
    Packet() = default;
    explicit Packet(Bytes bytes) : bytes_(std::move(bytes)) {}

    void put(std::uint64_t number);
    void put(const Bytes& bytes);
    void put(const Operation& operation);
    void put(const Completion& completion);
    [[nodiscard]] std::uint64_t number();
    template <typename Integer>
    [[nodiscard]] Integer get()
    {
        return static_cast<Integer>(number());
    }
    [[nodiscard]] Bytes bytes();
    [[nodiscard]] Operation operation();
    [[nodiscard]] Completion completion();
    [[nodiscard]] const Bytes& all() const { return bytes_; }

private:
    Bytes bytes_;
    std::size_t at_ = 0;
};

void send(int socket, const Packet& packet);
[[nodiscard]] Packet receive(int socket);

} // namespace ntpipe::model::wire

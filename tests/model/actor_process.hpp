// SPDX-License-Identifier: LGPL-2.1-or-later
// actor_process.hpp: a process of its own that carries out operations, as its tester and as it itself see it.
//
// The tester sends a packet, the process answers with one.
//   packet   1 to close everything, else 0; the number of operations; for each its world, what to put before its names, itself
//   answer   how much was served; the number of completions; for each its world, itself
// The process starts the operations, serves what is ready until nothing is, makes a round trip to the broker, and serves again what is
// ready. How much it has served is without the round trip. tests/conformance/settle.py says what that proves.
#pragma once

#include "system.hpp"

#include <string>
#include <sys/types.h>
#include <utility>
#include <vector>

namespace ntpipe::model {

class ActorProcess {
public:
    /// Starts `program` on the pipes of `directory`.
    ActorProcess(const std::string& program, const std::string& directory);
    ActorProcess(const ActorProcess&) = delete;
    ActorProcess& operator=(const ActorProcess&) = delete;
    ~ActorProcess();

    struct Order {
        std::size_t world = 0;
        std::string names;
        const Operation* operation = nullptr;
    };
    /// Lets it do a turn, in two halves, so that two processes can work at the same time. Throws wire::Gone.
    void begin_turn(const std::vector<Order>& orders, bool close_all);
    /// How much was served; puts what is over into `effects`, by world.
    std::size_t end_turn(std::vector<Effects>& effects);

private:
    int socket_ = -1;
    pid_t pid_ = -1;
};

/// What the process itself does, until its tester closes `socket`.
int be_actor(int socket, const char* directory);

} // namespace ntpipe::model

// SPDX-License-Identifier: LGPL-2.1-or-later
// process_system.hpp: the real thing across processes: one has the server ends, another the client ends, and a private broker between.
#pragma once

#include "actor_process.hpp"
#include "system.hpp"

#include <map>
#include <memory>
#include <string>

namespace ntpipe::model {

class ProcessSystem final : public System {
public:
    ProcessSystem();
    ~ProcessSystem() override;
    void begin(std::size_t worlds) override;
    [[nodiscard]] std::vector<Effects> carry_out(const std::vector<Task>& tasks) override;
    void finish() override;

private:
    using Key = std::pair<std::size_t, Id>;
    enum Side : std::uint8_t { server = 0, client = 1 };
    class Broker;

    void start_all();
    [[nodiscard]] Side side_of(const Task& task);
    std::size_t turn(std::vector<Effects>& effects, const std::vector<ActorProcess::Order> (&orders)[2],
                     bool close_all);
    void settle(std::vector<Effects>& effects);

    std::string build_;
    std::unique_ptr<Broker> broker_;
    std::unique_ptr<ActorProcess> actors_[2];
    std::size_t worlds_ = 0;
    std::uint64_t batch_ = 0;
    std::map<Key, Side> ends_;
    std::map<Key, Side> operations_;
};

} // namespace ntpipe::model

// SPDX-License-Identifier: LGPL-2.1-or-later
// end_system.hpp: the real thing without anything around it: two ends (lib/end) over plain memory, with a ring as small as it may
// be, so that wrapping, overflow and writes in pieces are common. In the place of the namespace there is one instance at a time.
#pragma once

#include "system.hpp"

#include <memory>

namespace ntpipe::model {

class EndSystem final : public System {
public:
    explicit EndSystem(std::size_t ring_size);
    ~EndSystem() override;
    void begin(std::size_t worlds) override;
    [[nodiscard]] std::vector<Effects> carry_out(const std::vector<Task>& tasks) override;
    void finish() override;

private:
    class World;
    std::size_t ring_size_;
    std::unique_ptr<World> world_;
};

} // namespace ntpipe::model

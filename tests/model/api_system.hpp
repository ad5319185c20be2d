// SPDX-License-Identifier: LGPL-2.1-or-later
// api_system.hpp: the real thing in this process: a namespace of its own through the C API.
#pragma once

#include "actor.hpp"
#include "settled.hpp"
#include "system.hpp"

#include <memory>

namespace ntpipe::model {

class ApiSystem final : public System {
public:
    ~ApiSystem() override;
    void begin(std::size_t worlds) override;
    [[nodiscard]] std::vector<Effects> carry_out(const std::vector<Task>& tasks) override;
    void finish() override;

private:
    std::size_t worlds_ = 0;
    Settled loop_;
    ntpipe_session* session_ = nullptr;
    std::unique_ptr<Actor> actor_;
};

} // namespace ntpipe::model

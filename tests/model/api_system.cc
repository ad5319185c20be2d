// SPDX-License-Identifier: LGPL-2.1-or-later
// api_system.cc: a namespace in this process, run until nothing is left to happen.
#include "api_system.hpp"

#include <cstdlib>

namespace ntpipe::model {

ApiSystem::~ApiSystem()
{
    ApiSystem::finish();
}

void ApiSystem::begin(std::size_t worlds)
{
    worlds_ = worlds;
    if (ntpipe_namespace_create_local(nullptr, loop_.events(), &session_) != NTPIPE_STATUS_SUCCESS) {
        std::abort();
    }
    actor_ = std::make_unique<Actor>(loop_.events(), session_);
}

void ApiSystem::finish()
{
    actor_.reset();
    talloc_free(session_);
    session_ = nullptr;
}

std::vector<Effects> ApiSystem::carry_out(const std::vector<Task>& tasks)
{
    for (const Task& task : tasks) {
        actor_->start(task.world, *task.operation, std::to_string(task.world));
    }
    (void)loop_.run_until_idle();
    std::vector<Effects> effects(worlds_);
    for (auto& [world, completion] : actor_->done()) {
        effects.at(world).push_back(std::move(completion));
    }
    return effects;
}

} // namespace ntpipe::model

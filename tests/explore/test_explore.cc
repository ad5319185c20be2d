// SPDX-License-Identifier: LGPL-2.1-or-later
// test_explore.cc: goes through the schedules of each scenario, or repeats one.
//
//   test_explore --list             the scenarios
//   test_explore [SCENARIO...]      all schedules of these, or of all
//   test_explore --first            all schedules of all, up to the first failure
//   test_explore --seed SEED        one schedule, step by step; SEED is what a failure prints
// NTPIPE_EXPLORE_DEEPER=n allows n more preemptions than usual.
#include "scenarios.hpp"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <sstream>

using namespace ntpipe::explore;

namespace {

struct Seed {
    const Scenario* scenario = nullptr;
    Bounds bounds;
    std::vector<std::uint8_t> plan;
};

std::string text_of(const Seed& seed)
{
    std::ostringstream text;
    text << seed.scenario->name << ':' << seed.bounds.preemptions << ':' << seed.bounds.delays;
    for (std::size_t i = 0; i < seed.plan.size(); ++i) {
        if (seed.plan[i] != 0) {
            text << ':' << i << '=' << unsigned{seed.plan[i]};
        }
    }
    return text.str();
}

const Scenario* find(const std::string& name)
{
    for (const Scenario& scenario : scenarios()) {
        if (name == scenario.name) {
            return &scenario;
        }
    }
    return nullptr;
}

std::optional<Seed> parse(const std::string& text)
{
    std::istringstream parts(text);
    std::string part;
    Seed seed;
    for (std::size_t n = 0; std::getline(parts, part, ':'); ++n) {
        if (n == 0) {
            seed.scenario = find(part);
        } else if (n <= 2) {
            (n == 1 ? seed.bounds.preemptions : seed.bounds.delays) = static_cast<unsigned>(std::stoul(part));
        } else {
            const std::size_t at = std::stoul(part);
            seed.plan.resize(std::max(seed.plan.size(), at + 1));
            seed.plan[at] = static_cast<std::uint8_t>(std::stoul(part.substr(part.find('=') + 1)));
        }
    }
    return seed.scenario != nullptr ? std::optional(seed) : std::nullopt;
}

/// What is wrong with one schedule, or "".
std::string run(Scheduler& scheduler, const Seed& seed, std::vector<std::string>* trace = nullptr)
{
    World world(seed.scenario->setup);
    if (seed.scenario->prepare != nullptr) {
        seed.scenario->prepare(world);
    }
    scheduler.trace(trace, [&world](const void* word) { return world.name_of(word); });
    const auto body = [](Actor& actor, void (*script)(Actor&)) {
        return [&actor, script] {
            script(actor);
            actor.serve();
        };
    };
    scheduler.run(seed.bounds, seed.plan,
                  {body(world.client, seed.scenario->client), body(world.server, seed.scenario->server)});
    if (!scheduler.failure().empty() || scheduler.pruned()) {
        return scheduler.failure();
    }
    return world.judge();
}

/// Leaves out what is not needed of the choices of a failing schedule.
void shrink(Scheduler& scheduler, Seed& seed)
{
    for (std::size_t at = seed.plan.size(); at-- > 0;) {
        if (seed.plan[at] != 0) {
            Seed smaller = seed;
            smaller.plan[at] = 0;
            if (!run(scheduler, smaller).empty()) {
                seed = smaller;
            }
        }
    }
}

void report(Scheduler& scheduler, Seed seed)
{
    shrink(scheduler, seed);
    std::vector<std::string> steps;
    const std::string what = run(scheduler, seed, &steps);
    for (const std::string& step : steps) {
        std::puts(step.c_str());
    }
    std::printf("%s\nto see it again: --seed %s\n", what.c_str(), text_of(seed).c_str());
}

/// All schedules of a scenario within the bounds. False: one failed, and was reported.
bool search(Scheduler& scheduler, const Scenario& scenario, const Bounds& bounds)
{
    const auto began = std::chrono::steady_clock::now();
    Seed seed{&scenario, bounds, {}};
    std::uint64_t schedules = 0;
    std::uint64_t pruned = 0;
    do {
        const std::string what = run(scheduler, seed);
        if (!what.empty()) {
            std::printf("after %llu schedules\n", static_cast<unsigned long long>(schedules));
            seed.plan = scheduler.choices();
            report(scheduler, seed);
            return false;
        }
        ++schedules;
        pruned += scheduler.pruned() ? 1 : 0;
    } while (scheduler.next_plan(seed.plan));
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    std::printf("%-36s %u preemptions, %u delays: %8llu schedules (%llu cut short), %.2f s\n", scenario.name,
                bounds.preemptions, bounds.delays, static_cast<unsigned long long>(schedules),
                static_cast<unsigned long long>(pruned), took.count());
    return true;
}

bool test(Scheduler& scheduler, const Scenario& scenario)
{
    const char* deeper = std::getenv("NTPIPE_EXPLORE_DEEPER");
    const unsigned more = deeper != nullptr ? static_cast<unsigned>(std::strtoul(deeper, nullptr, 10)) : 0;
    for (Bounds bounds : {scenario.ordered, scenario.buffered}) {
        bounds.preemptions += more;
        if (!search(scheduler, scenario, bounds)) {
            std::printf("[  FAILED  ] %s\n", scenario.name);
            return false;
        }
    }
    std::printf("[       OK ] %s\n", scenario.name);
    std::fflush(stdout);
    return true;
}

int repeat(Scheduler& scheduler, const char* text)
{
    const std::optional<Seed> seed = parse(text);
    if (!seed) {
        std::fputs("no such scenario\n", stderr);
        return 2;
    }
    std::vector<std::string> steps;
    const std::string what = run(scheduler, *seed, &steps);
    for (const std::string& step : steps) {
        std::puts(step.c_str());
    }
    std::puts(what.empty() ? "nothing is wrong" : what.c_str());
    return what.empty() ? 0 : 1;
}

} // namespace

int main(int argc, char** argv)
{
    if (argc > 1 && std::strcmp(argv[1], "--list") == 0) {
        for (const Scenario& scenario : scenarios()) {
            std::puts(scenario.name);
        }
        return 0;
    }
    Scheduler scheduler;
    if (argc > 2 && std::strcmp(argv[1], "--seed") == 0) {
        return repeat(scheduler, argv[2]);
    }
    const bool first = argc > 1 && std::strcmp(argv[1], "--first") == 0;
    bool good = true;
    for (const Scenario& scenario : scenarios()) {
        bool wanted = argc == 1 || first;
        for (int i = 1; i < argc; ++i) {
            wanted = wanted || std::strcmp(argv[i], scenario.name) == 0;
        }
        good = (!wanted || test(scheduler, scenario)) && good;
        if (first && !good) {
            break;
        }
    }
    return good ? 0 : 1;
}

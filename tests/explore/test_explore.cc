// SPDX-License-Identifier: LGPL-2.1-or-later
// test_explore.cc: goes through the schedules of each scenario, or repeats one.
//
//   test_explore --list             the scenarios, and random_programs
//   test_explore [SCENARIO...]      all schedules of these, or of all
//   test_explore --first            all schedules of all, up to the first failure; those with store buffers, which are most, at the end
//   test_explore --seed SEED        one schedule, step by step; SEED is what a failure prints
// NTPIPE_EXPLORE_DEEPER=n allows n more preemptions than usual. random_programs goes through NTPIPE_EXPLORE_PROGRAMS programs, of
// which the first is number NTPIPE_EXPLORE_FIRST.
#include "linear.hpp"
#include "scenarios.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <sstream>
#include <unordered_set>

using namespace ntpipe::explore;

namespace {

const std::string program_prefix = "program-";
const std::string programs_name = "random_programs";
constexpr std::uint64_t usual_programs = 1000;

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
    if (name.starts_with(program_prefix)) {
        static Scenario random;
        random = program(std::stoull(name.substr(program_prefix.size())));
        return &random;
    }
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

std::unordered_set<std::string> explained; ///< histories of the scenario that is searched

/// What is wrong with one schedule, or "".
std::string run(Scheduler& scheduler, const Seed& seed, std::vector<std::string>* trace = nullptr)
{
    World world(seed.scenario->setup);
    if (seed.scenario->prepare) {
        seed.scenario->prepare(world);
    }
    scheduler.trace(trace, [&world](const void* word) { return world.name_of(word); });
    const auto body = [](Actor& actor, const std::function<void(Actor&)>& script) {
        return [&actor, &script] {
            try {
                script(actor);
            } catch (const Stuck&) {
                return;
            }
            actor.serve();
        };
    };
    scheduler.run(seed.bounds, seed.plan,
                  {body(world.client, seed.scenario->client), body(world.server, seed.scenario->server)});
    if (!scheduler.failure().empty() || scheduler.pruned()) {
        return scheduler.failure();
    }
    if (seed.scenario->linear) {
        // Most schedules have a history that was there before.
        std::string history = history_of(world);
        if (!explained.contains(history)) {
            const std::string what = explain(world);
            if (!what.empty()) {
                return what;
            }
            explained.insert(std::move(history));
        }
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

struct Found {
    std::uint64_t schedules = 0;
    std::uint64_t pruned = 0;
};

/// All schedules of a scenario within the bounds. nullopt: one failed, and was reported.
std::optional<Found> search(Scheduler& scheduler, const Scenario& scenario, const Bounds& bounds)
{
    explained.clear();
    Seed seed{&scenario, bounds, {}};
    Found found;
    do {
        const std::string what = run(scheduler, seed);
        if (!what.empty()) {
            std::printf("after %llu schedules\n", static_cast<unsigned long long>(found.schedules));
            seed.plan = scheduler.choices();
            explained.clear();
            report(scheduler, seed);
            return std::nullopt;
        }
        ++found.schedules;
        found.pruned += scheduler.pruned() ? 1 : 0;
    } while (scheduler.next_plan(seed.plan));
    return found;
}

void print(const std::string& name, const Bounds& bounds, const Found& found,
           std::chrono::steady_clock::time_point began)
{
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    std::printf("%-36s %u preemptions, %u delays: %8llu schedules (%llu cut short), %.2f s\n", name.c_str(),
                bounds.preemptions, bounds.delays, static_cast<unsigned long long>(found.schedules),
                static_cast<unsigned long long>(found.pruned), took.count());
}

std::uint64_t number_from(const char* variable, std::uint64_t otherwise)
{
    const char* text = std::getenv(variable);
    return text != nullptr ? std::strtoull(text, nullptr, 10) : otherwise;
}

bool verdict(const std::string& name, bool good)
{
    std::printf("%s %s\n", good ? "[       OK ]" : "[  FAILED  ]", name.c_str());
    (void)std::fflush(stdout);
    return good;
}

using Searches = std::vector<Bounds Scenario::*>;

bool test(Scheduler& scheduler, const Scenario& scenario, const Searches& searches)
{
    for (const auto search_of : searches) {
        Bounds bounds = scenario.*search_of;
        const auto began = std::chrono::steady_clock::now();
        bounds.preemptions += static_cast<unsigned>(number_from("NTPIPE_EXPLORE_DEEPER", 0));
        const std::optional<Found> found = search(scheduler, scenario, bounds);
        if (!found) {
            return verdict(scenario.name, false);
        }
        print(scenario.name, bounds, *found, began);
    }
    return verdict(scenario.name, true);
}

bool test_programs(Scheduler& scheduler)
{
    const auto began = std::chrono::steady_clock::now();
    Found all;
    Bounds bounds;
    const std::uint64_t first = number_from("NTPIPE_EXPLORE_FIRST", 0);
    for (std::uint64_t i = first; i < first + number_from("NTPIPE_EXPLORE_PROGRAMS", usual_programs); ++i) {
        const Scenario scenario = program(i);
        bounds = scenario.ordered;
        const std::optional<Found> found = search(scheduler, scenario, bounds);
        if (!found) {
            return verdict(programs_name, false);
        }
        all.schedules += found->schedules;
        all.pruned += found->pruned;
    }
    print(programs_name, bounds, all, began);
    return verdict(programs_name, true);
}

int repeat(Scheduler& scheduler, const char* text)
{
    const std::optional<Seed> seed = parse(text);
    if (!seed) {
        (void)std::fputs("no such scenario\n", stderr);
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
            std::puts(scenario.name.c_str());
        }
        std::puts(programs_name.c_str());
        return 0;
    }
    Scheduler scheduler;
    if (argc > 2 && std::strcmp(argv[1], "--seed") == 0) {
        return repeat(scheduler, argv[2]);
    }
    const bool first = argc > 1 && std::strcmp(argv[1], "--first") == 0;
    const auto wanted = [&](const std::string& name) {
        return argc == 1 || first || std::find(argv + 1, argv + argc, name) != argv + argc;
    };
    const std::vector<Searches> rounds = first ? std::vector<Searches>{{&Scenario::ordered}, {&Scenario::buffered}}
                                               : std::vector<Searches>{{&Scenario::ordered, &Scenario::buffered}};
    bool good = true;
    for (std::size_t round = 0; round < rounds.size(); ++round) {
        for (const Scenario& scenario : scenarios()) {
            if (wanted(scenario.name) && (good || !first)) {
                good = test(scheduler, scenario, rounds[round]) && good;
            }
        }
        if (round == 0 && wanted(programs_name) && (good || !first)) {
            good = test_programs(scheduler) && good;
        }
    }
    return good ? 0 : 1;
}

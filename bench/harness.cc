// SPDX-License-Identifier: LGPL-2.1-or-later
// harness.cc: how the benchmarks measure.
#include "harness.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <iostream>
#include <random>

namespace bench {

void fail(const std::string& what)
{
    std::cerr << "bench: " << what << '\n';
    std::_Exit(1);
}

void pin(int processor)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(static_cast<std::size_t>(processor), &set);
    (void)::sched_setaffinity(0, sizeof(set), &set);
}

double nanoseconds_now()
{
    timespec time{};
    (void)::clock_gettime(CLOCK_MONOTONIC, &time);
    return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
}

double quantile(std::vector<double> values, double which)
{
    if (values.empty()) {
        return 0;
    }
    std::sort(values.begin(), values.end());
    const double rank = std::ceil(which * static_cast<double>(values.size()));
    return values[static_cast<std::size_t>(std::max(rank, 1.0)) - 1];
}

void CommonOptions::parse(const char* program, int argc, const char** argv, const poptOption* more)
{
    const poptOption table[] = {
        {"rounds", 0, POPT_ARG_INT, &rounds, 0, "rounds of each", "N"},
        {"part", 0, POPT_ARG_INT, &part, 0, "so much of the messages in a round", "PERCENT"},
        {"seed", 0, POPT_ARG_INT, &seed, 0, "of the order in the rounds", "N"},
        {nullptr, 0, POPT_ARG_INCLUDE_TABLE, const_cast<poptOption*>(more), 0, nullptr, nullptr},
        POPT_AUTOHELP POPT_TABLEEND};
    poptContext context = poptGetContext(program, argc, argv, table, 0);
    if (poptGetNextOpt(context) < -1 || rounds < 1 || part < 1 || seed < 0) {
        fail("wrong options; see --help");
    }
    poptFreeContext(context);
}

WithAllProcessors::WithAllProcessors()
{
    (void)::sched_getaffinity(0, sizeof(before_), &before_);
    cpu_set_t all;
    CPU_ZERO(&all);
    for (int i = 0; i < CPU_SETSIZE; ++i) {
        CPU_SET(i, &all); // those that there are not are left out
    }
    (void)::sched_setaffinity(0, sizeof(all), &all);
}

WithAllProcessors::~WithAllProcessors()
{
    (void)::sched_setaffinity(0, sizeof(before_), &before_);
}

Child::Child(int processor, const std::function<void()>& body)
{
    const pid_t parent = ::getpid();
    id_ = ::fork();
    if (id_ < 0) {
        fail("fork");
    }
    if (id_ == 0) {
        (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (::getppid() == parent) {
            pin(processor);
            body();
        }
        std::_Exit(0);
    }
}

Child::~Child()
{
    ::kill(id_, SIGKILL);
    ::waitpid(id_, nullptr, 0);
}

Signal::Signal()
{
    if (::pipe2(ends_, O_CLOEXEC) != 0) {
        fail("pipe2");
    }
}

Signal::~Signal()
{
    ::close(ends_[0]);
    ::close(ends_[1]);
}

void Signal::give() const
{
    (void)!::write(ends_[1], "", 1);
}

// Both processes hold both ends, so what is lost is told by silence; a far side that cannot start ends the run by itself.
void Signal::await() const
{
    char byte = 0;
    while (::read(ends_[0], &byte, 1) < 0 && errno == EINTR) {}
}

void compare(const Contenders& contenders, const Plan& plan,
             const std::function<void(const std::vector<Result>&)>& report)
{
    pin(plan.near_processor);
    std::vector<std::unique_ptr<Child>> children;
    const pid_t near = ::getpid();
    for (const auto& contender : contenders) {
        if (!contender->has_far_side()) {
            continue;
        }
        const Signal ready;
        children.push_back(std::make_unique<Child>(plan.far_processor, [&] {
            contender->serve([&ready] { ready.give(); });
            ::kill(near, SIGTERM); // it was meant to go on
        }));
        ready.await();
    }
    std::vector<Result> results;
    std::vector<std::vector<double>> latencies(contenders.size());
    for (const auto& contender : contenders) {
        contender->connect();
        results.push_back({contender->name(), {}, 0});
    }
    std::mt19937 random(plan.seed);
    std::vector<std::size_t> order(contenders.size());
    for (std::size_t i = 0; i < order.size(); ++i) {
        order[i] = i;
    }
    for (int round = -1; round < plan.rounds; ++round) {
        std::shuffle(order.begin(), order.end(), random);
        for (const std::size_t i : order) {
            std::vector<double> calls;
            const double begin = nanoseconds_now();
            contenders[i]->round(calls);
            const double took = nanoseconds_now() - begin;
            if (round >= 0) {
                results[i].rounds.push_back(took);
                latencies[i].insert(latencies[i].end(), calls.begin(), calls.end());
            }
        }
    }
    for (std::size_t i = 0; i < results.size(); ++i) {
        results[i].p99 = quantile(latencies[i].empty() ? results[i].rounds : latencies[i], 0.99);
    }
    report(results);
}

void print(const std::string& workload, const Plan& plan, const Workload& work, const std::vector<Result>& results)
{
    const auto per_message = [&work](double round) { return round / work.count; };
    std::printf(R"({"workload": "%s", "size": %zu, "count": %d, "near": %d, "far": %d, "seed": %u, "contenders": {)",
                workload.c_str(), work.size, work.count, plan.near_processor, plan.far_processor, plan.seed);
    const char* between = "";
    for (const Result& result : results) {
        const double p99 = work.kind == Kind::transact ? result.p99 : per_message(result.p99);
        std::printf(R"(%s"%s": {"p99": %.1f, "rounds": [)", between, result.name.c_str(), p99);
        between = ", ";
        const char* comma = "";
        for (const double round : result.rounds) {
            std::printf("%s%.2f", comma, per_message(round));
            comma = ", ";
        }
        std::printf("]}");
    }
    std::printf("}}\n");
    (void)std::fflush(stdout);
}

} // namespace bench

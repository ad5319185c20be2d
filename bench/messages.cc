// SPDX-License-Identifier: LGPL-2.1-or-later
// messages.cc: messages between two processes: ntpipe beside all that a program could use instead, each workload on one processor (a
// wake-up is a context switch) and on two (a wake-up is an interrupt to another processor, which a virtual machine makes expensive).
//
// usage: messages [--rounds N] [--part PERCENT] [--seed N] [--only WORDS] [--ours] [--iceoryx]      needs a broker in NTPIPE_DIR
// Prints a line of JSON for each workload and placement, with every round, in nanoseconds per message.
#include "harness.hpp"

#include <popt.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>

namespace bench {
namespace {

struct Named {
    const char* name;
    Workload workload;
};

constexpr std::size_t kibibyte = 1024;
const Named workloads[] = {
    {"transact 64 B", {Kind::transact, 64, 2000}},         {"stream 64 B", {Kind::stream, 64, 20000}},
    {"stream 1 KiB", {Kind::stream, kibibyte, 10000}},     {"stream 64 KiB", {Kind::stream, 64 * kibibyte, 500}},
    {"stream 1 MiB", {Kind::stream, 1024 * kibibyte, 40}}, {"both ways 64 B", {Kind::both, 64, 10000}},
    {"bytes 4 KiB", {Kind::bytes, 4 * kibibyte, 5000}},
};

struct Options : CommonOptions {
    const char* only = "";
    int ours = 0;
    int iceoryx = 0;
};

Options parse(int argc, const char** argv)
{
    Options options;
    const poptOption table[] = {
        {"only", 0, POPT_ARG_STRING, static_cast<void*>(&options.only), 0, "workloads whose name begins so", "WORDS"},
        {"ours", 0, POPT_ARG_NONE, &options.ours, 0, "without the others, on one processor", nullptr},
        {"iceoryx", 0, POPT_ARG_NONE, &options.iceoryx, 0, "its daemon is running: measure it, too", nullptr},
        POPT_TABLEEND};
    options.parse("messages", argc, argv, table);
    return options;
}

void add_peers(Contenders& contenders, Workload workload, [[maybe_unused]] bool with_iceoryx)
{
    add_sockets(contenders, workload);
    add_memory(contenders, workload);
#ifdef NTPIPE_BENCH_LIBUV
    add_libuv(contenders, workload);
#endif
#ifdef NTPIPE_BENCH_ICEORYX
    if (with_iceoryx) { // not on one processor: it waits for a slow reader by spinning
        add_iceoryx(contenders, workload);
    }
#endif
}

void run(const Named& named, const Options& options, int far_processor)
{
    Plan plan;
    plan.rounds = options.rounds;
    plan.seed = static_cast<unsigned>(options.seed);
    plan.far_processor = far_processor;
    Workload workload = named.workload;
    workload.count = std::max(workload.count * options.part / 100, 2);
    Contenders contenders;
    add_pipes(contenders, workload, far_processor != plan.near_processor);
    if (options.ours == 0) {
        add_peers(contenders, workload, options.iceoryx != 0 && far_processor != plan.near_processor);
    }
    compare(contenders, plan, [&](const auto& results) { print(named.name, plan, workload, results); });
}

} // namespace
} // namespace bench

int main(int argc, const char** argv)
{
    const bench::Options options = bench::parse(argc, argv);
    for (const bench::Named& named : bench::workloads) {
        if (std::string_view(named.name).starts_with(options.only)) {
            const int processors = options.ours != 0 ? 1 : static_cast<int>(::sysconf(_SC_NPROCESSORS_ONLN));
            for (int far = 0; far < std::min(2, processors); ++far) {
                bench::run(named, options, far);
            }
        }
    }
    return 0;
}

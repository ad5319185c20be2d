// SPDX-License-Identifier: LGPL-2.1-or-later
// test_model_processes.cc: random sequences on the model, and on a server process, a client process and a broker.
#include "process_system.hpp"
#include "tester.hpp"
#include "unit/main.hpp"

namespace {

using namespace ntpipe::model;

#ifdef __SANITIZE_ADDRESS__
constexpr std::uint64_t sequences = 960;
#else
constexpr std::uint64_t sequences = 4000;
#endif

void play_with(std::uint64_t seed)
{
    ProcessSystem system;
    Trial trial;
    trial.sequences = sequences;
    trial.worlds = 16;
    trial.seed = seed;
    assert_true(hold(system, trial));
}

void processes_1(void** /*state*/)
{
    play_with(1);
}

void processes_2(void** /*state*/)
{
    play_with(2);
}

void processes_fresh(void** /*state*/)
{
    play_with(0);
}

} // namespace

NTPIPE_UNIT_MAIN(NTPIPE_UNIT_TEST(processes_1), NTPIPE_UNIT_TEST(processes_2), NTPIPE_UNIT_TEST(processes_fresh))

// SPDX-License-Identifier: LGPL-2.1-or-later
// test_model_end.cc: random sequences on the model and on two ends over the smallest ring.
#include "end_system.hpp"
#include "tester.hpp"
#include "unit/main.hpp"

namespace {

using namespace ntpipe::model;

#ifdef __SANITIZE_ADDRESS__
constexpr std::uint64_t sequences = 4000;
#else
constexpr std::uint64_t sequences = 20000;
#endif
constexpr std::size_t smallest_ring = 4096;

void play_with(std::uint64_t seed)
{
    EndSystem system(smallest_ring);
    Trial trial;
    trial.sequences = sequences;
    trial.seed = seed;
    trial.variety.one_instance = true;
    assert_true(hold(system, trial));
}

void end_1(void** /*state*/)
{
    play_with(1);
}

void end_2(void** /*state*/)
{
    play_with(2);
}

void end_fresh(void** /*state*/)
{
    play_with(0);
}

} // namespace

NTPIPE_UNIT_MAIN(NTPIPE_UNIT_TEST(end_1), NTPIPE_UNIT_TEST(end_2), NTPIPE_UNIT_TEST(end_fresh))

// SPDX-License-Identifier: LGPL-2.1-or-later
// test_model_api.cc: random sequences on the model and on a namespace in this process, through the C API.
#include "api_system.hpp"
#include "tester.hpp"
#include "unit/main.hpp"

namespace {

using namespace ntpipe::model;

#ifdef __SANITIZE_ADDRESS__
constexpr std::uint64_t sequences = 4000;
#else
constexpr std::uint64_t sequences = 15000;
#endif

void play_with(std::uint64_t seed)
{
    ApiSystem system;
    Trial trial;
    trial.sequences = sequences;
    trial.seed = seed;
    assert_true(hold(system, trial));
}

void api_1(void** /*state*/)
{
    play_with(1);
}
void api_2(void** /*state*/)
{
    play_with(2);
}
void api_fresh(void** /*state*/)
{
    play_with(0);
}

} // namespace

NTPIPE_UNIT_MAIN(NTPIPE_UNIT_TEST(api_1), NTPIPE_UNIT_TEST(api_2), NTPIPE_UNIT_TEST(api_fresh))

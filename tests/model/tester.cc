// SPDX-License-Identifier: LGPL-2.1-or-later
// tester.cc: random sequences by rapidcheck's rules: a seed, a number of tries, and shorter and shorter failures.
#include "tester.hpp"

#include <cstdlib>
#include <ctime>
#include <iostream>
#include <random>

namespace ntpipe::model {
namespace {

rc::detail::TestParams parameters_of(const Trial& trial)
{
    rc::detail::TestParams parameters;
    if (std::getenv("RC_PARAMS") != nullptr) {
        parameters = rc::detail::configuration().testParams;
    } else {
        std::random_device fresh;
        parameters.seed = trial.seed != 0 ? trial.seed : (std::uint64_t{fresh()} << 32 | fresh());
        std::uint64_t sequences = trial.sequences;
        if (const char* wanted = std::getenv("NTPIPE_MODEL_SEQUENCES")) {
            sequences = std::strtoull(wanted, nullptr, 10);
        }
        parameters.maxSuccess = static_cast<int>((sequences + trial.worlds - 1) / trial.worlds);
    }
    return parameters;
}

/// The report is printed when all is over.
class Silent final : public rc::detail::TestListener {
public:
    void onTestCaseFinished(const rc::detail::CaseDescription& /*description*/) override {}
    void onShrinkTried(const rc::detail::CaseDescription& /*shrink*/, bool /*accepted*/) override {}
    void onTestFinished(const rc::detail::TestMetadata& /*metadata*/, const rc::detail::TestResult& /*result*/) override
    {
    }
};

// What sequences must have reached, lest a change of the generator makes them harmless.
constexpr std::uint64_t enough_to_reach_all = 3000;
constexpr std::pair<Kind, Status> to_be_reached[] = {
    {Kind::listen, NTPIPE_STATUS_SUCCESS},
    {Kind::listen, NTPIPE_STATUS_CANCELLED},
    {Kind::listen, NTPIPE_STATUS_PIPE_CLOSING},
    {Kind::listen, NTPIPE_STATUS_PIPE_DISCONNECTED},
    {Kind::read, NTPIPE_STATUS_SUCCESS},
    {Kind::read, NTPIPE_STATUS_BUFFER_OVERFLOW},
    {Kind::read, NTPIPE_STATUS_PIPE_EMPTY},
    {Kind::read, NTPIPE_STATUS_PIPE_BROKEN},
    {Kind::read, NTPIPE_STATUS_PIPE_DISCONNECTED},
    {Kind::read, NTPIPE_STATUS_CANCELLED},
    {Kind::write, NTPIPE_STATUS_SUCCESS},
    {Kind::write, NTPIPE_STATUS_CANCELLED},
    {Kind::write, NTPIPE_STATUS_PIPE_BROKEN},
    {Kind::write, NTPIPE_STATUS_PIPE_CLOSING},
    {Kind::transceive, NTPIPE_STATUS_SUCCESS},
    {Kind::transceive, NTPIPE_STATUS_BUFFER_OVERFLOW},
    {Kind::transceive, NTPIPE_STATUS_PIPE_BUSY},
    {Kind::transceive, NTPIPE_STATUS_CANCELLED},
    {Kind::flush, NTPIPE_STATUS_SUCCESS},
    {Kind::flush, NTPIPE_STATUS_CANCELLED},
    {Kind::flush, NTPIPE_STATUS_PIPE_BROKEN},
    {Kind::flush, NTPIPE_STATUS_PIPE_DISCONNECTED},
    {Kind::try_read, NTPIPE_STATUS_SUCCESS},
    {Kind::try_read, NTPIPE_STATUS_PIPE_EMPTY},
    {Kind::try_read, NTPIPE_STATUS_BUFFER_OVERFLOW},
    {Kind::try_write, NTPIPE_STATUS_SUCCESS},
    {Kind::peek, NTPIPE_STATUS_BUFFER_OVERFLOW},
    {Kind::set_modes, NTPIPE_STATUS_PIPE_BUSY},
};

bool reached_all(const Outcomes& outcomes)
{
    bool all = true;
    for (const auto& outcome : to_be_reached) {
        if (!outcomes.contains(outcome)) {
            std::cerr << "never reached:\n" << describe(Outcomes{{outcome, 0}});
            all = false;
        }
    }
    return all;
}

} // namespace

bool hold(System& system, const Trial& trial)
{
    const rc::detail::TestParams parameters = parameters_of(trial);
    std::uint64_t played = 0;
    Outcomes outcomes;
    const std::clock_t start = std::clock();
    const auto property = [&] {
        const Batch batch = *batches(trial.worlds, trial.variety);
        played += batch.size();
        const std::string trouble = play(system, batch, outcomes);
        if (!trouble.empty()) {
            RC_FAIL(trouble);
        }
    };
    Silent listener;
    const rc::detail::TestResult result =
        rc::detail::checkTestable(property, rc::detail::TestMetadata{}, parameters, listener,
                                  std::unordered_map<std::string, rc::detail::Reproduce>{});
    const bool good = result.is<rc::detail::SuccessResult>();
    std::uint64_t operations = 0;
    for (const auto& [outcome, count] : outcomes) {
        operations += count;
    }
    std::cerr << "seed " << parameters.seed << ", " << played << " sequences, " << operations
              << " operations that were over, " << static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC
              << " s of this process\n";
    if (std::getenv("NTPIPE_MODEL_OUTCOMES") != nullptr) {
        std::cerr << describe(outcomes);
    }
    if (!good) {
        rc::detail::printResultMessage(result, std::cerr);
        std::cerr << "\nTo repeat it: RC_PARAMS=\"seed=" << parameters.seed << " max_success=" << parameters.maxSuccess
                  << "\"\n";
    }
    return good && (played < enough_to_reach_all || reached_all(outcomes));
}

} // namespace ntpipe::model

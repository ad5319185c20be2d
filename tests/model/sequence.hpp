// SPDX-License-Identifier: LGPL-2.1-or-later
// sequence.hpp: random sequences of operations: how they are made, made smaller, printed and played.
#pragma once

#include "model.hpp"
#include "system.hpp"

#include <rapidcheck.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace ntpipe::model {

/// An operation whose data is a pattern, so that it is small and can be printed. It names its end and its target by the step that
/// made them: a step whose end or target is missing, because a shorter sequence is tried, is passed over.
struct Step {
    Kind kind = Kind::peek;
    Id id = 0;
    Id end = 0;
    Id target = 0;
    std::uint32_t name = 0; ///< 0 is "p", 1 is "q"...
    CreateParameters parameters;
    std::uint32_t access = 0;
    std::uint32_t length = 0; ///< of the data
    std::uint32_t room = 0;
    std::uint32_t read_mode = 0;
    std::uint32_t completion_mode = 0;
};
using Sequence = std::vector<Step>;

/// Several sequences, each in a world of its own.
struct Batch : std::vector<Sequence> {
    using vector::vector;
};
/// For rapidcheck.
void showValue(const Batch& batch, std::ostream& stream);

/// What may come in a sequence.
struct Variety {
    std::size_t shortest = 20;
    std::size_t longest = 40;
    bool one_instance = false;     ///< at a time, of one pipe, with parameters that are accepted; nobody waits for one
    bool full_access = false;      ///< each end may do all that its direction allows
    std::uint32_t largest = 20000; ///< bytes of a write
};

[[nodiscard]] rc::Gen<Batch> batches(std::size_t worlds, const Variety& variety);
[[nodiscard]] Operation operation_of(const Step& step);
[[nodiscard]] std::string describe(const Step& step);
[[nodiscard]] std::string describe(const Completion& completion);

/// How often each kind of operation was over with each status: what the sequences have reached.
using Outcomes = std::map<std::pair<Kind, Status>, std::uint64_t>;
[[nodiscard]] std::string describe(const Outcomes& outcomes);

/// Plays a sequence on the model, step by step, and compares.
class Player {
public:
    Player(const Sequence& sequence, Outcomes& outcomes) : sequence_(sequence), outcomes_(outcomes) {}
    /// The next operation that can be done; valid until the next call. nullptr: the sequence is over.
    [[nodiscard]] const Operation* next();
    /// Carries it out on the model too. What is wrong with what the real thing did, or "".
    [[nodiscard]] std::string compare(const Effects& real);

private:
    struct Origin {
        Id end = 0;
        Kind kind = Kind::peek;
    };
    [[nodiscard]] bool possible(const Step& step) const;
    [[nodiscard]] std::string order_of(const Effects& effects, const Completion& completion) const;

    const Sequence& sequence_;
    Outcomes& outcomes_;
    std::size_t at_ = 0;
    Operation operation_;
    Model model_;
    std::map<Id, Origin> pending_;
};

/// Plays all sequences of a batch, each step of all of them at once. What is wrong, or "".
[[nodiscard]] std::string play(System& system, const Batch& batch, Outcomes& outcomes);

} // namespace ntpipe::model

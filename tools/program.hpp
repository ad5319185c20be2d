// SPDX-License-Identifier: LGPL-2.1-or-later
// program.hpp: running another program to its end, or in our place.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace ntpipe::tools {

/// Name and value; in addition to our own environment, or instead of what it has.
using Variables = std::vector<std::pair<std::string, std::string>>;

struct Outcome {
    int status = 0;     ///< exit status; 128 + N: ended by signal N
    std::string output; ///< what it has written to standard output and error, without the last newline
};

/// Runs it to its end. Processes that it leaves behind are not waited for.
[[nodiscard]] Outcome run_program(const std::vector<std::string>& command, const Variables& variables);
/// The program in the place of this one.
[[noreturn]] void become_program(const std::vector<std::string>& command, const Variables& variables);

} // namespace ntpipe::tools

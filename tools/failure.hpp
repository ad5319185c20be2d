// SPDX-License-Identifier: LGPL-2.1-or-later
// failure.hpp: how the program ends: the exit statuses, and the exception that carries one with what to say.
#pragma once

#include <ntpipe_status.hpp>

#include <stdexcept>
#include <string>

namespace ntpipe::tools {

/// Documented in ntpipe(1) and in `ntpipe --help`.
enum ExitStatus : int {
    exit_ok = 0,
    exit_failed = 1,
    exit_usage = 2,
    exit_not_found = 3,
    exit_busy = 4,
    exit_timeout = 5,
    exit_denied = 6,
    exit_no_broker = 7,
    exit_broken = 8,
    exit_signal = 128, ///< plus the number of the signal
};

/// Ends the program. Its text says what was tried, why it failed, and what can be done.
class Failure : public std::runtime_error {
public:
    Failure(ExitStatus status, const std::string& text) : std::runtime_error(text), status_(status) {}
    [[nodiscard]] ExitStatus status() const { return status_; }

private:
    ExitStatus status_;
};

/// Why something could not be done with a pipe, from the status that the library gave. `what`: "cannot open 'x'".
[[nodiscard]] Failure failure_of(Status status, const std::string& what);
/// The same from errno.
[[nodiscard]] Failure failure_of_errno(const std::string& what);

/// A line on standard error, with the program's name in front.
void say(const std::string& line);

} // namespace ntpipe::tools

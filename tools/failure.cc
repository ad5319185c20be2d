// SPDX-License-Identifier: LGPL-2.1-or-later
// failure.cc: statuses as exit statuses and advice.
#include "failure.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <iostream>

namespace ntpipe::tools {
namespace {

struct Advice {
    Status status;
    ExitStatus exit;
    const char* text; ///< what to do about it; may be empty
};

constexpr std::array advices = {
    Advice{Status::object_name_not_found, exit_not_found,
           "see 'ntpipe ls', or wait for it with 'ntpipe wait --exists'"},
    Advice{Status::pipe_not_available, exit_busy, "wait for one with --wait SECONDS"},
    Advice{Status::instance_not_available, exit_busy, "another server's instances are in use"},
    Advice{Status::pipe_busy, exit_busy, ""},
    Advice{Status::io_timeout, exit_timeout, ""},
    Advice{Status::access_denied, exit_denied, ""},
    Advice{Status::connection_refused, exit_no_broker,
           "start ntpiped, or set NTPIPE_DIR or XDG_RUNTIME_DIR to a directory of yours, where one can be started"},
    Advice{Status::connection_disconnected, exit_no_broker, ""},
    Advice{Status::revision_mismatch, exit_no_broker, "ntpipe and ntpiped come from different installations"},
    Advice{Status::pipe_broken, exit_broken, ""},
    Advice{Status::pipe_closing, exit_broken, ""},
    Advice{Status::pipe_disconnected, exit_broken, ""},
    Advice{Status::object_name_invalid, exit_usage, R"(a name is UTF-8, such as echo or \\.\pipe\echo)"},
    Advice{Status::object_path_syntax_bad, exit_usage,
           R"(give a pipe of this machine: NAME, \\.\pipe\NAME or //./pipe/NAME)"},
};

} // namespace

Failure failure_of(Status status, const std::string& what)
{
    std::string text = what + ": " + ntpipe_status_text(raw(status)) + " (" + ntpipe_status_name(raw(status)) + ")";
    for (const Advice& advice : advices) {
        if (advice.status == status) {
            if (*advice.text != '\0') {
                text += std::string("; ") + advice.text;
            }
            return {advice.exit, text};
        }
    }
    return {exit_failed, text};
}

Failure failure_of_errno(const std::string& what)
{
    const int reason = errno;
    ExitStatus status = exit_failed;
    if (reason == ENOENT) {
        status = exit_not_found;
    } else if (reason == EACCES || reason == EPERM) {
        status = exit_denied;
    } else if (reason == ETIMEDOUT) {
        status = exit_timeout;
    }
    return {status, what + ": " + std::strerror(reason)};
}

void say(const std::string& line)
{
    std::cerr << "ntpipe: " + line + "\n" << std::flush;
}

} // namespace ntpipe::tools

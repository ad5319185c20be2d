// SPDX-License-Identifier: LGPL-2.1-or-later
// running.hpp: how a subcommand gets its session and runs its coroutine, until it is over or a signal ends it.
#pragma once

#include "options.hpp"

#include <ntpipe.hpp>

#include <optional>

namespace ntpipe::tools {

/// Options that every subcommand has.
struct SessionOptions {
    std::string directory;
    bool never_start = false;

    void declare(Options& options);
};

[[nodiscard]] Session open_session(const SessionOptions& options);

/// Runs it. SIGINT, SIGTERM and SIGHUP end it by destroying the coroutine; then the number of the signal is what comes.
[[nodiscard]] std::optional<int> run_until_signal(Session& session, Task<> task);

/// For subcommands that do one thing: being interrupted is no success.
[[nodiscard]] int run_once(Session& session, Task<> task);
/// For servers: being told to end is the usual way to end.
[[nodiscard]] int run_server(Session& session, Task<> task);

/// Opens a pipe; with write access, in the read mode that its type has. Waits up to `wait_ms` for an instance if all are busy.
[[nodiscard]] Task<End> open_pipe(Session& session, const std::string& name, std::optional<std::int64_t> wait_ms,
                                  std::uint32_t access = NTPIPE_GENERIC_READ | NTPIPE_GENERIC_WRITE);

/// The type of the pipe.
[[nodiscard]] bool is_message_pipe(End& pipe);

} // namespace ntpipe::tools

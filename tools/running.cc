// SPDX-License-Identifier: LGPL-2.1-or-later
// running.cc: the session, the event loop and the signals.
#include "running.hpp"

#include "failure.hpp"
#include "pipe_name.hpp"

#include <signal.h>

#include <chrono>

namespace ntpipe::tools {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

} // namespace

void SessionOptions::declare(Options& options)
{
    options.text("directory", 'd', directory, "DIR",
                 "the broker's directory, an absolute path (default $NTPIPE_DIR, or what the system has)");
    options.flag("no-start", 0, never_start, "start no broker if there is none");
}

Session open_session(const SessionOptions& options)
{
    SessionParameters parameters;
    parameters.directory = options.directory.empty() ? nullptr : options.directory.c_str();
    parameters.never_start_broker = options.never_start;
    auto session = Session::open(parameters);
    if (!session) {
        throw failure_of(session.status(), "cannot use the directory '" + options.directory + "'");
    }
    return *std::move(session);
}

std::optional<int> run_until_signal(Session& session, Task<> task)
{
    int number = 0;
    const Talloc<char> signals(static_cast<char*>(talloc_new(nullptr)));
    for (const int wanted : {SIGINT, SIGTERM, SIGHUP}) {
        tevent_add_signal(
            session.events(), signals.get(), wanted, 0,
            [](tevent_context*, tevent_signal*, int which, int, void*, void* place) {
                *static_cast<int*>(place) = which;
            },
            &number);
    }
    task.start();
    while (!task.done() && number == 0) {
        if (tevent_loop_once(session.events()) != 0) {
            throw failure_of_errno("the event loop has failed");
        }
    }
    if (!task.done()) {
        return number;
    }
    task.result();
    return std::nullopt;
}

int run_once(Session& session, Task<> task)
{
    const auto number = run_until_signal(session, std::move(task));
    return number ? exit_signal + *number : exit_ok;
}

int run_server(Session& session, Task<> task)
{
    (void)run_until_signal(session, std::move(task));
    return exit_ok;
}

bool is_message_pipe(End& pipe)
{
    const auto info = pipe.local_info();
    if (!info) { // it may have been disconnected already
        throw failure_of(info.status(), "cannot use " + shown(pipe.name()));
    }
    return info->type == NTPIPE_TYPE_MESSAGE;
}

Task<End> open_pipe(Session& session, const std::string& name, std::optional<std::int64_t> wait_ms,
                    std::uint32_t access)
{
    OpenParameters parameters;
    parameters.desired_access = access;
    const auto end = Clock::now() + milliseconds(wait_ms.value_or(0));
    for (;;) {
        auto pipe = co_await session.connect(name, parameters);
        if (pipe) {
            if ((access & NTPIPE_GENERIC_WRITE) != 0 && is_message_pipe(*pipe)) {
                if (const Status status = pipe->set_modes(NTPIPE_READ_MESSAGE); status != Status::success) {
                    throw failure_of(status, "cannot read messages from " + shown(name));
                }
            }
            co_return *std::move(pipe);
        }
        const auto left = std::chrono::duration_cast<milliseconds>(end - Clock::now());
        if (pipe.status() != Status::pipe_not_available || !wait_ms) {
            throw failure_of(pipe.status(), "cannot open " + shown(name));
        }
        // An instance that has become free may be another client's already: then it is waited for again.
        Status status = Status::io_timeout;
        if (left.count() > 0) {
            status = co_await session.wait(name, left);
        }
        if (status != Status::success) {
            throw failure_of(status, "no instance of " + shown(name) + " has become free");
        }
    }
}

} // namespace ntpipe::tools

// SPDX-License-Identifier: LGPL-2.1-or-later
// wait.cc: ntpipe wait: until an instance of a pipe is free (WaitNamedPipe), and if wanted until there is such a pipe.
#include "async.hpp"
#include "failure.hpp"
#include "pipe_name.hpp"
#include "running.hpp"
#include "subcommand.hpp"

#include <chrono>

namespace ntpipe::tools {
namespace {

constexpr Usage usage{
    "wait", "NAME",
    R"(Waits until an instance of the pipe is listening for a client. Nothing is reserved: another client may be faster.
Without --timeout as long as the pipe's server has said; with --exists for ever.)"};

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// Pipes that a gateway resolves come without a word: nobody can list those of a Wine prefix. So they are asked for.
constexpr milliseconds ask_again(500);

struct Arguments {
    std::string name;
    std::optional<std::int64_t> timeout_ms;
    bool exists = false;
};

/// Tells when any name comes of which the broker hears. It needs not say which: whoever is told asks again.
class NewNames {
public:
    explicit NewNames(Session& session) : event_(session.events())
    {
        handlers_.size = sizeof(handlers_);
        handlers_.appeared = [](void* self, std::uint64_t, const char*, std::uint64_t, std::uint32_t, bool) {
            static_cast<NewNames*>(self)->event_.happen();
        };
        handlers_.gone = [](void*, std::uint64_t) {};
        handlers_.complete = [](void*) {};
        handlers_.reset = [](void*) {};
        ntpipe_watch* watch = nullptr;
        const auto status = static_cast<Status>(ntpipe_watch_names(nullptr, session.get(), &handlers_, this, &watch));
        if (status != Status::success) {
            throw failure_of(status, "cannot watch for the pipe");
        }
        watch_.reset(watch);
    }
    [[nodiscard]] Waited next() { return event_.next(); }

private:
    Event event_;
    ntpipe_watch_handlers handlers_{};
    Talloc<ntpipe_watch> watch_;
};

milliseconds left_until(Clock::time_point end)
{
    return std::max(milliseconds(1), std::chrono::duration_cast<milliseconds>(end - Clock::now()));
}

Task<Status> wait_once(Session& session, const Arguments& arguments, Clock::time_point end)
{
    if (arguments.timeout_ms) {
        co_return co_await session.wait(arguments.name, left_until(end));
    }
    co_return co_await session.wait(arguments.name,
                                    milliseconds(arguments.exists ? NTPIPE_WAIT_FOREVER : NTPIPE_WAIT_DEFAULT));
}

Task<> wait(Session& session, const Arguments& arguments)
{
    const auto end = Clock::now() + milliseconds(arguments.timeout_ms.value_or(0));
    std::optional<NewNames> names;
    for (;;) {
        const Status status = co_await wait_once(session, arguments, end);
        if (status == Status::success) {
            co_return;
        }
        const bool out_of_time = arguments.timeout_ms && Clock::now() >= end;
        if (status != Status::object_name_not_found || !arguments.exists) {
            throw failure_of(status, "no instance of " + shown(arguments.name) + " has become free");
        }
        if (out_of_time) {
            throw failure_of(Status::io_timeout, shown(arguments.name) + " has not appeared");
        }
        if (!names) { // and ask once more: it may have come before the watch
            names.emplace(session);
            continue;
        }
        Waited next = names->next();
        next.set_end(arguments.timeout_ms ? std::min(left_until(end), ask_again) : ask_again);
        co_await std::move(next);
    }
}

} // namespace

int run_wait(const Words& words)
{
    Options options(usage);
    SessionOptions session_options;
    Arguments arguments;
    options.seconds("timeout", 't', arguments.timeout_ms, "wait so long");
    options.flag("exists", 'e', arguments.exists, "if there is no such pipe, wait until there is one");
    session_options.declare(options);
    arguments.name = pipe_name(options.parse(words, 1, 1).front());
    Session session = open_session(session_options);
    return run_once(session, wait(session, arguments));
}

} // namespace ntpipe::tools

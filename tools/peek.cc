// SPDX-License-Identifier: LGPL-2.1-or-later
// peek.cc: ntpipe peek: opens a pipe and looks at what the server has sent, without reading it (PeekNamedPipe).
#include "async.hpp"
#include "data.hpp"
#include "failure.hpp"
#include "pipe_name.hpp"
#include "running.hpp"
#include "subcommand.hpp"

#include <chrono>

namespace ntpipe::tools {
namespace {

constexpr Usage usage{
    "peek", "NAME",
    R"(Opens the pipe as a client, and shows how much the server has sent and what, without reading it. Then the pipe is closed.
With --json: an object; number_of_messages and message_length are 0 on a byte pipe.)"};

using Clock = std::chrono::steady_clock;

/// A peek never waits, so waiting is looking again and again.
constexpr std::chrono::milliseconds interval{10};

struct Arguments {
    std::string name;
    std::optional<std::int64_t> wait_ms;
    std::optional<std::int64_t> timeout_ms;
    std::uint32_t size = 4096;
    bool json = false;
};

void show(const ntpipe_peek_info& info, std::span<const std::byte> data, bool json)
{
    if (json) {
        print(Json{{"state", state_name(info.state)},
                   {"read_data_available", info.read_data_available},
                   {"number_of_messages", info.number_of_messages},
                   {"message_length", info.message_length},
                   {"data", json_of(data)}});
        return;
    }
    print(Facts{{"state", state_name(info.state)},
                {"unread bytes", std::to_string(info.read_data_available)},
                {"messages", std::to_string(info.number_of_messages)},
                {"first message", std::to_string(info.message_length) + " bytes"},
                {"data", std::string(reinterpret_cast<const char*>(data.data()), data.size())}});
}

Task<> peek(Session& session, const Arguments& arguments)
{
    End pipe = co_await open_pipe(session, arguments.name, arguments.wait_ms, NTPIPE_GENERIC_READ);
    std::vector<std::byte> buffer(arguments.size);
    const auto end = Clock::now() + std::chrono::milliseconds(arguments.timeout_ms.value_or(0));
    for (;;) {
        ntpipe_peek_info info{};
        const Status status = pipe.peek(buffer, info);
        if (is_error(status)) {
            throw failure_of(status, "cannot peek at " + shown(arguments.name));
        }
        const bool something = info.read_data_available > 0 || info.number_of_messages > 0;
        if (something || !arguments.timeout_ms) {
            show(info, std::span(buffer).first(info.copied), arguments.json);
            co_return;
        }
        if (Clock::now() >= end) {
            throw Failure(exit_timeout, "nothing has come from " + shown(arguments.name));
        }
        co_await sleep_for(session.events(), interval);
    }
}

} // namespace

int run_peek(const Words& words)
{
    Options options(usage);
    SessionOptions session_options;
    Arguments arguments;
    options.flag("json", 'j', arguments.json, "as JSON");
    options.number("size", 's', arguments.size, "BYTES", "so much of the data is shown (default 4096)");
    options.seconds("wait", 'w', arguments.wait_ms, "if all instances are busy, wait so long for one");
    options.seconds("timeout", 't', arguments.timeout_ms, "wait so long for something to look at");
    session_options.declare(options);
    arguments.name = pipe_name(options.parse(words, 1, 1).front());
    Session session = open_session(session_options);
    return run_once(session, peek(session, arguments));
}

} // namespace ntpipe::tools

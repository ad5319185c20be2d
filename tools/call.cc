// SPDX-License-Identifier: LGPL-2.1-or-later
// call.cc: ntpipe call: opens a pipe, sends one message, prints the one that answers it.
#include "data.hpp"
#include "descriptor.hpp"
#include "failure.hpp"
#include "pipe_name.hpp"
#include "running.hpp"
#include "subcommand.hpp"

#include <unistd.h>

#include <iostream>

namespace ntpipe::tools {
namespace {

constexpr Usage usage{
    "call", "NAME [DATA]",
    R"(Opens a message pipe, sends DATA, or all of standard input, as one message, prints the answer as it is, and closes the
pipe, as CallNamedPipe does. With --json: {"size", "base64", "text"}; text is null if the answer is not UTF-8.)"};

constexpr std::size_t first_size = 65536;

struct Arguments {
    std::string name;
    std::optional<std::string> data;
    std::optional<std::int64_t> wait_ms;
    std::optional<std::int64_t> timeout_ms;
    std::uint32_t max_message = 16u << 20;
    bool json = false;
};

using Bytes = std::vector<std::byte>;

Task<Bytes> read_all(Descriptor input, std::size_t limit)
{
    Bytes all;
    Bytes buffer(first_size);
    while (const std::size_t count = co_await input.read(buffer)) {
        all.insert(all.end(), buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(count));
        if (all.size() > limit) {
            throw Failure(exit_failed,
                          "the input is longer than " + std::to_string(limit) + " bytes; see --max-message");
        }
    }
    co_return all;
}

template <typename Receive>
Awaited<Receive> limited(Awaited<Receive> waiting, const std::optional<std::int64_t>& time_ms)
{
    if (time_ms) {
        waiting.set_end(std::chrono::milliseconds(*time_ms));
    }
    return waiting;
}

/// The answer, however long it is.
Task<Bytes> transact(End& pipe, const Arguments& arguments, const Bytes& request)
{
    Bytes reply(first_size);
    Transfer got = co_await limited(pipe.transceive(request, reply), arguments.timeout_ms);
    std::size_t size = got.size;
    while (got.more()) {
        if (size > arguments.max_message) {
            throw Failure(exit_failed, "the answer is longer than " + std::to_string(arguments.max_message) +
                                           " bytes; see --max-message");
        }
        reply.resize(size * 2);
        got = co_await limited(pipe.read(std::span(reply).subspan(size)), arguments.timeout_ms);
        size += got.size;
    }
    if (!got) {
        throw failure_of(got.status, "no answer from " + shown(arguments.name));
    }
    reply.resize(size);
    co_return reply;
}

Task<> call(Session& session, const Arguments& arguments)
{
    Bytes request;
    if (arguments.data) {
        const auto bytes = std::as_bytes(std::span(*arguments.data));
        request.assign(bytes.begin(), bytes.end());
    } else {
        request = co_await read_all(Descriptor(session.events(), STDIN_FILENO, Descriptor::Ownership::borrowed),
                                    arguments.max_message);
    }
    End pipe = co_await open_pipe(session, arguments.name, arguments.wait_ms);
    if (!is_message_pipe(pipe)) {
        throw Failure(exit_failed,
                      shown(arguments.name) + " is a byte pipe, which has no messages; use 'ntpipe connect'");
    }
    const Bytes reply = co_await transact(pipe, arguments, request);
    if (arguments.json) {
        print(json_of(reply));
    } else {
        std::cout.write(reinterpret_cast<const char*>(reply.data()), static_cast<std::streamsize>(reply.size()));
    }
}

} // namespace

int run_call(const Words& words)
{
    Options options(usage);
    SessionOptions session_options;
    Arguments arguments;
    options.flag("json", 'j', arguments.json, "print the answer as JSON");
    options.seconds("wait", 'w', arguments.wait_ms, "if all instances are busy, wait so long for one");
    options.seconds("timeout", 't', arguments.timeout_ms, "wait so long for the answer (default: for ever)");
    options.number("max-message", 0, arguments.max_message, "BYTES", "the longest message that is taken (default 16M)",
                   1);
    session_options.declare(options);
    const auto given = options.parse(words, 1, 2);
    arguments.name = pipe_name(given.front());
    if (given.size() > 1) {
        arguments.data = given.back();
    }
    Session session = open_session(session_options);
    return run_once(session, call(session, arguments));
}

} // namespace ntpipe::tools

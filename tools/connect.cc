// SPDX-License-Identifier: LGPL-2.1-or-later
// connect.cc: ntpipe connect: a pipe joined with the terminal, or with standard input and output.
#include "failure.hpp"
#include "leg.hpp"
#include "pipe_name.hpp"
#include "running.hpp"
#include "subcommand.hpp"

#include <unistd.h>

namespace ntpipe::tools {
namespace {

constexpr Usage usage{
    "connect", "NAME",
    R"(Opens the pipe, writes standard input to it and prints what comes from it, until the server closes it. When the input
ends, answers are waited for until none came for --linger seconds.

On a message pipe --framing says how messages stand in the input and the output:
  none    they run together, and what one read gives is a message (the default, unless the input is a terminal)
  line    each is a line; the newline is not part of the message (the default on a terminal)
  length  each behind its length, four bytes, the lowest first)"};

Task<> connect(Session& session, std::string name, std::optional<std::int64_t> wait_ms, TransferOptions options)
{
    End pipe = co_await open_pipe(session, name, wait_ms);
    const bool message = is_message_pipe(pipe);
    if (!message && options.framing_or_none() != Framing::none) {
        throw Failure(exit_usage, shown(name) + " is a byte pipe: it has no messages, so there is no --framing");
    }
    if (message && !options.framing && ::isatty(STDIN_FILENO) == 1) {
        options.framing = Framing::line;
    }
    using Ownership = Descriptor::Ownership;
    PipeLeg pipe_leg(pipe, options.framing_or_none() != Framing::none, options.max_message);
    StreamLeg standard(Descriptor(session.events(), STDIN_FILENO, Ownership::borrowed),
                       Descriptor(session.events(), STDOUT_FILENO, Ownership::borrowed), options);
    co_await bridge(session.events(), pipe_leg, standard, options);
}

} // namespace

int run_connect(const Words& words)
{
    Options options(usage);
    SessionOptions session_options;
    TransferOptions transfer;
    std::optional<std::int64_t> wait_ms;
    transfer.declare_framing(options);
    transfer.declare_linger(options);
    options.seconds("wait", 'w', wait_ms, "if all instances are busy, wait so long for one");
    session_options.declare(options);
    const std::string name = pipe_name(options.parse(words, 1, 1).front());
    Session session = open_session(session_options);
    return run_once(session, connect(session, name, wait_ms, transfer));
}

} // namespace ntpipe::tools

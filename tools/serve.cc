// SPDX-License-Identifier: LGPL-2.1-or-later
// serve.cc: ntpipe serve: an echo server, or a command for each client.
#include "child.hpp"
#include "failure.hpp"
#include "leg.hpp"
#include "pipe_name.hpp"
#include "pipe_server.hpp"
#include "subcommand.hpp"

namespace ntpipe::tools {
namespace {

constexpr Usage usage{
    "serve", "NAME [-- COMMAND [ARGUMENT...]]",
    R"(Creates the pipe and serves any number of clients until it is interrupted. Without a command each client gets back
what it writes, message for message. With one, each client gets a process of its own: what it writes is the process's
standard input, what the process writes goes to the client. When the client has gone, the process's input ends; when the
process closes its output, the client is let go. NTPIPE_NAME, NTPIPE_CLIENT_PID, NTPIPE_CLIENT_UID, NTPIPE_CLIENT_ACCOUNT
and NTPIPE_CLIENT_ADDRESS tell the process whom it serves.

On a message pipe --framing says how messages stand in the process's input and output:
  none    they run together, and what one read gives is a message (the default)
  line    each is a line; the newline is not part of the message
  length  each behind its length, four bytes, the lowest first)"};

struct Arguments {
    std::string name;
    std::vector<std::string> command;
    TransferOptions transfer;
};

Task<> echo(End& pipe, const TransferOptions& options)
{
    PipeLeg leg(pipe, true, options.max_message);
    Message message;
    bool going_on = true;
    while (going_on) {
        going_on = co_await leg.receive(message) && co_await leg.send(message);
    }
}

std::vector<std::string> variables_about(End& pipe)
{
    std::vector<std::string> variables{"NTPIPE_NAME=" + pipe.name()};
    if (const auto client = pipe.client()) {
        variables.push_back("NTPIPE_CLIENT_PID=" + std::to_string((*client)->process_id));
        variables.push_back("NTPIPE_CLIENT_UID=" + std::to_string((*client)->uid));
        variables.push_back(std::string("NTPIPE_CLIENT_ACCOUNT=") + (*client)->account);
        variables.push_back(std::string("NTPIPE_CLIENT_ADDRESS=") + (*client)->address);
    }
    return variables;
}

Task<> converse(tevent_context* events, End& pipe, Child& child, const TransferOptions& options)
{
    PipeLeg pipe_leg(pipe, options.framing_or_none() != Framing::none, options.max_message);
    StreamLeg process(child.take_output(), child.take_input(), options);
    co_await bridge(events, pipe_leg, process, options);
    co_await finish(events, process, std::nullopt);
}

Task<> run_command(tevent_context* events, End& pipe, const Arguments& arguments)
{
    Child child(events, arguments.command, variables_about(pipe));
    co_await converse(events, pipe, child, arguments.transfer); // closes what leads to the process
    const std::string how = co_await child.end();
    if (!how.empty()) {
        say(arguments.command.front() + ": " + how);
    }
}

} // namespace

int run_serve(const Words& words)
{
    Options options(usage);
    SessionOptions session_options;
    ServerOptions server_options;
    Arguments arguments;
    // The output of a process ends when it has nothing more to say.
    arguments.transfer.linger = 0;
    server_options.declare(options);
    arguments.transfer.declare_framing(options);
    session_options.declare(options);
    options.take_command(arguments.command);
    arguments.name = pipe_name(options.parse(words, 1, 1).front());
    if (arguments.transfer.framing_or_none() != Framing::none && server_options.chosen_type() == NTPIPE_TYPE_BYTE) {
        throw Failure(exit_usage, "--framing is for message pipes; a byte pipe has no messages");
    }
    Session session = open_session(session_options);
    PipeServer server(session, arguments.name, server_options, [&](End& pipe) {
        return arguments.command.empty() ? echo(pipe, arguments.transfer)
                                         : run_command(session.events(), pipe, arguments);
    });
    return run_server(session, server.run());
}

} // namespace ntpipe::tools

// SPDX-License-Identifier: LGPL-2.1-or-later
// relay.cc: ntpipe relay: joins a pipe with a stream socket, for any number of clients, in either direction.
#include "address.hpp"
#include "failure.hpp"
#include "leg.hpp"
#include "pipe_name.hpp"
#include "pipe_server.hpp"
#include "subcommand.hpp"

#include <fcntl.h>
#include <sys/resource.h>

namespace ntpipe::tools {
namespace {

constexpr Usage usage{
    "relay", "NAME unix:PATH|tcp:HOST:PORT",
    R"(Serves the pipe and connects each of its clients with the socket; with --listen the other way round: listens on the
socket and opens the pipe for each connection. Any number of clients; it runs until it is interrupted.

A byte pipe (the default; see --type) needs nothing more. A socket has no messages, so for a message pipe --framing must
say how they stand in the stream:
  none    they run together, and what one read of the socket gives is a message
  line    each is a line; the newline is not part of the message
  length  each behind its length, four bytes, the lowest first

When a client of the pipe goes, what it has written still reaches the socket. When the socket's peer ends its stream, the
pipe stays open for answers until none came for --linger seconds. A Unix socket that is listened on is for this user only.)"};

/// A client that finds the pipe busy waits so long, unless told otherwise.
constexpr std::int64_t usual_wait_ms = 10000;

struct Arguments {
    std::string name;
    ServerOptions server;
    TransferOptions transfer;
    std::optional<std::int64_t> wait_ms = usual_wait_ms;
    bool listen = false;
};

class Relay {
public:
    Relay(Session& session, const Arguments& arguments, const Address& address)
        : session_(session), arguments_(arguments), address_(address)
    {
    }

    Task<> serve_pipe_client(End& pipe)
    {
        Descriptor socket = co_await address_.connect(session_.events());
        co_await join(pipe, std::move(socket));
    }

    Task<> listen_on_socket()
    {
        Listener listener(session_.events(), address_);
        if (!arguments_.server.quiet) {
            say("listening on " + listener.text());
        }
        for (;;) {
            tasks_.add(serve_socket_client(co_await listener.accept()));
        }
    }

private:
    Task<> serve_socket_client(Descriptor accepted)
    {
        try {
            Descriptor socket = std::move(accepted); // a parameter would live on until the next connection
            End pipe = co_await open_pipe(session_, arguments_.name, arguments_.wait_ms);
            if (is_message_pipe(pipe) && !arguments_.transfer.framing) {
                throw Failure(exit_failed,
                              shown(arguments_.name) + " is a message pipe: --framing none, line or length is needed");
            }
            co_await join(pipe, std::move(socket));
        } catch (const Failure& failure) {
            say(failure.what());
        }
    }

    Task<> join(End& pipe, Descriptor socket)
    {
        TransferOptions options = arguments_.transfer;
        if (!is_message_pipe(pipe)) {
            options.framing = Framing::none;
        }
        Descriptor again(session_.events(), ::fcntl(socket.get(), F_DUPFD_CLOEXEC, 0));
        if (again.get() < 0) {
            throw failure_of_errno("no descriptor for a connection");
        }
        PipeLeg pipe_leg(pipe, options.framing_or_none() != Framing::none, options.max_message);
        StreamLeg stream(std::move(socket), std::move(again), options);
        co_await bridge(session_.events(), pipe_leg, stream, options);
        co_await finish(session_.events(), stream, options.linger);
    }

    Session& session_;
    const Arguments& arguments_;
    const Address& address_;
    Tasks tasks_;
};

void raise_descriptor_limit()
{
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        ::setrlimit(RLIMIT_NOFILE, &limit);
    }
}

} // namespace

int run_relay(const Words& words)
{
    Options options(usage);
    SessionOptions session_options;
    Arguments arguments;
    arguments.server.default_type = NTPIPE_TYPE_BYTE;
    options.flag("listen", 'l', arguments.listen, "listen on the socket, and open the pipe for each connection");
    arguments.transfer.declare_framing(options);
    arguments.transfer.declare_linger(options);
    options.seconds("wait", 'w', arguments.wait_ms,
                    "with --listen: if all instances are busy, wait so long for one (default 10)");
    arguments.server.declare(options);
    session_options.declare(options);
    const auto given = options.parse(words, 2, 2);
    arguments.name = pipe_name(given.front());
    const bool message = arguments.server.chosen_type() == NTPIPE_TYPE_MESSAGE;
    if (!arguments.listen && message != arguments.transfer.framing.has_value()) {
        throw Failure(
            exit_usage,
            message ? "a socket has no messages: say with --framing none, line or length how they stand in its stream"
                    : "--framing is for message pipes: add --type message");
    }
    const Address address(given.back());
    raise_descriptor_limit();
    Session session = open_session(session_options);
    Relay relay(session, arguments, address);
    if (arguments.listen) {
        return run_server(session, relay.listen_on_socket());
    }
    PipeServer server(session, arguments.name, arguments.server,
                      [&](End& pipe) { return relay.serve_pipe_client(pipe); });
    return run_server(session, server.run());
}

} // namespace ntpipe::tools

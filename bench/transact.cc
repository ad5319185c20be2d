// SPDX-License-Identifier: LGPL-2.1-or-later
// transact.cc: the round trip of a small transact between two processes, beside a raw SOCK_SEQPACKET ping-pong.
//
// Both use the same event loop (tevent on epoll) on both sides, with one server process each, in one run: rounds of the one and
// of the other take turns, so that both meet the same noise. A ratio is taken per round; the median over rounds counts. All
// processes are pinned, once to one processor (a wake-up is a context switch) and once client and servers apart (a wake-up is
// an interrupt to another processor, which a virtual machine makes expensive).
//
// usage: transact [--rounds N] [--calls N] [--size BYTES] [--json]     needs NTPIPE_DIR, and NTPIPE_BROKER in the build tree
// With --json each placement is one line with every round, in microseconds per call.
#include <ntpipe.hpp>

#include <fcntl.h>
#include <popt.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <string>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* pipe_name = "bench-transact";
constexpr std::uint32_t quota = 65536;

struct Options {
    int rounds = 21;
    int calls = 2000;
    int size = 64;
    int json = 0;
};

[[noreturn]] void fail(const std::string& what)
{
    std::cerr << "transact: " << what << '\n';
    std::exit(1);
}

void pin(int processor)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(static_cast<std::size_t>(processor), &set);
    (void)::sched_setaffinity(0, sizeof(set), &set); // where that is not allowed, all run where they like
}

// ---- SOCK_SEQPACKET, through tevent ----

struct Echo {
    int socket = -1;
    tevent_fd* event = nullptr;
    std::vector<char> buffer;
};

[[noreturn]] void serve_socket(int socket, int size)
{
    tevent_context* events = tevent_context_init(nullptr);
    Echo echo{socket, nullptr, std::vector<char>(static_cast<std::size_t>(size) + 1)};
    echo.event = tevent_add_fd(
        events, events, socket, TEVENT_FD_READ,
        [](tevent_context*, tevent_fd*, std::uint16_t, void* data) {
            auto* self = static_cast<Echo*>(data);
            const ssize_t count = ::recv(self->socket, self->buffer.data(), self->buffer.size(), 0);
            if (count <= 0) {
                ::_exit(0);
            }
            (void)!::send(self->socket, self->buffer.data(), static_cast<std::size_t>(count), 0);
        },
        &echo);
    tevent_loop_wait(events);
    ::_exit(1);
}

class SocketClient {
public:
    explicit SocketClient(int socket, int size)
        : events_(tevent_context_init(nullptr)), socket_(socket), data_(static_cast<std::size_t>(size), 'x')
    {
        tevent_add_fd(
            events_, events_, socket, TEVENT_FD_READ,
            [](tevent_context*, tevent_fd*, std::uint16_t, void* data) {
                auto* self = static_cast<SocketClient*>(data);
                const ssize_t count = ::recv(self->socket_, self->data_.data(), self->data_.size(), 0);
                self->answered_ = count == static_cast<ssize_t>(self->data_.size());
            },
            this);
    }
    void call()
    {
        answered_ = false;
        if (::send(socket_, data_.data(), data_.size(), 0) < 0) {
            fail("send");
        }
        while (!answered_) {
            tevent_loop_once(events_);
        }
    }

private:
    tevent_context* events_;
    int socket_;
    std::vector<char> data_;
    bool answered_ = false;
};

// ---- ntpipe ----

ntpipe::CreateParameters pipe_parameters()
{
    ntpipe::CreateParameters parameters;
    parameters.inbound_quota = parameters.outbound_quota = quota;
    return parameters;
}

ntpipe::Task<> serve_pipe(ntpipe::Session& session, int ready, int size)
{
    auto pipe = co_await session.create(pipe_name, pipe_parameters());
    if (!pipe) {
        fail(std::string("create: ") + text_of(pipe.status()));
    }
    (void)!::write(ready, "r", 1);
    std::vector<std::byte> buffer(static_cast<std::size_t>(size));
    co_await pipe->listen();
    while (const auto got = co_await pipe->read(buffer)) {
        co_await pipe->write(std::span(buffer).first(got.size));
    }
}

ntpipe::Task<> call_pipe(ntpipe::End& pipe, std::vector<std::byte>& data, int calls)
{
    for (int i = 0; i < calls; ++i) {
        const auto got = co_await pipe.transceive(data, data);
        if (got.status != ntpipe::Status::success) {
            fail(std::string("transceive: ") + text_of(got.status));
        }
    }
}

// ---- rounds ----

template <typename Work>
double microseconds_per_call(int calls, Work&& work)
{
    const auto start = Clock::now();
    work();
    const std::chrono::duration<double, std::micro> took = Clock::now() - start;
    return took.count() / calls;
}

double median(std::vector<double> values)
{
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

Options parse(int argc, const char** argv)
{
    Options options;
    const poptOption table[] = {{"rounds", 0, POPT_ARG_INT, &options.rounds, 0, "rounds of each", "N"},
                                {"calls", 0, POPT_ARG_INT, &options.calls, 0, "calls in a round", "N"},
                                {"size", 0, POPT_ARG_INT, &options.size, 0, "bytes each way", "N"},
                                {"json", 0, POPT_ARG_NONE, &options.json, 0, "every round, for programs", nullptr},
                                POPT_AUTOHELP POPT_TABLEEND};
    poptContext context = poptGetContext("transact", argc, argv, table, 0);
    if (poptGetNextOpt(context) < -1 || options.rounds < 1 || options.calls < 1 || options.size < 1) {
        fail("wrong options; see --help");
    }
    poptFreeContext(context);
    return options;
}

void print_json(const Options& options, int server_processor, const std::vector<double>& by_socket,
                const std::vector<double>& by_pipe)
{
    std::printf("{\"size\": %d, \"calls\": %d, \"processors\": %d, \"rounds\": [", options.size, options.calls,
                server_processor + 1);
    for (std::size_t i = 0; i < by_pipe.size(); ++i) {
        std::printf("%s{\"ours\": %.3f, \"peer\": %.3f}", i == 0 ? "" : ", ", by_pipe[i], by_socket[i]);
    }
    std::printf("]}\n");
}

void run(const Options& options, int server_processor)
{
    pin(0);
    int sockets[2];
    int ready[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) != 0 || ::pipe2(ready, O_CLOEXEC) != 0) {
        fail("socketpair");
    }
    const pid_t socket_server = ::fork();
    if (socket_server == 0) {
        pin(server_processor);
        ::close(sockets[0]);
        ::close(ready[0]);
        ::close(ready[1]); // its last copy is the pipe server's: that it fails is seen by its end
        serve_socket(sockets[1], options.size);
    }
    ::close(sockets[1]);
    const pid_t pipe_server = ::fork();
    if (pipe_server == 0) {
        pin(server_processor);
        ::close(sockets[0]);
        auto session = ntpipe::Session::open();
        session->run(serve_pipe(*session, ready[1], options.size));
        ::_exit(0);
    }
    ::close(ready[1]);
    char byte = 0;
    if (::read(ready[0], &byte, 1) != 1) {
        fail("the pipe server did not start");
    }
    auto session = ntpipe::Session::open();
    auto pipe = session->connect(pipe_name).get();
    if (!pipe || pipe->set_modes(NTPIPE_READ_MESSAGE) != ntpipe::Status::success) {
        fail(std::string("open: ") + text_of(pipe.status()));
    }
    SocketClient socket(sockets[0], options.size);
    std::vector<std::byte> data(static_cast<std::size_t>(options.size));
    std::vector<double> by_socket;
    std::vector<double> by_pipe;
    std::vector<double> ratios;
    for (int round = -1; round < options.rounds; ++round) { // the first one warms up
        const double a = microseconds_per_call(options.calls, [&] {
            for (int i = 0; i < options.calls; ++i) {
                socket.call();
            }
        });
        const double b =
            microseconds_per_call(options.calls, [&] { session->run(call_pipe(*pipe, data, options.calls)); });
        if (round >= 0) {
            by_socket.push_back(a);
            by_pipe.push_back(b);
            ratios.push_back(b / a);
        }
    }
    pipe->close();
    ::close(sockets[0]);
    for (const pid_t child : {socket_server, pipe_server}) {
        ::waitpid(child, nullptr, 0);
    }
    if (options.json != 0) {
        print_json(options, server_processor, by_socket, by_pipe);
        return;
    }
    std::printf("transact of %d bytes, two processes on %s, tevent on both sides, medians of %d rounds of %d calls\n",
                options.size, server_processor == 0 ? "one processor" : "two processors", options.rounds,
                options.calls);
    std::printf("  SOCK_SEQPACKET ping-pong  %8.2f us\n", median(by_socket));
    std::printf("  ntpipe transceive         %8.2f us\n", median(by_pipe));
    std::printf("  ratio per round           %8.2f\n", median(ratios));
}

} // namespace

int main(int argc, const char** argv)
{
    const Options options = parse(argc, argv);
    run(options, 0);
    if (::sysconf(_SC_NPROCESSORS_ONLN) > 1) {
        run(options, 1);
    }
    return 0;
}

// SPDX-License-Identifier: LGPL-2.1-or-later
// kill_client.cc: a client of checked_echo that looks at every byte and every number, while somebody kills and stops whom he likes. It
// opens the pipe, sends, flushes, reads and closes, at random, until standard input is closed, but not before it has had a message back.
// A pipe that breaks, or is not there, although its server lives, is a fault.
//
// usage: kill_client DIRECTORY NAME STREAM WITNESS SERVER GROUP [STEPS]
//   STREAM   the first of 1024 numbers of streams that no other client has
//   WITNESS  the file in which checked_echo says how far it has read each stream (checked_stream.hpp)
//   SERVER   whose deaths there excuse that a pipe breaks
//   GROUP    with whose clients it is counted there. Of group 0 even the names stay as long as the server lives
//   STEPS    how much is done with a pipe at most before it is closed (40)
// On standard output: "wrong: ..." for what should not be.
#include <ntpipe.hpp>

#include "checked_stream.hpp"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <random>

namespace {

using ntpipe::Status;
using namespace ntpipe::checked;

constexpr unsigned patience = 60; // seconds without anything done

constexpr std::uint64_t streams_of_one = 1024;

/// What this client is, and has done.
struct Client {
    explicit Client(char** arguments)
        : name(arguments[2]),
          first(std::strtoull(arguments[3], nullptr, 10)),
          witness(arguments[4]),
          server(std::strtoull(arguments[5], nullptr, 10)),
          group(std::strtoull(arguments[6], nullptr, 10)),
          most_steps(arguments[7] == nullptr ? 40 : std::strtoul(arguments[7], nullptr, 10)),
          random(static_cast<unsigned>(first))
    {
    }

    void count(Counted kind) const { witness.count(group, kind); }
    void fault(const std::string& what) const
    {
        count(Counted::wrong);
        say("wrong: " + what);
    }
    // Whether somebody has killed the server since its deaths were so many.
    [[nodiscard]] bool server_died_since(std::uint64_t deaths) const
    {
        return deaths % 2 != 0 || witness.deaths(server) != deaths;
    }

    std::string name;
    std::uint64_t first;
    Witness witness;
    Bodies bodies;
    std::size_t server;
    std::size_t group;
    std::minstd_rand::result_type most_steps;
    std::minstd_rand random;
    bool has_talked = false;
};

/// The pipe has lost its server.
struct Broken {};

const char* doing = "";

void hangs(int /*signal*/)
{
    constexpr char text[] = "wrong: it hangs in ";
    (void)!::write(STDOUT_FILENO, text, sizeof(text) - 1);
    const char* what = doing;
    (void)!::write(STDOUT_FILENO, what, std::strlen(what));
    (void)!::write(STDOUT_FILENO, "\n", 1);
    ::_exit(1);
}

void begin(const char* what)
{
    doing = what;
    ::alarm(patience);
}

// Not before something was done.
bool is_over(const Client& client)
{
    pollfd input{STDIN_FILENO, POLLIN, 0};
    return client.has_talked && ::poll(&input, 1, 0) != 0;
}

class Conversation {
public:
    Conversation(ntpipe::End pipe, std::uint64_t stream, Client& client)
        : pipe_(std::move(pipe)), stream_(stream), client_(client), buffer_(longest_message)
    {
        client_.witness.has_read(stream_, 0);
    }

    void hold()
    {
        check(pipe_.set_modes(NTPIPE_READ_MESSAGE), "set the mode");
        const auto steps = 1 + client_.random() % client_.most_steps;
        for (std::size_t step = 0; step < steps && !is_over(client_); ++step) {
            switch (client_.random() % 4) {
            case 0:
                transceive();
                break;
            case 1:
                write_and_flush();
                break;
            default:
                several();
                break;
            }
        }
    }

private:
    [[nodiscard]] std::string here() const { return "stream " + std::to_string(stream_) + ", "; }
    void check(Status status, const char* what) const
    {
        switch (status) {
        case Status::success:
            return;
        case Status::pipe_broken:
        case Status::pipe_closing:
        case Status::pipe_disconnected:
        case Status::invalid_pipe_state: // TRANSCEIVE's word for it
            throw Broken();
        default:
            client_.fault(here() + what + ": " + std::string(name_of(status)));
            throw Broken();
        }
    }
    std::vector<std::byte> next()
    {
        const std::size_t most = client_.random() % 20 == 0 ? longest_body : 1000;
        return client_.bodies.message({stream_, number_++}, client_.random() % most);
    }
    void expect(std::span<const std::byte> got, const std::vector<std::byte>& sent)
    {
        if (!std::equal(got.begin(), got.end(), sent.begin(), sent.end())) {
            client_.fault(here() + "what comes back is not message " + std::to_string(number_ - 1));
        }
        client_.count(Counted::messages);
        client_.has_talked = true;
    }
    void read(const std::vector<std::byte>& sent)
    {
        begin("read");
        const auto got = pipe_.read(buffer_).get();
        check(got.status, "read");
        expect(std::span(buffer_).first(got.size), sent);
    }
    void write(const std::vector<std::byte>& message)
    {
        begin("write");
        check(pipe_.write(message).get().status, "write");
    }
    void transceive()
    {
        const auto message = next();
        begin("transceive");
        const auto got = pipe_.transceive(message, buffer_).get();
        check(got.status, "transceive");
        expect(std::span(buffer_).first(got.size), message);
    }
    // What was flushed, its reader has.
    void write_and_flush()
    {
        const auto message = next();
        write(message);
        begin("flush");
        check(pipe_.flush().get(), "flush");
        if (client_.witness.read_of(stream_) < number_ - 1) { // the last is read, and may not be looked at yet
            client_.fault(here() + "message " + std::to_string(number_ - 2) + " was flushed, and nobody has it");
        }
        client_.count(Counted::flushed);
        read(message);
        if (client_.witness.read_of(stream_) < number_) {
            client_.fault(here() + "an answer to what nobody has read");
        }
    }
    void several()
    {
        std::vector<std::vector<std::byte>> sent;
        for (auto count = 1 + client_.random() % 5; count != 0; --count) {
            sent.push_back(next());
            sent.back().resize(std::min<std::size_t>(sent.back().size(), 5000)); // the server's quota holds all of them
            write(sent.back());
        }
        for (const auto& message : sent) {
            read(message);
        }
    }

    ntpipe::End pipe_;
    std::uint64_t stream_;
    std::uint64_t number_ = 0;
    Client& client_;
    std::vector<std::byte> buffer_;
};

void talk(ntpipe::End pipe, std::uint64_t stream, Client& client, std::uint64_t deaths)
{
    client.count(Counted::opens);
    try {
        Conversation(std::move(pipe), stream, client).hold();
    } catch (const Broken&) {
        client.count(Counted::broken);
        if (!client.server_died_since(deaths)) {
            client.fault("stream " + std::to_string(stream) + " broke although its server lives");
        }
    }
}

void live(ntpipe::Session& session, Client& client)
{
    for (std::uint64_t opened = 0; !is_over(client);) {
        const std::uint64_t deaths = client.witness.deaths(client.server);
        begin("open");
        auto pipe = session.connect(client.name).get();
        switch (pipe.status()) {
        case Status::success:
            talk(*std::move(pipe), client.first + opened++ % streams_of_one, client, deaths);
            break;
        case Status::pipe_not_available:
            begin("wait");
            (void)ntpipe_wait(session.get(), client.name.c_str(), 500);
            break;
        case Status::object_name_not_found:
            if (client.group == 0 && !client.server_died_since(deaths)) {
                client.fault("the name is gone although its server lives");
            }
            [[fallthrough]];
        case Status::connection_refused: // the broker was killed before it was ever seen
            ::poll(nullptr, 0, 20);
            break;
        default:
            client.fault("open: " + std::string(name_of(pipe.status())));
            ::poll(nullptr, 0, 20);
            break;
        }
    }
}

} // namespace

int main(int argc, char** argv)
{
    if (argc != 7 && argc != 8) {
        return 2;
    }
    (void)::signal(SIGALRM, hangs);
    ntpipe::SessionParameters parameters;
    parameters.directory = argv[1];
    parameters.never_start_broker = true;
    auto session = ntpipe::Session::open(parameters);
    if (!session) {
        return 1;
    }
    Client client(argv);
    live(*session, client);
    return 0;
}

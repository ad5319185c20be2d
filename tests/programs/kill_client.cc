// SPDX-License-Identifier: LGPL-2.1-or-later
// kill_client.cc: a client of checked_echo that looks at every byte and every number, while somebody kills and stops whom he likes. It
// opens the pipe, sends, flushes, reads and closes, at random, until standard input is closed, but
// not before it has had a message back.
//
// usage: kill_client DIRECTORY NAME STREAM WITNESS
//   STREAM   a number that no other client has; the streams that follow are STREAM + 1, ... up to the next multiple of 65536
//   WITNESS  the file in which checked_echo says how far it has read each stream
// On standard output: "wrong: ..." for what should not be; at the end "messages N flushed N opens N broken N".
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

struct Counts {
    std::uint64_t messages = 0;
    std::uint64_t flushed = 0;
    std::uint64_t opens = 0;
    std::uint64_t broken = 0;
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
bool is_over(const Counts& counts)
{
    pollfd input{STDIN_FILENO, POLLIN, 0};
    return counts.messages != 0 && ::poll(&input, 1, 0) != 0;
}

class Conversation {
public:
    Conversation(ntpipe::End pipe, std::uint64_t stream, const Bodies& bodies, const Witness& witness, Counts& counts,
                 std::minstd_rand& random)
        : pipe_(std::move(pipe)),
          stream_(stream),
          bodies_(bodies),
          witness_(witness),
          counts_(counts),
          random_(random),
          buffer_(longest_message)
    {
    }

    void hold()
    {
        check(pipe_.set_modes(NTPIPE_READ_MESSAGE), "set the mode");
        const auto steps = 1 + random_() % 40;
        for (std::size_t step = 0; step < steps && !is_over(counts_); ++step) {
            switch (random_() % 4) {
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
            say("wrong: stream " + std::to_string(stream_) + ", " + what + ": " + std::string(name_of(status)));
            throw Broken();
        }
    }
    std::vector<std::byte> next()
    {
        const std::size_t most = random_() % 20 == 0 ? longest_body : 1000;
        return bodies_.message({stream_, number_++}, random_() % most);
    }
    void expect(std::span<const std::byte> got, const std::vector<std::byte>& sent)
    {
        if (!std::equal(got.begin(), got.end(), sent.begin(), sent.end())) {
            say("wrong: stream " + std::to_string(stream_) + ", what comes back is not message " +
                std::to_string(number_ - 1));
        }
        ++counts_.messages;
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
        if (witness_.read_of(stream_) < number_ - 1) { // the last is read, and may not be looked at yet
            say("wrong: stream " + std::to_string(stream_) + ", message " + std::to_string(number_ - 2) +
                " was flushed, and nobody has it");
        }
        ++counts_.flushed;
        read(message);
        if (witness_.read_of(stream_) < number_) {
            say("wrong: stream " + std::to_string(stream_) + ", an answer to what nobody has read");
        }
    }
    void several()
    {
        std::vector<std::vector<std::byte>> sent;
        for (auto count = 1 + random_() % 5; count != 0; --count) {
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
    const Bodies& bodies_;
    const Witness& witness_;
    Counts& counts_;
    std::minstd_rand& random_;
    std::vector<std::byte> buffer_;
};

} // namespace

int main(int argc, char** argv)
{
    if (argc != 5) {
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
    const std::string name = argv[2];
    std::uint64_t stream = std::strtoull(argv[3], nullptr, 10);
    const Witness witness(argv[4]);
    const Bodies bodies;
    Counts counts;
    std::minstd_rand random(static_cast<unsigned>(stream));
    while (!is_over(counts)) {
        begin("open");
        auto pipe = session->connect(name).get();
        switch (pipe.status()) {
        case Status::success:
            ++counts.opens;
            try {
                Conversation(*std::move(pipe), stream++, bodies, witness, counts, random).hold();
            } catch (const Broken&) {
                ++counts.broken;
            }
            break;
        case Status::pipe_not_available:
            begin("wait");
            (void)ntpipe_wait(session->get(), name.c_str(), 500);
            break;
        case Status::object_name_not_found: // its server was killed
        case Status::connection_refused:    // so was the broker, before it was ever seen
            ::poll(nullptr, 0, 20);
            break;
        default:
            say("wrong: open: " + std::string(name_of(pipe.status())));
            ::poll(nullptr, 0, 20);
            break;
        }
    }
    say("messages " + std::to_string(counts.messages) + " flushed " + std::to_string(counts.flushed) + " opens " +
        std::to_string(counts.opens) + " broken " + std::to_string(counts.broken));
    return 0;
}

// SPDX-License-Identifier: LGPL-2.1-or-later
// numbered_stream.cc: a server and a client that stream numbered messages as fast as they can, and check each byte of them.
//
// usage: numbered_stream DIRECTORY serve NAME | send NAME        what happens is told on standard output, in JSON
// It is sent until standard input is closed.
#include <ntpipe.hpp>

#include <poll.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <string>

namespace {

using ntpipe::Status;

// Most messages are small. Some are larger than the quota, and some larger than any ring that the broker makes for it.
constexpr std::size_t largest = std::size_t{150} * 1000;
constexpr std::uint64_t large_every = 997;
constexpr std::uint64_t larger_than_ring_every = 9973;
constexpr std::uint64_t look_every = 256;

std::size_t size_of(std::uint64_t number)
{
    if (number % larger_than_ring_every == 1) {
        return largest;
    }
    return number % large_every == 1 ? 20000 : sizeof(number) + number % 200;
}

// The bytes of a message say which one it is, at each place.
void fill(std::span<std::byte> message, std::uint64_t number)
{
    for (std::size_t at = 0; at < message.size(); at += sizeof(number)) {
        const std::uint64_t word = number * 0x9E3779B97F4A7C15U + at;
        std::memcpy(message.data() + at, &word, std::min(sizeof(word), message.size() - at));
    }
}

void say(const std::string& json)
{
    std::cout << json << '\n' << std::flush;
}

std::string field(const char* name, std::uint64_t value)
{
    return std::string("\"") + name + "\": " + std::to_string(value);
}

std::uint64_t number_of(Status status)
{
    return raw(status);
}

ntpipe::Session open_session(const char* directory)
{
    ntpipe::SessionParameters parameters;
    parameters.directory = directory;
    parameters.never_start_broker = true;
    auto session = ntpipe::Session::open(parameters);
    if (!session) {
        std::cerr << "session: " << text_of(session.status()) << '\n';
        std::exit(1);
    }
    return *std::move(session);
}

ntpipe::Task<> serve(ntpipe::Session& session, std::string name)
{
    auto pipe = co_await session.create(name);
    if (!pipe) {
        std::cerr << "create: " << text_of(pipe.status()) << '\n';
        std::exit(1);
    }
    say("{\"ready\": true}");
    std::vector<std::byte> buffer(largest);
    std::vector<std::byte> expected(largest);
    co_await pipe->listen();
    std::uint64_t received = 0;
    std::uint64_t wrong = 0;
    ntpipe::Transfer got;
    while ((got = co_await pipe->read(buffer)).status == Status::success) {
        const auto wanted = std::span(expected).first(size_of(received));
        fill(wanted, received);
        wrong += got.size == wanted.size() && std::memcmp(buffer.data(), wanted.data(), got.size) == 0 ? 0U : 1U;
        ++received;
    }
    say("{" + field("received", received) + ", " + field("wrong", wrong) + ", " +
        field("status", number_of(got.status)) + "}");
    pipe->disconnect();
    co_await pipe->listen();
    got = co_await pipe->read(buffer);
    say("{" + field("again", number_of(got.status)) + "}");
}

bool is_told_to_stop()
{
    pollfd input{STDIN_FILENO, POLLIN, 0};
    return ::poll(&input, 1, 0) > 0;
}

ntpipe::Task<> send(ntpipe::Session& session, std::string name)
{
    auto pipe = co_await session.connect(name);
    if (!pipe) {
        std::cerr << "open: " << text_of(pipe.status()) << '\n';
        std::exit(1);
    }
    say("{\"connected\": true}");
    std::vector<std::byte> message(largest);
    std::uint64_t sent = 0;
    Status status = Status::success;
    while (status == Status::success && (sent % look_every != 0 || !is_told_to_stop())) {
        const auto data = std::span(message).first(size_of(sent));
        fill(data, sent);
        const auto done = co_await pipe->write(data);
        status = done.status;
        sent += status == Status::success && done.size == data.size() ? 1 : 0;
    }
    const Status flushed = co_await pipe->flush();
    say("{" + field("sent", sent) + ", " + field("status", number_of(status)) + ", " +
        field("flush", number_of(flushed)) + "}");
    pipe->close();
    co_await session.wait(name, std::chrono::seconds(30));
    auto again = co_await session.connect(name);
    if (again) {
        co_await again->write("again");
        co_await again->flush();
    }
    say("{" + field("again", number_of(again ? Status::success : again.status())) + "}");
}

} // namespace

int main(int argc, char** argv)
{
    if (argc == 4 && std::string_view(argv[2]) == "serve") {
        auto session = open_session(argv[1]);
        session.run(serve(session, argv[3]));
        return 0;
    }
    if (argc == 4 && std::string_view(argv[2]) == "send") {
        auto session = open_session(argv[1]);
        session.run(send(session, argv[3]));
        return 0;
    }
    std::cerr << "usage: numbered_stream DIRECTORY serve NAME | send NAME\n";
    return 2;
}

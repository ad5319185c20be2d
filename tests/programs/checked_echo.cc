// SPDX-License-Identifier: LGPL-2.1-or-later
// checked_echo.cc: a server that gives each message back after it has looked at every byte of it: the messages of a stream are
// numbered, and their bytes follow from that (tests/samba/load.py makes them).
//
// usage: checked_echo DIRECTORY NAME INSTANCES        serves until standard input is closed
// On standard output, a line each: "ready"; "wrong: ..." for what should not be; at the end "streams N messages N".
#include <ntpipe.hpp>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <string>

namespace {

using ntpipe::Status;

constexpr std::uint32_t quota = 65536;
constexpr std::size_t longest_body = 65536;
constexpr std::size_t table_size = 2 * longest_body;

struct Header {
    std::uint64_t stream;
    std::uint64_t number;
};

constexpr std::size_t longest_message = sizeof(Header) + longest_body;

/// The body of each message is a piece of this table.
class Bodies {
public:
    Bodies() : table_(table_size)
    {
        std::uint64_t state = 1;
        for (std::byte& each : table_) {
            state = state * 6364136223846793005U + 1442695040888963407U;
            each = static_cast<std::byte>(state >> 56U);
        }
    }

    [[nodiscard]] bool is(const Header& header, std::span<const std::byte> body) const
    {
        const std::uint64_t mixed = header.stream * 0x9E3779B97F4A7C15U + header.number * 0xD1B54A32D192ED03U;
        return std::memcmp(table_.data() + (mixed >> 48U), body.data(), body.size()) == 0;
    }

private:
    std::vector<std::byte> table_;
};

void say(const std::string& line)
{
    std::cout << line + '\n' << std::flush;
}

struct Counts {
    std::uint64_t streams = 0;
    std::uint64_t messages = 0;
};

/// What must be true of the messages of one client.
class Checker {
public:
    explicit Checker(const Bodies& bodies) : bodies_(bodies) {}

    void check(std::span<const std::byte> message)
    {
        Header header{};
        if (message.size() < sizeof(header)) {
            say("wrong: a message of " + std::to_string(message.size()) + " bytes");
            return;
        }
        std::memcpy(&header, message.data(), sizeof(header));
        const std::string where = "stream " + std::to_string(header.stream) + ", ";
        if (next_ != 0 && header.stream != stream_) {
            say("wrong: " + where + "where stream " + std::to_string(stream_) + " is");
        }
        if (header.number != next_) {
            say("wrong: " + where + "message " + std::to_string(header.number) + " instead of " +
                std::to_string(next_));
        }
        if (!bodies_.is(header, message.subspan(sizeof(header)))) {
            say("wrong: " + where + "the bytes of message " + std::to_string(header.number));
        }
        stream_ = header.stream;
        next_ = header.number + 1;
    }

private:
    const Bodies& bodies_;
    std::uint64_t stream_ = 0;
    std::uint64_t next_ = 0;
};

ntpipe::Task<> serve(ntpipe::End pipe, const Bodies& bodies, Counts& counts)
{
    std::vector<std::byte> buffer(longest_message);
    for (;;) {
        const Status listened = co_await pipe.listen();
        if (listened == Status::pipe_closing) { // a client was there between the two calls, and is gone
            pipe.disconnect();
            continue;
        }
        if (ntpipe::is_error(listened) && listened != Status::pipe_connected) {
            say("wrong: listen: " + std::string(name_of(listened)));
            co_return;
        }
        ++counts.streams;
        Checker checker(bodies);
        while (const auto got = co_await pipe.read(buffer)) {
            const auto message = std::span(buffer).first(got.size);
            checker.check(message);
            ++counts.messages;
            co_await pipe.write(message);
        }
        pipe.disconnect();
    }
}

ntpipe::Task<> serve_all(ntpipe::Session& session, std::string name, int instances, const Bodies& bodies,
                         Counts& counts)
{
    ntpipe::CreateParameters parameters;
    parameters.inbound_quota = parameters.outbound_quota = quota;
    std::uint8_t* everybody = nullptr;
    if (ntpipe_sddl_to_descriptor(nullptr, "D:(A;;FA;;;WD)", &everybody, &parameters.security_descriptor_length,
                                  nullptr) != NTPIPE_STATUS_SUCCESS) {
        std::exit(1);
    }
    const ntpipe::Talloc<std::uint8_t> owner(everybody);
    parameters.security_descriptor = everybody;
    ntpipe::Tasks all;
    for (int i = 0; i < instances; ++i) {
        auto pipe = co_await session.create(name, parameters);
        if (!pipe) {
            std::cerr << "create: " << text_of(pipe.status()) << '\n';
            std::exit(1);
        }
        all.add(serve(*std::move(pipe), bodies, counts));
    }
    say("ready");
    co_await std::suspend_always();
}

void input_is_closed(tevent_context*, tevent_fd*, std::uint16_t, void* data)
{
    const auto* counts = static_cast<const Counts*>(data);
    say("streams " + std::to_string(counts->streams) + " messages " + std::to_string(counts->messages));
    std::exit(0);
}

} // namespace

int main(int argc, char** argv)
{
    if (argc != 4) {
        std::cerr << "usage: checked_echo DIRECTORY NAME INSTANCES\n";
        return 2;
    }
    ntpipe::SessionParameters parameters;
    parameters.directory = argv[1];
    parameters.never_start_broker = true;
    auto session = ntpipe::Session::open(parameters);
    if (!session) {
        std::cerr << "session: " << text_of(session.status()) << '\n';
        return 1;
    }
    const Bodies bodies;
    Counts counts;
    if (tevent_add_fd(session->events(), nullptr, 0, TEVENT_FD_READ, input_is_closed, &counts) == nullptr) {
        return 1;
    }
    session->run(serve_all(*session, argv[2], std::atoi(argv[3]), bodies, counts));
    return 0;
}

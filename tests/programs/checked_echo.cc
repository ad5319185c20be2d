// SPDX-License-Identifier: LGPL-2.1-or-later
// checked_echo.cc: a server that gives each message back after it has looked at every byte of it: the messages of a stream are
// numbered, and their bytes follow from that (tests/samba/load.py makes them).
//
// usage: checked_echo DIRECTORY NAME INSTANCES [WITNESS]        serves until standard input is closed
//   WITNESS  a file that tells kill_client how far each stream was read
// On standard output, a line each: "ready"; "wrong: ..." for what should not be; at the end "streams N messages N".
#include <ntpipe.hpp>

#include "checked_stream.hpp"

#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <optional>
#include <string>

namespace {

using ntpipe::Status;
using namespace ntpipe::checked;

constexpr std::uint32_t quota = 65536;

struct Service {
    Bodies bodies;
    std::optional<Witness> witness;
    std::uint64_t streams = 0;
    std::uint64_t messages = 0;
};

/// What must be true of the messages of one client.
class Checker {
public:
    explicit Checker(Service& service) : service_(service) {}

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
        if (!service_.bodies.is(header, message.subspan(sizeof(header)))) {
            say("wrong: " + where + "the bytes of message " + std::to_string(header.number));
        }
        stream_ = header.stream;
        next_ = header.number + 1;
        if (service_.witness) {
            service_.witness->has_read(stream_, next_);
        }
    }

private:
    Service& service_;
    std::uint64_t stream_ = 0;
    std::uint64_t next_ = 0;
};

ntpipe::Task<> serve(ntpipe::End pipe, Service& service)
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
        ++service.streams;
        Checker checker(service);
        while (const auto got = co_await pipe.read(buffer)) {
            const auto message = std::span(buffer).first(got.size);
            checker.check(message);
            ++service.messages;
            co_await pipe.write(message);
        }
        pipe.disconnect();
    }
}

ntpipe::Task<> serve_all(ntpipe::Session& session, std::string name, int instances, Service& service)
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
        all.add(serve(*std::move(pipe), service));
    }
    say("ready");
    co_await std::suspend_always();
}

void input_is_closed(tevent_context*, tevent_fd*, std::uint16_t, void* data)
{
    const auto* service = static_cast<const Service*>(data);
    say("streams " + std::to_string(service->streams) + " messages " + std::to_string(service->messages));
    std::exit(0);
}

} // namespace

int main(int argc, char** argv)
{
    if (argc != 4 && argc != 5) {
        std::cerr << "usage: checked_echo DIRECTORY NAME INSTANCES [WITNESS]\n";
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
    Service service;
    if (argc == 5) {
        service.witness.emplace(argv[4]);
    }
    if (tevent_add_fd(session->events(), nullptr, 0, TEVENT_FD_READ, input_is_closed, &service) == nullptr) {
        return 1;
    }
    const auto instances = static_cast<int>(std::strtol(argv[3], nullptr, 10));
    session->run(serve_all(*session, argv[2], instances, service));
    return 0;
}

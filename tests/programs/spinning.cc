// SPDX-License-Identifier: LGPL-2.1-or-later
// spinning.cc: a server that echoes and a client that asks it, both of which may look before they sleep (ntpipe_session_set_spin).
//
// usage: spinning DIRECTORY MICROSECONDS serve NAME        says "ready" on standard output; serves until it is ended
//        spinning DIRECTORY MICROSECONDS ask NAME          for each line N of standard input asks N times; says "N right", or a status
#include <ntpipe.hpp>

#include <array>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <string>

namespace {

using ntpipe::Status;

constexpr std::size_t size = 64;
using Message = std::array<std::byte, size>;

Message numbered(std::uint64_t number)
{
    Message message{};
    std::memcpy(message.data(), &number, sizeof(number));
    message.back() = static_cast<std::byte>(number);
    return message;
}

ntpipe::Task<> serve(ntpipe::Session& session, std::string name)
{
    auto pipe = co_await session.create(name);
    if (!pipe) {
        std::cout << text_of(pipe.status()) << '\n' << std::flush;
        co_return;
    }
    std::cout << "ready" << '\n' << std::flush;
    Message message{};
    for (;;) {
        (void)co_await pipe->listen();
        while (const auto got = co_await pipe->read(message)) {
            (void)co_await pipe->write(std::span(message).first(got.size));
        }
        (void)pipe->disconnect();
    }
}

std::string ask(ntpipe::End& pipe, std::uint64_t count)
{
    static std::uint64_t number = 0;
    for (std::uint64_t i = 0; i < count; ++i) {
        const Message question = numbered(++number);
        Message answer{};
        const ntpipe::Transfer got = pipe.transceive(question, answer).get();
        if (got.status != Status::success) {
            return text_of(got.status);
        }
        if (got.size != size || answer != question) {
            return "wrong";
        }
    }
    return std::to_string(count) + " right";
}

int run(ntpipe::Session& session, const std::string& role, const std::string& name)
{
    if (role == "serve") {
        session.run(serve(session, name));
        return 1;
    }
    auto pipe = session.connect(name).get();
    if (!pipe || pipe->set_modes(NTPIPE_READ_MESSAGE) != Status::success) {
        std::cout << text_of(pipe.status()) << '\n' << std::flush;
        return 1;
    }
    for (std::uint64_t count = 0; std::cin >> count;) {
        std::cout << ask(*pipe, count) << '\n' << std::flush;
    }
    return 0;
}

} // namespace

int main(int argc, char** argv)
{
    if (argc != 5) {
        std::cerr << "usage: spinning DIRECTORY MICROSECONDS serve|ask NAME\n";
        return 2;
    }
    ntpipe::SessionParameters parameters;
    parameters.directory = argv[1];
    auto session = ntpipe::Session::open(parameters);
    if (!session) {
        std::cout << text_of(session.status()) << '\n' << std::flush;
        return 1;
    }
    session->set_spin(std::chrono::microseconds(std::strtoul(argv[2], nullptr, 10)));
    return run(*session, argv[3], argv[4]);
}

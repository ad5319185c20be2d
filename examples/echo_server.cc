// SPDX-License-Identifier: LGPL-2.1-or-later
// echo_server.cc: a message pipe that gives every message back, for any number of clients.
// usage: echo_server [NAME [SDDL]]
//
// What to know: a server creates *instances* of a pipe, and each serves one client at a time. co_await waits without blocking,
// so one thread serves all. The first program that uses a pipe starts the broker; there is nothing to set up.
#include <ntpipe.hpp>

#include <iostream>

using ntpipe::End;
using ntpipe::Session;
using ntpipe::Task;

namespace {

// One instance: it listens, serves a client until that goes, and listens again.
Task<> serve(End pipe)
{
    std::vector<std::byte> buffer(65536);
    for (;;) {
        co_await pipe.listen();
        // A read gives one message. A longer one comes in parts, and the answer goes in the same parts.
        while (const auto got = co_await pipe.read(buffer)) {
            co_await pipe.write(std::span(buffer).first(got.size));
        }
        pipe.disconnect();
    }
}

// All instances. A client that finds each of them busy can wait (WaitNamedPipe); with more instances fewer have to.
Task<> serve_all(Session& session, std::string name, const ntpipe::CreateParameters& parameters)
{
    ntpipe::Tasks instances;
    for (int i = 0; i < 4; ++i) {
        auto pipe = co_await session.create(name, parameters);
        if (!pipe) {
            std::cerr << "cannot create " << name << ": " << text_of(pipe.status()) << '\n';
            co_return;
        }
        instances.add(serve(*std::move(pipe)));
    }
    std::cout << "serving " << name << '\n' << std::flush;
    co_await std::suspend_always(); // the instances do the rest, until the program is ended
}

} // namespace

int main(int argc, char** argv)
{
    auto session = Session::open();
    if (!session) {
        std::cerr << text_of(session.status()) << '\n';
        return 1;
    }
    ntpipe::CreateParameters parameters; // the defaults: message type, both directions
    ntpipe::Talloc<std::uint8_t> descriptor;
    if (argc > 2) { // who may do what; by default users other than the server's may only read
        std::uint8_t* made = nullptr;
        if (ntpipe_sddl_to_descriptor(nullptr, argv[2], &made, &parameters.security_descriptor_length, nullptr) != 0) {
            std::cerr << "not a security descriptor: " << argv[2] << '\n';
            return 1;
        }
        descriptor.reset(made);
        parameters.security_descriptor = made;
    }
    session->run(serve_all(*session, argc > 1 ? argv[1] : R"(\\.\pipe\echo)", parameters));
    return 1;
}

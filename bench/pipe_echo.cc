// SPDX-License-Identifier: LGPL-2.1-or-later
// pipe_echo.cc: an echo server on libntpipe for the SMB2 benchmark: one message pipe, one client at a time. Says when it listens.
//
// usage: pipe_echo NAME
#include <ntpipe.hpp>

#include <iostream>
#include <string>
#include <unistd.h>
#include <vector>

namespace {

constexpr std::size_t longest_message = 65536;

ntpipe::Task<> serve(ntpipe::Session& session, std::string name)
{
    ntpipe::CreateParameters parameters;
    parameters.inbound_quota = parameters.outbound_quota = longest_message;
    std::uint8_t* everybody = nullptr;
    if (ntpipe_sddl_to_descriptor(nullptr, "D:(A;;FA;;;WD)", &everybody, &parameters.security_descriptor_length,
                                  nullptr) != NTPIPE_STATUS_SUCCESS) {
        co_return;
    }
    const ntpipe::Talloc<std::uint8_t> owner(everybody);
    parameters.security_descriptor = everybody;
    auto pipe = co_await session.create(name, parameters);
    if (!pipe) {
        std::cerr << "pipe_echo: " << text_of(pipe.status()) << '\n';
        co_return;
    }
    (void)!::write(STDOUT_FILENO, "r", 1);
    std::vector<std::byte> buffer(longest_message);
    for (;;) {
        co_await pipe->listen();
        while (const auto got = co_await pipe->read(buffer)) {
            co_await pipe->write(std::span(buffer).first(got.size));
        }
        pipe->disconnect();
    }
}

} // namespace

int main(int argc, char** argv)
{
    if (argc != 2) {
        std::cerr << "usage: pipe_echo NAME\n";
        return 2;
    }
    auto session = ntpipe::Session::open();
    if (!session) {
        std::cerr << "pipe_echo: " << text_of(session.status()) << '\n';
        return 1;
    }
    session->run(serve(*session, argv[1]));
    return 1;
}

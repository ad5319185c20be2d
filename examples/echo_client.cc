// SPDX-License-Identifier: LGPL-2.1-or-later
// echo_client.cc: sends a message to a pipe and prints the answer. usage: echo_client [NAME [TEXT]]
#include <ntpipe.hpp>

#include <iostream>

namespace {

ntpipe::Task<int> call(ntpipe::Session& session, std::string name, std::string text)
{
    auto pipe = co_await session.connect(name);
    while (pipe.status() == ntpipe::Status::pipe_not_available) { // every instance is busy: wait for one, and try again
        co_await session.wait(name, std::chrono::seconds(10));
        pipe = co_await session.connect(name);
    }
    if (!pipe) {
        std::cerr << "cannot open " << name << ": " << text_of(pipe.status()) << '\n';
        co_return 1;
    }
    // A client begins in byte mode, as on Windows. A transceive is one message there and one back, so it needs message mode.
    if (const auto status = pipe->set_modes(NTPIPE_READ_MESSAGE); status != ntpipe::Status::success) {
        std::cerr << "not a message pipe: " << text_of(status) << '\n';
        co_return 1;
    }
    std::vector<char> reply(65536);
    const auto got =
        co_await pipe->transceive(std::as_bytes(std::span(text)), std::as_writable_bytes(std::span(reply)));
    if (!got) {
        std::cerr << "no answer: " << text_of(got.status) << '\n';
        co_return 1;
    }
    std::cout << std::string_view(reply.data(), got.size) << '\n';
    co_return 0;
}

} // namespace

int main(int argc, char** argv)
{
    auto session = ntpipe::Session::open();
    if (!session) {
        std::cerr << text_of(session.status()) << '\n';
        return 1;
    }
    return session->run(call(*session, argc > 1 ? argv[1] : R"(\\.\pipe\echo)", argc > 2 ? argv[2] : "hello"));
}

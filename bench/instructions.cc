// SPDX-License-Identifier: LGPL-2.1-or-later
// instructions.cc: each hot path, counted by callgrind: both ends in this process, so that nothing is left to chance. Run by
// bench/instructions; without valgrind it does its work and counts nothing.
//
// usage: instructions CALLS
#include <ntpipe.hpp>

#include <valgrind/callgrind.h>

#include <cstdlib>
#include <iostream>
#include <optional>
#include <vector>

namespace {

using ntpipe::Status;

constexpr std::uint32_t quota = 256 * 1024;

void check(Status status)
{
    if (ntpipe::is_error(status)) {
        std::cerr << "instructions: " << ntpipe::text_of(status) << '\n';
        std::_Exit(1);
    }
}

/// A pipe within this process.
struct Fixture {
    Fixture()
    {
        ntpipe::CreateParameters parameters;
        parameters.inbound_quota = parameters.outbound_quota = quota;
        server.emplace(*session.create("counted", parameters).get());
        client.emplace(*session.connect("counted").get());
        check(client->set_modes(NTPIPE_READ_MESSAGE));
    }
    ntpipe::Session session = *ntpipe::Session::local();
    std::optional<ntpipe::End> server;
    std::optional<ntpipe::End> client;
    std::vector<std::byte> small = std::vector<std::byte>(64);
    std::vector<std::byte> large = std::vector<std::byte>(65536);
};

ntpipe::Task<> echo(Fixture& fixture)
{
    std::vector<std::byte> buffer(fixture.small.size());
    while (const auto got = co_await fixture.server->read(buffer)) {
        (void)co_await fixture.server->write(std::span(buffer).first(got.size));
    }
}

ntpipe::Task<> transact(Fixture& fixture, int calls)
{
    for (int i = 0; i < calls; ++i) {
        const auto got = co_await fixture.client->transceive(fixture.small, fixture.small);
        check(got.status);
    }
}

ntpipe::Task<> write_and_read(Fixture& fixture, std::vector<std::byte>& data, int calls)
{
    for (int i = 0; i < calls; ++i) {
        const auto written = co_await fixture.client->write(data);
        check(written.status);
        const auto got = co_await fixture.server->read(data);
        check(got.status);
    }
}

void try_both(Fixture& fixture, int calls)
{
    for (int i = 0; i < calls; ++i) {
        check(fixture.client->try_write(fixture.small).status);
        check(fixture.server->try_read(fixture.small).status);
    }
}

void open_and_close(Fixture& fixture, int calls)
{
    ntpipe::End server = *fixture.session.create("opened").get();
    for (int i = 0; i < calls; ++i) {
        std::optional<ntpipe::End> client = *fixture.session.connect("opened").get();
        client.reset();
        check(server.disconnect());
        auto listening = server.listen();
        (void)listening.done();
    }
}

} // namespace

#define COUNT(name, work)                                                                                              \
    do {                                                                                                               \
        CALLGRIND_ZERO_STATS;                                                                                          \
        work;                                                                                                          \
        CALLGRIND_DUMP_STATS_AT(name);                                                                                 \
    } while (false)

int main(int argc, char** argv)
{
    const int calls = argc == 2 ? static_cast<int>(std::strtol(argv[1], nullptr, 10)) : 0;
    if (calls < 1) {
        std::cerr << "usage: instructions CALLS\n";
        return 2;
    }
    Fixture fixture;
    fixture.session.run(write_and_read(fixture, fixture.large, 2)); // what only the first ones cost
    try_both(fixture, 16);
    COUNT("try", try_both(fixture, calls));
    COUNT("request", fixture.session.run(write_and_read(fixture, fixture.small, calls)));
    COUNT("request of 64 KiB", fixture.session.run(write_and_read(fixture, fixture.large, calls)));
    ntpipe::Task<> serving = echo(fixture);
    serving.start();
    fixture.session.run(transact(fixture, 2));
    COUNT("transact", fixture.session.run(transact(fixture, calls)));
    open_and_close(fixture, 2);
    COUNT("open and close", open_and_close(fixture, calls));
    return 0;
}

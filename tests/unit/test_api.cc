// SPDX-License-Identifier: LGPL-2.1-or-later
// test_api.cc: what the API adds to the layers below it: whose turn it is in the event loop.
#include "main.hpp"

#include "api/ntpipe.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <array>

namespace {

using namespace ntpipe;

constexpr int enough = 100000; // more than a program may do in a row

/// A session with a connected pipe, and somebody else's descriptor that is ready.
struct Fixture {
    Fixture()
    {
        other = ::eventfd(1, EFD_CLOEXEC);
        event = tevent_add_fd(
            session.events(), nullptr, other, TEVENT_FD_READ,
            [](tevent_context*, tevent_fd*, std::uint16_t, void* data) { *static_cast<bool*>(data) = true; }, &served);
    }
    Fixture(const Fixture&) = delete;
    Fixture& operator=(const Fixture&) = delete;
    ~Fixture()
    {
        talloc_free(event);
        ::close(other);
    }

    Session session = *Session::local();
    End server = *session.create("busy").get();
    End client = *session.connect("busy").get();
    bool served = false;
    int other = -1;
    tevent_fd* event = nullptr;
};

// Nothing of this ever has to wait.
Task<int> exchange(Fixture& fixture)
{
    std::array<std::byte, 8> buffer{};
    int rounds = 0;
    while (!fixture.served && rounds < enough) {
        co_await fixture.client.write(buffer);
        co_await fixture.server.read(buffer);
        ++rounds;
    }
    co_return rounds;
}

void test_busy_coroutine_lets_others_have_their_turn(void** /*state*/)
{
    Fixture fixture;
    assert_in_range(fixture.session.run(exchange(fixture)), 1, enough - 1);
}

void test_busy_blocking_program_lets_others_have_their_turn(void** /*state*/)
{
    Fixture fixture;
    std::array<char, 8> buffer{};
    int rounds = 0;
    while (!fixture.served && rounds < enough) {
        std::size_t size = 0;
        assert_int_equal(ntpipe_write(fixture.client.get(), buffer.data(), buffer.size(), &size), 0);
        assert_int_equal(ntpipe_read(fixture.server.get(), buffer.data(), buffer.size(), &size), 0);
        assert_int_equal(size, buffer.size());
        ++rounds;
    }
    assert_in_range(rounds, 1, enough - 1);
}

// What is done is done, also if its turn comes after its time.
void test_time_limit_loses_nothing_that_is_done(void** /*state*/)
{
    Fixture fixture;
    std::array<std::byte, 8> buffer{};
    for (int i = 0; i < 1000; ++i) {
        const Transfer written = fixture.client.write(buffer).within(std::chrono::milliseconds(0)).get();
        assert_int_equal(raw(written.status), 0);
        const Transfer got = fixture.server.read(buffer).within(std::chrono::milliseconds(0)).get();
        assert_int_equal(raw(got.status), 0);
        assert_int_equal(got.size, buffer.size());
    }
}

void test_freeing_what_waits_for_its_turn(void** /*state*/)
{
    Fixture fixture;
    std::array<std::byte, 8> buffer{};
    for (int i = 0; i < 1000; ++i) {
        auto write = fixture.client.write(buffer); // let go at once: what was done stays done
    }
    ntpipe_peek_info info{};
    (void)fixture.server.peek({}, info);
    assert_true(info.number_of_messages > 0);
    std::size_t left = info.number_of_messages;
    while (left > 0) {
        assert_int_equal(raw(fixture.server.read(buffer).get().status), 0);
        --left;
    }
}

} // namespace

NTPIPE_UNIT_MAIN(NTPIPE_UNIT_TEST(test_busy_coroutine_lets_others_have_their_turn),
                 NTPIPE_UNIT_TEST(test_busy_blocking_program_lets_others_have_their_turn),
                 NTPIPE_UNIT_TEST(test_time_limit_loses_nothing_that_is_done),
                 NTPIPE_UNIT_TEST(test_freeing_what_waits_for_its_turn))

// SPDX-License-Identifier: LGPL-2.1-or-later
// test_api.cc: what the API adds to the layers below it: whose turn it is in the event loop.
#include "check.hpp"
#include "main.hpp"

#include "api/ntpipe.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cstddef>

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

// Programs that were built before there was `not_offered`.
void test_gateway_handlers_of_before(void** /*state*/)
{
    Session session = *Session::local();
    GatewayParameters parameters;
    parameters.label = "before";
    parameters.what = NTPIPE_GATEWAY_RESOLVE;
    ntpipe_gateway_handlers handlers{};
    ntpipe_gateway* gateway = nullptr;
    const auto opened = [&](std::size_t size) {
        handlers.size = size;
        return static_cast<Status>(
            ntpipe_gateway_open(nullptr, session.get(), &parameters, &handlers, nullptr, &gateway));
    };
    const std::size_t before = offsetof(ntpipe_gateway_handlers, not_offered);
    for (const std::size_t size : {before, sizeof(handlers)}) {
        assert_status(opened(size), Status::not_supported); // what a local namespace says to all that is well
    }
    for (const std::size_t size : {std::size_t{0}, before - 1, before + 1, sizeof(handlers) + 1}) {
        assert_status(opened(size), Status::invalid_parameter);
    }
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

// ---- what is over at once needs no request ----

void test_begin_gives_what_is_over_at_once(void** /*state*/)
{
    Fixture fixture;
    tevent_context* events = fixture.session.events();
    std::array<char, 8> buffer{};
    ntpipe_status status = NTPIPE_STATUS_PENDING;
    std::size_t size = 0;
    assert_null(ntpipe_write_begin(nullptr, events, fixture.client.get(), "word", 4, &status, &size));
    assert_int_equal(status, NTPIPE_STATUS_SUCCESS);
    assert_int_equal(size, 4);
    assert_null(ntpipe_read_begin(nullptr, events, fixture.server.get(), buffer.data(), 3, &status, &size));
    assert_int_equal(status, NTPIPE_STATUS_BUFFER_OVERFLOW); // the server reads by message
    assert_int_equal(size, 3);
    assert_null(ntpipe_transceive_begin(nullptr, events, fixture.client.get(), "x", 1, buffer.data(), buffer.size(),
                                        &status, &size));
    assert_int_equal(status, NTPIPE_STATUS_INVALID_PIPE_STATE);
    assert_int_equal(size, 0);
    assert_null(ntpipe_control_begin(nullptr, events, fixture.client.get(), NTPIPE_FSCTL_PEEK, nullptr, 0, nullptr, 0,
                                     &status, nullptr));
    assert_int_equal(status, NTPIPE_STATUS_INVALID_PARAMETER);
    assert_null(ntpipe_read_begin(nullptr, nullptr, fixture.server.get(), buffer.data(), 1, &status, &size));
    assert_int_equal(status, NTPIPE_STATUS_INVALID_PARAMETER); // no event context of the session's
}

// What has to wait is a request as any other: it can be told by callback, cancelled and freed; what was over before leaves no trace in it.
void test_begin_gives_a_request_for_what_waits(void** /*state*/)
{
    Fixture fixture;
    tevent_context* events = fixture.session.events();
    std::array<char, 8> buffer{};
    ntpipe_status status = NTPIPE_STATUS_SUCCESS;
    std::size_t size = 0;
    for (int i = 0; i < 3; ++i) {
        assert_null(ntpipe_write_begin(nullptr, events, fixture.client.get(), "old", 3, &status, &size));
        assert_null(ntpipe_read_begin(nullptr, events, fixture.server.get(), buffer.data(), 8, &status, &size));
        tevent_req* read =
            ntpipe_read_begin(nullptr, events, fixture.server.get(), buffer.data(), buffer.size(), &status, &size);
        assert_non_null(read);
        assert_int_equal(status, NTPIPE_STATUS_PENDING);
        assert_true(tevent_req_is_in_progress(read));
        tevent_req* second =
            ntpipe_read_begin(nullptr, events, fixture.server.get(), buffer.data(), buffer.size(), &status, &size);
        assert_non_null(second);
        assert_true(second != read);
        assert_true(tevent_req_cancel(second));
        assert_int_equal(ntpipe_write(fixture.client.get(), "new", 3, &size), NTPIPE_STATUS_SUCCESS);
        assert_true(tevent_req_poll(read, events));
        assert_true(tevent_req_poll(second, events));
        assert_int_equal(ntpipe_read_recv(read, &size), NTPIPE_STATUS_SUCCESS);
        assert_int_equal(size, 3);
        assert_int_equal(ntpipe_read_recv(second, &size), NTPIPE_STATUS_CANCELLED);
        talloc_free(read);
        talloc_free(second);
    }
}

// It does not matter in which order the end and a request of it are let go.
void test_begin_and_the_end_of_an_end(void** /*state*/)
{
    Fixture fixture;
    tevent_context* events = fixture.session.events();
    std::array<char, 8> buffer{};
    ntpipe_status status = NTPIPE_STATUS_SUCCESS;
    {
        End server = *fixture.session.create("short-lived").get();
        End client = *fixture.session.connect("short-lived").get();
        assert_null(ntpipe_write_begin(nullptr, events, client.get(), "kept", 4, &status, nullptr));
        assert_null(ntpipe_read_begin(nullptr, events, server.get(), buffer.data(), 8, &status, nullptr));
        tevent_req* read =
            ntpipe_read_begin(nullptr, events, server.get(), buffer.data(), buffer.size(), &status, nullptr);
        assert_non_null(read);
        ntpipe_close(server.get());
        assert_true(tevent_req_poll(read, events));
        assert_int_equal(ntpipe_read_recv(read, nullptr), NTPIPE_STATUS_PIPE_BROKEN);
        talloc_free(read);
    }
}

// ---- trying ----

// A stream without a request, from one callback to the other, with more in it than the quota.
void test_stream_by_tries(void** /*state*/)
{
    Session session = *Session::local();
    End server = *session.create("tries").get();
    End client = *session.connect("tries").get();
    assert_int_equal(raw(client.set_modes(NTPIPE_READ_MESSAGE)), 0);
    constexpr std::uint32_t count = 20000;
    std::uint32_t sent = 0;
    std::uint32_t received = 0;
    const auto send = [&](std::uint32_t) {
        for (; sent < count; ++sent) {
            const Transfer written = client.try_write(std::as_bytes(std::span(&sent, 1)));
            assert_int_equal(raw(written.status), 0);
            if (written.size == 0) {
                break;
            }
        }
    };
    const auto receive = [&](std::uint32_t what) {
        assert_int_equal(what, NTPIPE_READY_READ);
        for (;;) {
            std::uint32_t number = 0;
            const Transfer got = server.try_read(std::as_writable_bytes(std::span(&number, 1)));
            if (got.status == Status::pipe_empty) {
                break;
            }
            assert_int_equal(raw(got.status), 0);
            assert_int_equal(got.size, sizeof(number));
            assert_int_equal(number, received++);
        }
    };
    assert_int_equal(raw(client.set_ready(send)), 0);
    assert_int_equal(raw(server.set_ready(receive)), 0);
    send(0);
    assert_in_range(sent, 1, count - 1);
    while (received < count) {
        assert_int_equal(tevent_loop_once(session.events()), 0);
    }
}

// The callback may free what it was called for.
void test_ready_callback_frees_its_end(void** /*state*/)
{
    Session session = *Session::local();
    End server = *session.create("free").get();
    std::optional<End> client = *session.connect("free").get();
    bool called = false;
    assert_int_equal(ntpipe_set_ready(
                         client->get(),
                         [](ntpipe_end* pipe, std::uint32_t, void* data) {
                             *static_cast<bool*>(data) = true;
                             ntpipe_close(pipe);
                         },
                         &called),
                     0);
    assert_int_equal(server.try_write(std::as_bytes(std::span("x", 1))).size, 1);
    while (!called) {
        assert_int_equal(tevent_loop_once(session.events()), 0);
    }
    std::size_t count = 1;
    assert_int_equal(ntpipe_try_read(client->get(), nullptr, 0, &count), NTPIPE_STATUS_FILE_CLOSED);
    assert_int_equal(count, 0);
    assert_int_equal(ntpipe_set_ready(client->get(), nullptr, nullptr), NTPIPE_STATUS_FILE_CLOSED);
}

// ---- the directory, through the C++ API ----

std::size_t entries_in(std::span<const std::byte> buffer)
{
    std::size_t count = 0;
    for (std::size_t at = 0; !buffer.empty(); ++count) {
        std::uint32_t next = 0;
        std::memcpy(&next, buffer.data() + at, sizeof(next));
        if (next == 0) {
            return count + 1;
        }
        at += next;
    }
    return count;
}

constexpr std::uint32_t class_names = 12;

void test_directory_in_cpp(void** /*state*/)
{
    Session session = *Session::local();
    Directory root = *session.open_directory();
    assert_string_equal(root.object_name().c_str(), R"(\Device\NamedPipe\)");
    auto change = root.notify(1);
    End named = *root.create("named").get();
    assert_int_equal(raw(change.get()), 0);
    assert_int_equal(raw(session.alias("other", "named").get()), 0);
    End client = *session.connect("other").get();

    End unnamed = *root.create().get();
    End inner = *session.connect_to(unnamed).get();
    assert_int_equal(raw(inner.write("x").get().status), 0);

    Pair pair = *session.create_pair().get();
    assert_int_equal(raw(pair.write_end.write("abc").get().status), 0);
    std::array<std::byte, 1024> buffer{};
    assert_int_equal(pair.read_end.read(buffer).get().size, 3);

    const Transfer found = root.enumerate(class_names, buffer).get();
    assert_int_equal(raw(found.status), 0);
    assert_int_equal(entries_in(std::span(buffer).first(found.size)), 1);
}

void test_enumerations_one_after_the_other(void** /*state*/)
{
    Session session = *Session::local();
    Directory root = *session.open_directory();
    End a = *session.create("a").get();
    End b = *session.create("b").get();
    End c = *session.create("c").get();
    std::array<std::array<std::byte, 64>, 4> buffers{};
    auto first = root.enumerate(class_names, buffers[0], "", NTPIPE_SINGLE_ENTRY);
    auto second = std::make_optional(root.enumerate(class_names, buffers[1], "", NTPIPE_SINGLE_ENTRY));
    auto third = root.enumerate(class_names, buffers[2], "", NTPIPE_SINGLE_ENTRY);
    second.reset(); // nobody waits for it: it takes no entry
    assert_int_equal(raw(third.get().status), 0);
    assert_int_equal(raw(first.get().status), 0);
    constexpr std::size_t name_offset = 12;
    assert_int_equal(std::to_integer<int>(buffers[0][name_offset]), 'a');
    assert_int_equal(std::to_integer<int>(buffers[2][name_offset]), 'b');
    assert_int_equal(raw(root.enumerate(class_names, buffers[3], "", NTPIPE_SINGLE_ENTRY).get().status), 0);
    assert_int_equal(raw(root.enumerate(class_names, buffers[3]).get().status), NTPIPE_STATUS_NO_MORE_FILES);
}

// A client that may only write may not be asked for its modes; what speaks to it for the server still has to know.
void test_traits_need_no_right(void** /*state*/)
{
    Session session = *Session::local();
    CreateParameters created;
    created.type = NTPIPE_TYPE_MESSAGE;
    created.max_instances = 7;
    End server = *session.create("traits", created).get();
    OpenParameters opened;
    opened.desired_access = NTPIPE_WRITE_DATA;
    opened.message_mode = true;
    End client = *session.connect("traits", opened).get();
    ntpipe_pipe_info modes{};
    assert_int_equal(ntpipe_query_pipe_info(client.get(), &modes), NTPIPE_STATUS_ACCESS_DENIED);
    ntpipe_traits traits{};
    ntpipe_query_traits(client.get(), &traits);
    assert_int_equal(traits.type, NTPIPE_TYPE_MESSAGE);
    assert_int_equal(traits.read_mode, NTPIPE_READ_MESSAGE);
    assert_int_equal(traits.completion_mode, NTPIPE_QUEUE);
    assert_int_equal(traits.maximum_instances, 7);
    assert_int_equal(ntpipe_query_pipe_info(server.get(), &modes), NTPIPE_STATUS_SUCCESS);
    ntpipe_query_traits(server.get(), &traits);
    assert_int_equal(traits.read_mode, modes.read_mode);
}

} // namespace

NTPIPE_UNIT_MAIN(NTPIPE_UNIT_TEST(test_stream_by_tries), NTPIPE_UNIT_TEST(test_ready_callback_frees_its_end),
                 NTPIPE_UNIT_TEST(test_traits_need_no_right), NTPIPE_UNIT_TEST(test_directory_in_cpp),
                 NTPIPE_UNIT_TEST(test_enumerations_one_after_the_other),
                 NTPIPE_UNIT_TEST(test_busy_coroutine_lets_others_have_their_turn),
                 NTPIPE_UNIT_TEST(test_busy_blocking_program_lets_others_have_their_turn),
                 NTPIPE_UNIT_TEST(test_time_limit_loses_nothing_that_is_done),
                 NTPIPE_UNIT_TEST(test_begin_gives_what_is_over_at_once),
                 NTPIPE_UNIT_TEST(test_begin_gives_a_request_for_what_waits),
                 NTPIPE_UNIT_TEST(test_begin_and_the_end_of_an_end),
                 NTPIPE_UNIT_TEST(test_freeing_what_waits_for_its_turn),
                 NTPIPE_UNIT_TEST(test_gateway_handlers_of_before))

// SPDX-License-Identifier: LGPL-2.1-or-later
// test_glue.cc: bytes, lists, completions, the event loop, what was used recently, tasks.
#include "check.hpp"

#include "glue/bytes.hpp"
#include "glue/completion.hpp"
#include "glue/loop.hpp"
#include "glue/ntpipe_task.hpp"
#include "glue/recent.hpp"
#include "glue/talloc.hpp"

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <string>
#include <vector>

using namespace ntpipe;
using namespace ntpipe::glue;

namespace {

constexpr std::uint64_t millisecond = 1'000'000;

void test_reader_never_goes_past_the_end(void** /*state*/)
{
    ByteWriter writer;
    writer.put(std::uint16_t{0x0102});
    writer.put(std::uint8_t{3});
    const ByteVector bytes = writer.take();
    ByteReader reader(bytes);
    assert_int_equal(reader.get<std::uint16_t>(), 0x0102);
    assert_int_equal(reader.left(), 1);
    assert_int_equal(reader.get<std::uint32_t>(), 0);
    assert_true(reader.failed());
    assert_int_equal(reader.get<std::uint8_t>(), 0); // once failed, always failed
    assert_int_equal(reader.left(), 0);
    assert_true(reader.get_bytes(0).empty());
}

struct Member : ListNode {
    explicit Member(int n) : number(n) {}
    int number;
};

void test_list_members_leave_by_themselves(void** /*state*/)
{
    List<Member> list;
    Member first(1);
    {
        Member second(2);
        list.push_back(first);
        list.push_back(second);
        assert_int_equal(list.count(), 2);
        assert_ptr_equal(list.after(first), &second);
    }
    assert_int_equal(list.count(), 1);
    assert_null(list.after(first));
    list.push_back(first); // moves
    assert_int_equal(list.count(), 1);
    assert_ptr_equal(list.pop_front(), &first);
    assert_null(list.pop_front());
}

struct Counted : Completion {
    explicit Counted(int& n) : count(n) {}
    void completed() override { ++count; }
    int& count;
};

struct Queue : Completions {
    void wanted() override { ++asked; }
    int asked = 0;
};

void test_completions_fire_in_order_and_once(void** /*state*/)
{
    int count = 0;
    Queue queue;
    Counted one(count);
    {
        Counted gone(count);
        queue.add(gone);
        queue.add(one);
        assert_int_equal(queue.asked, 1);
    }
    assert_true(queue.fire_one());
    assert_false(queue.fire_one());
    assert_int_equal(count, 1);
}

struct Destroyed {
    explicit Destroyed(int& n) : count(n) {}
    ~Destroyed() { ++count; }
    Destroyed(const Destroyed&) = delete;
    Destroyed& operator=(const Destroyed&) = delete;
    int& count;
};

void test_talloc_runs_destructors(void** /*state*/)
{
    int count = 0;
    void* parent = talloc_new(nullptr);
    assert_non_null(make_talloc<Destroyed>(parent, "Destroyed", count));
    talloc_free(parent);
    assert_int_equal(count, 1);
}

// ---- the loop ----

struct PollFixture {
    PollFixture() : loop(*Loop::own()) {}
    bool readable() const
    {
        pollfd state{loop->descriptor(), POLLIN, 0};
        return ::poll(&state, 1, 0) > 0;
    }
    void wait_readable() const
    {
        pollfd state{loop->descriptor(), POLLIN, 0};
        assert_int_equal(::poll(&state, 1, 20000), 1);
    }
    std::unique_ptr<Loop> loop;
};

void test_descriptor_shows_timers(void** /*state*/)
{
    PollFixture fixture;
    int fired = 0;
    Loop::Timer timer(*fixture.loop, [&] { ++fired; });
    fixture.loop->dispatch();
    assert_false(fixture.readable());
    const std::uint64_t when = Loop::now() + 20 * millisecond;
    timer.set(when);
    fixture.wait_readable();
    assert_true(Loop::now() >= when);
    fixture.loop->dispatch();
    assert_int_equal(fired, 1);
    assert_false(fixture.readable());
}

void test_descriptor_shows_deferred_work(void** /*state*/)
{
    PollFixture fixture;
    int fired = 0;
    Loop::Soon soon(*fixture.loop, [&] {
        if (++fired < 3) {
            soon.schedule();
        }
    });
    soon.schedule();
    soon.schedule();
    assert_true(fixture.readable());
    fixture.loop->dispatch();
    assert_int_equal(fired, 3);
    assert_false(fixture.readable());
}

void test_descriptor_shows_watched_descriptors(void** /*state*/)
{
    PollFixture fixture;
    std::array<int, 2> ends{};
    assert_int_equal(::pipe(ends.data()), 0);
    std::string got;
    {
        Loop::Watch watch(*fixture.loop, ends[0], [&] {
            char byte = 0;
            assert_int_equal(::read(ends[0], &byte, 1), 1);
            got += byte;
        });
        assert_false(fixture.readable());
        assert_int_equal(::write(ends[1], "ab", 2), 2);
        fixture.wait_readable();
        fixture.loop->dispatch();
        assert_string_equal(got.c_str(), "ab");
    }
    assert_int_equal(::write(ends[1], "c", 1), 1);
    assert_false(fixture.readable());
    ::close(ends[0]);
    ::close(ends[1]);
}

// What was there before somebody asked for the descriptor, what is new, and what has gone meanwhile.
void test_descriptor_may_be_asked_for_late(void** /*state*/)
{
    PollFixture fixture;
    std::array<int, 2> first{};
    std::array<int, 2> second{};
    assert_int_equal(::pipe(first.data()), 0);
    assert_int_equal(::pipe(second.data()), 0);
    int ready = 0;
    const auto take = [&](int fd) {
        char byte = 0;
        ready += static_cast<int>(::read(fd, &byte, 1));
    };
    {
        const Loop::Watch gone(*fixture.loop, second[0], [] {});
    }
    const Loop::Watch before(*fixture.loop, first[0], [&] { take(first[0]); });
    Loop::Watch full(*fixture.loop, second[1], [&] { full.want_writable(false); });
    full.want_writable(true);
    assert_true(fixture.readable()); // the second pipe has room
    fixture.loop->dispatch();
    assert_false(fixture.readable());
    const Loop::Watch after(*fixture.loop, second[0], [&] { take(second[0]); });
    assert_int_equal(::write(first[1], "x", 1), 1);
    assert_true(fixture.readable());
    fixture.loop->dispatch();
    assert_int_equal(ready, 1);
    assert_int_equal(::write(second[1], "x", 1), 1);
    assert_true(fixture.readable());
    fixture.loop->dispatch();
    assert_int_equal(ready, 2);
    assert_false(fixture.readable());
    for (const int fd : {first[0], first[1], second[0], second[1]}) {
        ::close(fd);
    }
}

void test_recent_keeps_what_was_used_last(void** /*state*/)
{
    Recent<int, 2> recent;
    auto one = std::make_shared<int>(1);
    auto two = std::make_shared<int>(2);
    auto three = std::make_shared<int>(3);
    recent.use(one);
    recent.use(two);
    recent.use(one);
    recent.use(three);
    assert_int_equal(one.use_count(), 2);
    assert_int_equal(two.use_count(), 1);
    assert_int_equal(three.use_count(), 2);
    recent.forget(one.get());
    recent.forget(two.get());
    assert_int_equal(one.use_count(), 1);
    recent.clear();
    assert_int_equal(three.use_count(), 1);
}

void test_watch_may_destroy_itself(void** /*state*/)
{
    PollFixture fixture;
    std::array<int, 2> ends{};
    assert_int_equal(::pipe(ends.data()), 0);
    std::unique_ptr<Loop::Watch> watch;
    watch = std::make_unique<Loop::Watch>(*fixture.loop, ends[0], [&] { watch.reset(); });
    assert_int_equal(::write(ends[1], "x", 1), 1);
    fixture.loop->dispatch();
    assert_null(watch.get());
    ::close(ends[0]);
    ::close(ends[1]);
}

void test_fork_leaves_the_parents_loop_alone(void** /*state*/)
{
    PollFixture fixture;
    std::array<int, 2> ends{};
    assert_int_equal(::pipe(ends.data()), 0);
    int seen = 0;
    auto watch = std::make_unique<Loop::Watch>(*fixture.loop, ends[0], [&] {
        char byte = 0;
        seen += static_cast<int>(::read(ends[0], &byte, 1));
    });
    const pid_t child = ::fork();
    if (child == 0) {
        fixture.loop->leave_parent();
        watch.reset();
        fixture.loop->renew_after_fork();
        int fired = 0;
        Loop::Soon soon(*fixture.loop, [&] { ++fired; });
        soon.schedule();
        fixture.loop->dispatch();
        ::_exit(fired == 1 ? 0 : 1);
    }
    int status = 0;
    assert_int_equal(::waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(::write(ends[1], "x", 1), 1);
    fixture.wait_readable();
    fixture.loop->dispatch();
    assert_int_equal(seen, 1);
    watch.reset();
    ::close(ends[0]);
    ::close(ends[1]);
}

// ---- tasks ----

struct WakeupReceive {
    bool operator()(tevent_req* request) const { return request != nullptr && tevent_wakeup_recv(request); }
};

Awaited<WakeupReceive> wakeup(tevent_context* events, int microseconds)
{
    return {
        events,
        tevent_wakeup_send(nullptr, events, tevent_timeval_current_ofs(0, static_cast<std::uint32_t>(microseconds))),
        WakeupReceive()};
}

Task<int> add_later(tevent_context* events, int a, int b)
{
    co_await wakeup(events, 1000);
    co_return a + b;
}

Task<int> sum(tevent_context* events)
{
    const int first = co_await add_later(events, 1, 2);
    const int second = co_await add_later(events, 3, 4);
    co_return first + second;
}

Task<void> set_later(tevent_context* events, int& target, int& alive)
{
    struct Alive {
        explicit Alive(int& n) : count(n) { ++count; }
        ~Alive() { --count; }
        Alive(const Alive&) = delete;
        Alive& operator=(const Alive&) = delete;
        int& count;
    } mark(alive);
    co_await wakeup(events, 1000);
    ++target;
}

void test_tasks_await_each_other(void** /*state*/)
{
    tevent_context* events = tevent_context_init(nullptr);
    assert_int_equal(sum(events).run(events), 10);
    talloc_free(events);
}

void test_destroying_a_task_cancels_it(void** /*state*/)
{
    tevent_context* events = tevent_context_init(nullptr);
    int done = 0;
    int alive = 0;
    {
        Tasks tasks;
        tasks.add(set_later(events, done, alive));
        tasks.add(set_later(events, done, alive));
        assert_int_equal(alive, 2);
        while (tasks.running() != 0) {
            tevent_loop_once(events);
        }
        assert_int_equal(done, 2);
        tasks.add(set_later(events, done, alive));
        assert_int_equal(alive, 1);
    }
    assert_int_equal(alive, 0);
    assert_int_equal(done, 2);
    talloc_free(events);
}

} // namespace

NTPIPE_UNIT_MAIN(
    NTPIPE_UNIT_TEST(test_reader_never_goes_past_the_end), NTPIPE_UNIT_TEST(test_list_members_leave_by_themselves),
    NTPIPE_UNIT_TEST(test_completions_fire_in_order_and_once), NTPIPE_UNIT_TEST(test_talloc_runs_destructors),
    NTPIPE_UNIT_TEST(test_descriptor_shows_timers), NTPIPE_UNIT_TEST(test_descriptor_shows_deferred_work),
    NTPIPE_UNIT_TEST(test_descriptor_shows_watched_descriptors),
    NTPIPE_UNIT_TEST(test_descriptor_may_be_asked_for_late), NTPIPE_UNIT_TEST(test_recent_keeps_what_was_used_last),
    NTPIPE_UNIT_TEST(test_watch_may_destroy_itself), NTPIPE_UNIT_TEST(test_fork_leaves_the_parents_loop_alone),
    NTPIPE_UNIT_TEST(test_tasks_await_each_other), NTPIPE_UNIT_TEST(test_destroying_a_task_cancels_it))

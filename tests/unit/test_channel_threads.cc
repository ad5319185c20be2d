// SPDX-License-Identifier: LGPL-2.1-or-later
// test_channel_threads.cc: two ends in two threads over one mapping: nothing is lost, doubled, torn or forgotten asleep.
//
// TSan sees races only at equal addresses, which is why both ends use the same memory here. Each end is driven by its own
// thread; all that passes between them is the channel and two doorbells.
#include "check.hpp"
#include "end_pair.hpp"
#include "glue/unique_fd.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <deque>
#include <random>
#include <string>
#include <thread>

using namespace ntpipe;
using namespace ntpipe::unit;

namespace {

/// How much each test does; less where instrumented code is slow.
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
constexpr std::uint64_t rounds = 20000;
#else
constexpr std::uint64_t rounds = 100000;
#endif

/// A doorbell between threads. Not std::atomic's wait(), which yields again and again first: a busy machine makes that take for ever.
class Bell {
public:
    void ring()
    {
        const std::uint64_t once = 1;
        assert_int_equal(::write(counter_.get(), &once, sizeof(once)), sizeof(once));
    }
    void await()
    {
        std::uint64_t times = 0;
        assert_int_equal(::read(counter_.get(), &times, sizeof(times)), sizeof(times));
    }

private:
    glue::UniqueFd counter_{::eventfd(0, EFD_CLOEXEC)};
};

struct ThreadDoorbell : end::Doorbell {
    explicit ThreadDoorbell(Bell& other) : bell(other) {}
    void ring() override { bell.ring(); }
    Bell& bell;
};

/// One end and what drives it.
struct Driver {
    Queue queue;
    TestHost host;
    Bell bell;
    std::unique_ptr<end::End> end;

    /// Until `done`: completes what can be completed, then sleeps until rung.
    template <typename Done>
    void run_until(Done done)
    {
        for (;;) {
            while (queue.fire_one()) {}
            if (done()) {
                return;
            }
            bell.await();
            end->wake();
        }
    }
};

struct ThreadPair {
    explicit ThreadPair(std::uint32_t quota, bool message, std::size_t ring = 8192)
        : page(channel::connection_page_size), inbound(ring), outbound(ring)
    {
        end::Attributes attributes;
        attributes.type = message ? end::PipeType::message : end::PipeType::byte;
        attributes.inbound_quota = attributes.outbound_quota = quota;
        server.host.overflow_available = client.host.overflow_available = false;
        const end::PipeInformation modes{message ? end::ReadMode::message : end::ReadMode::byte,
                                         end::CompletionMode::queue};
        server.end = end::End::server(server.host, server.queue, attributes, security::access::file_all, modes, 0);
        end::Connection half;
        half.page = std::make_unique<channel::ConnectionView>(page.share(), channel::Side::client);
        (void)half.page->attach();
        half.incoming.emplace(outbound.share());
        half.outgoing.emplace(inbound.share());
        half.doorbell = std::make_unique<ThreadDoorbell>(server.bell);
        client.end =
            end::End::client(client.host, client.queue, attributes, security::access::file_all, 0, std::move(half));
        (void)client.end->set(modes);
        end::Connection other;
        other.page = std::make_unique<channel::ConnectionView>(page.share(), channel::Side::server);
        other.incoming.emplace(inbound.share());
        other.outgoing.emplace(outbound.share());
        other.doorbell = std::make_unique<ThreadDoorbell>(client.bell);
        (void)server.end->offer(std::move(other), 1);
    }
    ThreadPair(const ThreadPair&) = delete;
    ThreadPair& operator=(const ThreadPair&) = delete;
    ~ThreadPair()
    {
        client.end.reset(); // each rings the other's bell once more
        server.end.reset();
    }
    HeapMemory page;
    HeapMemory inbound;
    HeapMemory outbound;
    Driver server;
    Driver client;
};

std::string message_of(std::uint64_t number, std::size_t longest)
{
    std::string text = std::to_string(number) + ":";
    text.resize(text.size() + number * 7919 % longest, static_cast<char>('a' + number % 26));
    return text;
}

// One way, with a quota that makes writes wait and a ring that makes them wait for room.
void test_stream_of_numbered_messages(void** /*state*/)
{
    for (const std::uint32_t quota : {0U, 100U, 1000000U}) {
        ThreadPair pair(quota, true);
        std::thread writer([&] {
            TestOperation write;
            for (std::uint64_t i = 0; i < rounds; ++i) {
                const std::string text = message_of(i, 300);
                write.done = false;
                const Status status = pair.client.end->write(write, bytes(text));
                if (status == Status::pending) {
                    pair.client.run_until([&] { return write.done; });
                }
            }
            TestOperation flush;
            if (pair.client.end->flush(flush) == Status::pending) {
                pair.client.run_until([&] { return flush.done; });
            }
            pair.client.end->close();
        });
        TestOperation read;
        std::uint64_t next = 0;
        for (;;) {
            read.done = false;
            Status status = start_read(*pair.server.end, read, 1000);
            if (status == Status::pending) {
                pair.server.run_until([&] { return read.done; });
                status = read.status();
            }
            if (status != Status::success) {
                assert_status(status, Status::pipe_broken);
                break;
            }
            assert_string_equal(text_of(read).c_str(), message_of(next, 300).c_str());
            ++next;
        }
        writer.join();
        assert_int_equal(next, rounds);
    }
}

void test_ping_pong(void** /*state*/)
{
    ThreadPair pair(4096, true);
    std::thread server([&] {
        TestOperation read;
        TestOperation write;
        for (;;) {
            read.done = false;
            Status status = start_read(*pair.server.end, read, 100);
            if (status == Status::pending) {
                pair.server.run_until([&] { return read.done; });
                status = read.status();
            }
            if (status != Status::success) {
                return;
            }
            (void)pair.server.end->write(write, std::span(read.buffer).first(read.information()));
        }
    });
    TestOperation call;
    call.buffer.resize(100);
    for (std::uint64_t i = 0; i < rounds / 4; ++i) {
        const std::string text = message_of(i, 50);
        call.done = false;
        if (pair.client.end->transceive(call, bytes(text), call.buffer) == Status::pending) {
            pair.client.run_until([&] { return call.done; });
        }
        assert_status(call.status(), Status::success);
        assert_string_equal(text_of(call).c_str(), text.c_str());
    }
    pair.client.end->close();
    server.join();
}

// Writes messages, and cancels half of those that wait.
void write_and_cancel(Driver& own, std::vector<bool>& cancelled)
{
    TestOperation write;
    std::minstd_rand random(3);
    for (std::uint64_t i = 0; i < cancelled.size(); ++i) {
        const std::string text = message_of(i, 300);
        write.done = false;
        if (own.end->write(write, bytes(text)) != Status::pending) {
            continue;
        }
        if (random() % 2 == 0) {
            (void)own.end->cancel(write);
        }
        own.run_until([&] { return write.done; });
        cancelled[i] = write.status() == Status::cancelled;
    }
    TestOperation flush;
    if (own.end->flush(flush) == Status::pending) {
        own.run_until([&] { return flush.done; });
    }
    own.end->close();
}

// Writes are cancelled while they are read: every message arrives whole and in order, or was reported as cancelled.
void test_cancel_against_read(void** /*state*/)
{
    ThreadPair pair(64, true);
    std::vector<bool> cancelled(rounds / 4, false);
    std::thread writer([&] { write_and_cancel(pair.client, cancelled); });
    std::vector<std::uint64_t> got;
    TestOperation read;
    for (;;) {
        read.done = false;
        Status status = start_read(*pair.server.end, read, 1000);
        if (status == Status::pending) {
            pair.server.run_until([&] { return read.done; });
            status = read.status();
        }
        if (status == Status::pipe_broken) {
            break;
        }
        if (status == Status::buffer_overflow) { // a large one that was cut while it arrived
            continue;
        }
        assert_status(status, Status::success);
        const std::string text = text_of(read);
        const std::uint64_t number = std::stoull(text);
        assert_string_equal(text.c_str(), message_of(number, 300).c_str());
        assert_true(got.empty() || number > got.back());
        got.push_back(number);
    }
    writer.join();
    std::vector<bool> seen(cancelled.size(), false);
    for (const std::uint64_t number : got) {
        seen[number] = true;
    }
    for (std::size_t i = 0; i < cancelled.size(); ++i) {
        assert_true(seen[i] != cancelled[i]);
    }
}

/// Hands messages on to nobody: it only counts them.
class Relay {
public:
    explicit Relay(Driver& own) : own_(own) {}

    /// The numbers of the messages that somebody would have got.
    std::vector<std::uint64_t> run()
    {
        for (bool open = true; open;) {
            look_.done = false;
            Status status = start();
            if (status == Status::pending && !held_.empty()) {
                linger();
            }
            if (status == Status::pending) {
                own_.run_until([&] { return look_.done; });
                status = look_.status();
            }
            open = status != Status::pipe_broken;
            if (open) {
                assert_status(status, Status::success);
                take_in();
            }
        }
        return got_;
    }

private:
    struct Held {
        std::uint64_t number;
        std::size_t size;
        bool kept;
    };
    Status start()
    {
        look_.buffer.resize(1000);
        return own_.end->look(look_, look_.buffer);
    }
    /// Perhaps its writer cancels before it is taken.
    void linger()
    {
        for (int i = 0; i < 20 && !look_.done; ++i) {
            own_.end->look();
            while (own_.queue.fire_one()) {}
        }
        if (!look_.done) {
            deliver();
        }
    }
    void take_in()
    {
        if (look_.revoked() != 0) {
            answer();
            return;
        }
        const std::string text = text_of(look_);
        const std::uint64_t number = std::stoull(text);
        assert_string_equal(text.c_str(), message_of(number, 300).c_str());
        held_.push_back({number, text.size(), false});
        if (random_() % 2 == 0) {
            deliver();
        }
    }
    void answer()
    {
        std::size_t at = 0;
        auto each = held_.begin();
        while (at < look_.revoked_at()) {
            at += each++->size;
        }
        assert_int_equal(each->size, look_.revoked());
        const bool given_back = random_() % 2 == 0;
        if (given_back) {
            held_.erase(each);
        } else {
            each->kept = true;
            got_.push_back(each->number);
        }
        assert_status(own_.end->settle_revoked(at, look_.revoked(), given_back), Status::success);
    }
    void deliver()
    {
        for (const Held& held : held_) {
            if (!held.kept) {
                got_.push_back(held.number);
            }
        }
        held_.clear();
        assert_status(own_.end->take(SIZE_MAX), Status::success);
    }

    Driver& own_;
    TestOperation look_;
    std::minstd_rand random_{7};
    std::deque<Held> held_;
    std::vector<std::uint64_t> got_;
};

// The same by somebody who hands on, and says of some that he has passed them on and of others that he has not.
void test_cancel_against_handing_on(void** /*state*/)
{
    ThreadPair pair(64, true);
    std::vector<bool> cancelled(rounds / 20, false);
    std::thread writer([&] { write_and_cancel(pair.client, cancelled); });
    const std::vector<std::uint64_t> got = Relay(pair.server).run();
    writer.join();
    std::vector<bool> seen(cancelled.size(), false);
    for (const std::uint64_t number : got) {
        assert_false(seen[number]);
        seen[number] = true;
    }
    for (std::size_t i = 0; i < cancelled.size(); ++i) {
        assert_true(seen[i] != cancelled[i]);
    }
}

// Reads are cancelled while somebody counts on them: they are not before he lets them go, and get what he writes.
void test_cancel_of_reads_that_are_counted_on(void** /*state*/)
{
    ThreadPair pair(1000, true);
    std::atomic<bool> counted_on = false;
    std::thread writer([&] {
        TestOperation look;
        TestOperation write;
        std::minstd_rand random(4);
        std::uint32_t number = 0;
        look.buffer.resize(100);
        (void)pair.client.end->look(look, look.buffer);
        while (number < rounds / 50) {
            std::uint32_t length = 0;
            pair.client.end->look();
            while (pair.client.queue.fire_one()) {}
            if (look.done) {
                look.done = false;
                (void)pair.client.end->look(look, look.buffer);
            }
            if (pair.client.end->posted_read(length) != Status::success) {
                std::this_thread::yield();
                continue;
            }
            counted_on = true;
            if (random() % 3 == 0) {
                std::this_thread::yield();
            }
            counted_on = false;
            if (random() % 3 == 0) {
                assert_status(pair.client.end->release_posted_read(), Status::success);
                continue;
            }
            assert_status(pair.client.end->write(write, std::as_bytes(std::span(&number, 1))), Status::success);
            ++number;
        }
        look.abandon();
        pair.client.end->close();
    });
    TestOperation read;
    std::minstd_rand random(5);
    std::uint32_t next = 0;
    for (;;) {
        read.done = false;
        Status status = start_read(*pair.server.end, read, 16);
        if (status == Status::pending) {
            if (random() % 2 == 0) {
                (void)pair.server.end->cancel(read);
            }
            pair.server.run_until([&] { return read.done; });
            status = read.status();
        }
        if (status == Status::pipe_broken) {
            break;
        }
        assert_false(status == Status::cancelled && counted_on);
        assert_true(status == Status::cancelled || status == Status::success);
        if (status == Status::success) {
            std::uint32_t number = 0;
            assert_int_equal(read.information(), sizeof(number));
            std::memcpy(&number, read.buffer.data(), sizeof(number));
            assert_int_equal(number, next);
            ++next;
        }
    }
    writer.join();
    assert_int_equal(next, rounds / 50);
}

// Reads are cancelled while data arrives: no byte is lost or doubled.
void test_cancel_of_reads_against_writes(void** /*state*/)
{
    ThreadPair pair(1000, false);
    std::atomic<bool> over = false;
    std::thread writer([&] {
        TestOperation write;
        std::uint32_t number = 0;
        for (std::uint64_t i = 0; i < rounds / 4; ++i, ++number) {
            write.done = false;
            if (pair.client.end->write(write, std::as_bytes(std::span(&number, 1))) == Status::pending) {
                pair.client.run_until([&] { return write.done; });
            }
        }
        over = true;
        pair.client.end->close();
    });
    TestOperation read;
    std::minstd_rand random(5);
    std::string stream;
    for (;;) {
        read.done = false;
        Status status = start_read(*pair.server.end, read, 1 + random() % 16);
        if (status == Status::pending) {
            if (random() % 3 != 0) {
                (void)pair.server.end->cancel(read);
            }
            pair.server.run_until([&] { return read.done; });
            status = read.status();
        }
        if (status == Status::pipe_broken) {
            break;
        }
        if (status == Status::success) {
            stream += text_of(read);
        } else {
            assert_status(status, Status::cancelled);
        }
    }
    writer.join();
    assert_true(over);
    assert_int_equal(stream.size(), rounds / 4 * sizeof(std::uint32_t));
    for (std::uint32_t i = 0; i < rounds / 4; ++i) {
        std::uint32_t number = 0;
        std::memcpy(&number, stream.data() + i * sizeof(number), sizeof(number));
        assert_int_equal(number, i);
    }
}

// Non-blocking writes decide by the reader's posted reads, which come and go.
void test_non_blocking_writes_against_reads(void** /*state*/)
{
    ThreadPair pair(8, true);
    assert_status(pair.client.end->set({end::ReadMode::message, end::CompletionMode::complete}), Status::success);
    std::uint64_t sent = 0;
    std::thread writer([&] {
        TestOperation write;
        for (std::uint64_t i = 0; i < rounds / 2; ++i) {
            const std::string text = message_of(sent, 20);
            assert_status(pair.client.end->write(write, bytes(text)), Status::success);
            assert_true(write.information() == 0 || write.information() == text.size());
            sent += write.information() == 0 ? 0 : 1;
        }
        pair.client.end->close();
    });
    TestOperation read;
    std::minstd_rand random(9);
    std::uint64_t got = 0;
    for (;;) {
        read.done = false;
        Status status = start_read(*pair.server.end, read, 100);
        if (status == Status::pending) {
            if (random() % 4 == 0) {
                (void)pair.server.end->cancel(read);
            }
            pair.server.run_until([&] { return read.done; });
            status = read.status();
        }
        if (status == Status::pipe_broken) {
            break;
        }
        if (status == Status::success) {
            assert_string_equal(text_of(read).c_str(), message_of(got, 20).c_str());
            ++got;
        } else {
            assert_status(status, Status::cancelled);
        }
    }
    writer.join();
    assert_int_equal(got, sent);
}

// The server disconnects at any moment; the client hears of it whatever it is doing.
void test_disconnect_against_everything(void** /*state*/)
{
    for (std::uint64_t i = 0; i < rounds / 100; ++i) {
        ThreadPair pair(100, true);
        std::thread client([&] {
            TestOperation call;
            call.buffer.resize(64);
            Status status = Status::success;
            while (status == Status::success) {
                call.done = false;
                status = pair.client.end->transceive(call, bytes("ping"), call.buffer);
                if (status == Status::pending) {
                    pair.client.run_until([&] { return call.done; });
                    status = call.status();
                }
            }
            assert_status(status, Status::pipe_disconnected);
        });
        TestOperation read;
        TestOperation write;
        for (std::uint64_t n = 0; n < i % 7; ++n) {
            read.done = false;
            if (start_read(*pair.server.end, read, 64) == Status::pending) {
                pair.server.run_until([&] { return read.done; });
            }
            (void)start_write(*pair.server.end, write, "pong");
        }
        assert_status(pair.server.end->disconnect(), Status::success);
        client.join();
    }
}

} // namespace

NTPIPE_UNIT_MAIN(NTPIPE_UNIT_TEST(test_stream_of_numbered_messages), NTPIPE_UNIT_TEST(test_ping_pong),
                 NTPIPE_UNIT_TEST(test_cancel_against_read), NTPIPE_UNIT_TEST(test_cancel_against_handing_on),
                 NTPIPE_UNIT_TEST(test_cancel_of_reads_that_are_counted_on),
                 NTPIPE_UNIT_TEST(test_cancel_of_reads_against_writes),
                 NTPIPE_UNIT_TEST(test_non_blocking_writes_against_reads),
                 NTPIPE_UNIT_TEST(test_disconnect_against_everything))

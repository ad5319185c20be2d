// SPDX-License-Identifier: LGPL-2.1-or-later
// test_end.cc: the rules of one end, step by step, with the other end standing still whenever that matters.
#include "check.hpp"
#include "end_pair.hpp"

using namespace ntpipe;
using namespace ntpipe::unit;
using end::CompletionMode;
using end::PipeType;
using end::ReadMode;

namespace {

end::PipeLocalInformation local(end::End& end)
{
    end::PipeLocalInformation information;
    assert_status(end.query(information), Status::success);
    return information;
}

void test_listen_completes_when_the_client_attaches(void** /*state*/)
{
    EndPair pair;
    TestOperation listen;
    assert_status(pair.server->listen(listen), Status::pending);
    pair.offer();
    pair.pump();
    assert_false(listen.done);
    assert_int_equal(static_cast<int>(pair.server->state()), static_cast<int>(end::PipeState::listening));
    assert_true(pair.attach());
    assert_true(listen.done);
    assert_status(listen.status(), Status::success);
    TestOperation again;
    assert_status(pair.server->listen(again), Status::pipe_connected);
}

void test_client_that_never_attaches_leaves_no_trace(void** /*state*/)
{
    EndPair pair;
    TestOperation listen;
    assert_status(pair.server->listen(listen), Status::pending);
    pair.offer();
    pair.server->peer_gone();
    assert_int_equal(pair.server_host.period, 2);
    assert_false(pair.attach());
    pair.offer();
    assert_true(pair.attach());
    assert_true(listen.done);
}

void test_withdrawn_client_cannot_attach(void** /*state*/)
{
    EndPair pair;
    pair.offer();
    assert_status(pair.server->disconnect(), Status::success);
    assert_false(pair.attach());
}

void test_message_mode_reads(void** /*state*/)
{
    EndPair pair;
    pair.connect();
    TestOperation write;
    assert_status(start_write(*pair.client, write, "hello world"), Status::success);
    assert_int_equal(write.information(), 11);
    assert_status(start_write(*pair.client, write, "second"), Status::success);
    TestOperation read;
    assert_status(start_read(*pair.server, read, 5), Status::buffer_overflow);
    assert_string_equal(text_of(read).c_str(), "hello");
    assert_status(start_read(*pair.server, read, 100), Status::success);
    assert_string_equal(text_of(read).c_str(), " world");
    assert_status(start_read(*pair.server, read, 100), Status::success);
    assert_string_equal(text_of(read).c_str(), "second");
}

void test_byte_mode_reads_cross_messages(void** /*state*/)
{
    EndPair pair;
    pair.connect(false);
    TestOperation write;
    assert_status(start_write(*pair.server, write, "12345678901"), Status::success);
    assert_status(start_write(*pair.server, write, "abcdefghij"), Status::success);
    TestOperation read;
    assert_status(start_read(*pair.client, read, 32), Status::success);
    assert_string_equal(text_of(read).c_str(), "12345678901abcdefghij");
}

void test_pending_read_completes(void** /*state*/)
{
    EndPair pair;
    pair.connect();
    TestOperation first;
    TestOperation second;
    assert_status(start_read(*pair.server, first, 10), Status::pending);
    assert_status(start_read(*pair.server, second, 10), Status::pending);
    TestOperation write;
    assert_status(start_write(*pair.client, write, "x"), Status::success);
    assert_false(first.done);
    pair.pump();
    assert_true(first.done);
    assert_false(second.done);
    assert_string_equal(text_of(first).c_str(), "x");
    assert_status(pair.server->cancel(second), Status::success);
    pair.pump();
    assert_true(second.done);
    assert_status(second.status(), Status::cancelled);
}

void test_posted_read_is_not_charged(void** /*state*/)
{
    EndPair pair;
    pair.connect();
    TestOperation read;
    assert_status(start_read(*pair.client, read, 1000), Status::pending);
    TestOperation write;
    const std::string text(6000, 'a');
    assert_status(start_write(*pair.server, write, text), Status::success); // quota 5000, the reader has not moved yet
    TestOperation next;
    assert_status(start_write(*pair.server, next, "b"), Status::pending);
    pair.pump();
    assert_true(read.done);
    assert_status(read.status(), Status::buffer_overflow);
    assert_false(next.done);
    assert_status(start_read(*pair.client, read, 1), Status::buffer_overflow);
    pair.pump();
    assert_true(next.done);
}

void test_cancel_of_a_read_that_was_counted_on(void** /*state*/)
{
    EndPair pair;
    pair.connect();
    TestOperation read;
    assert_status(start_read(*pair.client, read, 2000), Status::pending);
    TestOperation write;
    assert_status(start_write(*pair.server, write, std::string(6000, 'a')), Status::success);
    assert_status(pair.client->cancel(read), Status::not_found); // the write happened before the cancel
    pair.pump();
    assert_true(read.done);
    assert_int_equal(read.information(), 2000);
}

void test_quota_sequence(void** /*state*/) // cases 119 to 124
{
    EndPair pair;
    pair.connect();
    TestOperation read;
    TestOperation w4000;
    TestOperation wq;
    TestOperation w1;
    TestOperation w0;
    assert_status(start_read(*pair.client, read, 1000), Status::pending);
    assert_status(start_write(*pair.server, w4000, std::string(4000, 'a')), Status::success);
    pair.pump();
    assert_true(read.done);
    end::PeekInformation peek;
    std::vector<std::byte> room(10000);
    assert_status(pair.client->peek(room, peek), Status::success);
    assert_int_equal(peek.message_length, 3000);
    assert_status(start_write(*pair.server, wq, std::string(5000, 'q')), Status::pending);
    assert_status(pair.client->peek(room, peek), Status::success);
    assert_int_equal(peek.read_data_available, 8000);
    assert_int_equal(peek.number_of_messages, 2);
    assert_int_equal(peek.copied, 3000);
    assert_status(start_write(*pair.server, w1, "1"), Status::pending);
    assert_status(start_write(*pair.server, w0, ""), Status::success);
    assert_status(start_read(*pair.client, read, 3000), Status::success);
    pair.pump();
    assert_true(wq.done);
    assert_int_equal(wq.information(), 5000);
    assert_false(w1.done);
    assert_status(start_read(*pair.client, read, 1), Status::buffer_overflow);
    pair.pump();
    assert_true(w1.done);
    assert_status(start_read(*pair.client, read, 5000), Status::success);
    assert_int_equal(read.information(), 4999);
    assert_status(start_read(*pair.client, read, 5000), Status::success);
    assert_int_equal(read.information(), 1);
    assert_status(start_read(*pair.client, read, 5000), Status::success);
    assert_int_equal(read.information(), 0);
    assert_status(start_read(*pair.client, read, 5000), Status::pending);
    assert_status(pair.client->cancel(read), Status::success);
}

void test_cancel_removes_a_half_read_write(void** /*state*/) // cases 132, 133
{
    for (const int first_read : {0, 10}) {
        EndPair pair;
        pair.connect();
        TestOperation big;
        TestOperation one;
        assert_status(start_write(*pair.server, big, std::string(7000, 'b')), Status::pending);
        assert_status(start_write(*pair.server, one, "1"), Status::pending);
        TestOperation read;
        if (first_read > 0) {
            assert_status(start_read(*pair.client, read, 10), Status::buffer_overflow);
        }
        assert_status(pair.server->cancel(big), Status::success);
        pair.pump();
        assert_true(big.done);
        assert_status(big.status(), Status::cancelled);
        assert_true(one.done);
        assert_status(one.status(), Status::success);
        end::PeekInformation peek;
        assert_status(pair.client->peek({}, peek), Status::buffer_overflow);
        assert_int_equal(peek.read_data_available, 1);
        assert_int_equal(peek.message_length, 1);
        assert_status(start_read(*pair.client, read, 100), Status::success);
        assert_string_equal(text_of(read).c_str(), "1");
    }
}

void test_non_blocking_writes(void** /*state*/) // cases 142 to 148
{
    for (const PipeType type : {PipeType::byte, PipeType::message}) {
        PairParameters parameters;
        parameters.type = type;
        parameters.server_modes = {ReadMode::byte, CompletionMode::complete};
        parameters.outbound_quota = 512;
        EndPair pair(parameters);
        pair.connect(false);
        TestOperation write;
        assert_status(start_write(*pair.server, write, std::string(513, 'x')), Status::success);
        assert_int_equal(write.information(), 0);
        TestOperation read;
        assert_status(start_read(*pair.client, read, 1), Status::pending);
        assert_status(start_write(*pair.server, write, std::string(514, 'x')), Status::success);
        assert_int_equal(write.information(), type == PipeType::byte ? 1 : 0);
        pair.pump();
        assert_int_equal(read.done, type == PipeType::byte);
        if (type == PipeType::message) {
            assert_status(pair.client->cancel(read), Status::success);
            pair.pump();
        }
        assert_status(start_read(*pair.client, read, 1), Status::pending);
        assert_status(start_write(*pair.server, write, std::string(513, 'y')), Status::success);
        assert_int_equal(write.information(), 513);
        pair.pump();
        assert_true(read.done);
        assert_int_equal(local(*pair.client).read_data_available, 512);
        TestOperation server_read;
        assert_status(start_read(*pair.server, server_read, 1), Status::pipe_empty);
    }
}

void test_cancel_undoes_a_tentative_decision(void** /*state*/)
{
    PairParameters parameters;
    parameters.server_modes = {ReadMode::byte, CompletionMode::complete};
    parameters.outbound_quota = 512;
    EndPair pair(parameters);
    pair.connect(false);
    TestOperation read;
    assert_status(start_read(*pair.client, read, 1), Status::pending);
    assert_status(pair.client->cancel(read), Status::success);
    TestOperation write;
    assert_status(start_write(*pair.server, write, std::string(513, 'y')), Status::success);
    assert_int_equal(write.information(), 0);
    assert_int_equal(local(*pair.client).read_data_available, 0);
}

std::string tried(end::End& end, Status expected, std::size_t room = 1000)
{
    std::vector<std::byte> buffer(room);
    std::size_t count = 0;
    assert_status(end.try_read(buffer, count), expected);
    return {reinterpret_cast<const char*>(buffer.data()), count};
}

std::size_t try_to_write(end::End& end, const std::string& text, Status expected = Status::success)
{
    std::size_t written = 0;
    assert_status(end.try_write(std::as_bytes(std::span(text)), written), expected);
    return written;
}

/// Notes what it is told.
struct TestReadiness : end::Readiness {
    void completed() override
    {
        ++times;
        last = std::exchange(ready, 0);
    }
    std::uint32_t told() { return std::exchange(last, 0); }
    int times = 0;
    std::uint32_t last = 0;
};

void test_tried_reads_keep_bounds(void** /*state*/)
{
    EndPair pair;
    (void)tried(*pair.server, Status::pipe_listening);
    pair.connect();
    (void)tried(*pair.server, Status::pipe_empty);
    assert_int_equal(try_to_write(*pair.client, "hello"), 5);
    assert_int_equal(try_to_write(*pair.client, ""), 0);
    assert_int_equal(try_to_write(*pair.client, "world"), 5);
    assert_string_equal(tried(*pair.server, Status::buffer_overflow, 3).c_str(), "hel");
    assert_string_equal(tried(*pair.server, Status::success).c_str(), "lo");
    assert_string_equal(tried(*pair.server, Status::success).c_str(), "");
    (void)pair.server->set({ReadMode::byte, CompletionMode::queue});
    assert_int_equal(try_to_write(*pair.client, "!"), 1);
    assert_string_equal(tried(*pair.server, Status::success).c_str(), "world!");
    (void)tried(*pair.server, Status::pipe_empty);
    assert_int_equal(try_to_write(*pair.client, "last"), 4);
    pair.client->close();
    assert_string_equal(tried(*pair.server, Status::success).c_str(), "last");
    (void)tried(*pair.server, Status::pipe_broken);
    (void)try_to_write(*pair.server, "x", Status::pipe_closing);
}

void test_tries_overtake_nothing(void** /*state*/)
{
    EndPair pair;
    pair.connect();
    TestOperation read;
    assert_status(start_read(*pair.client, read, 10), Status::pending);
    TestOperation first;
    TestOperation second;
    assert_status(start_write(*pair.server, first, "for the read"), Status::success);
    assert_string_equal(tried(*pair.client, Status::success).c_str(), "ad"); // the pending read had the rest
    pair.pump();
    assert_string_equal(text_of(read).c_str(), "for the re");
    assert_status(start_read(*pair.client, read, 10), Status::pending);
    (void)tried(*pair.client, Status::pipe_empty);
    assert_status(pair.client->cancel(read), Status::success);
    pair.pump();
    assert_status(start_write(*pair.server, first, std::string(5000, 'a')), Status::success);
    assert_status(start_write(*pair.server, second, "b"), Status::pending);
    assert_int_equal(try_to_write(*pair.server, "c"), 0);
    assert_int_equal(try_to_write(*pair.server, ""), 0); // an empty message is never held back; it comes behind
    assert_int_equal(tried(*pair.client, Status::success, 6000).size(), 5000);
    pair.pump();
    assert_true(second.done);
    assert_int_equal(try_to_write(*pair.server, "c"), 1);
    assert_string_equal(tried(*pair.client, Status::success).c_str(), "b");
    assert_string_equal(tried(*pair.client, Status::success).c_str(), "");
    assert_string_equal(tried(*pair.client, Status::success).c_str(), "c");
}

void test_tried_writes_and_quota(void** /*state*/)
{
    for (const PipeType type : {PipeType::byte, PipeType::message}) {
        PairParameters parameters;
        parameters.type = type;
        parameters.outbound_quota = 512;
        parameters.server_modes = {ReadMode::byte, CompletionMode::queue};
        EndPair pair(parameters);
        pair.connect(false);
        assert_int_equal(try_to_write(*pair.server, std::string(513, 'x')), 0);
        assert_int_equal(try_to_write(*pair.server, std::string(512, 'x')), 512);
        assert_int_equal(try_to_write(*pair.server, "y"), 0);
        assert_int_equal(tried(*pair.client, Status::success, 512).size(), 512);
        TestOperation read;
        assert_status(start_read(*pair.client, read, 1), Status::pending);
        assert_int_equal(try_to_write(*pair.server, std::string(514, 'x')), type == PipeType::byte ? 1 : 0);
        pair.pump();
        assert_int_equal(read.done, type == PipeType::byte);
    }
}

void test_ready_to_read(void** /*state*/)
{
    EndPair pair;
    pair.connect();
    TestReadiness readiness;
    pair.server->set_readiness(&readiness);
    pair.pump();
    assert_int_equal(readiness.times, 0);
    assert_int_equal(try_to_write(*pair.client, "one"), 3);
    assert_int_equal(try_to_write(*pair.client, "two"), 3);
    pair.pump();
    assert_int_equal(readiness.times, 1);
    assert_int_equal(readiness.told(), channel::want::data);
    assert_string_equal(tried(*pair.server, Status::success).c_str(), "one");
    assert_int_equal(try_to_write(*pair.client, "three"), 5);
    pair.pump();
    assert_int_equal(readiness.times, 1); // nothing was tried in vain
    assert_string_equal(tried(*pair.server, Status::success).c_str(), "two");
    assert_string_equal(tried(*pair.server, Status::success).c_str(), "three");
    *pair.server_bell = false;
    (void)tried(*pair.server, Status::pipe_empty);
    assert_int_equal(try_to_write(*pair.client, "four"), 4);
    assert_true(*pair.server_bell);
    pair.pump();
    assert_int_equal(readiness.times, 2);
    assert_string_equal(tried(*pair.server, Status::success).c_str(), "four");
    (void)tried(*pair.server, Status::pipe_empty);
    pair.client->close();
    pair.pump();
    assert_int_equal(readiness.times, 3);
    (void)tried(*pair.server, Status::pipe_broken);
    pair.server->set_readiness(nullptr);
    pair.pump();
    assert_int_equal(readiness.times, 3);
}

void test_ready_to_write(void** /*state*/)
{
    EndPair pair;
    pair.connect();
    TestReadiness readiness;
    pair.server->set_readiness(&readiness);
    const std::string message(500, 'm');
    for (int i = 0; i < 10; ++i) {
        assert_int_equal(try_to_write(*pair.server, message), 500); // quota 5000
    }
    assert_int_equal(try_to_write(*pair.server, message), 0);
    for (int i = 0; i < 4; ++i) {
        assert_int_equal(tried(*pair.client, Status::success).size(), 500);
        assert_false(*pair.server_bell); // not for every message
    }
    assert_int_equal(tried(*pair.client, Status::success).size(), 500);
    assert_true(*pair.server_bell);
    pair.pump();
    assert_int_equal(readiness.told(), channel::want::room);
    assert_int_equal(try_to_write(*pair.server, std::string(6000, 'm')), 0); // never fits but into a read
    for (int i = 0; i < 5; ++i) {
        assert_int_equal(tried(*pair.client, Status::success).size(), 500);
    }
    pair.pump();
    assert_int_equal(readiness.times, 1);
    TestOperation read;
    assert_status(start_read(*pair.client, read, 1000), Status::pending);
    pair.pump();
    assert_int_equal(readiness.told(), channel::want::room);
    assert_int_equal(try_to_write(*pair.server, std::string(6000, 'm')), 6000);
    pair.pump();
    assert_true(read.done);
    assert_int_equal(try_to_write(*pair.server, message), 0);
    assert_int_equal(tried(*pair.client, Status::success, 5000).size(), 5000);
    pair.pump();
    assert_int_equal(readiness.times, 3);
}

// If few messages fill the quota each is worth it.
void test_ready_to_write_a_large_message(void** /*state*/)
{
    EndPair pair;
    pair.connect();
    TestReadiness readiness;
    pair.server->set_readiness(&readiness);
    const std::string message(1000, 'm');
    for (int i = 0; i < 5; ++i) {
        assert_int_equal(try_to_write(*pair.server, message), 1000); // quota 5000
    }
    assert_int_equal(try_to_write(*pair.server, message), 0);
    assert_int_equal(tried(*pair.client, Status::success).size(), 1000);
    assert_true(*pair.server_bell);
    pair.pump();
    assert_int_equal(readiness.told(), channel::want::room);
    assert_int_equal(try_to_write(*pair.server, message), 1000);
}

void test_ready_ends_with_the_connection(void** /*state*/)
{
    EndPair pair;
    pair.connect();
    TestReadiness readiness;
    pair.client->set_readiness(&readiness);
    assert_status(pair.server->disconnect(), Status::success);
    pair.pump();
    assert_int_equal(readiness.times, 1);
    (void)tried(*pair.client, Status::pipe_disconnected);
    TestReadiness other;
    EndPair next;
    next.connect();
    next.server->set_readiness(&other);
    assert_int_equal(try_to_write(*next.client, "x"), 1);
    next.server->wake();
    next.server->close(); // it was to be told, and is not any more
    next.pump();
    assert_int_equal(other.times, 0);
}

void test_large_message_through_overflow(void** /*state*/)
{
    PairParameters parameters;
    parameters.outbound_quota = 1000000;
    EndPair pair(parameters);
    pair.connect();
    const std::string text(300000, 'L');
    TestOperation write;
    assert_status(start_write(*pair.server, write, "before"), Status::success);
    assert_status(start_write(*pair.server, write, text), Status::pending);
    TestOperation after;
    assert_status(start_write(*pair.server, after, "after"), Status::pending);
    pair.pump();
    assert_true(write.done);
    assert_true(after.done);
    end::PeekInformation peek;
    assert_status(pair.client->peek({}, peek), Status::buffer_overflow);
    assert_int_equal(peek.read_data_available, 300011);
    assert_int_equal(peek.number_of_messages, 3);
    TestOperation read;
    assert_status(start_read(*pair.client, read, 1000000), Status::success);
    assert_string_equal(text_of(read).c_str(), "before");
    assert_status(start_read(*pair.client, read, 1000000), Status::success);
    assert_true(text_of(read) == text);
    assert_status(start_read(*pair.client, read, 1000000), Status::success);
    assert_string_equal(text_of(read).c_str(), "after");
}

// The broker has died while it handed out a segment: only the writer has it.
void test_overflow_that_was_missed(void** /*state*/)
{
    for (const bool reads_before : {true, false}) {
        PairParameters parameters;
        parameters.outbound_quota = 1000000;
        EndPair pair(parameters);
        pair.connect();
        pair.overflow_arrives = false;
        pair.client->miss_overflow();
        TestOperation read;
        assert_status(start_read(*pair.client, read, 10), Status::pending);
        TestOperation write;
        assert_status(start_write(*pair.server, write, "it works"), Status::success);
        pair.pump();
        assert_string_equal(text_of(read).c_str(), "it works");
        TestOperation lost;
        if (reads_before) {
            assert_status(start_read(*pair.client, lost, 10), Status::pending);
        }
        assert_status(start_write(*pair.server, write, std::string(300000, 'L')), Status::pending);
        pair.pump();
        if (!reads_before) {
            assert_status(start_read(*pair.client, lost, 10), Status::pipe_broken);
        }
        assert_status(lost.status(), Status::pipe_broken);
        assert_status(start_write(*pair.server, write, "more"), Status::pipe_closing);
    }
}

// The broker's word and the doorbell come by different ways.
void test_overflow_is_faster_than_the_attach(void** /*state*/)
{
    PairParameters parameters;
    parameters.inbound_quota = 1000000;
    EndPair pair(parameters);
    TestOperation listen;
    assert_status(pair.server->listen(listen), Status::pending);
    pair.offer();
    pair.pump();
    assert_true(pair.attach(false));
    const std::string text(300000, 'L');
    TestOperation write;
    assert_status(start_write(*pair.client, write, text), Status::pending);
    pair.pump();
    assert_true(write.done);
    *pair.server_bell = true;
    pair.pump();
    assert_true(listen.done);
    TestOperation read;
    assert_status(start_read(*pair.server, read, 1000000), Status::success);
    assert_true(text_of(read) == text);
}

void test_large_message_in_pieces(void** /*state*/)
{
    for (const bool message : {true, false}) {
        PairParameters parameters;
        parameters.type = message ? PipeType::message : PipeType::byte;
        parameters.server_modes = {ReadMode::byte, CompletionMode::queue};
        parameters.maximum_overflow = 0;
        EndPair pair(parameters);
        pair.connect();
        std::string text(500000, '?');
        for (std::size_t i = 0; i < text.size(); ++i) {
            text[i] = static_cast<char>('a' + i % 23);
        }
        TestOperation write;
        assert_status(start_write(*pair.server, write, text), Status::pending);
        end::PeekInformation peek;
        assert_int_not_equal(raw(pair.client->peek({}, peek)), 0);
        assert_int_equal(peek.message_length, message ? text.size() : 0);
        std::string got;
        while (got.size() < text.size()) {
            TestOperation read;
            const Status status = start_read(*pair.client, read, 1000000);
            pair.pump();
            assert_true(status == Status::pending ? read.done : true);
            got += text_of(read);
            if (message) {
                assert_status(read.status(), Status::success);
                assert_int_equal(got.size(), text.size());
            }
        }
        assert_true(got == text);
        assert_true(write.done);
    }
}

void test_cancel_of_a_message_in_pieces(void** /*state*/)
{
    PairParameters parameters;
    parameters.maximum_overflow = 0;
    EndPair pair(parameters);
    pair.connect();
    TestOperation write;
    TestOperation next;
    assert_status(start_write(*pair.server, write, std::string(500000, 'p')), Status::pending);
    assert_status(start_write(*pair.server, next, "next"), Status::pending);
    TestOperation read;
    assert_status(start_read(*pair.client, read, 1000000), Status::pending); // it has taken the first piece
    assert_status(pair.server->cancel(write), Status::success);
    pair.pump();
    assert_true(read.done);
    assert_status(read.status(), Status::buffer_overflow);
    assert_true(next.done);
    assert_status(start_read(*pair.client, read, 100), Status::success);
    assert_string_equal(text_of(read).c_str(), "next");
}

// Only a reader frees room; one that has nothing to read must be woken for that when a write is taken back.
void test_cancelled_write_makes_room(void** /*state*/)
{
    PairParameters parameters;
    parameters.maximum_overflow = 0;
    parameters.ring_size = 4096;
    parameters.outbound_quota = 10;
    EndPair pair(parameters);
    pair.connect();
    TestOperation first;
    TestOperation second;
    assert_status(start_write(*pair.server, first, std::string(2900, '1')), Status::pending);
    assert_status(pair.server->cancel(first), Status::success);
    assert_status(start_write(*pair.server, second, std::string(2900, '2')), Status::pending);
    pair.pump();
    end::PeekInformation peek;
    assert_status(pair.client->peek({}, peek), Status::buffer_overflow);
    assert_int_equal(peek.read_data_available, 2900);
    assert_int_equal(peek.number_of_messages, 1);
}

void test_close_drains_then_breaks(void** /*state*/) // case 85
{
    EndPair pair;
    pair.connect(false);
    TestOperation write;
    assert_status(start_write(*pair.server, write, "twelve bytes"), Status::success);
    pair.server->close();
    TestOperation read;
    assert_status(start_read(*pair.client, read, 0), Status::success);
    end::PeekInformation peek;
    std::vector<std::byte> room(20);
    assert_status(pair.client->peek(room, peek), Status::success);
    assert_int_equal(peek.read_data_available, 12);
    assert_int_equal(peek.named_pipe_state, 4);
    assert_status(start_read(*pair.client, read, 12), Status::success);
    assert_status(start_read(*pair.client, read, 0), Status::pipe_broken);
    assert_status(pair.client->peek(room, peek), Status::pipe_broken);
    TestOperation late;
    assert_status(start_write(*pair.client, late, "x"), Status::pipe_closing);
    assert_status(pair.client->set({ReadMode::message, CompletionMode::queue}), Status::success);
}

void test_close_completes_the_other_side(void** /*state*/) // cases 81, 83
{
    EndPair pair;
    pair.connect();
    TestOperation write;
    TestOperation flush;
    TestOperation read;
    assert_status(start_write(*pair.server, write, std::string(7000, 'w')), Status::pending);
    assert_status(pair.server->flush(flush), Status::pending);
    assert_status(start_read(*pair.server, read, 2), Status::pending);
    pair.client->close();
    pair.pump();
    assert_status(write.status(), Status::pipe_broken);
    assert_status(flush.status(), Status::pipe_broken);
    assert_status(read.status(), Status::pipe_broken);
    assert_true(write.done && flush.done && read.done);
    TestOperation listen;
    assert_status(pair.server->listen(listen), Status::pipe_closing);
}

void test_dead_writer_loses_its_pending_write_only(void** /*state*/) // case 95
{
    EndPair pair;
    pair.connect();
    TestOperation whole;
    TestOperation pending;
    assert_status(start_write(*pair.client, whole, "whole"), Status::success);
    assert_status(start_write(*pair.client, pending, std::string(10000, 'p')), Status::pending);
    TestOperation read;
    assert_status(start_read(*pair.server, read, 100), Status::success);
    assert_status(start_read(*pair.server, read, 10), Status::buffer_overflow);
    pair.server->peer_gone();
    assert_status(start_read(*pair.server, read, 10), Status::pipe_broken);
}

void test_disconnect_detaches_for_ever(void** /*state*/) // cases 77 to 80, 82
{
    EndPair pair;
    pair.connect();
    TestOperation write;
    TestOperation client_write;
    TestOperation client_flush;
    assert_status(start_write(*pair.server, write, std::string(7000, 's')), Status::pending);
    assert_status(start_write(*pair.client, client_write, std::string(7000, 'c')), Status::pending);
    assert_status(pair.client->flush(client_flush), Status::pending);
    assert_status(pair.server->disconnect(), Status::success);
    pair.pump();
    assert_status(write.status(), Status::pipe_disconnected);
    assert_status(client_write.status(), Status::pipe_disconnected);
    assert_status(client_flush.status(), Status::pipe_disconnected);
    assert_status(pair.server->disconnect(), Status::pipe_disconnected);
    TestOperation operation;
    assert_status(start_read(*pair.server, operation, 1), Status::pipe_disconnected);
    end::PeekInformation peek;
    assert_status(pair.server->peek({}, peek), Status::invalid_pipe_state);
    assert_status(pair.server->flush(operation), Status::success);
    assert_status(start_read(*pair.client, operation, 1), Status::pipe_disconnected);
    assert_status(pair.client->peek({}, peek), Status::pipe_disconnected);
    assert_status(pair.client->flush(operation), Status::pipe_disconnected);
    end::PipeLocalInformation information;
    assert_status(pair.client->query(information), Status::pipe_disconnected);
    TestOperation listen;
    assert_status(pair.server->listen(listen), Status::pending);
    assert_int_equal(pair.server_host.period, 2);
    pair.offer();
    assert_true(pair.attach());
    assert_true(listen.done);
}

void test_transceive(void** /*state*/) // cases 154 to 162
{
    EndPair pair;
    pair.connect();
    TestOperation call;
    call.buffer.resize(6);
    assert_status(pair.client->transceive(call, bytes("test"), call.buffer), Status::pending);
    TestOperation busy;
    busy.buffer.resize(6);
    assert_status(pair.client->transceive(busy, bytes("x"), busy.buffer), Status::pipe_busy);
    TestOperation read;
    assert_status(start_read(*pair.server, read, 100), Status::success);
    assert_string_equal(text_of(read).c_str(), "test");
    TestOperation write;
    assert_status(start_write(*pair.server, write, "0123456789"), Status::success);
    pair.pump();
    assert_true(call.done);
    assert_status(call.status(), Status::buffer_overflow);
    assert_int_equal(call.information(), 6);
    assert_status(pair.client->transceive(busy, bytes("x"), busy.buffer), Status::pipe_busy);
    assert_status(start_read(*pair.client, read, 100), Status::success);
    assert_string_equal(text_of(read).c_str(), "6789");
    assert_status(pair.client->transceive(busy, bytes("ab"), busy.buffer), Status::pending);
    assert_status(pair.client->cancel(busy), Status::success);
    assert_status(start_read(*pair.server, read, 100), Status::success);
    assert_string_equal(text_of(read).c_str(), "ab");
}

void test_transceive_ignores_quota(void** /*state*/) // case 157
{
    EndPair pair;
    pair.connect();
    TestOperation pending;
    assert_status(start_write(*pair.client, pending, std::string(8000, 'q')), Status::pending);
    TestOperation call;
    call.buffer.resize(10);
    assert_status(pair.client->transceive(call, bytes("ab"), call.buffer), Status::pending);
    TestOperation read;
    assert_status(start_read(*pair.server, read, 10000), Status::success);
    assert_int_equal(read.information(), 8000);
    assert_status(start_read(*pair.server, read, 10000), Status::success);
    assert_string_equal(text_of(read).c_str(), "ab");
    TestOperation reply;
    assert_status(start_write(*pair.server, reply, "r"), Status::success);
    pair.pump();
    assert_true(call.done && pending.done);
}

void test_transceive_is_answered_while_the_client_lingers(void** /*state*/)
{
    EndPair pair;
    pair.connect();
    TestOperation read;
    assert_status(start_read(*pair.server, read, 100), Status::pending);
    TestOperation reply;
    pair.client_doorbell->while_lingering = [&] {
        assert_true(*pair.server_bell);
        pair.server->wake();
        pair.queue.fire_one();
        assert_string_equal(text_of(read).c_str(), "ab");
        assert_status(start_write(*pair.server, reply, "0123"), Status::success);
    };
    TestOperation call;
    call.buffer.resize(10);
    assert_status(pair.client->transceive(call, bytes("ab"), call.buffer), Status::success);
    assert_string_equal(text_of(call).c_str(), "0123");
    assert_true(pair.client_doorbell->answers == std::vector<bool>{true});
    assert_false(*pair.client_bell); // nobody slept
}

// Between large records an end does not sleep at once; between small ones it does.
void test_dallying_in_a_stream(void** /*state*/)
{
    EndPair pair({.outbound_quota = 65536, .ring_size = 262144});
    pair.connect();
    const std::string small(100, 's');
    const std::string large(20000, 'l');
    TestOperation read;
    assert_int_equal(try_to_write(*pair.server, small), small.size());
    assert_int_equal(tried(*pair.client, Status::success).size(), small.size());
    assert_status(start_read(*pair.client, read, 30000), Status::pending);
    assert_int_equal(pair.client_doorbell->dallies, 0);
    assert_int_equal(try_to_write(*pair.server, large), large.size());
    pair.pump();
    assert_true(read.done);

    TestOperation next;
    pair.client_doorbell->while_dallying = [&] {
        assert_int_equal(try_to_write(*pair.server, large), large.size());
        assert_false(*pair.client_bell); // nobody sleeps
    };
    assert_status(start_read(*pair.client, next, 30000), Status::success);
    assert_int_equal(next.information(), large.size());

    TestOperation last;
    const int before = pair.client_doorbell->dallies;
    assert_status(start_read(*pair.client, last, 30000), Status::pending);
    assert_int_equal(pair.client_doorbell->dallies, before + 1); // in vain
    assert_int_equal(try_to_write(*pair.server, large), large.size());
    assert_true(*pair.client_bell);
    pair.pump();
    assert_true(last.done);
}

// A server that does not wait finds a reader, however soon it answers, and so it may answer with more than the quota.
void test_transceive_waits_before_it_asks(void** /*state*/)
{
    EndPair pair({.server_modes = {end::ReadMode::message, end::CompletionMode::complete}, .outbound_quota = 4});
    pair.connect();
    pair.client_doorbell->while_lingering = [&] {
        TestOperation read;
        assert_status(start_read(*pair.server, read, 100), Status::success);
        TestOperation reply;
        assert_status(start_write(*pair.server, reply, "0123456789"), Status::success);
        assert_int_equal(reply.information(), 10);
    };
    TestOperation call;
    call.buffer.resize(20);
    assert_status(pair.client->transceive(call, bytes("ab"), call.buffer), Status::success);
    assert_string_equal(text_of(call).c_str(), "0123456789");
}

// While somebody looks the other end need not ring; when he goes to sleep it must.
void test_who_looks_is_not_rung_for(void** /*state*/)
{
    EndPair pair;
    pair.connect();
    pair.server_host.looks = true;
    TestOperation read;
    assert_status(start_read(*pair.server, read, 100), Status::pending);
    TestOperation write;
    assert_status(start_write(*pair.client, write, "one"), Status::success);
    assert_false(*pair.server_bell);
    assert_true(read.pending());
    pair.server->look();
    pair.queue.fire_one();
    assert_string_equal(text_of(read).c_str(), "one");

    assert_status(start_read(*pair.server, read, 100), Status::pending);
    assert_status(start_write(*pair.client, write, "two"), Status::success);
    assert_false(*pair.server_bell);
    pair.server->arm(); // sees what came before it
    assert_false(read.pending());
    pair.queue.fire_one();
    assert_string_equal(text_of(read).c_str(), "two");

    assert_status(start_read(*pair.server, read, 100), Status::pending);
    pair.server->arm();
    assert_status(start_write(*pair.client, write, "three"), Status::success);
    assert_true(*pair.server_bell);
    pair.pump();
    assert_string_equal(text_of(read).c_str(), "three");
}

// ---- what the explorer has found (tests/explore): one end acts before it was woken for what the other one has done ----

// Everything beyond `quota` 0 pends until it is read.
PairParameters without_quota()
{
    PairParameters parameters;
    parameters.inbound_quota = parameters.outbound_quota = 0;
    return parameters;
}

void test_close_after_a_write_was_read(void** /*state*/)
{
    EndPair pair(without_quota());
    pair.connect();
    TestOperation write;
    assert_status(start_write(*pair.server, write, "taken"), Status::pending);
    TestOperation read;
    assert_status(start_read(*pair.client, read, 10), Status::success);
    pair.server->close(); // it does not know yet
    pair.pump();
    assert_status(write.status(), Status::success);
}

void test_close_after_a_part_was_read(void** /*state*/)
{
    PairParameters parameters;
    parameters.type = end::PipeType::byte;
    parameters.server_modes.read_mode = end::ReadMode::byte;
    parameters.inbound_quota = parameters.outbound_quota = 10;
    EndPair pair(parameters);
    pair.connect();
    TestOperation write;
    assert_status(start_write(*pair.server, write, "abc123456789"), Status::pending);
    TestOperation read;
    assert_status(start_read(*pair.client, read, 3), Status::success);
    pair.server->close(); // what is left is within the quota, but it does not know yet
    pair.pump();
    assert_status(write.status(), Status::success);
    TestOperation rest;
    assert_status(start_read(*pair.client, rest, 100), Status::success);
    assert_string_equal(text_of(rest).c_str(), "123456789");
}

void test_close_by_the_reader_of_a_write(void** /*state*/)
{
    for (const bool disconnects : {false, true}) {
        EndPair pair(without_quota());
        pair.connect();
        end::End& writer = disconnects ? *pair.client : *pair.server;
        end::End& reader = disconnects ? *pair.server : *pair.client;
        TestOperation write;
        TestOperation flush;
        assert_status(start_write(writer, write, "taken"), Status::pending);
        assert_status(writer.flush(flush), Status::pending);
        TestOperation read;
        assert_status(start_read(reader, read, 10), Status::success);
        if (disconnects) {
            assert_status(reader.disconnect(), Status::success);
        } else {
            reader.close();
        }
        pair.pump();
        assert_status(write.status(), Status::success);
        assert_status(flush.status(), Status::success);
    }
}

void test_disconnect_after_a_write_for_a_waiting_read(void** /*state*/)
{
    EndPair pair;
    pair.connect();
    TestOperation read;
    assert_status(start_read(*pair.client, read, 10), Status::pending);
    TestOperation write;
    assert_status(start_write(*pair.server, write, "first"), Status::success);
    assert_status(pair.server->disconnect(), Status::success);
    pair.pump();
    assert_status(read.status(), Status::success);
    assert_int_equal(read.information(), 5);
}

void test_peek_beside_a_waiting_read(void** /*state*/)
{
    EndPair pair;
    pair.connect();
    TestOperation read;
    assert_status(start_read(*pair.server, read, 10), Status::pending);
    TestOperation write;
    assert_status(start_write(*pair.client, write, "his"), Status::success);
    end::PeekInformation seen;
    assert_status(pair.server->peek({}, seen), Status::success); // before it was woken
    assert_int_equal(seen.read_data_available, 0);
    end::PipeLocalInformation local;
    assert_status(pair.server->query(local), Status::success);
    assert_int_equal(local.read_data_available, 0);
    pair.pump();
    assert_int_equal(read.information(), 3);
}

void test_flush_is_a_marker(void** /*state*/) // cases 150 to 153
{
    EndPair pair;
    pair.connect();
    TestOperation flush;
    assert_status(pair.server->flush(flush), Status::success);
    TestOperation write;
    assert_status(start_write(*pair.server, write, "1"), Status::success);
    assert_status(pair.server->flush(flush), Status::pending);
    assert_status(start_write(*pair.server, write, "2"), Status::success);
    pair.pump();
    assert_false(flush.done);
    TestOperation read;
    assert_status(start_read(*pair.client, read, 1), Status::success);
    pair.pump();
    assert_true(flush.done);
    assert_status(flush.status(), Status::success);
    assert_status(start_read(*pair.client, read, 1), Status::success);

    TestOperation big;
    TestOperation second;
    assert_status(start_write(*pair.server, big, std::string(9000, 'b')), Status::pending);
    assert_status(pair.server->flush(second), Status::pending);
    assert_status(pair.server->cancel(big), Status::success);
    pair.pump();
    assert_true(second.done);
    assert_status(second.status(), Status::success);
}

void test_local_information(void** /*state*/) // cases 175, 186
{
    PairParameters parameters;
    parameters.inbound_quota = 100;
    parameters.outbound_quota = 200;
    EndPair pair(parameters);
    pair.connect();
    assert_int_equal(local(*pair.server).write_quota_available, 200);
    assert_int_equal(local(*pair.client).write_quota_available, 100);
    TestOperation read;
    assert_status(start_read(*pair.client, read, 50), Status::pending);
    assert_int_equal(local(*pair.server).write_quota_available, 150);
    TestOperation write;
    assert_status(start_write(*pair.server, write, std::string(60, 'x')), Status::success);
    assert_int_equal(local(*pair.server).write_quota_available, 190);
    pair.pump();
    assert_int_equal(local(*pair.server).write_quota_available, 190);
    assert_int_equal(local(*pair.client).read_data_available, 10);
    assert_int_equal(local(*pair.client).named_pipe_end, 0);
    assert_int_equal(local(*pair.server).named_pipe_end, 1);
}

void test_destroying_an_operation_cancels_it(void** /*state*/)
{
    EndPair pair;
    pair.connect();
    {
        TestOperation read;
        assert_status(start_read(*pair.client, read, 10), Status::pending);
        TestOperation write;
        assert_status(start_write(*pair.server, write, std::string(9000, 'w')), Status::pending);
    }
    pair.pump();
    TestOperation read;
    assert_status(start_read(*pair.client, read, 10), Status::pending);
    TestOperation write;
    assert_status(start_write(*pair.server, write, "kept"), Status::success);
    pair.pump();
    assert_true(read.done);
    assert_string_equal(text_of(read).c_str(), "kept");
}

// Who waits for an answer is rung, but not if he writes and then looks for it.
void test_who_writes_and_looks_is_not_rung_for_the_answer(void** /*state*/)
{
    EndPair pair;
    pair.connect();
    TestOperation read;
    assert_status(start_read(*pair.client, read, 100), Status::pending);
    TestOperation write;
    pair.client_host.looks = true;
    assert_status(start_write(*pair.client, write, "question"), Status::success);
    assert_status(start_write(*pair.server, write, "answer"), Status::success);
    assert_false(*pair.client_bell);
    pair.client->look();
    pair.queue.fire_one();
    assert_string_equal(text_of(read).c_str(), "answer");
}

Status start_look(end::End& end, TestOperation& operation, std::size_t size)
{
    operation.buffer.resize(size);
    return end.look(operation, operation.buffer);
}

std::uint32_t unread(end::End& reader)
{
    return local(reader).read_data_available;
}

void test_looks_go_on_and_take_nothing(void** /*state*/)
{
    EndPair pair;
    pair.connect();
    TestOperation write;
    for (const char* text : {"hello world", "", "third"}) {
        assert_status(start_write(*pair.client, write, text), Status::success);
    }
    TestOperation look;
    assert_status(start_look(*pair.server, look, 5), Status::buffer_overflow);
    assert_string_equal(text_of(look).c_str(), "hello");
    assert_int_equal(look.rest(), 6);
    assert_false(look.continued());
    assert_status(start_look(*pair.server, look, 100), Status::success);
    assert_string_equal(text_of(look).c_str(), " world");
    assert_int_equal(look.rest(), 0);
    assert_true(look.continued());
    assert_status(start_look(*pair.server, look, 100), Status::success);
    assert_int_equal(look.information(), 0);
    assert_status(start_look(*pair.server, look, 100), Status::success);
    assert_string_equal(text_of(look).c_str(), "third");
    assert_false(look.continued());
    assert_int_equal(unread(*pair.server), 16);
    assert_status(start_look(*pair.server, look, 0), Status::invalid_parameter);
    TestOperation read;
    assert_status(start_read(*pair.server, read, 100), Status::success);
    assert_string_equal(text_of(read).c_str(), "hello world");
}

void test_taking_is_seen_by_the_writer(void** /*state*/)
{
    EndPair pair;
    pair.connect();
    TestOperation small;
    TestOperation large;
    TestOperation flush;
    assert_status(start_write(*pair.client, small, "hello"), Status::success);
    assert_status(start_write(*pair.client, large, std::string(7000, 'x')), Status::pending); // the quota is 6000
    assert_status(pair.client->flush(flush), Status::pending);
    TestOperation look;
    assert_status(start_look(*pair.server, look, 10000), Status::success);
    assert_status(start_look(*pair.server, look, 10000), Status::success);
    assert_int_equal(look.information(), 7000);
    assert_status(pair.server->take(1004), Status::success);
    pair.pump();
    assert_false(large.done);
    assert_status(pair.server->take(1), Status::success);
    pair.pump();
    assert_true(large.done);
    assert_status(large.status(), Status::success);
    assert_int_equal(unread(*pair.server), 6000);
    assert_false(flush.done);
    assert_status(start_write(*pair.client, small, ""), Status::success);
    assert_status(start_look(*pair.server, look, 10), Status::success);
    assert_status(pair.server->take(6000), Status::success);
    pair.pump();
    assert_true(flush.done);
    end::PeekInformation seen;
    assert_status(pair.server->peek({}, seen), Status::success);
    assert_int_equal(seen.number_of_messages, 1); // the empty one behind the bytes
    assert_status(pair.server->take(SIZE_MAX), Status::success);
    assert_status(pair.server->peek({}, seen), Status::success);
    assert_int_equal(seen.number_of_messages, 0);
    assert_status(pair.server->take(SIZE_MAX), Status::success);
}

void test_looks_of_bytes(void** /*state*/)
{
    PairParameters parameters;
    parameters.type = PipeType::byte;
    parameters.server_modes = {};
    EndPair pair(parameters);
    pair.connect(false);
    TestOperation write;
    assert_status(start_write(*pair.server, write, "one"), Status::success);
    assert_status(start_write(*pair.server, write, "two"), Status::success);
    TestOperation look;
    assert_status(start_look(*pair.client, look, 4), Status::success);
    assert_string_equal(text_of(look).c_str(), "onet");
    assert_status(start_look(*pair.client, look, 4), Status::success);
    assert_string_equal(text_of(look).c_str(), "wo");
    assert_int_equal(look.rest(), 0);
    assert_status(pair.client->take(2), Status::success);
    TestOperation read;
    assert_status(start_read(*pair.client, read, 100), Status::success);
    assert_string_equal(text_of(read).c_str(), "etwo");
}

void test_a_posted_read_is_told_of_until_it_is_cancelled(void** /*state*/)
{
    EndPair pair;
    pair.connect();
    std::uint32_t length = 1;
    assert_status(pair.server->posted_read(length), Status::not_found);
    TestOperation look;
    assert_status(start_look(*pair.server, look, 100), Status::pending);
    TestOperation read;
    assert_status(start_read(*pair.client, read, 7), Status::pending);
    assert_status(pair.server->posted_read(length), Status::success);
    assert_int_equal(length, 7);
    pair.pump();
    assert_true(look.pending());
    assert_status(pair.client->cancel(read), Status::pending);
    assert_true(*pair.server_bell);
    pair.pump();
    assert_status(look.status(), Status::success);
    assert_true(look.withdrawn());
    assert_int_equal(look.information(), 0);
    assert_true(read.pending());
    TestOperation next;
    assert_status(start_look(*pair.server, next, 100), Status::pending); // it is told once
    assert_status(pair.client->cancel(read), Status::pending);
    assert_status(pair.server->posted_read(length), Status::not_found); // nothing that is to go is told of
    assert_status(pair.server->release_posted_read(), Status::success);
    pair.pump();
    assert_true(read.done);
    assert_status(read.status(), Status::cancelled);

    // Nobody relies on one any more.
    TestOperation last;
    assert_status(start_read(*pair.client, last, 7), Status::pending);
    assert_status(pair.client->cancel(last), Status::success);
    pair.pump();
    assert_true(next.pending());
    assert_status(pair.server->release_posted_read(), Status::success);
}

// A third was told that its data was read there. So it is.
void test_a_posted_read_that_was_counted_on_is_not_cancelled(void** /*state*/)
{
    EndPair pair;
    pair.connect();
    std::uint32_t length = 0;
    TestOperation first;
    TestOperation second;
    assert_status(start_read(*pair.client, first, 7), Status::pending);
    assert_status(start_read(*pair.client, second, 7), Status::pending);
    assert_status(pair.server->posted_read(length), Status::success);
    assert_status(pair.client->cancel(first), Status::pending);
    assert_status(pair.client->cancel(second), Status::success);
    TestOperation write;
    assert_status(start_write(*pair.server, write, "data"), Status::success);
    pair.pump();
    assert_true(first.done);
    assert_status(first.status(), Status::success);
    assert_string_equal(text_of(first).c_str(), "data");

    // Of a message in pieces it has what there is.
    TestOperation third;
    assert_status(start_read(*pair.client, third, 100000), Status::pending);
    assert_status(pair.server->posted_read(length), Status::success);
    assert_status(pair.client->cancel(third), Status::pending);
    pair.server_host.overflow_available = false;
    TestOperation large;
    assert_status(start_write(*pair.server, large, std::string(90000, 'x')), Status::pending);
    pair.pump();
    assert_true(third.done);
    assert_status(third.status(), Status::buffer_overflow);
    assert_true(third.information() != 0 && third.information() < 90000);
}

void test_nobody_waits_for_a_claimed_read_for_ever(void** /*state*/)
{
    for (int how = 0; how < 4; ++how) {
        EndPair pair;
        pair.connect();
        std::uint32_t length = 0;
        TestOperation look;
        assert_status(start_look(*pair.server, look, 100), Status::pending);
        auto read = std::make_unique<TestOperation>();
        assert_status(start_read(*pair.client, *read, 7), Status::pending);
        assert_status(pair.server->posted_read(length), Status::success);
        assert_status(pair.client->cancel(*read), Status::pending);
        pair.pump();
        assert_true(look.withdrawn());
        if (how == 0) {
            read.reset(); // freed
        } else if (how == 1) {
            pair.client->close();
        } else if (how == 2) {
            pair.server->close();
        } else {
            assert_status(pair.server->disconnect(), Status::success);
        }
        pair.pump();
        assert_true(read == nullptr || read->done);
        assert_true(read == nullptr || is_error(read->status()));
        (void)pair.server->release_posted_read();
        pair.pump();
    }
}

void test_a_posted_read_that_gets_its_data_is_not_withdrawn(void** /*state*/)
{
    EndPair pair;
    pair.connect();
    std::uint32_t length = 0;
    TestOperation look;
    assert_status(start_look(*pair.server, look, 100), Status::pending);
    TestOperation read;
    assert_status(start_read(*pair.client, read, 7), Status::pending);
    TestOperation second;
    assert_status(start_read(*pair.client, second, 9), Status::pending);
    assert_status(pair.server->posted_read(length), Status::success);
    TestOperation write;
    assert_status(start_write(*pair.server, write, "data"), Status::success);
    assert_status(pair.server->posted_read(length), Status::not_found); // there is something before the next write
    pair.pump();
    assert_string_equal(text_of(read).c_str(), "data");
    assert_true(look.pending());
    assert_status(pair.server->posted_read(length), Status::success);
    assert_int_equal(length, 9);
    pair.client->close();
    pair.pump();
    assert_status(look.status(), Status::pipe_broken);
    assert_status(pair.server->posted_read(length), Status::not_found);
}

void test_look_waits_and_ends(void** /*state*/)
{
    EndPair pair;
    pair.connect();
    TestOperation look;
    assert_status(start_look(*pair.server, look, 100), Status::pending);
    assert_status(pair.server->cancel(look), Status::success);
    pair.pump();
    assert_status(look.status(), Status::cancelled);
    TestOperation again;
    assert_status(start_look(*pair.server, again, 100), Status::pending);
    TestOperation write;
    assert_status(start_write(*pair.client, write, "data"), Status::success);
    pair.pump();
    assert_true(again.done);
    assert_string_equal(text_of(again).c_str(), "data");
    TestOperation last;
    assert_status(start_look(*pair.server, last, 100), Status::pending);
    pair.client->close();
    pair.pump();
    assert_status(last.status(), Status::pipe_broken);
    TestOperation read; // but it was not consumed
    assert_status(start_read(*pair.server, read, 100), Status::success);
    assert_string_equal(text_of(read).c_str(), "data");
    assert_status(pair.server->disconnect(), Status::success);
    assert_status(start_look(*pair.server, read, 100), Status::pipe_disconnected);
    assert_status(pair.server->take(1), Status::pipe_disconnected);
}

void test_a_read_counts_as_a_look(void** /*state*/)
{
    EndPair pair;
    pair.connect();
    TestOperation write;
    for (const char* text : {"first", "second", "third"}) {
        assert_status(start_write(*pair.client, write, text), Status::success);
    }
    TestOperation look;
    assert_status(start_look(*pair.server, look, 100), Status::success);
    TestOperation read;
    assert_status(start_read(*pair.server, read, 100), Status::success);
    assert_status(start_read(*pair.server, read, 3), Status::buffer_overflow);
    assert_status(start_look(*pair.server, look, 100), Status::success);
    assert_string_equal(text_of(look).c_str(), "ond");
    assert_status(pair.server->take(5 + 2), Status::success); // the first message has gone already
    assert_status(start_read(*pair.server, read, 100), Status::success);
    assert_string_equal(text_of(read).c_str(), "d");
    assert_status(start_look(*pair.server, look, 100), Status::success);
    assert_string_equal(text_of(look).c_str(), "third");
}

void test_looks_of_the_next_client_begin_anew(void** /*state*/)
{
    EndPair pair;
    pair.connect();
    TestOperation write;
    TestOperation look;
    for (const char* text : {"one", "two"}) {
        assert_status(start_write(*pair.client, write, text), Status::success);
        assert_status(start_look(*pair.server, look, 100), Status::success);
    }
    assert_status(pair.server->disconnect(), Status::success);
    pair.pump();
    TestOperation listen;
    assert_status(pair.server->listen(listen), Status::pending);
    pair.connect();
    assert_true(listen.done);
    assert_status(start_write(*pair.client, write, "first of the next"), Status::success);
    TestOperation next;
    assert_status(start_look(*pair.server, next, 100), Status::success);
    assert_string_equal(text_of(next).c_str(), "first of the next");
}

void test_taking_is_reading_for_impersonation(void** /*state*/)
{
    EndPair pair;
    pair.connect();
    TestOperation write;
    TestOperation look;
    end::Impersonation impersonation;
    assert_status(start_write(*pair.client, write, "for whom"), Status::success);
    assert_status(start_look(*pair.server, look, 100), Status::success);
    const Status before = pair.server->impersonate(impersonation);
    assert_true(is_error(before));
    assert_status(pair.server->take(SIZE_MAX), Status::success);
    assert_true(pair.server->impersonate(impersonation) != before);
}

void test_what_was_looked_at_may_be_taken_back(void** /*state*/)
{
    EndPair pair;
    pair.connect();
    TestOperation first;
    TestOperation second;
    TestOperation third;
    assert_status(start_write(*pair.client, first, "first"), Status::success);
    assert_status(start_write(*pair.client, second, std::string(6000, 'x')), Status::pending);
    TestOperation look;
    assert_status(start_look(*pair.server, look, 10000), Status::success);
    assert_status(start_look(*pair.server, look, 10000), Status::success);
    assert_int_equal(look.information(), 6000);
    assert_status(pair.client->cancel(second), Status::pending);
    assert_status(start_write(*pair.client, third, "third"), Status::pending);
    assert_status(start_look(*pair.server, look, 10000), Status::success);
    assert_int_equal(look.information(), 0);
    assert_int_equal(look.revoked(), 6000);
    assert_int_equal(look.revoked_at(), 5);
    pair.pump();
    assert_true(second.pending());
    assert_status(pair.server->settle_revoked(5, 6000, true), Status::success);
    pair.pump();
    assert_true(second.done && third.done);
    assert_status(second.status(), Status::cancelled);
    assert_status(third.status(), Status::success);
    assert_status(start_look(*pair.server, look, 10000), Status::success);
    assert_string_equal(text_of(look).c_str(), "third");
    assert_int_equal(look.revoked(), 0);
    assert_status(pair.server->take(5), Status::success);
    TestOperation read;
    assert_status(start_read(*pair.server, read, 100), Status::success);
    assert_string_equal(text_of(read).c_str(), "third");
}

// Whoever hands it on says whether it was read: cancelled is what nobody has read, and what somebody has was written.
void test_what_was_read_over_there_is_not_cancelled(void** /*state*/)
{
    for (int how = 0; how < 3; ++how) {
        EndPair pair;
        pair.connect();
        TestOperation write;
        TestOperation look;
        assert_status(start_write(*pair.client, write, std::string(7000, 'x')), Status::pending);
        assert_status(start_look(*pair.server, look, 10000), Status::success);
        if (how == 0) {
            assert_status(pair.client->cancel(write), Status::pending);
            assert_status(pair.server->take(SIZE_MAX), Status::success); // it was just read
        } else if (how == 1) {
            assert_status(pair.server->take(6999), Status::success);
            pair.client->look();
            assert_true(write.done || pair.queue.fire_one());
        } else {
            assert_status(pair.client->cancel(write), Status::pending);
            assert_status(start_look(*pair.server, look, 10000), Status::success);
            assert_int_equal(look.revoked(), 7000);
            assert_status(pair.server->settle_revoked(0, 7000, false), Status::success);
            assert_status(pair.server->settle_revoked(0, 7000, true), Status::success); // that was said
            assert_int_equal(unread(*pair.server), 7000);
        }
        pair.pump();
        assert_true(write.done);
        assert_status(write.status(), Status::success);
        assert_int_equal(write.information(), 7000);
        assert_status(pair.server->take(SIZE_MAX), Status::success);
        assert_int_equal(unread(*pair.server), 0);
        TestOperation flush;
        assert_status(pair.client->flush(flush), Status::success);
    }
}

// Nobody has asked, and another range: nothing happens to anybody's data.
void test_only_what_is_asked_for_is_given_back(void** /*state*/)
{
    EndPair pair;
    pair.connect();
    TestOperation first;
    TestOperation second;
    TestOperation look;
    assert_status(start_write(*pair.client, first, std::string(7000, 'x')), Status::pending);
    assert_status(start_write(*pair.client, second, std::string(10, 'y')), Status::pending);
    assert_status(start_look(*pair.server, look, 10000), Status::success);
    assert_status(start_look(*pair.server, look, 10000), Status::success);
    assert_status(pair.server->settle_revoked(0, SIZE_MAX, true), Status::success);
    assert_status(pair.client->cancel(second), Status::pending);
    assert_status(pair.server->settle_revoked(7001, 9, true), Status::success);
    assert_status(pair.server->settle_revoked(7000, 9, true), Status::success);
    pair.pump();
    assert_true(first.pending() && second.pending());
    assert_int_equal(unread(*pair.server), 7010);
    assert_status(pair.server->settle_revoked(0, SIZE_MAX, true), Status::success);
    pair.pump();
    assert_true(first.pending());
    assert_status(second.status(), Status::cancelled);
    assert_int_equal(unread(*pair.server), 7000);
}

void test_nobody_waits_for_a_claimed_write_for_ever(void** /*state*/)
{
    for (int how = 0; how < 5; ++how) {
        EndPair pair;
        pair.connect();
        TestOperation look;
        auto write = std::make_unique<TestOperation>();
        assert_status(start_write(*pair.client, *write, std::string(7000, 'x')), Status::pending);
        assert_status(start_look(*pair.server, look, 10000), Status::success);
        assert_status(pair.client->cancel(*write), Status::pending);
        TestOperation next;
        assert_status(start_look(*pair.server, next, 10000), Status::success);
        assert_int_equal(next.revoked(), 7000);
        switch (how) {
        case 0:
            write.reset(); // freed
            assert_status(pair.server->settle_revoked(0, 7000, true), Status::success);
            assert_int_equal(unread(*pair.server), 0);
            pair.pump();
            assert_int_equal(local(*pair.client).write_quota_available, 6000);
            continue;
        case 1:
            pair.client->close();
            break;
        case 2:
            pair.server->close();
            break;
        case 3:
            pair.client->peer_gone();
            break;
        default:
            assert_status(pair.server->disconnect(), Status::success);
            break;
        }
        pair.pump();
        assert_true(write->done);
        assert_true(write->status() == Status::pipe_broken || write->status() == Status::pipe_disconnected);
        (void)pair.server->settle_revoked(0, 7000, true);
        TestOperation read;
        read.buffer.resize(10);
        assert_true(how == 3 || is_error(pair.server->read(read, read.buffer)));
    }
}

// What was not looked at is taken back at once, what was is asked for.
void test_a_write_in_pieces_is_asked_for(void** /*state*/)
{
    PairParameters parameters;
    parameters.type = PipeType::byte;
    parameters.server_modes = {};
    EndPair pair(parameters);
    pair.connect(false);
    pair.client_host.overflow_available = false;
    TestOperation write;
    TestOperation look;
    assert_status(start_write(*pair.client, write, std::string(90000, 'x')), Status::pending); // the ring has 64 KiB
    assert_status(start_look(*pair.server, look, 50000), Status::success);
    assert_status(pair.client->cancel(write), Status::success);
    TestOperation next;
    assert_status(start_look(*pair.server, next, 50000), Status::success);
    assert_int_equal(next.revoked(), 50000);
    TestOperation flush;
    assert_status(pair.client->flush(flush), Status::pending);
    assert_status(pair.server->settle_revoked(0, 50000, false), Status::success);
    pair.pump();
    assert_true(flush.pending());
    assert_status(start_look(*pair.server, look, 50000), Status::success); // the rest of the piece
    assert_true(look.continued() || look.information() != 0);
    assert_status(pair.server->take(SIZE_MAX), Status::success);
    pair.pump();
    assert_true(flush.done);
    assert_int_equal(local(*pair.client).write_quota_available, 6000);
    TestOperation last;
    TestOperation read;
    assert_status(start_write(*pair.client, last, "last"), Status::success);
    pair.pump();
    std::string all;
    do {
        assert_status(start_read(*pair.server, read, 65536), Status::success);
        all = text_of(read);
    } while (all.find("last") == std::string::npos);
    assert_string_equal(all.c_str(), "last");
}

// The bytes of a write that may be taken back come by themselves, and a look that waits is told of it.
void test_looks_of_bytes_are_told_what_is_taken_back(void** /*state*/)
{
    PairParameters parameters;
    parameters.type = PipeType::byte;
    parameters.server_modes = {};
    EndPair pair(parameters);
    pair.connect(false);
    TestOperation first;
    TestOperation second;
    TestOperation third;
    assert_status(start_write(*pair.client, first, "first"), Status::success);
    assert_status(start_write(*pair.client, second, std::string(6000, 'x')), Status::pending);
    assert_status(start_write(*pair.client, third, std::string(10, 'y')), Status::pending);
    TestOperation look;
    for (const std::size_t size : {5U, 6000U, 10U}) {
        assert_status(start_look(*pair.server, look, 10000), Status::success);
        assert_int_equal(look.information(), size);
    }
    assert_status(pair.server->take(5 + 1000), Status::success);
    assert_status(start_look(*pair.server, look, 10000), Status::pending);
    assert_status(pair.client->cancel(second), Status::pending);
    pair.pump();
    assert_true(look.done);
    assert_status(look.status(), Status::success);
    assert_int_equal(look.revoked(), 5000);
    assert_int_equal(look.revoked_at(), 0);
    assert_status(pair.server->settle_revoked(0, 5000, true), Status::success);
    pair.pump();
    assert_status(second.status(), Status::cancelled);
    assert_status(pair.server->take(10), Status::success);
    assert_int_equal(unread(*pair.server), 0);
}

void test_look_at_a_message_in_pieces(void** /*state*/)
{
    PairParameters parameters;
    parameters.ring_size = 8192;
    parameters.maximum_overflow = 0;
    EndPair pair(parameters);
    pair.connect();
    const std::string message(20000, 'x');
    TestOperation write;
    assert_status(start_write(*pair.client, write, message), Status::pending);
    TestOperation look;
    std::size_t seen = 0;
    for (bool first = true; seen < message.size(); first = false) {
        Status status = start_look(*pair.server, look, 50000);
        if (status == Status::pending) { // the ring is full of what was looked at
            assert_status(pair.server->take(SIZE_MAX), Status::success);
            pair.pump();
            status = look.status();
        }
        seen += look.information();
        assert_int_equal(look.continued(), !first);
        assert_int_equal(look.rest(), message.size() - seen);
        assert_status(status, look.rest() == 0 ? Status::success : Status::buffer_overflow);
    }
    assert_status(start_look(*pair.server, look, 100), Status::pending);
    assert_status(pair.server->take(SIZE_MAX), Status::success);
    pair.pump();
    assert_true(write.done);
}

} // namespace

NTPIPE_UNIT_MAIN(
    NTPIPE_UNIT_TEST(test_close_after_a_write_was_read), NTPIPE_UNIT_TEST(test_close_after_a_part_was_read),
    NTPIPE_UNIT_TEST(test_close_by_the_reader_of_a_write),
    NTPIPE_UNIT_TEST(test_disconnect_after_a_write_for_a_waiting_read),
    NTPIPE_UNIT_TEST(test_peek_beside_a_waiting_read), NTPIPE_UNIT_TEST(test_listen_completes_when_the_client_attaches),
    NTPIPE_UNIT_TEST(test_client_that_never_attaches_leaves_no_trace),
    NTPIPE_UNIT_TEST(test_withdrawn_client_cannot_attach), NTPIPE_UNIT_TEST(test_message_mode_reads),
    NTPIPE_UNIT_TEST(test_byte_mode_reads_cross_messages), NTPIPE_UNIT_TEST(test_pending_read_completes),
    NTPIPE_UNIT_TEST(test_posted_read_is_not_charged), NTPIPE_UNIT_TEST(test_cancel_of_a_read_that_was_counted_on),
    NTPIPE_UNIT_TEST(test_quota_sequence), NTPIPE_UNIT_TEST(test_cancel_removes_a_half_read_write),
    NTPIPE_UNIT_TEST(test_non_blocking_writes), NTPIPE_UNIT_TEST(test_cancel_undoes_a_tentative_decision),
    NTPIPE_UNIT_TEST(test_large_message_through_overflow), NTPIPE_UNIT_TEST(test_overflow_is_faster_than_the_attach),
    NTPIPE_UNIT_TEST(test_overflow_that_was_missed), NTPIPE_UNIT_TEST(test_large_message_in_pieces),
    NTPIPE_UNIT_TEST(test_cancel_of_a_message_in_pieces), NTPIPE_UNIT_TEST(test_cancelled_write_makes_room),
    NTPIPE_UNIT_TEST(test_close_drains_then_breaks), NTPIPE_UNIT_TEST(test_close_completes_the_other_side),
    NTPIPE_UNIT_TEST(test_dead_writer_loses_its_pending_write_only),
    NTPIPE_UNIT_TEST(test_disconnect_detaches_for_ever), NTPIPE_UNIT_TEST(test_transceive),
    NTPIPE_UNIT_TEST(test_dallying_in_a_stream), NTPIPE_UNIT_TEST(test_transceive_is_answered_while_the_client_lingers),
    NTPIPE_UNIT_TEST(test_transceive_waits_before_it_asks), NTPIPE_UNIT_TEST(test_who_looks_is_not_rung_for),
    NTPIPE_UNIT_TEST(test_transceive_ignores_quota), NTPIPE_UNIT_TEST(test_flush_is_a_marker),
    NTPIPE_UNIT_TEST(test_local_information), NTPIPE_UNIT_TEST(test_destroying_an_operation_cancels_it),
    NTPIPE_UNIT_TEST(test_looks_go_on_and_take_nothing), NTPIPE_UNIT_TEST(test_taking_is_seen_by_the_writer),
    NTPIPE_UNIT_TEST(test_looks_of_bytes), NTPIPE_UNIT_TEST(test_look_waits_and_ends),
    NTPIPE_UNIT_TEST(test_a_read_counts_as_a_look), NTPIPE_UNIT_TEST(test_looks_of_the_next_client_begin_anew),
    NTPIPE_UNIT_TEST(test_taking_is_reading_for_impersonation),
    NTPIPE_UNIT_TEST(test_what_was_looked_at_may_be_taken_back),
    NTPIPE_UNIT_TEST(test_who_writes_and_looks_is_not_rung_for_the_answer),
    NTPIPE_UNIT_TEST(test_a_posted_read_is_told_of_until_it_is_cancelled),
    NTPIPE_UNIT_TEST(test_a_posted_read_that_gets_its_data_is_not_withdrawn),
    NTPIPE_UNIT_TEST(test_a_posted_read_that_was_counted_on_is_not_cancelled),
    NTPIPE_UNIT_TEST(test_nobody_waits_for_a_claimed_read_for_ever),
    NTPIPE_UNIT_TEST(test_what_was_read_over_there_is_not_cancelled),
    NTPIPE_UNIT_TEST(test_only_what_is_asked_for_is_given_back),
    NTPIPE_UNIT_TEST(test_nobody_waits_for_a_claimed_write_for_ever),
    NTPIPE_UNIT_TEST(test_a_write_in_pieces_is_asked_for),
    NTPIPE_UNIT_TEST(test_looks_of_bytes_are_told_what_is_taken_back),
    NTPIPE_UNIT_TEST(test_look_at_a_message_in_pieces), NTPIPE_UNIT_TEST(test_tried_reads_keep_bounds),
    NTPIPE_UNIT_TEST(test_tries_overtake_nothing), NTPIPE_UNIT_TEST(test_tried_writes_and_quota),
    NTPIPE_UNIT_TEST(test_ready_to_read), NTPIPE_UNIT_TEST(test_ready_to_write),
    NTPIPE_UNIT_TEST(test_ready_to_write_a_large_message), NTPIPE_UNIT_TEST(test_ready_ends_with_the_connection))

// SPDX-License-Identifier: LGPL-2.1-or-later
// scenarios.cc: what the two ends do to each other. The client is the writer where there is only one.
#include "scenarios.hpp"

#include <array>

namespace ntpipe::explore {
namespace {

using end::CompletionMode;
using end::PipeType;
using end::ReadMode;

constexpr std::uint32_t small_quota = 10;
constexpr std::size_t most_of_ring = 2900; // of 3072 bytes

constexpr Setup message_pipe{};
constexpr Setup byte_pipe{.type = PipeType::byte};
constexpr Setup tight_messages{.quota = small_quota};
constexpr Setup tight_bytes{.type = PipeType::byte, .quota = small_quota};
constexpr Setup roomy{.quota = 8000};
constexpr Setup roomy_bytes{.type = PipeType::byte, .quota = 8000};
constexpr Setup with_overflow{.quota = 20000, .maximum_overflow = 1 << 16};
constexpr Setup offered{.attached = false};
constexpr Setup unseen{.listening = true};
constexpr Setup looking{.quota = small_quota, .arms_later = true};

void without_queueing(World& world)
{
    world.client.set_modes(ReadMode::message, CompletionMode::complete);
}

void bytes_without_queueing(World& world)
{
    world.client.set_modes(ReadMode::byte, CompletionMode::complete);
}

/// The next record wraps around the end of the ring.
void near_the_end(World& world)
{
    (void)world.client.write(most_of_ring);
    (void)world.server.read(4096);
}

void one_write(Actor& end)
{
    (void)end.write(4);
}
void two_writes(Actor& end)
{
    (void)end.write(4);
    (void)end.write(5);
}
void large_write(Actor& end)
{
    (void)end.write(20);
}
void write_and_cancel(Actor& end)
{
    Op& write = end.write(20);
    end.cancel(write);
}
void one_read(Actor& end)
{
    (void)end.read(30);
}
void short_reads(Actor& end)
{
    (void)end.read(3);
    (void)end.read(30);
}
void two_reads(Actor& end)
{
    (void)end.read(30);
    (void)end.read(30);
}
void read_and_cancel(Actor& end)
{
    Op& read = end.read(30);
    end.cancel(read);
}
/// Only one fits the quota.
void tried_writes(Actor& end)
{
    end.keep_writing(4);
    end.keep_writing(7);
}
void tried_reads(Actor& end)
{
    end.keep_reading(30);
    end.keep_reading(30);
}
void close(Actor& end)
{
    (void)end.close();
}
void pending_write_and_close(Actor& end)
{
    (void)end.write(20);
    (void)end.close();
}
void pending_writes_and_close(Actor& end)
{
    (void)end.write(12);
    (void)end.write(13);
    (void)end.close();
}
void disconnect(Actor& end)
{
    (void)end.disconnect();
}
void peek(Actor& end)
{
    const end::PeekInformation seen = end.peek().seen;
    const bool some = seen.read_data_available > 0;
    if (seen.read_data_available > 9 || some != (seen.number_of_messages > 0)) {
        throw Failure("peek sees what never was");
    }
}

/// Passes on what it looks at, and takes it then.
void hand_on(Actor& end)
{
    Op& look = end.look(100);
    end.await(look);
    if (look.result == Status::success) {
        end.deliver(look);
        (void)end.end->take(look.count);
    }
}
/// Passes on whole messages, one after the other.
void hand_on_three(Actor& end)
{
    for (int i = 0; i < 3; ++i) {
        Op& look = end.look(10000);
        end.await(look);
        end.deliver(look);
        (void)end.end->take(look.count);
    }
}
/// Has passed it on when it hears that its writer wants it back.
void hand_on_and_keep(Actor& end)
{
    Op& look = end.look(100);
    end.await(look);
    Op& next = end.look(100);
    end.await(next);
    end.settle(false);
    end.deliver(look);
    (void)end.end->take(look.count);
}
/// It has been passed on, but is not read there yet.
void keep(Actor& end)
{
    end.await(end.look(100));
    end.await(end.look(100));
    end.settle(false);
}
/// It has not been read when it hears that.
void hand_back(Actor& end)
{
    end.await(end.look(100));
    end.await(end.look(100));
    end.settle(true);
}
/// Does not pass on a message before it is there as a whole.
void hand_on_all_but_what_is_wanted_back(Actor& end)
{
    for (;;) {
        Op& look = end.look(10000);
        end.await(look);
        if (look.revoked() != 0) {
            end.settle(true);
        } else if (look.rest() == 0) {
            end.deliver(look);
            (void)end.end->take(SIZE_MAX);
        }
    }
}
/// Says to a third that what it writes is read, where a read waits.
void write_into_read(Actor& end)
{
    if (end.claim_read()) {
        (void)end.write(4);
    }
}
/// As long as nobody has written, it lets go when it is asked.
void let_read_go(Actor& end)
{
    if (end.claim_read()) {
        Op& look = end.look(100);
        end.await(look);
        if (look.withdrawn()) {
            end.release_read();
        }
    }
}
void read_and_cancel_for_good(Actor& end)
{
    Op& read = end.read(30);
    end.cancel(read);
    end.await(read);
    if (read.result == Status::cancelled && end.peer().counts_on_read()) {
        throw Failure("a read was cancelled though somebody was told that it has his data");
    }
}
constexpr Bounds deep{4, 0};
constexpr Bounds middling{3, 0};
constexpr Bounds weak{3, 1};
constexpr Bounds weakest{2, 1};

const Scenario all[] = {
    {"write_against_read", message_pipe, nullptr, one_write, one_read, deep, weak},
    {"bytes_against_read", byte_pipe, nullptr, two_writes, short_reads, middling, weak},
    {"two_writes_against_one_read", message_pipe, nullptr, two_writes, one_read, deep, weak},
    {"part_of_a_message", message_pipe, nullptr, one_write, short_reads, deep, weak},
    {"ring_wraps", roomy, near_the_end, [](Actor& end) { (void)end.write(200); },
     [](Actor& end) { (void)end.read(4096); }, deep, weak},
    {"ring_is_full", roomy, nullptr,
     [](Actor& end) {
         (void)end.write(2000);
         (void)end.write(1500);
     },
     [](Actor& end) {
         (void)end.read(4096);
         (void)end.read(4096);
     },
     middling, weakest},
    {"message_in_pieces", roomy, nullptr, [](Actor& end) { (void)end.write(4000); },
     [](Actor& end) { (void)end.read(6000); }, middling, weakest},
    {"bytes_in_pieces", roomy_bytes, nullptr, [](Actor& end) { (void)end.write(4000); },
     [](Actor& end) {
         (void)end.read(1000);
         (void)end.read(6000);
     },
     middling, weakest},
    {"cancel_against_handing_on", tight_messages, nullptr, write_and_cancel, hand_on, deep, weak},
    {"cancel_against_keeping", tight_messages, nullptr, write_and_cancel, hand_on_and_keep, deep, weak},
    {"cancel_against_keeping_for_later", tight_messages, nullptr, write_and_cancel, keep, deep, weak},
    {"cancel_against_giving_back", tight_messages, nullptr, write_and_cancel, hand_back, deep, weak},
    {"two_are_given_back",
     tight_messages,
     nullptr,
     [](Actor& end) {
         Op& first = end.write(20);
         Op& second = end.write(20);
         end.cancel(first);
         end.cancel(second);
         (void)end.write(most_of_ring);
     },
     hand_on_all_but_what_is_wanted_back,
     {2, 0},
     {1, 1}},
    {"given_back_though_it_would_fit", tight_messages, nullptr,
     [](Actor& end) {
         (void)end.write(8);
         Op& write = end.write(8);
         end.cancel(write);
     },
     [](Actor& end) {
         Op& first = end.look(100);
         end.await(first);
         end.await(end.look(100));
         end.await(end.look(100));
         end.deliver(first);
         (void)end.end->take(8);
         end.settle(true);
         (void)end.read(100);
     },
     middling, weakest},
    {"close_against_giving_back", tight_messages, nullptr,
     [](Actor& end) {
         write_and_cancel(end);
         (void)end.close();
     },
     hand_back, middling, weakest},
    {"writes_behind_what_is_given_back",
     roomy,
     nullptr,
     [](Actor& end) {
         Op& write = end.write(9000);
         end.cancel(write);
         (void)end.write(2000);
         (void)end.write(2000);
     },
     hand_on_all_but_what_is_wanted_back,
     {2, 0},
     {1, 1}},
    {"cancel_of_a_read_that_is_counted_on", message_pipe, nullptr, write_into_read, read_and_cancel_for_good, deep,
     weak},
    {"cancel_of_a_read_that_is_let_go", message_pipe, nullptr, let_read_go, read_and_cancel_for_good, deep, weak},
    {"write_after_read_that_is_let_go", tight_messages, without_queueing,
     [](Actor& end) {
         let_read_go(end);
         (void)end.write(20);
     },
     read_and_cancel_for_good, deep, weak},
    {"cancel_of_pieces", roomy, nullptr,
     [](Actor& end) {
         Op& write = end.write(4000);
         end.cancel(write);
         (void)end.write(3);
     },
     [](Actor& end) { (void)end.read(6000); }, middling, weakest},
    {"overflow_is_added", with_overflow, nullptr,
     [](Actor& end) {
         (void)end.write(100);
         (void)end.write(5000);
         (void)end.write(6);
     },
     [](Actor& end) {
         (void)end.read(6000);
         (void)end.read(6000);
     },
     middling, weakest},
    {"looking_at_overflow", with_overflow, nullptr,
     [](Actor& end) {
         (void)end.write(100);
         (void)end.write(5000);
         (void)end.write(6);
     },
     hand_on_three, middling, weakest},
    {"overflow_is_replaced", with_overflow, nullptr,
     [](Actor& end) {
         Op& first = end.write(5000);
         Op& second = end.write(9000);
         end.await(first);
         end.await(second);
     },
     [](Actor& end) { end.await(end.read(12000)); }, middling, weakest},
    {"overflow_is_used_though_replaced", with_overflow, nullptr,
     [](Actor& end) {
         end.await(end.write(5000));
         (void)end.write(6000);
     },
     [](Actor& end) {
         (void)end.read(12000);
         (void)end.read(12000);
     },
     middling, weakest},
    {"close_behind_overflow", with_overflow, nullptr,
     [](Actor& end) {
         end.await(end.write(5000));
         (void)end.close();
     },
     [](Actor& end) { (void)end.read(6000); }, middling, weakest},
    {"disconnect_behind_overflow", with_overflow, nullptr, [](Actor& end) { (void)end.read(6000); },
     [](Actor& end) {
         end.await(end.write(5000));
         (void)end.disconnect();
     },
     middling, weakest, true},
    {"pending_write_is_read", tight_messages, nullptr, large_write, one_read, deep, weak},
    {"pending_writes_in_order", tight_bytes, nullptr,
     [](Actor& end) {
         (void)end.write(8);
         (void)end.write(8);
         (void)end.write(8);
     },
     short_reads, middling, weakest},
    {"cancel_write_against_read", tight_messages, nullptr, write_and_cancel, one_read, deep, weak},
    {"cancel_write_half_read", tight_messages, nullptr, write_and_cancel, [](Actor& end) { (void)end.read(5); }, deep,
     weak},
    {"cancel_bytes_half_read", tight_bytes, nullptr,
     [](Actor& end) {
         write_and_cancel(end);
         (void)end.write(3);
     },
     short_reads, middling, weakest},
    {"cancel_between_writes", tight_messages, nullptr,
     [](Actor& end) {
         (void)end.write(9);
         Op& write = end.write(20);
         (void)end.write(5);
         end.cancel(write);
     },
     two_reads, middling, weakest},
    {"cancel_makes_room", tight_messages, nullptr,
     [](Actor& end) {
         write_and_cancel(end);
         if (!end.try_to_write(8)) {
             throw Failure("what was taken back counts for the quota");
         }
     },
     [](Actor& /*end*/) {}, deep, weak},
    {"cancel_read_against_write", message_pipe, nullptr, one_write, read_and_cancel, deep, weak},
    {"cancel_read_against_pending_write", tight_messages, nullptr, large_write, read_and_cancel, deep, weak},
    {"tentative_write_against_read", tight_messages, without_queueing, large_write, one_read, deep, weak},
    {"tentative_write_against_cancel", tight_messages, without_queueing, large_write, read_and_cancel, deep, weak},
    {"tentative_write_against_abandon", tight_messages, without_queueing, large_write,
     [](Actor& end) {
         end.abandon(end.read(30));
         (void)end.peek();
     },
     deep, weak},
    {"tentative_bytes_against_cancel", tight_bytes, bytes_without_queueing, large_write,
     [](Actor& end) {
         Op& first = end.read(4);
         (void)end.read(8);
         end.cancel(first);
     },
     middling, weakest},
    {"tentative_writes_against_reads", tight_messages, without_queueing,
     [](Actor& end) {
         (void)end.write(20);
         (void)end.write(20);
     },
     [](Actor& end) {
         Op& first = end.read(30);
         (void)end.read(30);
         end.cancel(first);
     },
     middling, weakest},
    {"tentative_write_behind_one_that_is_read", tight_messages, without_queueing,
     [](Actor& end) {
         (void)end.write(8);
         (void)end.write(20);
     },
     one_read, middling, weakest},
    {"tentative_writes_against_cancel", tight_messages, without_queueing,
     [](Actor& end) {
         (void)end.write(20); // too much even for that read
         (void)end.write(12);
     },
     [](Actor& end) {
         Op& read = end.read(5);
         end.cancel(read);
     },
     middling, weakest},
    {"close_against_read", message_pipe, nullptr,
     [](Actor& end) {
         (void)end.write(4);
         end.close();
     },
     two_reads, deep, weak},
    {"close_against_write", message_pipe, nullptr, two_writes, close, deep, weak},
    {"close_against_pending_write", tight_messages, nullptr,
     [](Actor& end) {
         (void)end.write(20);
         (void)end.flush();
     },
     close, deep, weak},
    {"close_with_pending_write", tight_messages, nullptr, pending_write_and_close, one_read, deep, weak, true},
    {"close_with_pending_write_that_is_seen", tight_messages, nullptr, pending_write_and_close,
     [](Actor& end) {
         (void)end.peek();
         (void)end.peek();
     },
     deep, weak, true},
    {"close_with_pending_writes", tight_messages, nullptr, pending_writes_and_close, one_read, middling, weakest, true},
    {"close_with_pending_bytes", tight_bytes, nullptr, pending_writes_and_close, [](Actor& end) { (void)end.read(12); },
     middling, weakest, true},
    {"close_against_close", message_pipe, nullptr, close, close, deep, weak},
    {"disconnect_against_read", message_pipe, nullptr, one_read, disconnect, deep, weak},
    {"disconnect_against_write", message_pipe, nullptr,
     [](Actor& end) {
         (void)end.write(4);
         (void)end.read(10);
     },
     [](Actor& end) {
         (void)end.read(10);
         end.disconnect();
     },
     middling, weak},
    {"disconnect_against_pending_write", tight_messages, nullptr, large_write, disconnect, deep, weak},
    {"attach_against_withdraw", offered, nullptr,
     [](Actor& end) {
         if (end.attach()) {
             (void)end.read(10);
         }
     },
     disconnect, deep, weak},
    {"attach_against_close", offered, nullptr,
     [](Actor& end) {
         if (end.attach()) {
             (void)end.read(10);
         }
     },
     close, deep, weak},
    {"attach_against_listen", offered, nullptr,
     [](Actor& end) {
         if (end.attach()) {
             (void)end.write(4);
         }
     },
     [](Actor& end) {
         end.await(end.listen());
         (void)end.read(10);
     },
     deep, weak},
    {"first_look_against_write", unseen, nullptr, two_writes, two_reads, middling, weak},
    {"flush_against_read", message_pipe, nullptr,
     [](Actor& end) {
         (void)end.write(4);
         (void)end.flush();
     },
     one_read, deep, weak, true},
    {"flush_against_one_read_of_two", message_pipe, nullptr,
     [](Actor& end) {
         two_writes(end);
         (void)end.flush();
     },
     one_read, middling, weakest, true},
    {"flush_of_pending_write", tight_messages, nullptr,
     [](Actor& end) {
         Op& write = end.write(20);
         (void)end.flush();
         end.cancel(write);
     },
     one_read, deep, weak},
    {"peek_against_write", message_pipe, nullptr, two_writes,
     [](Actor& end) {
         peek(end);
         peek(end);
     },
     deep, weak},
    {"peek_behind_a_read", message_pipe, nullptr, one_write,
     [](Actor& end) {
         one_read(end);
         (void)end.peek();
     },
     middling, weakest, true},
    {"transceive_against_read", message_pipe, nullptr, [](Actor& end) { (void)end.transceive(4, 20); },
     [](Actor& end) {
         Op& read = end.read(20);
         end.await(read);
         (void)end.write(6);
     },
     deep, weak},
    {"transceive_against_write", message_pipe, nullptr, [](Actor& end) { (void)end.transceive(4, 20); },
     [](Actor& end) {
         (void)end.write(6);
         (void)end.read(20);
     },
     middling, weak},
    {"both_ways", tight_messages, nullptr,
     [](Actor& end) {
         (void)end.write(20);
         (void)end.read(30);
     },
     [](Actor& end) {
         (void)end.write(20);
         (void)end.read(30);
     },
     middling, weakest},
    {"sleeping_twice", tight_messages, nullptr,
     [](Actor& end) {
         end.await(end.write(20));
         (void)end.write(20);
     },
     [](Actor& end) {
         end.await(end.read(30));
         (void)end.read(30);
     },
     middling, weakest},
    {"arming_late", looking, nullptr, large_write, one_read, deep, weak},
    {"arming_late_twice", looking, nullptr,
     [](Actor& end) {
         end.await(end.write(20));
         (void)end.write(20);
     },
     [](Actor& end) {
         end.await(end.read(30));
         (void)end.read(30);
     },
     middling, weakest},
    {"trying", tight_messages, nullptr, tried_writes, tried_reads, middling, weakest},
    {"trying_and_arming_late", looking, nullptr, tried_writes, tried_reads, middling, weakest},
    {"trying_behind_a_small_one",
     {.quota = 16},
     nullptr,
     [](Actor& end) {
         (void)end.try_to_write(10);
         (void)end.try_to_write(1); // less than an eighth of the quota
         end.keep_writing(16);
     },
     [](Actor& end) {
         for (int i = 0; i < 3; ++i) {
             end.keep_reading(20);
         }
     },
     middling,
     weakest},
    {"trying_against_read", tight_messages, nullptr, [](Actor& end) { end.keep_writing(20); }, one_read, deep, weak},
    {"trying_and_waiting",
     {.quota = 16},
     nullptr,
     [](Actor& end) {
         (void)end.write(1); // less than an eighth of the quota
         (void)end.write(9);
         end.end->set_readiness(&end.readiness);
         (void)end.try_to_write(7);
         (void)end.write(7);
     },
     one_read,
     middling,
     weakest},
    {"trying_against_reads", tight_messages, nullptr, tried_writes, two_reads, middling, weakest},
    {"trying_against_writes", tight_messages, nullptr, two_writes, tried_reads, middling, weak},
    {"arming_late_for_an_answer", looking, nullptr, [](Actor& end) { end.await(end.transceive(4, 20)); },
     [](Actor& end) {
         end.await(end.read(20));
         (void)end.write(6);
     },
     middling, weakest},
};

} // namespace

std::span<const Scenario> scenarios()
{
    return all;
}

} // namespace ntpipe::explore

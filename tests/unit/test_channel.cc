// SPDX-License-Identifier: LGPL-2.1-or-later
// test_channel.cc: the two sides of one direction: order, wrapping, overflow, taking back, posted reads, and nonsense.
#include "check.hpp"
#include "end_pair.hpp"

#include "channel/incoming.hpp"
#include "channel/outgoing.hpp"

#include <random>
#include <string>

using namespace ntpipe;
using namespace ntpipe::channel;
using ntpipe::unit::HeapMemory;

namespace {

struct Direction1 {
    explicit Direction1(std::size_t size = 4096) : memory(size), writer(memory.share()), reader(memory.share()) {}
    bool write(std::string_view text, std::uint32_t flags = 0, RecordRef* ref = nullptr, std::uint32_t rest = 0,
               std::uint64_t state = record_state::live)
    {
        const bool written = writer.append(unit::bytes(text), flags, state, 7, rest, ref);
        writer.publish();
        return written;
    }
    std::string read(std::uint32_t most = 1 << 20)
    {
        Record record;
        switch (reader.front(record)) {
        case Look::none:
            return "<none>";
        case Look::broken:
            return "<broken>";
        case Look::record:
            break;
        }
        std::string text(std::min(most, record.unread()), '?');
        reader.copy(record, std::as_writable_bytes(std::span(text)));
        switch (reader.take(record, static_cast<std::uint32_t>(text.size()))) {
        case Take::revoked:
            return "<revoked>";
        case Take::broken:
            return "<broken>";
        case Take::taken:
            break;
        }
        reader.publish();
        return text;
    }
    SegmentHeader& header() { return *reinterpret_cast<SegmentHeader*>(memory.bytes().data()); }
    HeapMemory memory;
    Outgoing writer;
    Incoming reader;
};

void test_records_come_in_order(void** /*state*/)
{
    Direction1 d;
    assert_string_equal(d.read().c_str(), "<none>");
    assert_true(d.write("one"));
    assert_true(d.write(""));
    assert_true(d.write("three"));
    assert_string_equal(d.read(2).c_str(), "on");
    assert_string_equal(d.read().c_str(), "e");
    assert_string_equal(d.read().c_str(), "");
    assert_string_equal(d.read().c_str(), "three");
    assert_string_equal(d.read().c_str(), "<none>");
    assert_true(d.writer.refresh());
    assert_int_equal(d.writer.consumed_records(), 3);
    assert_int_equal(d.writer.consumed_bytes(), 8);
}

void test_ring_wraps_many_times(void** /*state*/)
{
    Direction1 d;
    std::minstd_rand random(7);
    std::string sent;
    std::string got;
    for (int i = 0; i < 5000; ++i) {
        std::string text(random() % 700, static_cast<char>('a' + i % 26));
        while (!d.write(text)) {
            got += d.read(static_cast<std::uint32_t>(1 + random() % 900));
        }
        sent += text;
    }
    for (std::string text; (text = d.read()) != "<none>";) {
        got += text;
    }
    assert_true(sent == got);
}

void test_full_ring_takes_nothing(void** /*state*/)
{
    Direction1 d;
    int count = 0;
    while (d.write("0123456789")) {
        ++count;
    }
    assert_int_equal(count, (4096 - 1024) / 64);
    assert_false(d.writer.room().has_value());
    assert_string_equal(d.read().c_str(), "0123456789");
    assert_true(d.write("again"));
}

void test_order_over_overflow(void** /*state*/)
{
    Direction1 d;
    const std::string large(6000, 'L');
    assert_true(d.write("first"));
    assert_false(d.write(large));
    const HeapMemory overflow(16384);
    assert_true(d.writer.add_overflow(overflow.share()));
    assert_true(d.reader.lacks_overflow());
    assert_true(d.write(large));
    assert_true(d.write("third")); // into the ring
    assert_string_equal(d.read().c_str(), "first");
    assert_string_equal(d.read().c_str(), "<none>"); // what comes next is where this side has no memory yet
    assert_true(d.reader.add_overflow(overflow.share()));
    assert_false(d.reader.lacks_overflow());
    assert_true(d.read() == large);
    assert_string_equal(d.read().c_str(), "third");
}

void test_overflow_is_replaced_and_drained(void** /*state*/)
{
    Direction1 d;
    const HeapMemory first(8192);
    const HeapMemory second(16384);
    assert_true(d.writer.add_overflow(first.share()) && d.reader.add_overflow(first.share()));
    const std::string a(5000, 'a');
    const std::string b(12000, 'b');
    assert_true(d.write(a));
    assert_false(d.write(b));
    assert_true(d.writer.add_overflow(second.share()) && d.reader.add_overflow(second.share()));
    assert_true(d.writer.overflow_draining());
    const HeapMemory third(32768);
    assert_false(d.writer.add_overflow(third.share()));
    assert_true(d.write(b));
    assert_true(d.read() == a);
    assert_true(d.read() == b);
    assert_true(d.writer.refresh());
    assert_false(d.writer.overflow_draining());
    assert_true(d.write(b));
    assert_true(d.read() == b);
}

// The reader is handed a new segment before the writer is. Until the writer uses it, it may go on with the one before.
void test_overflow_is_used_after_its_successor_came(void** /*state*/)
{
    Direction1 d;
    const HeapMemory first(8192);
    const HeapMemory second(16384);
    assert_true(d.writer.add_overflow(first.share()) && d.reader.add_overflow(first.share()));
    const std::string a(5000, 'a');
    const std::string b(5000, 'b');
    assert_true(d.write(a));
    assert_true(d.reader.add_overflow(second.share()));
    assert_true(d.read() == a); // the first is drained
    assert_true(d.write(b));
    assert_true(d.read() == b);
    assert_true(d.writer.add_overflow(second.share()));
    assert_true(d.write(std::string(12000, 'c')));
    assert_true(d.read() == std::string(12000, 'c'));
    assert_true(d.writer.refresh());
    const HeapMemory third(32768);
    assert_true(d.reader.add_overflow(third.share()) && d.writer.add_overflow(third.share()));
}

void test_revoke_before_and_after(void** /*state*/)
{
    Direction1 d;
    RecordRef first;
    RecordRef second;
    RecordRef third;
    assert_true(d.write("one", record_flag::revocable, &first));
    assert_true(d.write("two", record_flag::revocable, &second));
    assert_true(d.write("three", record_flag::revocable, &third));
    assert_true(d.writer.revoke(second, false) == Revoke::revoked);
    assert_string_equal(d.read(1).c_str(), "o");
    assert_true(d.writer.revoke(first, false) == Revoke::revoked);
    assert_string_equal(d.read().c_str(), "three");
    assert_true(d.writer.revoke(third, false) == Revoke::over);
    assert_true(d.writer.refresh());
    assert_int_equal(d.writer.consumed_bytes(), 11); // passed, read or not
}

void test_revoke_against_take(void** /*state*/)
{
    Direction1 d;
    RecordRef ref;
    assert_true(d.write("data", record_flag::revocable, &ref));
    Record record;
    assert_true(d.reader.front(record) == Look::record);
    assert_true(d.writer.revoke(ref, false) == Revoke::revoked); // between looking and taking
    assert_true(d.reader.take(record, 4) == Take::revoked);
    assert_string_equal(d.read().c_str(), "<none>");
}

Record first_of(Incoming& reader)
{
    Record record;
    Walk walk = reader.walk();
    assert_true(walk.next(record));
    return record;
}

// Whoever hands a record on is asked for it, and what he says is final.
void test_claimed_record_is_asked_for(void** /*state*/)
{
    for (const bool given_back : {true, false}) {
        Direction1 d;
        RecordRef ref;
        assert_true(d.write("data", record_flag::revocable, &ref));
        assert_true(d.reader.claim(first_of(d.reader)));
        assert_true(d.reader.claim(first_of(d.reader)));
        assert_false(first_of(d.reader).asked);
        d.reader.answer(first_of(d.reader), true); // nobody has asked
        assert_true(d.writer.revoke(ref, false) == Revoke::asked);
        assert_true(d.writer.revoke(ref, false) == Revoke::asked);
        assert_true(d.writer.answer(ref) == Revoke::asked);
        assert_true(first_of(d.reader).asked);
        const Record record = first_of(d.reader);
        d.reader.answer(record, given_back);
        d.reader.answer(record, !given_back); // too late
        assert_true(d.writer.answer(ref) == (given_back ? Revoke::revoked : Revoke::over));
        assert_true(d.writer.revoke(ref, false) == (given_back ? Revoke::revoked : Revoke::over));
        assert_string_equal(d.read().c_str(), given_back ? "<none>" : "data");
    }
}

void test_claimed_record_is_taken(void** /*state*/)
{
    for (const bool asked : {false, true}) {
        Direction1 d;
        RecordRef ref;
        assert_true(d.write("data", record_flag::revocable, &ref));
        assert_true(d.reader.claim(first_of(d.reader)));
        assert_true(!asked || d.writer.revoke(ref, false) == Revoke::asked);
        assert_string_equal(d.read(1).c_str(), "d");
        assert_true(d.writer.revoke(ref, false) == Revoke::asked); // the claim is on what is left
        assert_string_equal(d.read().c_str(), "ata");
        assert_true(d.writer.answer(ref) == Revoke::over);
    }
}

// Who closes does not wait for anybody.
void test_claimed_record_is_revoked_at_once(void** /*state*/)
{
    Direction1 d;
    RecordRef ref;
    assert_true(d.write("data", record_flag::revocable, &ref));
    Record record;
    assert_true(d.reader.front(record) == Look::record);
    assert_true(d.reader.claim(record));
    assert_true(d.writer.revoke(ref, false) == Revoke::asked);
    assert_true(d.writer.revoke(ref, true) == Revoke::revoked);
    assert_false(d.reader.claim(record));
    d.reader.answer(record, false);
    assert_true(d.reader.take(record, 4) == Take::revoked);
    assert_string_equal(d.read().c_str(), "<none>");
}

// The answer is still there when the reader has passed the record and the writer has gone on.
void test_held_record_keeps_its_answer(void** /*state*/)
{
    Direction1 d(minimum_segment_size);
    const std::string large(1000, 'l');
    RecordRef ref;
    assert_true(d.write("data", record_flag::revocable, &ref));
    assert_true(d.reader.claim(first_of(d.reader)));
    assert_true(d.writer.revoke(ref, false) == Revoke::asked);
    d.writer.hold(ref);
    d.reader.answer(first_of(d.reader), true);
    assert_string_equal(d.read().c_str(), "<none>");
    int written = 0;
    while (d.write(large)) {
        assert_string_equal(d.read().c_str(), large.c_str());
        ++written;
    }
    assert_int_equal(written, 2);
    assert_true(d.writer.answer(ref) == Revoke::revoked);
    d.writer.hold_none();
    assert_true(d.writer.answer(ref) == Revoke::over);
    for (int i = 0; i < 9; ++i) {
        assert_true(d.write(large));
        assert_string_equal(d.read().c_str(), large.c_str());
    }
}

void test_claimed_posted_read(void** /*state*/)
{
    Direction1 d;
    std::uint64_t index = 0;
    std::uint64_t second = 0;
    assert_false(d.writer.claim_posted_read().has_value());
    assert_true(d.reader.post_read(7, true, index) && d.reader.post_read(9, true, second));
    const auto claimed = d.writer.claim_posted_read();
    assert_true(claimed && claimed->length == 7 && d.writer.claim_on(*claimed) == Claim::holds);
    assert_true(d.reader.withdraw_read(second)); // of which nobody knows
    d.reader.repost_read(index, 6, false);
    assert_true(d.writer.claim_on(*claimed) == Claim::holds);
    assert_false(d.reader.withdraw_read(index));
    assert_false(d.reader.withdraw_read(index));
    assert_false(d.reader.released(index));
    assert_true(d.writer.claim_on(*claimed) == Claim::asked);
    assert_int_equal(d.writer.posted_reads().size(), 1); // it takes what comes
    assert_false(d.writer.claim_posted_read().has_value());
    assert_true(d.writer.release(*claimed));
    assert_true(d.reader.released(index));
    assert_false(d.writer.release(*claimed));
    d.reader.settle_read(index);
    assert_true(d.writer.claim_on(*claimed) == Claim::gone);

    assert_true(d.reader.post_read(5, true, index));
    const auto again = d.writer.claim_posted_read();
    assert_true(again && !d.writer.release(*again)); // nobody waits for it
    assert_true(d.reader.withdraw_read(index));
    assert_int_equal(d.writer.posted_reads().size(), 0);
}

void test_revoked_write_takes_its_later_pieces_with_it(void** /*state*/)
{
    Direction1 d;
    RecordRef first;
    assert_true(d.write("aaaa", record_flag::revocable, &first, 8));
    assert_true(d.write("bbbb", record_flag::revocable | record_flag::continuation, nullptr, 4));
    assert_true(d.write("cccc", record_flag::revocable | record_flag::continuation));
    assert_true(d.write("next"));
    assert_true(d.writer.revoke(first, false) == Revoke::revoked);
    assert_string_equal(d.read().c_str(), "next");
}

// Looking does not consume: what is behind a piece that was taken back is the same at the second look.
void test_record_behind_a_revoked_piece(void** /*state*/)
{
    Direction1 d;
    RecordRef second;
    assert_true(d.write("aaaa", record_flag::revocable, nullptr, 8));
    assert_string_equal(d.read().c_str(), "aaaa");
    assert_true(d.write("bbbb", record_flag::revocable | record_flag::continuation, &second, 4));
    assert_true(d.writer.revoke(second, false) == Revoke::revoked);
    assert_true(d.write("next"));
    for (int look = 0; look < 2; ++look) {
        Record record;
        assert_true(d.reader.front(record) == Look::record);
        assert_false(d.reader.awaiting_rest());
    }
    assert_string_equal(d.read().c_str(), "next");
}

void test_tentative_records_are_not_there(void** /*state*/)
{
    Direction1 d;
    RecordRef ref;
    assert_true(d.write("maybe", record_flag::revocable, &ref, 0, record_state::tentative));
    assert_string_equal(d.read().c_str(), "<none>");
    assert_true(d.writer.settle(ref));
    assert_string_equal(d.read().c_str(), "maybe");
    assert_true(d.write("never", record_flag::revocable, &ref, 0, record_state::tentative));
    d.reader.abort_tentative();
    assert_false(d.writer.settle(ref));
    assert_string_equal(d.read().c_str(), "<none>");
}

void test_posted_reads(void** /*state*/)
{
    Direction1 d;
    std::vector<std::uint64_t> indices;
    std::uint64_t index = 0;
    while (d.reader.post_read(100 + static_cast<std::uint32_t>(indices.size()), indices.size() % 2 == 0, index)) {
        indices.push_back(index);
    }
    assert_int_equal(indices.size(), ledger_slots);
    auto posted = d.writer.posted_reads();
    assert_int_equal(posted.size(), ledger_slots);
    assert_int_equal(posted[1].length, 101);
    assert_false(posted[1].message_mode);
    d.reader.settle_read(indices[1]); // cancelled out of the middle
    assert_false(d.reader.post_read(1, false, index));
    d.reader.settle_read(indices[0]);
    posted = d.writer.posted_reads();
    assert_int_equal(posted.size(), ledger_slots - 2);
    assert_int_equal(posted[0].length, 102);
    assert_true(d.reader.post_read(1, false, index));
}

void test_walk_sees_everything_unread(void** /*state*/)
{
    Direction1 d;
    RecordRef ref;
    assert_true(d.write("0123456789"));
    assert_true(d.write("gone", record_flag::revocable, &ref));
    assert_true(d.write("tail"));
    (void)d.writer.revoke(ref, false);
    assert_string_equal(d.read(4).c_str(), "0123");
    for (Walk walk : {d.reader.walk(), d.writer.walk()}) {
        Record record;
        assert_true(walk.next(record));
        assert_int_equal(record.unread(), 6);
        assert_true(walk.next(record));
        assert_int_equal(record.unread(), 4);
        assert_false(walk.next(record));
    }
}

// ---- a writer that lies ----

void test_reader_refuses_impossible_positions(void** /*state*/)
{
    for (const std::uint64_t tail :
         {std::uint64_t{1}, std::uint64_t{31}, std::uint64_t{1} << 40, ~std::uint64_t{0}, std::uint64_t{3104}}) {
        Direction1 d;
        d.header().tail.store(tail);
        assert_string_equal(d.read().c_str(), "<broken>");
    }
    Direction1 back;
    assert_true(back.write("x"));
    assert_string_equal(back.read().c_str(), "x");
    back.header().tail.store(0); // back in time
    assert_string_equal(back.read().c_str(), "<broken>");
}

void test_reader_refuses_impossible_records(void** /*state*/)
{
    const auto with = [](auto change) {
        Direction1 d;
        assert_true(d.write("payload"));
        auto* record = reinterpret_cast<RecordHeader*>(d.memory.bytes().data() + segment_header_size);
        change(*record);
        return d.read();
    };
    assert_string_equal(with([](RecordHeader& r) { r.size = 100000; }).c_str(), "<broken>");
    assert_string_equal(with([](RecordHeader& r) { r.size = 0xFFFFFFFF; }).c_str(), "<broken>");
    assert_string_equal(with([](RecordHeader& r) { r.flags = 0x80; }).c_str(), "<broken>");
    assert_string_equal(with([](RecordHeader& r) { r.flags = record_flag::continuation; }).c_str(), "<broken>");
    assert_string_equal(with([](RecordHeader& r) { r.flags = record_flag::cut; }).c_str(), "<broken>");
    assert_string_equal(with([](RecordHeader& r) { r.sequence = 5; }).c_str(),
                        "<none>"); // it waits for what does not come
    assert_string_equal(with([](RecordHeader& r) {
                            r.flags = record_flag::revocable;
                            r.progress.store(record_state::done);
                        }).c_str(),
                        "<broken>");
    assert_string_equal(with([](RecordHeader& r) {
                            r.flags = record_flag::revocable;
                            r.progress.store(3);
                        }).c_str(),
                        "<broken>");
}

void test_rest_must_add_up(void** /*state*/)
{
    Direction1 d;
    assert_true(d.write("aaaa", 0, nullptr, 4));
    assert_true(d.write("bbbbb", record_flag::continuation));
    assert_string_equal(d.read().c_str(), "aaaa");
    assert_string_equal(d.read().c_str(), "<broken>");
    Direction1 other;
    assert_true(other.write("aaaa", 0, nullptr, 4));
    assert_true(other.write("fresh"));
    assert_string_equal(other.read().c_str(), "aaaa");
    assert_string_equal(other.read().c_str(), "<broken>");
}

// ---- a reader that lies ----

void test_writer_refuses_impossible_progress(void** /*state*/)
{
    const auto with = [](auto change) {
        Direction1 d;
        assert_true(d.write("payload"));
        change(d.header());
        return d.writer.refresh();
    };
    assert_false(with([](SegmentHeader& h) { h.head.store(64 + 32); }));
    assert_false(with([](SegmentHeader& h) { h.head.store(1); }));
    assert_false(with([](SegmentHeader& h) { h.consumed_bytes.store(8); }));
    assert_false(with([](SegmentHeader& h) { h.consumed_records.store(2); }));
    assert_true(with([](SegmentHeader& h) { h.consumed_bytes.store(7); }));
    Direction1 d;
    assert_true(d.write("x"));
    assert_string_equal(d.read().c_str(), "x");
    assert_true(d.writer.refresh());
    d.header().head.store(0);
    assert_false(d.writer.refresh());
    d.header().reads_posted.store(1000);
    assert_int_equal(d.writer.posted_reads().size(), 0);
}

// ---- pages ----

void test_state_word(void** /*state*/)
{
    const HeapMemory memory(connection_page_size);
    ConnectionView client(memory.share(), Side::client);
    ConnectionView server(memory.share(), Side::server);
    assert_false(server.attached());
    assert_true(client.attach());
    assert_false(client.attach());
    assert_false(server.withdraw());
    assert_true(server.attached());
    client.say_closed();
    assert_true(server.peer_closed());
    assert_false(client.peer_closed());
    assert_false(server.peer_disconnected());
    server.say_disconnected();
    assert_true(client.peer_disconnected());
}

void test_wants_are_taken_once(void** /*state*/)
{
    const HeapMemory memory(connection_page_size);
    ConnectionView client(memory.share(), Side::client);
    ConnectionView server(memory.share(), Side::server);
    assert_false(client.take_peer_wants(want::data | want::space));
    server.set_wants(want::data);
    assert_false(client.take_peer_wants(want::space));
    assert_true(client.take_peer_wants(want::data));
    assert_false(client.take_peer_wants(want::data));
}

void test_pipe_page(void** /*state*/)
{
    const HeapMemory memory(pipe_page_size);
    PipePageWriter writer(memory.share(), 42);
    const PipeView view(std::shared_ptr<const Memory>(memory.share()));
    writer.set_current_instances(3);
    writer.set_attributes(-500000, unit::bytes("descriptor"));
    assert_int_equal(view.current_instances(), 3);
    assert_int_equal(view.default_timeout(), -500000);
    const auto descriptor = view.descriptor();
    assert_true(descriptor.has_value());
    assert_int_equal(descriptor->size(), 10);
    assert_memory_equal(descriptor->data(), "descriptor", 10);
    assert_true(static_cast<bool>(PipePageWriter::adopt(memory.share(), 42)));
    assert_false(static_cast<bool>(PipePageWriter::adopt(memory.share(), 43)));
}

} // namespace

NTPIPE_UNIT_MAIN(NTPIPE_UNIT_TEST(test_records_come_in_order), NTPIPE_UNIT_TEST(test_ring_wraps_many_times),
                 NTPIPE_UNIT_TEST(test_full_ring_takes_nothing), NTPIPE_UNIT_TEST(test_order_over_overflow),
                 NTPIPE_UNIT_TEST(test_overflow_is_replaced_and_drained),
                 NTPIPE_UNIT_TEST(test_overflow_is_used_after_its_successor_came),
                 NTPIPE_UNIT_TEST(test_revoke_before_and_after), NTPIPE_UNIT_TEST(test_revoke_against_take),
                 NTPIPE_UNIT_TEST(test_claimed_record_is_asked_for), NTPIPE_UNIT_TEST(test_claimed_record_is_taken),
                 NTPIPE_UNIT_TEST(test_claimed_record_is_revoked_at_once),
                 NTPIPE_UNIT_TEST(test_held_record_keeps_its_answer), NTPIPE_UNIT_TEST(test_claimed_posted_read),
                 NTPIPE_UNIT_TEST(test_revoked_write_takes_its_later_pieces_with_it),
                 NTPIPE_UNIT_TEST(test_record_behind_a_revoked_piece),
                 NTPIPE_UNIT_TEST(test_tentative_records_are_not_there), NTPIPE_UNIT_TEST(test_posted_reads),
                 NTPIPE_UNIT_TEST(test_walk_sees_everything_unread),
                 NTPIPE_UNIT_TEST(test_reader_refuses_impossible_positions),
                 NTPIPE_UNIT_TEST(test_reader_refuses_impossible_records), NTPIPE_UNIT_TEST(test_rest_must_add_up),
                 NTPIPE_UNIT_TEST(test_writer_refuses_impossible_progress), NTPIPE_UNIT_TEST(test_state_word),
                 NTPIPE_UNIT_TEST(test_wants_are_taken_once), NTPIPE_UNIT_TEST(test_pipe_page))

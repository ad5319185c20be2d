// SPDX-License-Identifier: LGPL-2.1-or-later
// test_hostile_peer.cc: an end whose peer writes anything into the memory that they share, at any time. It may say that the
// connection is broken; it may not crash, loop for ever, read or write out of bounds, or trouble another connection.
#include "check.hpp"
#include "end_pair.hpp"

#include <array>
#include <atomic>
#include <random>
#include <thread>

using namespace ntpipe;
using namespace ntpipe::unit;

namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr int rounds = 1500;
#else
constexpr int rounds = 4000;
#endif
constexpr int steps = 60;

/// Scribbles over one of the three pieces of memory, as a process that has them mapped could.
class Scribbler {
public:
    Scribbler(EndPair& pair, unsigned seed)
        : random_(seed), pieces_{pair.page->bytes(), pair.inbound->bytes(), pair.outbound->bytes()}
    {
    }
    void scribble()
    {
        const std::span<std::byte> piece = pieces_[random_() % pieces_.size()];
        // Most of what matters is at the start: positions, ledger, the first records.
        const std::size_t range = random_() % 4 == 0 ? piece.size() : std::min<std::size_t>(piece.size(), 1024 + 512);
        const std::size_t at = random_() % (range / 8) * 8;
        std::uint64_t value = 0;
        std::atomic_ref<std::uint64_t> word(*reinterpret_cast<std::uint64_t*>(piece.data() + at));
        switch (random_() % 6) {
        case 0:
            value = random_();
            break;
        case 1:
            value = ~std::uint64_t{0};
            break;
        case 2:
            value = word.load() + 32 * (random_() % 64);
            break;
        case 3:
            value = word.load() - 32 * (random_() % 64);
            break;
        case 4:
            value = word.load() ^ (std::uint64_t{1} << (random_() % 64));
            break;
        default:
            value = random_() % 5000;
            break;
        }
        word.store(value);
    }

private:
    std::minstd_rand random_;
    std::array<std::span<std::byte>, 3> pieces_;
};

/// Some operation on an end, whatever comes of it.
void act(end::End& end, std::vector<std::unique_ptr<TestOperation>>& operations, std::minstd_rand& random)
{
    auto operation = std::make_unique<TestOperation>();
    operation->buffer.resize(random() % 3000);
    end::PeekInformation peek;
    end::PipeLocalInformation local;
    std::uint32_t length = 0;
    std::vector<std::byte> room(random() % 2000);
    switch (random() % 13) {
    case 0:
    case 1:
        (void)end.read(*operation, operation->buffer);
        break;
    case 2:
    case 3:
        (void)end.write(*operation, operation->buffer);
        break;
    case 4:
        (void)end.transceive(*operation, operation->buffer, operation->buffer);
        break;
    case 5:
        (void)end.flush(*operation);
        break;
    case 6:
        (void)end.peek(room, peek);
        break;
    case 7:
        (void)end.query(local);
        break;
    case 8:
        (void)end.look(*operation, operation->buffer);
        break;
    case 9:
        (void)end.settle_revoked(random() % 100, random() % 3000, random() % 2 == 0);
        (void)end.take(random() % 100);
        break;
    case 10:
        (void)end.posted_read(length);
        break;
    case 11:
        (void)end.release_posted_read();
        break;
    default:
        if (!operations.empty()) {
            (void)end.cancel(*operations[random() % operations.size()]);
        }
        break;
    }
    if (operation->pending()) {
        operations.push_back(std::move(operation));
    }
}

void run_against_scribbles(PairParameters parameters)
{
    for (int round = 0; round < rounds; ++round) {
        std::vector<std::unique_ptr<TestOperation>> operations;
        EndPair pair(parameters);
        pair.connect();
        std::minstd_rand random(static_cast<unsigned>(round + 1));
        Scribbler scribbler(pair, static_cast<unsigned>(round + 100000));
        for (int step = 0; step < steps; ++step) {
            if (random() % 3 == 0) {
                scribbler.scribble();
            }
            act(random() % 2 == 0 ? *pair.server : *pair.client, operations, random);
            pair.pump();
        }
        if (random() % 2 == 0) {
            pair.server->peer_gone();
        } else {
            (void)pair.server->disconnect();
        }
        pair.pump();
    }
}

void test_scribbles_between_operations(void** /*state*/)
{
    run_against_scribbles({});
}

void test_scribbles_on_byte_pipes(void** /*state*/)
{
    PairParameters parameters;
    parameters.type = end::PipeType::byte;
    parameters.server_modes = {end::ReadMode::byte, end::CompletionMode::queue};
    run_against_scribbles(parameters);
}

void test_scribbles_with_a_small_ring(void** /*state*/)
{
    PairParameters parameters;
    parameters.ring_size = 4096;
    parameters.maximum_overflow = 16384;
    run_against_scribbles(parameters);
}

void test_scribbles_without_waiting(void** /*state*/)
{
    PairParameters parameters;
    parameters.server_modes = {end::ReadMode::message, end::CompletionMode::complete};
    parameters.outbound_quota = 100;
    run_against_scribbles(parameters);
}

void test_scribbles_during_operations(void** /*state*/)
{
    for (int round = 0; round < rounds / 4; ++round) {
        std::vector<std::unique_ptr<TestOperation>> operations;
        EndPair pair;
        pair.connect();
        std::atomic<bool> over = false;
        Scribbler scribbler(pair, static_cast<unsigned>(round));
        std::thread peer([&] {
            while (!over) {
                scribbler.scribble();
            }
        });
        std::minstd_rand random(static_cast<unsigned>(round + 1));
        for (int step = 0; step < 2 * steps; ++step) {
            act(*pair.server, operations, random);
            if (step % 16 == 0) {
                operations.clear();
            }
            *pair.server_bell = true;
            while (pair.queue.fire_one()) {}
            pair.server->wake();
        }
        over = true;
        peer.join();
    }
}

void test_a_broken_connection_looks_closed(void** /*state*/)
{
    EndPair pair;
    pair.connect();
    TestOperation read;
    assert_status(start_read(*pair.server, read, 10), Status::pending);
    auto* header = reinterpret_cast<channel::SegmentHeader*>(pair.inbound->bytes().data());
    header->tail.store(12345);
    pair.server->wake();
    pair.pump();
    assert_true(read.done);
    assert_status(read.status(), Status::pipe_broken);
    TestOperation write;
    assert_status(start_write(*pair.server, write, "x"), Status::pipe_closing);
    TestOperation listen;
    assert_status(pair.server->listen(listen), Status::pipe_closing);
    assert_status(pair.server->disconnect(), Status::success);
    assert_status(pair.server->listen(listen), Status::pending); // and the next client comes
    pair.offer();
    assert_true(pair.attach());
    assert_true(listen.done);
}

// Else one record with ever higher numbers would be looked at without an end, and behind the highest one all again.
void test_looks_go_no_further_than_to_a_missing_number(void** /*state*/)
{
    for (const std::uint64_t number : {~std::uint64_t{0}, std::uint64_t{1} << 40, std::uint64_t{2}}) {
        EndPair pair;
        pair.connect();
        std::array<TestOperation, 2> writes;
        for (TestOperation& write : writes) {
            assert_status(start_write(*pair.client, write, "x"), Status::success);
        }
        std::byte* second = pair.inbound->bytes().data() + channel::segment_header_size + channel::record_span(1);
        auto* record = reinterpret_cast<channel::RecordHeader*>(second);
        assert_int_equal(record->sequence, 1);
        record->sequence = number;
        TestOperation look;
        look.buffer.resize(10);
        assert_status(pair.server->look(look, look.buffer), Status::success);
        assert_status(pair.server->look(look, look.buffer), Status::pending);
    }
}

// What a client says about the server's own doings is not believed.
void test_forged_state_bits_change_nothing(void** /*state*/)
{
    EndPair pair;
    pair.connect();
    auto* page = reinterpret_cast<channel::ConnectionPage*>(pair.page->bytes().data());
    page->state.fetch_or(channel::connection_state::server_closed | channel::connection_state::disconnected |
                         channel::connection_state::withdrawn);
    assert_int_equal(static_cast<int>(pair.server->state()), static_cast<int>(end::PipeState::connected));
    TestOperation write;
    assert_status(start_write(*pair.server, write, "x"), Status::success);
}

} // namespace

NTPIPE_UNIT_MAIN(NTPIPE_UNIT_TEST(test_scribbles_between_operations), NTPIPE_UNIT_TEST(test_scribbles_on_byte_pipes),
                 NTPIPE_UNIT_TEST(test_scribbles_with_a_small_ring), NTPIPE_UNIT_TEST(test_scribbles_without_waiting),
                 NTPIPE_UNIT_TEST(test_scribbles_during_operations),
                 NTPIPE_UNIT_TEST(test_a_broken_connection_looks_closed),
                 NTPIPE_UNIT_TEST(test_looks_go_no_further_than_to_a_missing_number),
                 NTPIPE_UNIT_TEST(test_forged_state_bits_change_nothing))

// SPDX-License-Identifier: LGPL-2.1-or-later
// test_model_found.cc: short sequences on which the real thing once differed from the model, each with the rule that was broken.
#include "api_system.hpp"
#include "end_system.hpp"
#include "sequence.hpp"
#include "unit/main.hpp"

#include <iostream>

namespace {

using namespace ntpipe::model;

constexpr Id server = 1;
constexpr Id client = 2;
constexpr std::uint32_t read_and_write = 0xC0000000;
constexpr std::uint32_t read_attributes = 0x80;

/// A sequence under construction. Steps are numbered from 1, ends are called by the step that makes them.
class Script {
public:
    Step& add(Kind kind, Id end = 0)
    {
        Step& step = steps_.emplace_back();
        step.kind = kind;
        step.id = static_cast<Id>(steps_.size());
        step.end = end;
        return step;
    }
    Script& connected(std::uint32_t type, std::uint32_t quota, std::uint32_t access = read_and_write)
    {
        Step& create = add(Kind::create, server);
        create.parameters.type = type;
        create.parameters.read_mode = 0;
        create.parameters.inbound_quota = create.parameters.outbound_quota = quota;
        create.parameters.max_instances = 1;
        add(Kind::open, client).access = access;
        return *this;
    }
    Script& on(Id end, Kind kind, std::uint32_t room = 0)
    {
        add(kind, end).room = room;
        return *this;
    }
    Script& write(Id end, std::uint32_t length)
    {
        add(Kind::write, end).length = length;
        return *this;
    }
    Script& modes(Id end, std::uint32_t read_mode, std::uint32_t completion_mode)
    {
        Step& step = add(Kind::set_modes, end);
        step.read_mode = read_mode;
        step.completion_mode = completion_mode;
        return *this;
    }
    Script& stop(Kind kind, Id target)
    {
        add(kind).target = target;
        return *this;
    }
    [[nodiscard]] Batch batch() const
    {
        Batch batch;
        batch.push_back(steps_);
        return batch;
    }

private:
    Sequence steps_;
};

void holds(System&& system, const Script& script)
{
    Outcomes outcomes;
    const std::string trouble = play(system, script.batch(), outcomes);
    if (!trouble.empty()) {
        std::cerr << trouble << "\n";
    }
    assert_string_equal(trouble.c_str(), "");
}

// 3.9: access bits come before the state, also for a flush on a detached client.
void flush_of_detached_end_without_the_right(void** /*state*/)
{
    Script script;
    script.connected(0, 0, read_attributes).on(server, Kind::disconnect).on(client, Kind::flush);
    holds(ApiSystem(), script);
}

// 3.5, 5.1: what a cancelled write leaves is not readable, also for an end that may not read and so counts by hearsay.
void cancelled_write_is_not_counted_at_an_end_that_may_not_read(void** /*state*/)
{
    Script script;
    script.connected(0, 0, read_attributes).write(server, 10).write(server, 5).on(client, Kind::query_local);
    script.stop(Kind::cancel, 3).on(client, Kind::query_local);
    script.stop(Kind::abandon, 4).on(client, Kind::query_local);
    holds(ApiSystem(), script);
}

// 2.6, D6: pending writes are taken back by the one who closes.
void closed_writer_is_not_counted_at_an_end_that_may_not_read(void** /*state*/)
{
    Script script;
    script.connected(0, 5, read_attributes)
        .write(server, 4)
        .write(server, 5)
        .on(server, Kind::close)
        .on(client, Kind::query_local);
    holds(ApiSystem(), script);
}

// 3.3 rule 5: bytes of pending writes can be read and peeked, up to the limit of memory per direction (docs/SPEC.md 14).
void pending_writes_are_readable_up_to_the_limit_of_memory(void** /*state*/)
{
    Script script;
    script.connected(1, 0);
    for (int i = 0; i < 50; ++i) {
        script.write(client, 20000);
    }
    script.on(server, Kind::query_local).on(server, Kind::peek, 30000);
    holds(ApiSystem(), script);
}

// The same with writes so small that the segment for one would be smaller than a segment may be.
void pending_writes_are_readable_when_small_ones_overflow(void** /*state*/)
{
    Script script;
    script.connected(0, 0);
    for (int i = 0; i < 80; ++i) {
        script.write(server, 1000);
    }
    script.on(client, Kind::peek, 100000).on(client, Kind::query_local);
    holds(ApiSystem(), script);
}

// 3.4: what is within the quota is written, however little of it fits the ring.
void nonblocking_write_within_quota_beyond_the_ring(void** /*state*/)
{
    Script script;
    script.connected(1, 4096)
        .modes(server, 0, 1)
        .write(server, 3500)
        .write(server, 500)
        .write(server, 97)
        .write(server, 0);
    script.on(client, Kind::query_local).on(client, Kind::read, 5000).on(client, Kind::read, 5000);
    holds(EndSystem(4096), script);
}

// 3.3 rule 6: empty messages are queued. Thousands of them are more than the ring's memory, though no byte of quota.
void nonblocking_empty_messages_are_not_lost(void** /*state*/)
{
    Script script;
    script.connected(1, 0).modes(server, 0, 1);
    for (int i = 0; i < 200; ++i) {
        script.write(server, 0);
    }
    script.on(client, Kind::peek, 10);
    holds(EndSystem(4096), script);
}

// 3.4: pending reads take what is too large for the ring.
void nonblocking_write_for_a_large_pending_read(void** /*state*/)
{
    for (const std::uint32_t type : {0U, 1U}) {
        Script script;
        script.connected(type, 5).modes(server, 0, 1);
        script.on(client, Kind::read, 10000)
            .write(server, 10005)
            .on(client, Kind::query_local)
            .on(client, Kind::read, 10);
        script.on(client, Kind::read, 10000).write(server, 10006).on(client, Kind::query_local);
        holds(EndSystem(4096), script);
    }
}

} // namespace

NTPIPE_UNIT_MAIN(NTPIPE_UNIT_TEST(flush_of_detached_end_without_the_right),
                 NTPIPE_UNIT_TEST(cancelled_write_is_not_counted_at_an_end_that_may_not_read),
                 NTPIPE_UNIT_TEST(closed_writer_is_not_counted_at_an_end_that_may_not_read),
                 NTPIPE_UNIT_TEST(pending_writes_are_readable_up_to_the_limit_of_memory),
                 NTPIPE_UNIT_TEST(pending_writes_are_readable_when_small_ones_overflow),
                 NTPIPE_UNIT_TEST(nonblocking_write_within_quota_beyond_the_ring),
                 NTPIPE_UNIT_TEST(nonblocking_empty_messages_are_not_lost),
                 NTPIPE_UNIT_TEST(nonblocking_write_for_a_large_pending_read))

// SPDX-License-Identifier: LGPL-2.1-or-later
// test_namespace.cc: creating, matching, waiting, scopes, and the way back after a restart of the broker.
#include "world.hpp"

#include "namespace/wait_buffer.hpp"
#include "security/sddl.hpp"

using namespace ntpipe;
using namespace ntpipe::space;
using namespace ntpipe::unit;

namespace {

// ---- creating (SEMANTICS 2.1, 2.2) ----

void test_parameters_that_nt_refuses(void** /*state*/)
{
    World world;
    const auto with = [&world](auto change) {
        CreateParameters create = parameters("x");
        change(create);
        return world.create(1, 1, create);
    };
    assert_status(with([](CreateParameters& c) { c.share_access = 0; }), Status::invalid_parameter);
    assert_status(with([](CreateParameters& c) { c.share_access = 4; }), Status::invalid_parameter);
    for (const std::uint32_t disposition : {0U, 4U, 5U, 6U}) {
        assert_status(with([=](CreateParameters& c) { c.disposition = disposition; }), Status::invalid_parameter);
    }
    assert_status(with([](CreateParameters& c) { c.type = 4; }), Status::invalid_parameter);
    assert_status(with([](CreateParameters& c) { c.read_mode = 2; }), Status::invalid_parameter);
    assert_status(with([](CreateParameters& c) { c.completion_mode = 2; }), Status::invalid_parameter);
    assert_status(with([](CreateParameters& c) {
                      c.type = 0;
                      c.read_mode = 1;
                  }),
                  Status::invalid_parameter);
    assert_status(with([](CreateParameters& c) { c.maximum_instances = 0; }), Status::invalid_parameter);
    assert_status(with([](CreateParameters& c) { c.default_timeout = 0; }), Status::invalid_parameter);
    assert_status(with([](CreateParameters& c) { c.default_timeout.reset(); }), Status::invalid_parameter);
    assert_status(with([](CreateParameters& c) { c.disposition = 1; }), Status::object_name_not_found);
    assert_int_equal(world.count<PipeAppeared>(), 0);
    assert_status(with([](CreateParameters& c) { c.type = 3; }), Status::success);
}

void test_second_instances(void** /*state*/)
{
    World world;
    std::uint32_t information = 0;
    CreateParameters create = parameters("Echo");
    create.maximum_instances = 2;
    assert_status(world.create(1, 1, create, &information), Status::success);
    assert_int_equal(information, 2);
    create.name = name_of("eCHO");
    create.default_timeout.reset(); // of no interest for a further instance
    create.maximum_instances = 0;
    assert_status(world.create(1, 2, create, &information), Status::success);
    assert_int_equal(information, 1);
    create.disposition = 2;
    create.share_access = 1;
    assert_status(world.create(1, 3, create), Status::instance_not_available); // the count comes first
    assert_true(world.space.closed(1, 2));
    assert_status(world.create(1, 3, create), Status::access_denied);
    create.disposition = 3;
    assert_status(world.create(1, 3, create), Status::access_denied); // direction
    create.share_access = 3;
    assert_status(world.create(1, 3, create), Status::success);
    assert_status(world.create(1, 3, create), Status::invalid_parameter); // the handle is in use
}

void test_instances_by_permission(void** /*state*/)
{
    World world;
    CreateParameters create = parameters("guarded");
    create.descriptor = *security::parse_sddl("D:(A;;FA;;;S-1-22-1-1000)(A;;0x12019b;;;S-1-22-1-1001)");
    assert_status(world.create(1, 1, create), Status::success);
    assert_status(world.create(3, 1, parameters("guarded")), Status::access_denied);
    expect(world, world.open(3, "guarded", security::access::generic_write), "connected 1"); // bit 4 is not asked for
}

void test_last_server_takes_the_name_along(void** /*state*/)
{
    World world;
    assert_status(world.create(1, 1, "x"), Status::success);
    assert_status(world.create(1, 2, "x"), Status::success);
    assert_true(world.space.closed(1, 1));
    world.take();
    assert_int_equal(world.count<PipeGone>(), 0);
    assert_true(world.space.closed(1, 2));
    world.take();
    assert_int_equal(world.count<PipeGone>(), 1);
    assert_false(world.space.closed(1, 2));
    expect(world, world.open(2, "x"), "STATUS_OBJECT_NAME_NOT_FOUND");
    CreateParameters other = parameters("x");
    other.type = 0;
    assert_status(world.create(3, 1, other), Status::success);
}

// ---- opening (SEMANTICS 2.7) ----

void test_order_of_listening(void** /*state*/) // cases 96, 97
{
    World world;
    for (const InstanceHandle handle : {1U, 2U, 3U}) {
        assert_status(world.create(1, handle, "x"), Status::success);
    }
    expect(world, world.open(2, "x"), "connected 1");
    expect(world, world.open(2, "x"), "connected 2");
    assert_true(world.space.disconnected(1, 1));
    assert_true(world.space.listening(1, 1, 2));
    world.take();
    expect(world, world.open(2, "x"), "connected 3");
    expect(world, world.open(2, "x"), "connected 1");
    expect(world, world.open(2, "x"), "STATUS_PIPE_NOT_AVAILABLE");
}

void test_access_before_availability(void** /*state*/)
{
    World world;
    CreateParameters create = parameters("x");
    create.share_access = 1; // outbound
    assert_status(world.create(1, 1, create), Status::success);
    expect(world, world.open(2, "x", security::access::generic_write), "STATUS_ACCESS_DENIED");
    expect(world, world.open(2, "x", security::access::generic_read), "connected 1");
    expect(world, world.open(2, "x", security::access::generic_write), "STATUS_ACCESS_DENIED");
    expect(world, world.open(2, "x", 0), "STATUS_PIPE_NOT_AVAILABLE");
    expect(world, world.open(3, "x", security::access::generic_write), "STATUS_ACCESS_DENIED");
}

void test_impersonation_level_and_remote(void** /*state*/)
{
    World world;
    CreateParameters create = parameters("x");
    create.type = 3;
    assert_status(world.create(1, 1, create), Status::success);
    OpenParameters open;
    open.name = name_of("x");
    auto identity = std::make_shared<security::Identity>(world.identity_of(2));
    identity->flags = security::identity_flag::remote;
    open.identity = identity;
    world.space.open(2, 50, open);
    open.impersonation_level = 4;
    world.space.open(2, 51, open);
    world.take();
    expect(world, 50, "STATUS_ACCESS_DENIED");
    expect(world, 51, "STATUS_BAD_IMPERSONATION_LEVEL");
}

void test_hand_overs_under_way_are_limited(void** /*state*/)
{
    Policy policy;
    policy.handovers_per_session = 2;
    World world(policy);
    for (const InstanceHandle handle : {1U, 2U, 3U}) {
        assert_status(world.create(1, handle, "x"), Status::success);
    }
    (void)world.open(2, "x");
    (void)world.open(2, "x");
    const RequestId third = world.open(2, "x");
    const RequestId fourth = world.open(2, "x");
    expect(world, third, "pending");
    world.space.handover_taken(1);
    world.take();
    expect(world, third, "connected 3");
    expect(world, fourth, "STATUS_PIPE_NOT_AVAILABLE");
}

void test_server_goes_while_an_open_waits_for_it(void** /*state*/)
{
    Policy policy;
    policy.handovers_per_session = 0;
    World world(policy);
    assert_status(world.create(1, 1, "x"), Status::success);
    const RequestId request = world.open(2, "x");
    expect(world, request, "pending");
    world.space.remove_session(1);
    world.take();
    expect(world, request, "STATUS_OBJECT_NAME_NOT_FOUND");
}

// ---- waiting (SEMANTICS 4.3) ----

void test_wait(void** /*state*/) // cases 101 to 107
{
    World world;
    expect(world, world.wait(2, "x", millisecond, 0), "STATUS_OBJECT_NAME_NOT_FOUND");
    assert_status(world.create(1, 1, "x"), Status::success);
    expect(world, world.wait(2, "x", millisecond, 0), "STATUS_SUCCESS");
    (void)world.open(2, "x");
    const RequestId timed = world.wait(2, "x", 100 * millisecond, 0);
    const RequestId by_default = world.wait(2, "x", std::nullopt, 0);
    const RequestId for_ever = world.wait(2, "x", ~Nanoseconds{0}, 5);
    assert_int_equal(*world.space.next_deadline(), 50 * millisecond);
    world.space.expire(50 * millisecond);
    world.take();
    expect(world, by_default, "STATUS_IO_TIMEOUT");
    expect(world, timed, "pending");
    world.space.expire(100 * millisecond);
    world.take();
    expect(world, timed, "STATUS_IO_TIMEOUT");
    assert_false(world.space.next_deadline().has_value());
    expect(world, for_ever, "pending");
    assert_status(world.create(1, 2, "x"), Status::success);
    expect(world, for_ever, "STATUS_SUCCESS");
    expect(world, world.wait(2, "x", 0, 7), "STATUS_SUCCESS");
    (void)world.open(2, "x");
    expect(world, world.wait(2, "x", 0, 7), "STATUS_IO_TIMEOUT");
}

void test_wait_ends_with_the_pipe(void** /*state*/)
{
    World world;
    assert_status(world.create(1, 1, "x"), Status::success);
    (void)world.open(2, "x");
    const RequestId first = world.wait(2, "x", ~Nanoseconds{0}, 0);
    const RequestId second = world.wait(3, "x", ~Nanoseconds{0}, 0);
    world.space.cancel(3, second);
    world.space.cancel(2, second); // not its own
    assert_true(world.space.closed(1, 1));
    world.take();
    expect(world, first, "STATUS_OBJECT_NAME_NOT_FOUND");
    expect(world, second, "STATUS_CANCELLED");
}

void test_relisten_wakes_waiters(void** /*state*/) // case 105
{
    World world;
    assert_status(world.create(1, 1, "x"), Status::success);
    (void)world.open(2, "x");
    const RequestId wait = world.wait(2, "x", ~Nanoseconds{0}, 0);
    assert_true(world.space.disconnected(1, 1));
    world.take();
    expect(world, wait, "pending");
    assert_true(world.space.listening(1, 1, 2));
    world.take();
    expect(world, wait, "STATUS_SUCCESS");
}

void test_wait_buffer(void** /*state*/) // case 108
{
    const auto parse = [](std::int64_t timeout, bool specified, const std::u16string& name, std::uint32_t length,
                          bool remote) {
        glue::ByteWriter writer;
        writer.put(static_cast<std::uint64_t>(timeout));
        writer.put(length);
        writer.put(static_cast<std::uint8_t>(specified ? 1 : 0));
        writer.put(std::uint8_t{0});
        writer.put_bytes(std::as_bytes(std::span(name)));
        return parse_wait_buffer(writer.bytes(), remote);
    };
    const auto good = parse(-10000, true, u"x", 2, false);
    assert_true(static_cast<bool>(good));
    assert_string_equal(good->name.spelling.c_str(), "x");
    assert_int_equal(*good->timeout, millisecond);
    assert_false(parse(-10000, false, u"x", 2, false)->timeout.has_value());
    assert_int_equal(*parse(10000, true, u"x", 2, true)->timeout, millisecond);
    assert_int_equal(*parse(10000, true, u"x", 2, false)->timeout, 0); // in the year 1601
    assert_int_equal(*parse(INT64_MIN, true, u"x", 2, false)->timeout, ~Nanoseconds{0});
    assert_status(parse(-1, true, u"x", 4, false).status(), Status::invalid_parameter);
    assert_status(parse(-1, true, u"xy", 3, false).status(), Status::invalid_parameter);
    assert_status(parse(-1, true, u"", 0xFFFE, false).status(), Status::invalid_parameter);
    assert_status(parse(-1, true, u"", 0, false).status(), Status::object_name_invalid);
    assert_status(parse_wait_buffer({}, false).status(), Status::invalid_parameter);
}

// ---- scopes ----

void test_scopes(void** /*state*/)
{
    Policy policy;
    policy.user_scopes = true;
    policy.reserved_names = {name_of("lsarpc").folded};
    World world(policy);
    assert_status(world.create(1, 1, "discord"), Status::success);
    assert_status(world.create(3, 1, "discord"), Status::success); // another user's own
    expect(world, world.open(2, "discord"), "connected 1");
    expect(world, world.open(4, "discord"), "STATUS_OBJECT_NAME_NOT_FOUND"); // root has a scope like everybody
    assert_status(world.create(4, 1, "system"), Status::success);
    expect(world, world.open(3, "system", security::access::generic_read), "connected 1");
    CreateParameters global = parameters("other");
    global.scope = ScopeChoice::global;
    assert_status(world.create(1, 2, global), Status::access_denied);
    assert_status(world.create(4, 2, global), Status::success);
    assert_status(world.create(1, 3, "LSArpc"), Status::access_denied);
    assert_status(world.create(4, 3, "LSArpc"), Status::success);

    bool more = false;
    const auto names = [&](SessionId session) {
        std::string text;
        for (const PipeListing& pipe : world.space.list(session, u"*", false, std::nullopt, 100, more)) {
            text += pipe.name + " ";
        }
        return text;
    };
    assert_string_equal(names(2).c_str(), "discord LSArpc other system ");
    assert_string_equal(names(4).c_str(), "discord discord LSArpc other system ");
}

void test_listing_in_parts(void** /*state*/)
{
    World world;
    for (const char* name : {"b", "A", "c", "D"}) {
        assert_status(world.create(1, static_cast<InstanceHandle>(name[0]), name), Status::success);
    }
    bool more = false;
    std::optional<Namespace::Key> after;
    std::string text;
    do {
        const auto pipes = world.space.list(1, u"*", false, after, 1, more);
        assert_int_equal(pipes.size(), 1);
        text += pipes[0].name;
        after = {name_of(pipes[0].name).folded, pipes[0].scope};
    } while (more);
    assert_string_equal(text.c_str(), "AbcD");
    assert_int_equal(world.space.list(1, u"?", false, std::nullopt, 100, more).size(), 4);
    assert_int_equal(world.space.list(1, u"B*", false, std::nullopt, 100, more).size(), 1);
}

// ---- after a restart of the broker ----

PipeRecord record_of(const std::string& name)
{
    PipeRecord record;
    record.id = 5;
    record.name = name;
    record.owner = 1000;
    record.servers = {11};
    record.type = end::PipeType::message;
    record.maximum_instances = end::unlimited_instances;
    record.default_timeout = -500000;
    record.descriptor = security::default_descriptor(party_of(1000, 11).identity.token).self_relative();
    record.secret.fill(9);
    return record;
}

std::vector<ReturnedInstance> returned()
{
    ReturnedInstance instance;
    instance.handle = 1;
    instance.state = InstanceState::listening;
    instance.period = 3;
    instance.granted_access = security::access::file_all;
    return {instance};
}

void test_names_wait_for_their_servers(void** /*state*/)
{
    World world;
    world.space.reserve(record_of("held"), 1000);
    const RequestId open = world.open(2, "held");
    expect(world, open, "pending");
    assert_status(world.create(3, 9, "held"), Status::access_denied);
    assert_status(world.create(2, 9, "held"),
                  Status::pending); // the same user: a further server, once the first is back
    Secret wrong{};
    assert_status(world.space.come_back(3, 5, wrong, returned()), Status::access_denied);
    assert_status(world.space.come_back(1, 5, record_of("held").secret, returned()), Status::success);
    world.take();
    expect(world, open, "connected 1");
    assert_int_equal(world.count<Retry>(), 1);
    assert_status(world.create(2, 9, "held"), Status::success);
}

void test_dead_servers_free_their_names(void** /*state*/)
{
    World world;
    world.space.reserve(record_of("held"), 1000);
    const RequestId open = world.open(2, "held");
    world.space.server_gone(5, 11);
    world.take();
    expect(world, open, "STATUS_OBJECT_NAME_NOT_FOUND");
    assert_status(world.create(3, 9, "held"), Status::success);
}

void test_grace_ends(void** /*state*/)
{
    World world;
    world.space.reserve(record_of("held"), 1000);
    assert_int_equal(*world.space.next_deadline(), 1000);
    world.space.expire(1000);
    world.take();
    assert_int_equal(world.count<PipeGone>(), 1);
    // Late, but nobody has the name by now.
    assert_status(world.space.come_back(1, 5, record_of("held").secret, returned()), Status::success);
    world.take();
    expect(world, world.open(2, "held"), "connected 1");
}

void test_too_late_to_come_back(void** /*state*/)
{
    World world;
    world.space.reserve(record_of("held"), 1000);
    world.space.expire(1000);
    assert_status(world.create(3, 9, "held"), Status::success);
    assert_status(world.space.come_back(1, 5, record_of("held").secret, returned()), Status::access_denied);
}

void test_closed_while_there_was_no_broker(void** /*state*/)
{
    World world;
    world.space.reserve(record_of("held"), 1000);
    const RequestId open = world.open(2, "held");
    Secret wrong{};
    assert_status(world.space.come_back(3, 5, wrong, {}), Status::access_denied);
    expect(world, open, "pending");
    assert_status(world.space.come_back(1, 5, record_of("held").secret, {}), Status::success);
    world.take();
    expect(world, open, "STATUS_OBJECT_NAME_NOT_FOUND");
    assert_int_equal(world.count<PipeGone>(), 1);
    // Another session of the process has one left, and nobody has the name by now.
    assert_status(world.space.come_back(1, 5, record_of("held").secret, returned()), Status::success);
    world.take();
    expect(world, world.open(2, "held"), "connected 1");
    // Of what is there it takes nothing.
    assert_status(world.space.come_back(1, 5, record_of("held").secret, {}), Status::success);
    world.take();
    assert_int_equal(world.count<PipeGone>(), 1);
}

void test_a_lost_answer_is_found_again(void** /*state*/)
{
    World world;
    world.space.reserve(record_of("held"), 1000);
    CreateParameters again = parameters("held");
    again.secret = record_of("held").secret;
    again.disposition = 2;
    std::uint32_t information = 0;
    assert_status(world.create(1, 1, again, &information), Status::success);
    assert_int_equal(information, 2);
    expect(world, world.open(2, "held"), "connected 1");
}

} // namespace

NTPIPE_UNIT_MAIN(NTPIPE_UNIT_TEST(test_parameters_that_nt_refuses), NTPIPE_UNIT_TEST(test_second_instances),
                 NTPIPE_UNIT_TEST(test_instances_by_permission),
                 NTPIPE_UNIT_TEST(test_last_server_takes_the_name_along), NTPIPE_UNIT_TEST(test_order_of_listening),
                 NTPIPE_UNIT_TEST(test_access_before_availability),
                 NTPIPE_UNIT_TEST(test_impersonation_level_and_remote),
                 NTPIPE_UNIT_TEST(test_hand_overs_under_way_are_limited),
                 NTPIPE_UNIT_TEST(test_server_goes_while_an_open_waits_for_it), NTPIPE_UNIT_TEST(test_wait),
                 NTPIPE_UNIT_TEST(test_wait_ends_with_the_pipe), NTPIPE_UNIT_TEST(test_relisten_wakes_waiters),
                 NTPIPE_UNIT_TEST(test_wait_buffer), NTPIPE_UNIT_TEST(test_scopes),
                 NTPIPE_UNIT_TEST(test_listing_in_parts), NTPIPE_UNIT_TEST(test_names_wait_for_their_servers),
                 NTPIPE_UNIT_TEST(test_dead_servers_free_their_names), NTPIPE_UNIT_TEST(test_grace_ends),
                 NTPIPE_UNIT_TEST(test_too_late_to_come_back), NTPIPE_UNIT_TEST(test_closed_while_there_was_no_broker),
                 NTPIPE_UNIT_TEST(test_a_lost_answer_is_found_again))

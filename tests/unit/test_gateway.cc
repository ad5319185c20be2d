// SPDX-License-Identifier: LGPL-2.1-or-later
// test_gateway.cc: names that live elsewhere: who is asked, what answers do, what is offered and told.
#include "world.hpp"

#include "security/sddl.hpp"

using namespace ntpipe;
using namespace ntpipe::space;
using namespace ntpipe::unit;

namespace {

constexpr Nanoseconds deadline = 1000;
constexpr SessionId games = 1; // user 1000, as is 2
constexpr SessionId other_user = 3;
constexpr SessionId root = 4;
constexpr SessionId second_root = 5;

GatewayParameters gateway(GatewayHandle handle, std::uint32_t flags = gateway_flag::resolve)
{
    GatewayParameters parameters;
    parameters.handle = handle;
    parameters.number.fill(static_cast<std::uint8_t>(handle));
    parameters.label = "gateway" + std::to_string(handle);
    parameters.flags = flags;
    parameters.deadline = deadline;
    return parameters;
}

struct GatewayWorld : World {
    explicit GatewayWorld(bool user_scopes = true) : World(policy(user_scopes))
    {
        space.add_session(second_root, party_of(0, 15));
    }
    static Policy policy(bool user_scopes)
    {
        Policy policy;
        policy.user_scopes = user_scopes;
        policy.reserved_names.push_back(name_of("lsarpc").folded);
        policy.questions_per_gateway = 2;
        policy.questions_per_user = 4;
        policy.names_per_gateway = 2;
        policy.gateways_per_user = 2;
        return policy;
    }
    void add(SessionId session, GatewayHandle handle, std::uint32_t flags = gateway_flag::resolve)
    {
        assert_status(space.add_gateway(session, gateway(handle, flags)), Status::success);
        take();
    }
    /// The questions that are put since the last look.
    std::vector<Ask> asked()
    {
        take();
        std::vector<Ask> all;
        std::erase_if(effects, [&](const Effect& effect) {
            const auto* ask = std::get_if<Ask>(&effect);
            if (ask != nullptr) {
                all.push_back(*ask);
            }
            return ask != nullptr;
        });
        return all;
    }
    Ask one_question()
    {
        const std::vector<Ask> all = asked();
        assert_int_equal(all.size(), 1);
        return all.front();
    }
    void answer(const Ask& ask, Status status)
    {
        assert_true(space.answer_question(ask.session, ask.question, status));
        take();
    }
    Status serve(const Ask& ask, InstanceHandle handle, const std::string& name)
    {
        CreateParameters create = parameters(name);
        create.descriptor = *security::parse_sddl("D:(A;;FA;;;WD)");
        create.gateway = ask.gateway;
        create.question = ask.question;
        return World::create(ask.session, handle, create);
    }
};

// ---- who is asked ----

void test_users_gateway_is_asked_for_the_user_alone(void** /*state*/)
{
    GatewayWorld world;
    world.add(games, 1);
    const RequestId others = world.open(other_user, "x");
    expect(world, others, "STATUS_OBJECT_NAME_NOT_FOUND");
    const RequestId own = world.open(2, "x");
    const Ask ask = world.one_question();
    assert_false(ask.global);
    expect(world, own, "pending");
    world.answer(ask, Status::object_name_not_found);
    expect(world, own, "STATUS_OBJECT_NAME_NOT_FOUND");
}

void test_own_gateway_comes_before_roots(void** /*state*/)
{
    GatewayWorld world;
    world.add(root, 1);
    world.add(games, 2);
    const RequestId open = world.open(2, "x");
    Ask ask = world.one_question();
    assert_int_equal(ask.gateway, 2);
    world.answer(ask, Status::object_name_not_found);
    ask = world.one_question();
    assert_int_equal(ask.gateway, 1);
    assert_true(ask.global);
    world.answer(ask, Status::access_denied);
    expect(world, open, "STATUS_ACCESS_DENIED");
}

void test_nobody_is_asked_for_itself_or_in_a_circle(void** /*state*/)
{
    GatewayWorld world;
    world.add(root, 1);
    expect(world, world.open(root, "x"), "STATUS_OBJECT_NAME_NOT_FOUND");
    world.add(second_root, 2);
    (void)world.open(2, "x");
    assert_int_equal(world.one_question().gateway, 1);
    expect(world, world.open(root, "X"), "STATUS_OBJECT_NAME_NOT_FOUND");
    (void)world.open(root, "y");
    assert_int_equal(world.one_question().gateway, 2);
}

void test_reserved_names(void** /*state*/)
{
    GatewayWorld world;
    world.add(games, 1);
    expect(world, world.open(2, "LSARPC"), "STATUS_OBJECT_NAME_NOT_FOUND");
    world.add(root, 2);
    (void)world.open(2, "LSARPC");
    assert_int_equal(world.one_question().gateway, 2);
    expect(world, world.open(second_root, "lsarpc", security::access::generic_read, true),
           "STATUS_OBJECT_NAME_NOT_FOUND");
    assert_status(world.space.offer(games, 1, {name_of("lsarpc")}), Status::access_denied);
}

void test_only_what_is_offered(void** /*state*/)
{
    GatewayWorld world;
    world.add(games, 1, gateway_flag::resolve | gateway_flag::offered_only);
    expect(world, world.open(2, "x"), "STATUS_OBJECT_NAME_NOT_FOUND");
    assert_status(world.space.offer(games, 1, {name_of("X"), name_of("x"), name_of("y")}), Status::success);
    assert_status(world.space.offer(games, 1, {name_of("z")}), Status::quota_exceeded);
    (void)world.open(2, "x");
    assert_string_equal(world.one_question().name.c_str(), "x");
    assert_int_equal(world.space.offered_names(2).size(), 2);
    assert_int_equal(world.space.offered_names(other_user).size(), 0);
    bool more = false;
    const auto listing = world.space.list(2, u"*", true, std::nullopt, 1, more);
    assert_true(listing.size() == 1 && more && listing.front().offered);
    world.space.withdraw(games, 1, {name_of("x")});
    assert_int_equal(world.space.offered_names(2).size(), 1);
}

void test_limits(void** /*state*/)
{
    GatewayWorld world;
    world.add(games, 1);
    world.add(games, 2, gateway_flag::publish);
    assert_status(world.space.add_gateway(games, gateway(3)), Status::quota_exceeded);
    for (int i = 0; i < 4; ++i) {
        (void)world.open(2, "x" + std::to_string(i));
    }
    const auto first = world.asked();
    assert_int_equal(first.size(), 2);
    expect(world, world.open(2, "x4"), "STATUS_INSUFFICIENT_RESOURCES");
    world.answer(first.front(), Status::object_name_not_found);
    assert_string_equal(world.one_question().name.c_str(), "x2");
}

// ---- answers ----

void test_serving(void** /*state*/)
{
    GatewayWorld world;
    world.add(root, 1);
    const RequestId open = world.open(2, "x");
    const Ask ask = world.one_question();
    assert_status(world.serve(ask, 70, "y"), Status::invalid_parameter);
    assert_status(world.serve(ask, 70, "X"), Status::success);
    expect(world, open, "connected 70");
    assert_status(world.serve(ask, 71, "X"), Status::not_found);
    // It listens for nobody else.
    assert_true(world.space.listening(root, 70, 2));
    world.take();
    assert_int_equal(world.count<Unserved>(), 1);
    const RequestId again = world.open(2, "x");
    expect(world, again, "pending");
    world.answer(world.one_question(), Status::object_name_not_found);
    expect(world, again, "STATUS_PIPE_NOT_AVAILABLE");
    // Others' instances are of other pipes.
    assert_status(world.create(second_root, 9, "x"), Status::access_denied);
}

void test_native_pipe_comes_first(void** /*state*/)
{
    GatewayWorld world;
    world.add(root, 1);
    const RequestId open = world.open(2, "x");
    const Ask ask = world.one_question();
    assert_status(world.create(games, 8, "x"), Status::success);
    expect(world, open, "connected 8");
    assert_int_equal(world.count<Unask>(), 1);
    assert_status(world.serve(ask, 70, "x"), Status::not_found);
}

void test_deadlines(void** /*state*/)
{
    GatewayWorld world;
    world.add(games, 1);
    world.add(root, 2);
    world.space.set_time(100);
    const RequestId open = world.open(2, "x");
    (void)world.one_question();
    assert_int_equal(*world.space.next_deadline(), 1100);
    world.space.expire(1099);
    assert_int_equal(world.asked().size(), 0);
    world.space.expire(1100);
    assert_int_equal(world.one_question().gateway, 2);
    assert_int_equal(*world.space.next_deadline(), 2100);
    world.space.expire(2100);
    world.take();
    expect(world, open, "STATUS_OBJECT_NAME_NOT_FOUND");
    assert_int_equal(world.count<Unask>(), 2);
}

void test_waits(void** /*state*/)
{
    GatewayWorld world;
    world.add(games, 1);
    const RequestId available = world.wait(2, "x", 5000, 0);
    world.answer(world.one_question(), Status::success);
    expect(world, available, "STATUS_SUCCESS");
    const RequestId held = world.wait(2, "x", 5000, 0);
    const Ask ask = world.one_question();
    assert_true(ask.is_wait && *ask.timeout == 5000);
    world.answer(ask, Status::pending);
    world.space.expire(deadline + 1);
    world.take();
    expect(world, held, "pending");
    world.space.expire(5000);
    world.take();
    expect(world, held, "STATUS_IO_TIMEOUT");
    const RequestId ended = world.wait(2, "x", 5000, 6000);
    world.answer(world.one_question(), Status::pending);
    assert_status(world.create(2, 8, "x"), Status::success);
    expect(world, ended, "STATUS_SUCCESS");
}

void test_cancel_and_death(void** /*state*/)
{
    GatewayWorld world;
    world.add(games, 1);
    world.add(root, 2);
    const RequestId open = world.open(2, "x");
    (void)world.one_question();
    world.space.cancel(2, open);
    world.take();
    expect(world, open, "STATUS_CANCELLED");
    assert_int_equal(world.count<Unask>(), 1);
    const RequestId next = world.open(2, "x");
    (void)world.one_question();
    world.space.remove_session(games);
    assert_int_equal(world.one_question().gateway, 2);
    world.space.remove_session(2);
    world.take();
    expect(world, next, "pending"); // and nobody there to be told
    assert_int_equal(world.count<Unask>(), 2);
}

void test_question_of_another_gateway(void** /*state*/)
{
    GatewayWorld world;
    world.add(games, 1);
    world.add(root, 2);
    (void)world.open(2, "x");
    const Ask ask = world.one_question();
    assert_false(world.space.answer_question(root, ask.question, Status::access_denied));
    assert_true(world.space.answer_question(root, ask.question + 7, Status::access_denied));
}

// ---- publishing ----

void test_what_a_gateway_is_told(void** /*state*/)
{
    GatewayWorld world;
    assert_status(world.create(games, 1, "mine"), Status::success);
    assert_status(world.create(other_user, 1, "other's"), Status::success);
    world.add(2, 1, gateway_flag::publish | gateway_flag::resolve);
    assert_int_equal(world.count<Publish>(), 1);
    world.add(root, 2, gateway_flag::publish | gateway_flag::resolve);
    assert_int_equal(world.count<Publish>(), 3);
    CreateParameters create = parameters("from root");
    create.gateway = 2;
    assert_status(world.create(root, 70, create), Status::success);
    assert_int_equal(world.count<Publish>(), 4); // the user's gateway alone
    assert_status(world.space.offer(root, 2, {name_of("offered")}), Status::success);
    world.take();
    assert_int_equal(world.count<Publish>(), 5);
    world.effects.clear();
    assert_true(world.space.closed(root, 70));
    assert_true(world.space.remove_gateway(root, 2));
    world.take();
    assert_int_equal(world.count<Unpublish>(), 2);
}

// ---- after a restart of the broker ----

void test_opens_wait_for_a_gateway_that_may_come_back(void** /*state*/)
{
    GatewayWorld world;
    GatewayRecord record;
    record.number = gateway(1).number;
    record.label = "gateway1";
    record.flags = gateway_flag::resolve;
    record.user = 1000;
    record.process = 11;
    world.space.expect_gateway(record, 500);
    expect(world, world.open(other_user, "x"), "STATUS_OBJECT_NAME_NOT_FOUND");
    const RequestId open = world.open(2, "x");
    expect(world, open, "pending");
    world.add(games, 1);
    world.answer(world.one_question(), Status::access_denied);
    expect(world, open, "STATUS_ACCESS_DENIED");
    for (const bool dead : {true, false}) {
        GatewayWorld late;
        late.space.expect_gateway(record, 500);
        const RequestId waiting = late.open(2, "x");
        if (dead) {
            late.space.gateway_gone(11);
        } else {
            late.space.expire(500);
        }
        late.take();
        expect(late, waiting, "STATUS_OBJECT_NAME_NOT_FOUND");
    }
}

void test_what_was_served_when_the_broker_died(void** /*state*/)
{
    GatewayWorld world;
    PipeRecord record;
    record.id = 5;
    record.name = "x";
    record.scope = scope_of_user(1000);
    record.owner = 1000;
    record.servers = {11};
    record.descriptor = security::default_descriptor(party_of(1000, 11).identity.token).self_relative();
    record.secret.fill(9);
    record.origin = {gateway(1).number, "gateway1"};
    world.space.reserve(record, 1000);
    const RequestId open = world.open(2, "x");
    expect(world, open, "pending");
    world.add(games, 1);
    CreateParameters again = parameters("x");
    again.secret = record.secret;
    again.gateway = 1;
    again.question = 7; // of the broker before
    assert_status(world.create(games, 60, again), Status::not_found);
    assert_int_equal(world.one_question().gateway, 1);
    assert_int_equal(world.count<PipeGone>(), 1);
}

} // namespace

NTPIPE_UNIT_MAIN(NTPIPE_UNIT_TEST(test_users_gateway_is_asked_for_the_user_alone),
                 NTPIPE_UNIT_TEST(test_own_gateway_comes_before_roots),
                 NTPIPE_UNIT_TEST(test_nobody_is_asked_for_itself_or_in_a_circle),
                 NTPIPE_UNIT_TEST(test_reserved_names), NTPIPE_UNIT_TEST(test_only_what_is_offered),
                 NTPIPE_UNIT_TEST(test_limits), NTPIPE_UNIT_TEST(test_serving),
                 NTPIPE_UNIT_TEST(test_native_pipe_comes_first), NTPIPE_UNIT_TEST(test_deadlines),
                 NTPIPE_UNIT_TEST(test_waits), NTPIPE_UNIT_TEST(test_cancel_and_death),
                 NTPIPE_UNIT_TEST(test_question_of_another_gateway), NTPIPE_UNIT_TEST(test_what_a_gateway_is_told),
                 NTPIPE_UNIT_TEST(test_opens_wait_for_a_gateway_that_may_come_back),
                 NTPIPE_UNIT_TEST(test_what_was_served_when_the_broker_died))

// SPDX-License-Identifier: LGPL-2.1-or-later
// test_wire.cc: messages survive the way over the wire, and nothing malformed does.
#include "check.hpp"

#include "wire/messages.hpp"

#include <fcntl.h>

#include <random>
#include <type_traits>

using namespace ntpipe;
using namespace ntpipe::wire;

namespace {

glue::UniqueFd some_descriptor()
{
    return glue::UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
}

Open full_open()
{
    Open open;
    open.request = 0x1122334455667788;
    open.name = "a name";
    open.desired_access = 0xC0000000;
    open.dynamic_tracking = true;
    open.process_id = 77;
    Identity identity;
    identity.sids = {security::well_known::local_system, security::well_known::everyone};
    identity.uid = 1000;
    identity.account = "alice";
    identity.authorization = {std::byte{1}, std::byte{2}};
    identity.secret_authorization = {std::byte{3}, std::byte{4}, std::byte{5}};
    open.identity = identity;
    return open;
}

void test_round_trip(void** /*state*/)
{
    auto packet = encode(full_open());
    assert_true(static_cast<bool>(packet));
    auto message = decode(*std::move(packet));
    assert_true(static_cast<bool>(message));
    const auto& open = std::get<Open>(*message);
    assert_int_equal(open.request, 0x1122334455667788);
    assert_string_equal(open.name.c_str(), "a name");
    assert_true(open.dynamic_tracking);
    assert_false(open.effective_only);
    assert_int_equal(*open.process_id, 77);
    assert_false(open.session_id.has_value());
    assert_int_equal(open.identity->sids.size(), 2);
    assert_string_equal(open.identity->account.c_str(), "alice");
    assert_int_equal(open.identity->authorization.size(), 2);
    assert_int_equal(open.identity->secret_authorization.size(), 3);
}

void test_descriptors_keep_their_places(void** /*state*/)
{
    Opened opened;
    opened.descriptors[handover::doorbell] = some_descriptor();
    opened.descriptors[handover::peer_process] = some_descriptor();
    auto packet = encode(std::move(opened));
    assert_int_equal(packet->descriptors.size(), 2);
    auto message = decode(*std::move(packet));
    const auto& back = std::get<Opened>(*message);
    assert_true(static_cast<bool>(back.descriptors[handover::doorbell]));
    assert_false(static_cast<bool>(back.descriptors[handover::inbound]));
    assert_true(static_cast<bool>(back.descriptors[handover::peer_process]));
}

void test_every_cut_is_refused(void** /*state*/)
{
    auto packet = encode(full_open());
    for (std::size_t size = 0; size < packet->bytes.size(); ++size) {
        Packet cut;
        cut.bytes.assign(packet->bytes.begin(), packet->bytes.begin() + static_cast<std::ptrdiff_t>(size));
        assert_false(static_cast<bool>(decode(std::move(cut))));
        Packet lying; // one whose header tells the size that it has
        lying.bytes.assign(packet->bytes.begin(), packet->bytes.begin() + static_cast<std::ptrdiff_t>(size));
        if (size >= header_size) {
            const auto told = static_cast<std::uint32_t>(size);
            std::memcpy(lying.bytes.data(), &told, sizeof(told));
            assert_false(static_cast<bool>(decode(std::move(lying))));
        }
    }
    packet->bytes.push_back(std::byte{0});
    const auto told = static_cast<std::uint32_t>(packet->bytes.size());
    std::memcpy(packet->bytes.data(), &told, sizeof(told));
    assert_false(static_cast<bool>(decode(*std::move(packet)))); // and one byte more
}

void test_unknown_codes_and_descriptors_are_refused(void** /*state*/)
{
    const auto with = [](auto change) {
        auto packet = encode(Ping{});
        change(*packet);
        return static_cast<bool>(decode(*std::move(packet)));
    };
    assert_true(with([](Packet&) {}));
    assert_false(with([](Packet& p) { p.bytes[4] = std::byte{200}; }));
    assert_false(with([](Packet& p) { p.bytes[6] = std::byte{1}; }));
    assert_false(with([](Packet& p) { p.descriptors.push_back(some_descriptor()); }));
    assert_false(with([](Packet& p) {
        p.bytes[6] = std::byte{1};
        p.descriptors.push_back(some_descriptor()); // PING has none
    }));
}

void test_limits(void** /*state*/)
{
    Open open;
    open.name = std::string(maximum_name_size + 1, 'x');
    auto packet = encode(std::move(open));
    assert_true(static_cast<bool>(packet));
    assert_false(static_cast<bool>(decode(*std::move(packet))));
    Create create;
    create.descriptor = glue::ByteVector(maximum_message_size);
    assert_status(encode(std::move(create)).status(), Status::invalid_parameter);
    Open nul;
    nul.name = std::string("a\0b", 3);
    packet = encode(std::move(nul));
    assert_false(static_cast<bool>(decode(*std::move(packet))));
}

// Random damage to every message: decoding may refuse it, and must not do anything else.
void test_random_damage(void** /*state*/)
{
    std::minstd_rand random(1);
    std::vector<glue::ByteVector> seeds;
    const auto add = [&seeds]<typename T>(std::type_identity<T>) {
        if constexpr (std::is_same_v<T, Open>) {
            seeds.push_back(encode(full_open())->bytes);
        } else {
            seeds.push_back(encode(T())->bytes);
        }
    };
    [&]<std::size_t... I>(std::index_sequence<I...>) {
        (add(std::type_identity<std::variant_alternative_t<I, Message>>()), ...);
    }(std::make_index_sequence<std::variant_size_v<Message>>());
    for (int round = 0; round < 50000; ++round) {
        Packet packet;
        packet.bytes = seeds[random() % seeds.size()];
        for (unsigned i = 0; i <= random() % 6; ++i) {
            packet.bytes[random() % packet.bytes.size()] = static_cast<std::byte>(random());
        }
        if (random() % 2 == 0) {
            const auto told = static_cast<std::uint32_t>(packet.bytes.size());
            std::memcpy(packet.bytes.data(), &told, sizeof(told));
        }
        const auto message = decode(std::move(packet));
        (void)static_cast<bool>(message);
    }
}

void test_codes_are_unique(void** /*state*/)
{
    std::vector<int> codes;
    [&]<std::size_t... I>(std::index_sequence<I...>) {
        (codes.push_back(std::variant_alternative_t<I, Message>::code), ...);
    }(std::make_index_sequence<std::variant_size_v<Message>>());
    for (std::size_t i = 1; i < codes.size(); ++i) {
        assert_true(codes[i] > codes[i - 1]); // there are gaps
    }
}

} // namespace

NTPIPE_UNIT_MAIN(NTPIPE_UNIT_TEST(test_round_trip), NTPIPE_UNIT_TEST(test_descriptors_keep_their_places),
                 NTPIPE_UNIT_TEST(test_every_cut_is_refused),
                 NTPIPE_UNIT_TEST(test_unknown_codes_and_descriptors_are_refused), NTPIPE_UNIT_TEST(test_limits),
                 NTPIPE_UNIT_TEST(test_random_damage), NTPIPE_UNIT_TEST(test_codes_are_unique))

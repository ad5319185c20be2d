// SPDX-License-Identifier: LGPL-2.1-or-later
// test_security.cc: identifiers, descriptors, SDDL, the access check.
#include "check.hpp"

#include "security/access_check.hpp"
#include "security/sddl.hpp"

#include <random>

using namespace ntpipe;
using namespace ntpipe::security;

namespace {

Token token_of(std::initializer_list<Sid> sids)
{
    Token token;
    token.sids = sids;
    return token;
}

Descriptor from_sddl(const char* text)
{
    const auto parsed = parse_sddl(text);
    assert_true(static_cast<bool>(parsed));
    return *parsed;
}

const Sid alice = well_known::unix_user(1000);
const Sid bob = well_known::unix_user(1001);

void test_sid_text(void** /*state*/)
{
    for (const char* text : {"S-1-1-0", "S-1-5-18", "S-1-5-32-544", "S-1-22-1-1000",
                             "S-1-5-21-1-2-3-4-5-6-7-8-9-10-11-12-13-14", "S-1-0x123456789AB-7"}) {
        const auto sid = Sid::parse(text);
        assert_true(sid.has_value());
        if (std::strstr(text, "0x") == nullptr) {
            assert_string_equal(sid->text().c_str(), text);
        } else {
            assert_string_equal(sid->text().c_str(), "S-1-0x123456789ab-7");
        }
    }
    for (const char* text : {"", "S-1", "S-1-", "S-2-1", "S-1-5-", "S-1-5-x", "S-1-5-4294967296", "1-5-18", "S-1-5-18 ",
                             "S-1-5--1", "S-1-281474976710656-1", "S-1-5-1-2-3-4-5-6-7-8-9-10-11-12-13-14-15-16"}) {
        assert_false(Sid::parse(text).has_value());
    }
}

void test_sid_bytes(void** /*state*/)
{
    glue::ByteWriter writer;
    well_known::administrators.write(writer);
    const glue::ByteVector bytes = writer.take();
    const unsigned char expected[] = {1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x20, 2, 0, 0};
    assert_int_equal(bytes.size(), sizeof(expected));
    assert_memory_equal(bytes.data(), expected, sizeof(expected));
    glue::ByteReader reader(bytes);
    assert_true(Sid::read(reader) == well_known::administrators);
    glue::ByteReader cut(glue::ByteSpan(bytes).first(bytes.size() - 1));
    (void)Sid::read(cut);
    assert_true(cut.failed());
}

void test_descriptor_round_trip(void** /*state*/)
{
    for (const char* text : {"O:SYG:BAD:(A;;GA;;;SY)(A;;GRGW;;;WD)(D;;WD;;;AN)",
                             "O:S-1-22-1-1000G:S-1-22-2-100D:P(A;;0x12019f;;;S-1-22-1-1001)", "D:NO_ACCESS_CONTROL",
                             "D:", "G:BU", "O:BAD:(A;OICIIO;FA;;;CO)"}) {
        const Descriptor descriptor = from_sddl(text);
        const auto again = Descriptor::parse(descriptor.self_relative());
        assert_true(static_cast<bool>(again));
        assert_true(*again == descriptor);
        const Descriptor twice = from_sddl(format_sddl(descriptor).c_str());
        assert_true(twice == descriptor);
    }
}

void test_malformed_descriptors(void** /*state*/)
{
    const glue::ByteVector good = from_sddl("O:SYG:BAD:(A;;GA;;;SY)(A;;GR;;;WD)").self_relative();
    for (std::size_t size = 0; size < good.size(); ++size) {
        assert_false(static_cast<bool>(Descriptor::parse(glue::ByteSpan(good).first(size))));
    }
    std::minstd_rand random(1); // a fixed seed: what it finds it finds again
    for (int round = 0; round < 20000; ++round) {
        glue::ByteVector bad = good;
        for (unsigned i = 0; i <= random() % 4; ++i) {
            bad[random() % bad.size()] = static_cast<std::byte>(random());
        }
        const auto parsed = Descriptor::parse(bad);
        if (parsed) {
            (void)format_sddl(*parsed);
            (void)parsed->self_relative();
        }
    }
}

void test_malformed_sddl(void** /*state*/)
{
    std::size_t at = 0;
    for (const char* text :
         {"X:SY", "O:", "O:ZZ", "D:(A;;GA;;;)", "D:(A;;GA;;;SY", "D:(Q;;GA;;;SY)", "D:(A;;QQ;;;SY)", "D:(A;;GA;x;;SY)",
          "D:(A;;0x;;;SY)", "D:(A;;GA;;;SY)D:", "O:S-1-5-", "D:(A;ZZ;GA;;;SY)", "O:SY "}) {
        assert_status(parse_sddl(text, &at).status(), Status::invalid_security_descr);
        assert_true(at <= std::strlen(text));
    }
}

void test_access_in_order(void** /*state*/)
{
    const Token token = token_of({alice, well_known::everyone});
    const Descriptor allow_first = from_sddl("O:SYD:(A;;GR;;;WD)(D;;GR;;;WD)");
    const Descriptor deny_first = from_sddl("O:SYD:(D;;GR;;;S-1-22-1-1000)(A;;GA;;;WD)");
    assert_true(static_cast<bool>(check_access(allow_first, token, access::generic_read)));
    assert_status(check_access(deny_first, token, access::read_data).status(), Status::access_denied);
    const auto write = check_access(deny_first, token, access::write_data);
    assert_true(static_cast<bool>(write));
    assert_int_equal(*write, access::write_data);
}

void test_access_of_nobody_and_everybody(void** /*state*/)
{
    const Token token = token_of({bob});
    assert_status(check_access(from_sddl("O:SYD:"), token, access::read_data).status(), Status::access_denied);
    const auto all = check_access(from_sddl("O:SYD:NO_ACCESS_CONTROL"), token, access::maximum_allowed);
    assert_int_equal(*all, access::file_all);
    assert_int_equal(*check_access(from_sddl("O:SYD:"), token, 0), 0);
    assert_status(check_access(from_sddl("O:SYD:NO_ACCESS_CONTROL"), token, access::access_system_security).status(),
                  Status::privilege_not_held);
}

void test_owner_rights(void** /*state*/)
{
    const Token token = token_of({alice});
    const auto implicit = check_access(from_sddl("O:S-1-22-1-1000D:"), token, access::maximum_allowed);
    assert_int_equal(*implicit, access::read_control | access::write_dac);
    const auto spoken = check_access(from_sddl("O:S-1-22-1-1000D:(A;;RC;;;OW)"), token, access::maximum_allowed);
    assert_int_equal(*spoken, access::read_control);
}

void test_inherit_only_entries_do_not_count(void** /*state*/)
{
    const Token token = token_of({alice});
    assert_status(check_access(from_sddl("O:SYD:(A;IO;GA;;;S-1-22-1-1000)"), token, access::read_data).status(),
                  Status::access_denied);
}

void test_default_descriptor(void** /*state*/)
{
    const Descriptor descriptor = default_descriptor(token_of({alice, well_known::unix_group(100)}));
    assert_string_equal(
        format_sddl(descriptor).c_str(),
        "O:S-1-22-1-1000G:S-1-22-2-100D:(A;;FA;;;SY)(A;;FA;;;BA)(A;;FA;;;S-1-22-1-1000)(A;;FR;;;WD)(A;;FR;;;AN)");
    assert_status(check_access(descriptor, token_of({bob, well_known::everyone}), access::generic_write).status(),
                  Status::access_denied);
    assert_true(
        static_cast<bool>(check_access(descriptor, token_of({bob, well_known::everyone}), access::generic_read)));
}

void test_unix_tokens(void** /*state*/)
{
    UnixCredentials credentials;
    credentials.uid = 1000;
    credentials.gid = 100;
    credentials.groups = {100, 27};
    const Token user = unix_token(credentials);
    assert_true(user.owner() == alice);
    assert_true(user.has(well_known::unix_group(27)));
    assert_true(user.has(well_known::everyone));
    assert_false(user.has(well_known::administrators));
    credentials.uid = 0;
    const Token root = unix_token(credentials);
    assert_true(root.owner() == well_known::local_system);
    assert_true(root.has(well_known::administrators));
}

} // namespace

NTPIPE_UNIT_MAIN(NTPIPE_UNIT_TEST(test_sid_text), NTPIPE_UNIT_TEST(test_sid_bytes),
                 NTPIPE_UNIT_TEST(test_descriptor_round_trip), NTPIPE_UNIT_TEST(test_malformed_descriptors),
                 NTPIPE_UNIT_TEST(test_malformed_sddl), NTPIPE_UNIT_TEST(test_access_in_order),
                 NTPIPE_UNIT_TEST(test_access_of_nobody_and_everybody), NTPIPE_UNIT_TEST(test_owner_rights),
                 NTPIPE_UNIT_TEST(test_inherit_only_entries_do_not_count), NTPIPE_UNIT_TEST(test_default_descriptor),
                 NTPIPE_UNIT_TEST(test_unix_tokens))

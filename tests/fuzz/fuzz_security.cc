// SPDX-License-Identifier: LGPL-2.1-or-later
// fuzz_security.cc: security descriptors in both forms, and the access check. What is understood is the same when it is read again.
#include "input.hpp"

#include "security/access_check.hpp"
#include "security/sddl.hpp"

using namespace ntpipe;
using namespace ntpipe::fuzz;

namespace {

security::Token token_of(Input& input)
{
    security::Token token;
    const security::UnixCredentials credentials{input.word(), input.word(), {input.byte(), input.byte()}};
    token = security::unix_identity(credentials, 1).token;
    return token;
}

void check_access(const security::Descriptor& descriptor, Input& input)
{
    const security::Token token = token_of(input);
    const security::AccessMask desired = input.double_word();
    const auto granted = security::check_access(descriptor, token, desired);
    require(!granted || (*granted & security::access::generic_all) == 0, "no generic right is granted");
    const auto again = security::check_access(descriptor, token, granted ? *granted : desired);
    require(!granted || again.status() == Status::success, "what was granted is granted again");
}

void look_at(const security::Descriptor& descriptor, Input& input)
{
    const auto bytes = descriptor.self_relative();
    const auto again = security::Descriptor::parse(bytes);
    require(again.status() == Status::success && *again == descriptor, "the binary form says the same");
    check_access(descriptor, input);
    const security::Token token = token_of(input);
    const auto completed = security::complete_descriptor(descriptor, token);
    require(completed.owner && completed.group && completed.dacl_present, "a complete descriptor is complete");
    check_access(completed, input);
    const std::uint32_t parts = input.byte();
    (void)security::parts_of(completed, parts);
    (void)security::replace_parts(completed, parts, descriptor, token);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    Input input(data, size);
    const bool is_text = input.byte() == 'S';
    Input decisions(input.take(24));
    const auto form = input.rest();
    if (!is_text) {
        if (const auto descriptor = security::Descriptor::parse(as_bytes(form))) {
            look_at(*descriptor, decisions);
            (void)security::parse_sddl(security::format_sddl(*descriptor));
        }
        return 0;
    }
    std::size_t error_at = 0;
    const auto descriptor = security::parse_sddl(as_text(form), &error_at);
    if (!descriptor) {
        require(error_at <= form.size(), "the fault is within the text");
        return 0;
    }
    look_at(*descriptor, decisions);
    const auto again = security::parse_sddl(security::format_sddl(*descriptor));
    require(again.status() == Status::success && *again == *descriptor, "the text says the same");
    return 0;
}

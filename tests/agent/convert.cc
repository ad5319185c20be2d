// SPDX-License-Identifier: LGPL-2.1-or-later
// convert.cc: between the driver's JSON and the library's structures.
#include "agent.hpp"

namespace ntpipe::agent {
namespace {

constexpr std::string_view digits = "0123456789abcdef";

std::uint8_t digit_value(char c)
{
    const auto at = digits.find(c);
    if (at == std::string_view::npos) {
        throw BadRequest("bytes must be lower-case hex digits");
    }
    return static_cast<std::uint8_t>(at);
}

} // namespace

std::string to_hex(std::span<const std::uint8_t> bytes)
{
    std::string hex;
    hex.reserve(2 * bytes.size());
    for (const std::uint8_t byte : bytes) {
        hex += digits[byte >> 4U];
        hex += digits[byte & 15U];
    }
    return hex;
}

Bytes from_hex(const std::string& hex)
{
    if (hex.size() % 2 != 0) {
        throw BadRequest("bytes must be pairs of hex digits");
    }
    Bytes bytes(hex.size() / 2);
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        bytes[i] = static_cast<std::uint8_t>((digit_value(hex[2 * i]) << 4U) | digit_value(hex[2 * i + 1]));
    }
    return bytes;
}

Json identity_to_json(const ntpipe_identity& identity)
{
    return {{"flags", identity.flags},
            {"uid", identity.uid},
            {"gid", identity.gid},
            {"process_id", identity.process_id},
            {"session_id", identity.session_id},
            {"privileges", identity.privileges},
            {"disabled_privileges", identity.disabled_privileges},
            {"sids", std::vector<std::string>(identity.sids, identity.sids + identity.num_sids)},
            {"account", identity.account},
            {"domain", identity.domain},
            {"computer", identity.computer},
            {"address", identity.address},
            {"authorization", to_hex({identity.authorization, identity.authorization_length})},
            {"secret_authorization", to_hex({identity.secret_authorization, identity.secret_authorization_length})}};
}

StatedIdentity::StatedIdentity(const Json& fields)
{
    identity.size = sizeof(identity);
    identity.flags = fields.value("flags", 0U);
    identity.uid = fields.value("uid", 0U);
    identity.gid = fields.value("gid", 0U);
    identity.process_id = fields.value("process_id", 0U);
    identity.session_id = fields.value("session_id", 0U);
    identity.disabled_privileges = fields.value("disabled_privileges", std::uint64_t{0});
    identity.privileges = fields.value("privileges", std::uint64_t{0});
    for (const char* field : {"account", "domain", "computer", "address"}) {
        texts.push_back(fields.value(field, std::string()));
    }
    identity.account = texts[0].c_str();
    identity.domain = texts[1].c_str();
    identity.computer = texts[2].c_str();
    identity.address = texts[3].c_str();
    sids = fields.value("sids", std::vector<std::string>());
    for (const std::string& sid : sids) {
        sid_pointers.push_back(sid.c_str());
    }
    identity.num_sids = sid_pointers.size();
    identity.sids = sid_pointers.data();
    authorization = from_hex(fields.value("authorization", std::string()));
    identity.authorization = authorization.data();
    identity.authorization_length = authorization.size();
    secret_authorization = from_hex(fields.value("secret_authorization", std::string()));
    identity.secret_authorization = secret_authorization.data();
    identity.secret_authorization_length = secret_authorization.size();
}

} // namespace ntpipe::agent

// SPDX-License-Identifier: LGPL-2.1-or-later
// data.cc: values as words and as JSON.
#include "data.hpp"

#include "pipe_name.hpp"

#include <pwd.h>

#include <iomanip>
#include <iostream>

namespace ntpipe::tools {
namespace {

std::string base64(std::span<const std::byte> data)
{
    constexpr char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    constexpr std::size_t group = 3;
    std::string out;
    for (std::size_t at = 0; at < data.size(); at += group) {
        const std::size_t count = std::min(group, data.size() - at);
        unsigned bits = 0;
        for (std::size_t i = 0; i < group; ++i) {
            bits = bits << 8u | (i < count ? std::to_integer<unsigned>(data[at + i]) : 0u);
        }
        for (std::size_t i = 0; i <= group; ++i) {
            out += i <= count ? digits[bits >> (18 - 6 * i) & 63u] : '=';
        }
    }
    return out;
}

} // namespace

Json json_of(std::span<const std::byte> data)
{
    Json json{{"size", data.size()}, {"base64", base64(data)}};
    const std::string text(reinterpret_cast<const char*>(data.data()), data.size());
    json["text"] = is_utf8(text) ? Json(text) : Json(nullptr);
    return json;
}

std::string json_text(const std::string& text)
{
    return Json::parse(Json(text).dump(-1, ' ', false, Json::error_handler_t::replace)).get<std::string>();
}

void print(const Json& json)
{
    std::cout << json.dump(2) << "\n";
}

const char* type_name(std::uint32_t type)
{
    return (type & NTPIPE_TYPE_MESSAGE) != 0 ? "message" : "byte";
}

const char* direction_name(std::uint32_t configuration)
{
    constexpr const char* names[] = {"inbound", "outbound", "duplex"};
    return configuration < std::size(names) ? names[configuration] : "unknown";
}

const char* state_name(std::uint32_t state)
{
    constexpr const char* names[] = {"unknown", "disconnected", "listening", "connected", "closing"};
    return state < std::size(names) ? names[state] : names[0];
}

std::string user_name(std::uint32_t uid)
{
    const passwd* user = ::getpwuid(uid);
    return user != nullptr ? user->pw_name : std::to_string(uid);
}

std::string instances_text(std::uint32_t maximum)
{
    return maximum == NTPIPE_UNLIMITED_INSTANCES ? "unlimited" : std::to_string(maximum);
}

std::uint32_t instances_of(const Listing& listing)
{
    return listing.listening + listing.connected + listing.closing + listing.disconnected;
}

Json json_of(const Listing& listing)
{
    Json json{
        {"name", json_text(listing.name)},
        {"scope", listing.global ? "global" : "user"},
        {"type", type_name(listing.type)},
        {"direction", direction_name(listing.configuration)},
        {"owner_uid", listing.owner},
        {"owner", user_name(listing.owner)},
        {"process_id", listing.process_id},
        {"instances", instances_of(listing)},
        {"maximum_instances", nullptr},
        {"listening", listing.listening},
        {"connected", listing.connected},
        {"closing", listing.closing},
        {"disconnected", listing.disconnected},
        {"origin", listing.origin.empty() ? Json(nullptr) : Json(listing.origin)},
        {"offered", listing.offered},
    };
    if (listing.maximum_instances != NTPIPE_UNLIMITED_INSTANCES) {
        json["maximum_instances"] = listing.maximum_instances;
    }
    return json;
}

void print(const Facts& facts)
{
    std::size_t width = 0;
    for (const auto& [what, value] : facts) {
        width = std::max(width, what.size());
    }
    for (const auto& [what, value] : facts) {
        std::cout << std::left << std::setw(static_cast<int>(width)) << what << "  " << printable(value) << "\n";
    }
}

} // namespace ntpipe::tools

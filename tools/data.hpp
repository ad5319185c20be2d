// SPDX-License-Identifier: LGPL-2.1-or-later
// data.hpp: what pipes contain and are, for people and as JSON; and standard input and output as a whole.
#pragma once

#include <ntpipe.hpp>

#include <nlohmann/json.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace ntpipe::tools {

using Json = nlohmann::ordered_json;

/// {"size", "base64"}, and "text" if it is UTF-8.
[[nodiscard]] Json json_of(std::span<const std::byte> data);
/// Text that may not be UTF-8, such as a name.
[[nodiscard]] std::string json_text(const std::string& text);
void print(const Json& json);

[[nodiscard]] const char* type_name(std::uint32_t type);
[[nodiscard]] const char* direction_name(std::uint32_t configuration);
[[nodiscard]] const char* state_name(std::uint32_t state);
/// The user's name, or the number if it has none.
[[nodiscard]] std::string user_name(std::uint32_t uid);
[[nodiscard]] std::string instances_text(std::uint32_t maximum);
[[nodiscard]] std::uint32_t instances_of(const Listing& listing);
[[nodiscard]] Json json_of(const Listing& listing);

/// Two columns.
using Facts = std::vector<std::pair<std::string, std::string>>;
void print(const Facts& facts);

} // namespace ntpipe::tools

// SPDX-License-Identifier: GPL-3.0-or-later
// guards.cc: compares the running smbd with the one that the module was built for.
#include "guards.hpp"

#include "built_for.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace ntpipe::samba {
namespace {

constexpr const char* remedy = "; 'ntpipe samba rebuild' makes it anew";

std::string hexadecimal(std::span<const std::uint8_t> bytes)
{
    constexpr std::array digits{'0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'};
    constexpr unsigned bits = 4;
    std::string text;
    for (const std::uint8_t byte : bytes) {
        text += digits[byte >> bits];
        text += digits[byte & 0xFU];
    }
    return text;
}

// Volatile: it stands in the module's file as it is compared, not spread over instructions.
std::span<const std::uint8_t> wanted_build_id()
{
    static const std::uint8_t* const volatile bytes = built_for_build_id;
    return {bytes, sizeof(built_for_build_id)};
}

} // namespace

// The version alone does not do: a distribution rebuilds the same version with other options and patches.
std::string compare_with_built_for(const LoadedLibrary& smbd_base, const char* version)
{
    if (std::strcmp(version, built_for_version) != 0) {
        return std::string("built for Samba ") + built_for_version + ", but this is " + version + remedy;
    }
    if (!smbd_base.found()) {
        return "libsmbd-base is not loaded";
    }
    if (!std::ranges::equal(smbd_base.build_id(), wanted_build_id())) {
        return "built for libsmbd-base " + hexadecimal(wanted_build_id()) + ", but this is " +
               hexadecimal(smbd_base.build_id()) + remedy;
    }
    return {};
}

} // namespace ntpipe::samba

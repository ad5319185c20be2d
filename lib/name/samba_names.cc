// SPDX-License-Identifier: LGPL-2.1-or-later
// samba_names.cc: the names that Samba serves itself.
#include "name/samba_names.hpp"

#include "name/name.hpp"

#include <algorithm>
#include <array>

namespace ntpipe::name {
namespace {

constexpr std::array<std::string_view, 25> names{
    "atsvc",    "browser", "dnsserver", "epmapper", "eventlog", "fssagentrpc", "initshutdown",
    "keysvc",   "lsarpc",  "lsass",     "mdssvc",   "netdfs",   "netlogon",    "ntsvcs",
    "plugplay", "rpcecho", "samr",      "spoolss",  "srvsvc",   "svcctl",      "protected_storage",
    "unixinfo", "winreg",  "witness",   "wkssvc",
};

bool is_it(std::string_view name, std::u16string_view folded)
{
    return std::ranges::equal(name, folded, [](char one, char16_t other) {
        return static_cast<char16_t>(one >= 'a' && one <= 'z' ? one - 'a' + 'A' : one) == other;
    });
}

} // namespace

std::span<const std::string_view> samba_names()
{
    return names;
}

bool is_samba_name(std::u16string_view folded)
{
    return std::ranges::any_of(names, [folded](std::string_view name) { return is_it(name, folded); });
}

} // namespace ntpipe::name

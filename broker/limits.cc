// SPDX-License-Identifier: LGPL-2.1-or-later
// limits.cc: the defaults of limits, and reading ntpiped.conf.
#include "limits.hpp"

#include <ini.h>
#include <pwd.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>
#include <string_view>

namespace ntpipe::broker {
namespace {

using space::Amounts;
using space::Resource;

constexpr std::uint64_t mebibyte = std::uint64_t{1} << 20;

std::uint64_t memory_of_machine()
{
    struct sysinfo info{};
    return ::sysinfo(&info) == 0 ? std::uint64_t{info.totalram} * info.mem_unit : 1024 * mebibyte;
}

std::uint64_t& of(Amounts& amounts, Resource resource)
{
    return amounts[static_cast<std::size_t>(resource)];
}

std::uint64_t descriptors_of_process()
{
    rlimit limit{};
    return ::getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : 1024;
}

std::optional<std::size_t> resource_of(std::string_view name)
{
    const auto found = std::ranges::find(space::resource_traits, name, &space::ResourceTraits::name);
    return found == space::resource_traits.end() ? std::nullopt
                                                 : std::optional<std::size_t>(found - space::resource_traits.begin());
}

// "100", "64K", "4M", "2G"; of memory also "25%" of the machine's; or "unlimited".
std::optional<std::uint64_t> amount_of(std::string_view text, bool is_memory)
{
    if (text == "unlimited") {
        return space::unlimited;
    }
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
    if (error != std::errc() || end == text.data() || unit.size() > 1) {
        return std::nullopt;
    }
    if (unit.empty()) {
        return number;
    }
    if (unit == "%" && is_memory && number <= 100) {
        return memory_of_machine() / 100 * number;
    }
    constexpr std::string_view units = "KMG";
    const std::size_t place = units.find(unit);
    const unsigned shift = 10 * (static_cast<unsigned>(place) + 1);
    if (place == std::string_view::npos || number > (space::unlimited >> shift)) {
        return std::nullopt;
    }
    return number << shift;
}

/// A file that is being read.
struct Reading {
    space::Limits& limits;
    std::string problem;

    Amounts* section(std::string_view name)
    {
        constexpr std::string_view user = "user ";
        if (name == "per user") {
            return &limits.per_user;
        }
        if (name == "total") {
            return &limits.total;
        }
        if (!name.starts_with(user)) {
            problem = "there is no section [" + std::string(name) + "], only [per user], [total] and [user NAME]";
            return nullptr;
        }
        const std::string account(name.substr(user.size()));
        const passwd* found = ::getpwnam(account.c_str());
        if (found == nullptr) {
            problem = "there is no user '" + account + "'";
            return nullptr;
        }
        return &limits.others.try_emplace(found->pw_uid, limits.per_user).first->second;
    }

    bool take(const char* section_name, const char* key, const char* value)
    {
        Amounts* amounts = section(section_name);
        if (amounts == nullptr) {
            return false;
        }
        const auto resource = resource_of(key);
        if (!resource) {
            problem = "'" + std::string(key) + "' is nothing that is limited";
            return false;
        }
        const auto amount = amount_of(value, static_cast<Resource>(*resource) == Resource::memory);
        if (!amount) {
            problem = "'" + std::string(value) + "' is no number, such as 1000, 64K, 2G" +
                      (static_cast<Resource>(*resource) == Resource::memory ? ", 25%" : "") + " or unlimited";
            return false;
        }
        (*amounts)[*resource] = *amount;
        return true;
    }
};

} // namespace

space::Limits no_limits()
{
    space::Limits limits;
    limits.per_user.fill(space::unlimited);
    limits.total.fill(space::unlimited);
    return limits;
}

// A session has two descriptors here, a pipe one; those under way the kernel counts again.
space::Limits default_limits()
{
    const std::uint64_t descriptors = descriptors_of_process();
    space::Limits limits;
    const auto set = [&limits](Resource resource, std::uint64_t user, std::uint64_t total, std::uint64_t possible) {
        of(limits.total, resource) = std::min(total, possible);
        of(limits.per_user, resource) = std::min(user, possible / 4);
    };
    constexpr std::uint64_t any = space::unlimited;
    constexpr std::uint64_t k = 1024;
    set(Resource::sessions, 4 * k, 64 * k, descriptors / 8);
    set(Resource::pipes, 16 * k, 128 * k, descriptors / 4);
    set(Resource::instances, 32 * k, 256 * k, any);
    set(Resource::connections, 64 * k, 512 * k, any);
    set(Resource::requests, 8 * k, 128 * k, any);
    set(Resource::watches, 64, 4 * k, any);
    set(Resource::memory, std::max(memory_of_machine() / 4, 256 * mebibyte),
        std::max(memory_of_machine() / 2, 512 * mebibyte), any);
    set(Resource::descriptors, 8 * k, 128 * k, descriptors / 4);
    set(Resource::messages, 200'000, any, any);
    return limits;
}

void read_limits(const std::string& path, space::Limits& limits)
{
    Reading reading{limits, {}};
    const int line = ::ini_parse(
        path.c_str(),
        [](void* user, const char* section, const char* key, const char* value) {
            return static_cast<int>(static_cast<Reading*>(user)->take(section, key, value));
        },
        &reading);
    if (line < 0) {
        throw BadConfiguration(path + ": " + std::strerror(errno));
    }
    if (line > 0) {
        throw BadConfiguration(path + ":" + std::to_string(line) + ": " +
                               (reading.problem.empty() ? "not 'NAME = NUMBER' or '[SECTION]'" : reading.problem));
    }
}

} // namespace ntpipe::broker

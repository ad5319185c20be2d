// SPDX-License-Identifier: LGPL-2.1-or-later
// wait_buffer.cc: the structure of FSCTL_PIPE_WAIT.
#include "namespace/wait_buffer.hpp"

#include "namespace/doubt.hpp"

#include <cstring>
#include <ctime>
#include <limits>

namespace ntpipe::space {
namespace {

constexpr std::uint32_t longest_name = 0xFFFD;
constexpr std::uint64_t nanoseconds_per_unit = 100;
constexpr std::uint64_t units_per_second = 10'000'000;
/// Seconds from 1601, where NT's time begins, to 1970.
constexpr std::uint64_t seconds_to_unix_epoch = 11'644'473'600;

std::uint64_t nt_now()
{
    timespec time{};
    (void)clock_gettime(CLOCK_REALTIME, &time);
    return (static_cast<std::uint64_t>(time.tv_sec) + seconds_to_unix_epoch) * units_per_second +
           static_cast<std::uint64_t>(time.tv_nsec) / nanoseconds_per_unit;
}

Nanoseconds from_units(std::uint64_t units, std::uint64_t unit = nanoseconds_per_unit)
{
    constexpr Nanoseconds most = std::numeric_limits<Nanoseconds>::max();
    return units > most / unit ? most : units * unit;
}

Nanoseconds duration_from(std::int64_t timeout, bool remote)
{
    const std::uint64_t duration_unit = remote ? doubt::nanoseconds_per_remote_wait_unit : nanoseconds_per_unit;
    if (timeout < 0) {
        return from_units(~static_cast<std::uint64_t>(timeout) + 1, duration_unit);
    }
    const auto units = static_cast<std::uint64_t>(timeout);
    if (remote) {
        return from_units(units, duration_unit);
    }
    const std::uint64_t now = nt_now();
    return units > now ? from_units(units - now) : 0;
}

} // namespace

Result<WaitBuffer> parse_wait_buffer(glue::ByteSpan buffer, bool remote)
{
    glue::ByteReader reader(buffer);
    const auto timeout = static_cast<std::int64_t>(reader.get<std::uint64_t>());
    const auto length = reader.get<std::uint32_t>();
    const auto specified = reader.get<std::uint8_t>();
    reader.skip(1);
    if (reader.failed() || length > longest_name || length > reader.left() || length % sizeof(char16_t) != 0) {
        return Status::invalid_parameter;
    }
    std::u16string wide(length / sizeof(char16_t), u'\0');
    const glue::ByteSpan text = reader.get_bytes(length);
    if (!text.empty()) {
        std::memcpy(wide.data(), text.data(), text.size());
    }
    auto name = name::parse_bare(name::to_utf8(wide));
    if (!name) {
        return name.status();
    }
    WaitBuffer wait;
    wait.name = *std::move(name);
    if (specified != 0) {
        wait.timeout = duration_from(timeout, remote);
    }
    return wait;
}

} // namespace ntpipe::space

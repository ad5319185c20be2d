// SPDX-License-Identifier: LGPL-2.1-or-later
// ntpipe_status.hpp: NTSTATUS as a C++ type, and a value-or-status result.
#pragma once

#include "ntpipe_status.h"

#include <cstdint>
#include <optional>
#include <utility>

namespace ntpipe {

/// The same list as NTPIPE_STATUS_*, as a type of its own.
enum class Status : std::uint32_t {
#define NTPIPE_STATUS_ENUMERATOR(NAME, name, value, win32, err, text) name = value,
    NTPIPE_STATUS_LIST(NTPIPE_STATUS_ENUMERATOR)
#undef NTPIPE_STATUS_ENUMERATOR
};

[[nodiscard]] constexpr bool ok(Status status)
{
    return (static_cast<std::uint32_t>(status) >> 30) < 2;
}
[[nodiscard]] constexpr bool is_error(Status status)
{
    return (static_cast<std::uint32_t>(status) >> 30) == 3;
}
[[nodiscard]] constexpr ntpipe_status raw(Status status)
{
    return static_cast<ntpipe_status>(status);
}

/// A value, or the status that says why there is none.
template <typename T>
class [[nodiscard]] Result {
public:
    Result(T value) : status_(Status::success), value_(std::move(value)) {}
    Result(Status status) : status_(status) {}

    [[nodiscard]] explicit operator bool() const { return value_.has_value(); }
    [[nodiscard]] Status status() const { return status_; }
    [[nodiscard]] T& operator*() & { return *value_; }
    [[nodiscard]] const T& operator*() const& { return *value_; }
    [[nodiscard]] T&& operator*() && { return *std::move(value_); }
    [[nodiscard]] T* operator->() { return &*value_; }
    [[nodiscard]] const T* operator->() const { return &*value_; }

private:
    Status status_;
    std::optional<T> value_;
};

} // namespace ntpipe

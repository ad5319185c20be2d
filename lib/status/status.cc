// SPDX-License-Identifier: LGPL-2.1-or-later
// status.cc: names and mappings of NTSTATUS values.
#include "status/status.hpp"

#include <cerrno>
#include <cstdint>

namespace ntpipe {
namespace {

struct StatusRow {
    ntpipe_status value;
    std::uint32_t win32;
    int error;
    const char* name;
    const char* text;
};

constexpr StatusRow status_rows[] = {
#define NTPIPE_STATUS_ROW(NAME, name, value, win32, err, text) {value, win32, err, "STATUS_" #NAME, text},
    NTPIPE_STATUS_LIST(NTPIPE_STATUS_ROW)
#undef NTPIPE_STATUS_ROW
};

constexpr std::uint32_t error_mr_mid_not_found = 317;
constexpr StatusRow unknown_row = {0xFFFFFFFFu, error_mr_mid_not_found, EIO, "STATUS_UNKNOWN", "unknown status"};

const StatusRow& find_row(ntpipe_status status)
{
    for (const StatusRow& row : status_rows) {
        if (row.value == status) {
            return row;
        }
    }
    return unknown_row;
}

} // namespace

Status status_from_errno(int error)
{
    switch (error) {
    case 0:
        return Status::success;
    case ENOMEM:
        return Status::no_memory;
    case EACCES:
    case EPERM:
        return Status::access_denied;
    case EMFILE:
    case ENFILE:
        return Status::too_many_opened_files;
    case ENOSPC:
    case ENOBUFS:
        return Status::insufficient_resources;
    case EPIPE:
    case ECONNRESET:
        return Status::connection_disconnected;
    case ENOENT:
    case ECONNREFUSED:
    case ENOTDIR:
        return Status::connection_refused;
    case EINVAL:
        return Status::invalid_parameter;
    default:
        return Status::unsuccessful;
    }
}

} // namespace ntpipe

extern "C" {

const char* ntpipe_status_name(ntpipe_status status)
{
    return ntpipe::find_row(status).name;
}

const char* ntpipe_status_text(ntpipe_status status)
{
    return ntpipe::find_row(status).text;
}

uint32_t ntpipe_status_win32(ntpipe_status status)
{
    return ntpipe::find_row(status).win32;
}

int ntpipe_status_errno(ntpipe_status status)
{
    return ntpipe::find_row(status).error;
}
}

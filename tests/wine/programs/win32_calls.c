/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* win32_calls.c: the functions of Win32 that concern pipes. The status of an answer is the last error, 0 for success. */
#include "agent.h"

#include <stdlib.h>
#include <string.h>

static uint32_t error_of(BOOL success)
{
    return success ? 0 : GetLastError();
}

/* ---- making ends ---- */

static void create_named_pipe(struct operation* op)
{
    const HANDLE handle = CreateNamedPipeW(wide(op, "name"), (DWORD)number(op, "open_mode", 3) | FILE_FLAG_OVERLAPPED,
                                           (DWORD)number(op, "pipe_mode", 0), (DWORD)number(op, "instances", 255),
                                           (DWORD)number(op, "outbound", 4096), (DWORD)number(op, "inbound", 4096),
                                           (DWORD)number(op, "timeout", 0), NULL);
    const uint32_t error = error_of(handle != INVALID_HANDLE_VALUE);
    if (!error) {
        keep_handle(op->id, handle);
    }
    is_over(op, error, "");
}

static void create_file(struct operation* op)
{
    const HANDLE handle = CreateFileW(wide(op, "name"), (DWORD)number(op, "access", GENERIC_READ | GENERIC_WRITE), 0,
                                      NULL, OPEN_EXISTING, FILE_FLAG_OVERLAPPED | (DWORD)number(op, "flags", 0), NULL);
    const uint32_t error = error_of(handle != INVALID_HANDLE_VALUE);
    if (!error) {
        keep_handle(op->id, handle);
    }
    is_over(op, error, "");
}

static void close_handle(struct operation* op)
{
    is_over(op, error_of(CloseHandle(forget_handle((unsigned)number(op, "end", 0)))), "");
}

/* ---- overlapped calls ---- */

/* Waits for a call that was started, and says "pending" before. The error, and in *count the bytes. */
static uint32_t finish(struct operation* op, BOOL success, DWORD* count)
{
    uint32_t error = error_of(success);
    *count = 0;
    /* Wine's TransactNamedPipe() calls it a success when it has only begun. */
    if (error == ERROR_IO_PENDING || (!error && !HasOverlappedIoCompleted(&op->overlapped))) {
        is_pending(op);
    } else if (error && error != ERROR_MORE_DATA) {
        return error;
    }
    return error_of(GetOverlappedResult(op->file, &op->overlapped, count, TRUE));
}

static void connect_named_pipe(struct operation* op)
{
    DWORD count;
    op->file = handle_of(op, "end");
    const uint32_t error = finish(op, ConnectNamedPipe(op->file, &op->overlapped), &count);
    is_over(op, error, "");
}

static void read_file(struct operation* op)
{
    const DWORD length = (DWORD)number(op, "length", 0);
    uint8_t* buffer = allocate(length + 1);
    DWORD count;
    op->file = handle_of(op, "end");
    const uint32_t error = finish(op, ReadFile(op->file, buffer, length, NULL, &op->overlapped), &count);
    is_over_with_data(op, error, buffer, error && error != ERROR_MORE_DATA ? 0 : count, "");
    free(buffer);
}

static void write_file(struct operation* op)
{
    size_t length;
    const uint8_t* data = bytes(op, "data", &length);
    DWORD count;
    op->file = handle_of(op, "end");
    const uint32_t error = finish(op, WriteFile(op->file, data, (DWORD)length, NULL, &op->overlapped), &count);
    is_over(op, error, ", \"count\": %lu", error ? 0 : count);
}

static void transact_named_pipe(struct operation* op)
{
    const DWORD room = (DWORD)number(op, "length", 0);
    uint8_t* buffer = allocate(room + 1);
    size_t length;
    uint8_t* data = bytes(op, "data", &length);
    DWORD count;
    op->file = handle_of(op, "end");
    op->overlapped.Internal = (ULONG_PTR)STATUS_PENDING_; /* Wine does not say so, see finish() */
    const BOOL success = TransactNamedPipe(op->file, data, (DWORD)length, buffer, room, NULL, &op->overlapped);
    const uint32_t error = finish(op, success, &count);
    is_over_with_data(op, error, buffer, error && error != ERROR_MORE_DATA ? 0 : count, "");
    free(buffer);
}

/* ---- calls that block ---- */

static void flush_file_buffers(struct operation* op)
{
    const HANDLE file = handle_of(op, "end");
    is_pending(op);
    is_over(op, error_of(FlushFileBuffers(file)), "");
}

static void wait_named_pipe(struct operation* op)
{
    is_pending(op);
    is_over(op, error_of(WaitNamedPipeW(wide(op, "name"), (DWORD)number(op, "milliseconds", 0))), "");
}

static void call_named_pipe(struct operation* op)
{
    const DWORD room = (DWORD)number(op, "length", 0);
    uint8_t* buffer = allocate(room + 1);
    size_t length;
    uint8_t* data = bytes(op, "data", &length);
    DWORD count = 0;
    is_pending(op);
    const uint32_t error = error_of(CallNamedPipeW(wide(op, "name"), data, (DWORD)length, buffer, room, &count,
                                                   (DWORD)number(op, "milliseconds", 0)));
    is_over_with_data(op, error, buffer, error && error != ERROR_MORE_DATA ? 0 : count, "");
    free(buffer);
}

/* ---- calls that return at once ---- */

static void disconnect_named_pipe(struct operation* op)
{
    is_over(op, error_of(DisconnectNamedPipe(handle_of(op, "end"))), "");
}

static void peek_named_pipe(struct operation* op)
{
    const DWORD room = (DWORD)number(op, "length", 0);
    uint8_t* buffer = allocate(room + 1);
    DWORD count = 0, available = 0, left = 0;
    const uint32_t error = error_of(PeekNamedPipe(handle_of(op, "end"), buffer, room, &count, &available, &left));
    is_over_with_data(op, error, buffer, count, ", \"available\": %lu, \"left\": %lu", available, left);
    free(buffer);
}

static void set_named_pipe_handle_state(struct operation* op)
{
    DWORD mode = (DWORD)number(op, "mode", 0);
    is_over(op, error_of(SetNamedPipeHandleState(handle_of(op, "end"), &mode, NULL, NULL)), "");
}

static void get_named_pipe_handle_state(struct operation* op)
{
    DWORD mode = 0, instances = 0;
    const uint32_t error =
        error_of(GetNamedPipeHandleStateW(handle_of(op, "end"), &mode, &instances, NULL, NULL, NULL, 0));
    is_over(op, error, ", \"mode\": %lu, \"instances\": %lu", mode, instances);
}

static void get_named_pipe_info(struct operation* op)
{
    DWORD flags = 0, outbound = 0, inbound = 0, instances = 0;
    const uint32_t error = error_of(GetNamedPipeInfo(handle_of(op, "end"), &flags, &outbound, &inbound, &instances));
    is_over(op, error, ", \"flags\": %lu, \"outbound\": %lu, \"inbound\": %lu, \"instances\": %lu", flags, outbound,
            inbound, instances);
}

static void get_file_type(struct operation* op)
{
    is_over(op, 0, ", \"type\": %lu", GetFileType(handle_of(op, "end")));
}

static void cancel_io_ex(struct operation* op)
{
    const NTSTATUS error = cancel((unsigned)number(op, "request", 0), true);
    is_over(op, error == STATUS_NOT_FOUND_ ? ERROR_NOT_FOUND : (uint32_t)error, "");
}

const struct call win32_calls[] = {
    {"CreateNamedPipe", create_named_pipe},
    {"CreateFile", create_file},
    {"CloseHandle", close_handle},
    {"ConnectNamedPipe", connect_named_pipe},
    {"DisconnectNamedPipe", disconnect_named_pipe},
    {"ReadFile", read_file},
    {"WriteFile", write_file},
    {"TransactNamedPipe", transact_named_pipe},
    {"FlushFileBuffers", flush_file_buffers},
    {"WaitNamedPipe", wait_named_pipe},
    {"CallNamedPipe", call_named_pipe},
    {"PeekNamedPipe", peek_named_pipe},
    {"SetNamedPipeHandleState", set_named_pipe_handle_state},
    {"GetNamedPipeHandleState", get_named_pipe_handle_state},
    {"GetNamedPipeInfo", get_named_pipe_info},
    {"GetFileType", get_file_type},
    {"CancelIoEx", cancel_io_ex},
    {NULL, NULL},
};

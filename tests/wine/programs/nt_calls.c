/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* nt_calls.c: the operations of ntpipe-test-agent, done by the calls of ntdll. */
#include "agent.h"

#include <stdlib.h>
#include <string.h>

NTSTATUS NTAPI NtCreateNamedPipeFile(HANDLE* handle, ULONG access, OBJECT_ATTRIBUTES* object, IO_STATUS_BLOCK* io,
                                     ULONG share, ULONG disposition, ULONG options, ULONG type, ULONG read_mode,
                                     ULONG completion_mode, ULONG instances, ULONG inbound, ULONG outbound,
                                     LARGE_INTEGER* timeout);
NTSTATUS NTAPI NtReadFile(HANDLE file, HANDLE event, PIO_APC_ROUTINE routine, void* context, IO_STATUS_BLOCK* io,
                          void* buffer, ULONG length, LARGE_INTEGER* offset, ULONG* key);
NTSTATUS NTAPI NtWriteFile(HANDLE file, HANDLE event, PIO_APC_ROUTINE routine, void* context, IO_STATUS_BLOCK* io,
                           const void* buffer, ULONG length, LARGE_INTEGER* offset, ULONG* key);
NTSTATUS NTAPI NtFlushBuffersFile(HANDLE file, IO_STATUS_BLOCK* io);

enum {
    FSCTL_DISCONNECT = 0x110004,
    FSCTL_LISTEN = 0x110008,
    FSCTL_TRANSCEIVE = 0x11C017,
    FSCTL_WAIT = 0x110018,
    FSCTL_GET_CONNECTION_ATTRIBUTE = 0x110030,
    PEEK_HEADER = 16,
};

/* What FSCTL_PIPE_WAIT takes. */
struct wait_buffer {
    LARGE_INTEGER timeout;
    ULONG name_length;
    BOOLEAN timeout_specified;
    WCHAR name[1];
};

static bool is_error(NTSTATUS status)
{
    return (uint32_t)status >> 30 == 3;
}

/* ---- names ---- */

static const WCHAR device[] = L"\\??\\pipe\\";

/* NAME, \\.\pipe\NAME and \??\... as ntdll wants them. */
static UNICODE_STRING nt_name(struct operation* op)
{
    static const WCHAR dos[] = L"\\\\.\\pipe\\";
    const size_t prefix = wcslen(dos);
    UNICODE_STRING string;
    const WCHAR* name = wide(op, "name");
    WCHAR* text = allocate_for(op, (wcslen(name) + wcslen(device) + 1) * sizeof(WCHAR));
    if (name[0] != '\\' || !_wcsnicmp(name, dos, prefix)) {
        wcscpy(text, device);
        wcscat(text, name[0] == '\\' ? name + prefix : name);
    } else {
        wcscpy(text, name);
    }
    string.Buffer = text;
    string.Length = (USHORT)(wcslen(text) * sizeof(WCHAR));
    string.MaximumLength = string.Length;
    return string;
}

static OBJECT_ATTRIBUTES attributes_of(UNICODE_STRING* name)
{
    OBJECT_ATTRIBUTES object;
    InitializeObjectAttributes(&object, name, OBJ_CASE_INSENSITIVE, NULL, NULL);
    return object;
}

/* ---- ends ---- */

/* What the handle may do. */
static ULONG granted_access(HANDLE handle)
{
    struct {
        ULONG attributes, granted_access, rest[12];
    } information = {0};
    NtQueryObject(handle, ObjectBasicInformation, &information, sizeof(information), NULL);
    return information.granted_access;
}

static void create(struct operation* op)
{
    UNICODE_STRING name = nt_name(op);
    OBJECT_ATTRIBUTES object = attributes_of(&name);
    LARGE_INTEGER timeout;
    HANDLE handle;
    timeout.QuadPart = (LONGLONG)number(op, "default_timeout", (uint64_t)-500000);
    const NTSTATUS status = NtCreateNamedPipeFile(
        &handle, (ULONG)number(op, "desired_access", GENERIC_READ | GENERIC_WRITE | SYNCHRONIZE), &object, &op->io,
        (ULONG)number(op, "share_access", 3), (ULONG)number(op, "disposition", 3), (ULONG)number(op, "options", 0),
        (ULONG)number(op, "type", 1), (ULONG)number(op, "read_mode", 1), (ULONG)number(op, "completion_mode", 0),
        (ULONG)number(op, "max_instances", 0xFFFFFFFF), (ULONG)number(op, "inbound_quota", 4096),
        (ULONG)number(op, "outbound_quota", 4096), &timeout);
    if (is_error(status)) {
        is_over(op, (uint32_t)status, "");
        return;
    }
    keep_handle(op->id, handle);
    is_over(op, (uint32_t)status, ", \"information\": %u, \"granted_access\": %lu", (unsigned)op->io.Information,
            granted_access(handle));
}

static void open(struct operation* op)
{
    UNICODE_STRING name = nt_name(op);
    OBJECT_ATTRIBUTES object = attributes_of(&name);
    HANDLE handle;
    const NTSTATUS status = NtCreateFile(&handle, (ULONG)number(op, "desired_access", GENERIC_READ | GENERIC_WRITE),
                                         &object, &op->io, NULL, 0, (ULONG)number(op, "share_access", 0),
                                         (ULONG)number(op, "disposition", 1), (ULONG)number(op, "options", 0), NULL, 0);
    if (is_error(status)) {
        is_over(op, (uint32_t)status, "");
        return;
    }
    keep_handle(op->id, handle);
    is_over(op, (uint32_t)status, ", \"granted_access\": %lu", granted_access(handle));
}

static void close(struct operation* op)
{
    CloseHandle(forget_handle((unsigned)number(op, "end", 0)));
    is_over(op, 0, "");
}

/* ---- calls that take time ---- */

/* Waits for a call that has returned `status`, and says "pending" before. Its status. */
static NTSTATUS finish(struct operation* op, NTSTATUS status)
{
    if (status != STATUS_PENDING_) {
        return status;
    }
    is_pending(op);
    WaitForSingleObject(op->over, INFINITE);
    return op->io.Status;
}

static size_t brought(const struct operation* op, NTSTATUS status)
{
    return is_error(status) ? 0 : op->io.Information;
}

static void read(struct operation* op)
{
    const ULONG length = (ULONG)number(op, "length", 0);
    uint8_t* buffer = allocate(length + 1);
    op->file = handle_of(op, "end");
    NTSTATUS status = NtReadFile(op->file, op->over, NULL, NULL, &op->io, buffer, length, NULL, NULL);
    status = finish(op, status);
    is_over_with_data(op, (uint32_t)status, buffer, brought(op, status), "");
    free(buffer);
}

static void write(struct operation* op)
{
    size_t length;
    const uint8_t* data = bytes(op, "data", &length);
    op->file = handle_of(op, "end");
    NTSTATUS status = NtWriteFile(op->file, op->over, NULL, NULL, &op->io, data, (ULONG)length, NULL, NULL);
    status = finish(op, status);
    is_over(op, (uint32_t)status, ", \"count\": %u", (unsigned)brought(op, status));
}

static void file_control(struct operation* op, HANDLE file, ULONG code, const void* input, size_t length, ULONG room)
{
    uint8_t* buffer = allocate(room + 1);
    op->file = file;
    NTSTATUS status =
        NtFsControlFile(file, op->over, NULL, NULL, &op->io, code, (void*)input, (ULONG)length, buffer, room);
    status = finish(op, status);
    const size_t count = brought(op, status);
    is_over_with_data(op, (uint32_t)status, buffer, count < room ? count : room, ", \"information\": %u",
                      (unsigned)count);
    free(buffer);
}

static void control(struct operation* op)
{
    size_t length;
    const uint8_t* input = bytes(op, "input", &length);
    file_control(op, handle_of(op, "end"), (ULONG)number(op, "code", 0), input, length, (ULONG)number(op, "length", 0));
}

static void transceive(struct operation* op)
{
    size_t length;
    const uint8_t* data = bytes(op, "data", &length);
    file_control(op, handle_of(op, "end"), FSCTL_TRANSCEIVE, data, length, (ULONG)number(op, "length", 0));
}

static void listen(struct operation* op)
{
    file_control(op, handle_of(op, "end"), FSCTL_LISTEN, NULL, 0, 0);
}

static void disconnect(struct operation* op)
{
    file_control(op, handle_of(op, "end"), FSCTL_DISCONNECT, NULL, 0, 0);
}

static void flush(struct operation* op)
{
    op->file = handle_of(op, "end");
    is_pending(op); /* it blocks */
    is_over(op, (uint32_t)NtFlushBuffersFile(op->file, &op->io), "");
}

/* ---- waiting for an instance ---- */

static void wait_with(struct operation* op, const void* input, size_t length)
{
    UNICODE_STRING name;
    OBJECT_ATTRIBUTES object = attributes_of(&name);
    HANDLE directory;
    name.Buffer = (WCHAR*)device;
    name.Length = name.MaximumLength = sizeof(device) - sizeof(WCHAR);
    const NTSTATUS status = NtOpenFile(&directory, FILE_READ_ATTRIBUTES | SYNCHRONIZE, &object, &op->io,
                                       FILE_SHARE_READ | FILE_SHARE_WRITE, 0);
    if (is_error(status)) {
        is_over(op, (uint32_t)status, "");
        return;
    }
    file_control(op, directory, FSCTL_WAIT, input, length, 0);
    CloseHandle(directory);
}

static void wait(struct operation* op)
{
    const int64_t milliseconds = (int64_t)number(op, "milliseconds", 0);
    const UNICODE_STRING full = nt_name(op);
    const size_t skipped = sizeof(device) - sizeof(WCHAR);
    const size_t length = full.Length - skipped;
    struct wait_buffer* input = allocate(sizeof(*input) + length);
    input->name_length = (ULONG)length;
    input->timeout_specified = milliseconds != 0;
    input->timeout.QuadPart = milliseconds < 0 ? INT64_MIN : -milliseconds * 10000;
    memcpy(input->name, full.Buffer + skipped / sizeof(WCHAR), length);
    wait_with(op, input, offsetof(struct wait_buffer, name) + length);
    free(input);
}

static void wait_control(struct operation* op)
{
    size_t length;
    const uint8_t* input = bytes(op, "input", &length);
    wait_with(op, input, length);
}

/* ---- information ---- */

static void query_information(struct operation* op)
{
    const ULONG length = (ULONG)number(op, "length", 0);
    uint8_t* buffer = allocate(length + 1);
    const NTSTATUS status = NtQueryInformationFile(handle_of(op, "end"), &op->io, buffer, length,
                                                   (FILE_INFORMATION_CLASS)number(op, "class", 0));
    is_over_with_data(op, (uint32_t)status, buffer, brought(op, status), "");
    free(buffer);
}

static void set_information(struct operation* op)
{
    size_t length;
    uint8_t* data = bytes(op, "data", &length);
    const NTSTATUS status = NtSetInformationFile(handle_of(op, "end"), &op->io, data, (ULONG)length,
                                                 (FILE_INFORMATION_CLASS)number(op, "class", 0));
    is_over(op, (uint32_t)status, "");
}

static void query_volume(struct operation* op)
{
    const ULONG length = (ULONG)number(op, "length", 0);
    uint8_t* buffer = allocate(length + 1);
    const NTSTATUS status = NtQueryVolumeInformationFile(handle_of(op, "end"), &op->io, buffer, length,
                                                         (FS_INFORMATION_CLASS)number(op, "class", 0));
    is_over_with_data(op, (uint32_t)status, buffer, brought(op, status), "");
    free(buffer);
}

/* ---- cancelling ---- */

static void cancel_request(struct operation* op)
{
    const NTSTATUS status = cancel((unsigned)number(op, "request", 0), false);
    is_over(op, (uint32_t)status, ", \"cancelled\": %s", status ? "false" : "true");
}

const struct call nt_calls[] = {
    {"create", create},
    {"open", open},
    {"close", close},
    {"free", close},
    {"listen", listen},
    {"disconnect", disconnect},
    {"read", read},
    {"write", write},
    {"transceive", transceive},
    {"control", control},
    {"flush", flush},
    {"wait", wait},
    {"wait_control", wait_control},
    {"query_information", query_information},
    {"set_information", set_information},
    {"query_volume", query_volume},
    {"cancel", cancel_request},
    {NULL, NULL},
};

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* object_calls.c: what a program sees of its own objects while it uses a pipe: handles, events, APCs, completion ports, threads.
 *
 * Each operation is a short story of one thread. Its answer says what was seen; statuses are NTSTATUS, or the last error of
 * functions of Win32. Where a story needs the other end to do something it is pending meanwhile.
 */
#include "agent.h"

#include <stdlib.h>
#include <string.h>

NTSTATUS NTAPI NtReadFile(HANDLE file, HANDLE event, PIO_APC_ROUTINE routine, void* context, IO_STATUS_BLOCK* io,
                          void* buffer, ULONG length, LARGE_INTEGER* offset, ULONG* key);
NTSTATUS NTAPI NtCancelIoFileEx(HANDLE file, IO_STATUS_BLOCK* which, IO_STATUS_BLOCK* io);
NTSTATUS NTAPI NtCreateDirectoryObject(HANDLE* handle, ACCESS_MASK access, OBJECT_ATTRIBUTES* object);

enum {
    FSCTL_LISTEN = 0x110008,
    UNTOUCHED = 0x55555555,
    FAR_TOO_LATE = 60000,
};

/* Of FILE_INFORMATION_CLASS. */
static const FILE_INFORMATION_CLASS pipe_modes = (FILE_INFORMATION_CLASS)23;
static const FILE_INFORMATION_CLASS completion_notification = (FILE_INFORMATION_CLASS)41;

static bool is_signalled(HANDLE handle)
{
    return WaitForSingleObject(handle, 0) == WAIT_OBJECT_0;
}

static const char* word(bool value)
{
    return value ? "true" : "false";
}

static HANDLE new_event(void)
{
    return CreateEventW(NULL, TRUE, FALSE, NULL);
}

static void CALLBACK count_io(void* context, IO_STATUS_BLOCK* io, ULONG reserved)
{
    (void)io;
    (void)reserved;
    ++*(unsigned*)context;
}

static void CALLBACK count_call(ULONG_PTR context)
{
    /* What a program hands to an APC is a number to Windows. NOLINTNEXTLINE(performance-no-int-to-ptr) */
    ++*(unsigned*)context;
}

/* ---- names ---- */

/* A name of no pipe, and no name at all -> the errors */
static void create_without_pipe_name(struct operation* op)
{
    uint32_t errors[2];
    const WCHAR* names[] = {L"not a named pipe", NULL};
    for (int i = 0; i < 2; i++) {
        SetLastError(0);
        CreateNamedPipeW(names[i], PIPE_ACCESS_DUPLEX, PIPE_TYPE_BYTE, 1, 1024, 1024, 0, NULL);
        errors[i] = GetLastError();
    }
    is_over(op, 0, ", \"other\": %u, \"none\": %u", errors[0], errors[1]);
}

static void create_directory_of_pipes(struct operation* op)
{
    static WCHAR path[] = L"\\Device\\NamedPipe\\";
    UNICODE_STRING name = {sizeof(path) - sizeof(WCHAR), sizeof(path) - sizeof(WCHAR), path};
    OBJECT_ATTRIBUTES object;
    HANDLE handle;
    InitializeObjectAttributes(&object, &name, 0, NULL, NULL);
    is_over(op, (uint32_t)NtCreateDirectoryObject(&handle, GENERIC_READ, &object), "");
}

/* ---- signals ---- */

static void handle_is_signalled(struct operation* op)
{
    is_over(op, 0, ", \"signalled\": %s", word(is_signalled(handle_of(op, "end"))));
}

/* A read without an event -> whether the handle was signalled before and after it has come to its end */
static void read_without_event(struct operation* op)
{
    const HANDLE file = handle_of(op, "end");
    uint8_t byte;
    const NTSTATUS status = NtReadFile(file, NULL, NULL, NULL, &op->io, &byte, 1, NULL, NULL);
    const bool before = is_signalled(file);
    if (status == STATUS_PENDING_) {
        is_pending(op);
        WaitForSingleObject(file, FAR_TOO_LATE);
    }
    const bool after = is_signalled(file);
    is_over(op, (uint32_t)op->io.Status, ", \"before\": %s, \"after\": %s", word(before), word(after));
}

/* The same, and the handle is to be signalled by nothing; an APC tells of the end. */
static void read_without_signal(struct operation* op)
{
    const HANDLE file = handle_of(op, "end");
    ULONG notification = FILE_SKIP_SET_EVENT_ON_HANDLE;
    IO_STATUS_BLOCK io;
    uint8_t byte;
    unsigned calls = 0;
    const NTSTATUS set = NtSetInformationFile(file, &io, &notification, sizeof(notification), completion_notification);
    const NTSTATUS status = NtReadFile(file, NULL, count_io, &calls, &op->io, &byte, 1, NULL, NULL);
    const bool before = is_signalled(file);
    if (status == STATUS_PENDING_) {
        is_pending(op);
        SleepEx(FAR_TOO_LATE, TRUE);
    }
    is_over(op, (uint32_t)op->io.Status, ", \"set\": %u, \"before\": %s, \"after\": %s, \"calls\": %u", (unsigned)set,
            word(before), word(is_signalled(file)), calls);
}

/* A read through a synchronous handle, with an event -> which of both is signalled when it returns */
static void read_synchronously(struct operation* op)
{
    const HANDLE file = handle_of(op, "end");
    const HANDLE event = new_event();
    uint8_t byte;
    is_pending(op);
    const NTSTATUS status = NtReadFile(file, event, NULL, NULL, &op->io, &byte, 1, NULL, NULL);
    is_over(op, (uint32_t)status, ", \"event\": %s, \"handle\": %s", word(is_signalled(event)),
            word(is_signalled(file)));
    CloseHandle(event);
}

/* An event that is none -> what became of the status block */
static void read_with_wrong_event(struct operation* op)
{
    uint8_t byte;
    op->io.Status = UNTOUCHED;
    op->io.Information = UNTOUCHED;
    const NTSTATUS status =
        NtReadFile(handle_of(op, "end"), ULongToHandle(0xDEADBEEF), NULL, NULL, &op->io, &byte, 1, NULL, NULL);
    is_over(op, (uint32_t)status, ", \"touched\": %s",
            word(op->io.Status != UNTOUCHED || op->io.Information != UNTOUCHED));
}

/* ---- cancelling ---- */

static void cancel_twice(struct operation* op)
{
    const HANDLE file = handle_of(op, "end");
    uint8_t byte;
    DWORD count;
    const bool waited = !ReadFile(file, &byte, 1, NULL, &op->overlapped) && GetLastError() == ERROR_IO_PENDING;
    const DWORD first = CancelIoEx(file, &op->overlapped) ? 0 : GetLastError();
    const DWORD second = CancelIoEx(file, &op->overlapped) ? 0 : GetLastError();
    const DWORD read = GetOverlappedResult(file, &op->overlapped, &count, TRUE) ? 0 : GetLastError();
    is_over(op, 0, ", \"waited\": %s, \"first\": %lu, \"second\": %lu, \"read\": %lu", word(waited), first, second,
            read);
}

/* Two reads with one status block, which names both to who cancels */
static void cancel_two_at_once(struct operation* op)
{
    const HANDLE file = handle_of(op, "end");
    uint8_t byte[2];
    unsigned calls = 0;
    IO_STATUS_BLOCK io;
    const NTSTATUS first = NtReadFile(file, NULL, count_io, &calls, &op->io, &byte[0], 1, NULL, NULL);
    const NTSTATUS second = NtReadFile(file, NULL, count_io, &calls, &op->io, &byte[1], 1, NULL, NULL);
    const NTSTATUS status = NtCancelIoFileEx(file, &op->io, &io);
    while (calls < 2 && SleepEx(FAR_TOO_LATE, TRUE) == WAIT_IO_COMPLETION) {}
    is_over(op, (uint32_t)status, ", \"first\": %u, \"second\": %u, \"reads\": %u, \"calls\": %u", (unsigned)first,
            (unsigned)second, (unsigned)op->io.Status, calls);
}

static HANDLE duplicate(HANDLE file, HANDLE process)
{
    HANDLE copy = NULL;
    DuplicateHandle(GetCurrentProcess(), file, process, &copy, 0, FALSE, DUPLICATE_SAME_ACCESS);
    return copy;
}

/* A read through one of two handles of this process, which is closed meanwhile. The other one is kept under the request's number. */
static void read_through_closed_handle(struct operation* op)
{
    const HANDLE file = forget_handle((unsigned)number(op, "end", 0));
    const HANDLE copy = duplicate(file, GetCurrentProcess());
    const HANDLE event = new_event();
    uint8_t byte;
    IO_STATUS_BLOCK io;
    keep_handle(op->id, copy);
    const NTSTATUS started = NtReadFile(file, event, NULL, NULL, &op->io, &byte, 1, NULL, NULL);
    CloseHandle(file);
    const bool still = !is_signalled(event);
    const NTSTATUS cancelled = NtCancelIoFileEx(copy, &op->io, &io);
    WaitForSingleObject(event, FAR_TOO_LATE);
    is_over(op, (uint32_t)op->io.Status, ", \"started\": %u, \"still\": %s, \"cancelled\": %u", (unsigned)started,
            word(still), (unsigned)cancelled);
    CloseHandle(event);
}

/* The same when the other handle is another process's: `process`. With an event or without -> that handle's value, what the port got */
static void read_through_last_handle(struct operation* op)
{
    const HANDLE file = forget_handle((unsigned)number(op, "end", 0));
    const HANDLE event = number(op, "event", 0) ? new_event() : NULL;
    const HANDLE other = OpenProcess(PROCESS_DUP_HANDLE, FALSE, (DWORD)number(op, "process", 0));
    const HANDLE port = CreateIoCompletionPort(file, NULL, 7, 0);
    uint8_t byte;
    DWORD count;
    ULONG_PTR key;
    OVERLAPPED* packet = NULL;
    /* What a port is told of is known by the context of the APC. */
    const NTSTATUS started = NtReadFile(file, event, NULL, event ? NULL : &op->io, &op->io, &byte, 1, NULL, NULL);
    const HANDLE copy = duplicate(file, other);
    CloseHandle(file);
    is_pending(op);
    if (event) {
        WaitForSingleObject(event, FAR_TOO_LATE);
    }
    GetQueuedCompletionStatus(port, &count, &key, &packet, event ? 0 : FAR_TOO_LATE);
    is_over(op, (uint32_t)op->io.Status, ", \"started\": %u, \"packet\": %s, \"copy\": %lu", (unsigned)started,
            word(packet == (void*)&op->io), (unsigned long)(ULONG_PTR)copy);
    CloseHandle(port);
    CloseHandle(other);
    if (event) {
        CloseHandle(event);
    }
}

/* Takes over a handle that another process has given this one. */
static void adopt(struct operation* op)
{
    keep_handle(op->id, ULongToHandle((ULONG)number(op, "handle", 0)));
    is_over(op, 0, "");
}

/* ---- completion ports ---- */

/* A read of what is there and one of what is not, with FILE_SKIP_COMPLETION_PORT_ON_SUCCESS -> packets after each */
static void read_with_port(struct operation* op)
{
    const HANDLE file = handle_of(op, "end");
    const HANDLE port = CreateIoCompletionPort(file, NULL, 7, 0);
    const bool set = SetFileCompletionNotificationModes(file, FILE_SKIP_COMPLETION_PORT_ON_SUCCESS);
    uint8_t byte;
    DWORD count;
    ULONG_PTR key = 0;
    OVERLAPPED* packet = NULL;
    IO_STATUS_BLOCK first, second;
    const NTSTATUS there = NtReadFile(file, NULL, NULL, &first, &first, &byte, 1, NULL, NULL);
    const bool at_once = GetQueuedCompletionStatus(port, &count, &key, &packet, 0);
    const NTSTATUS later = NtReadFile(file, NULL, NULL, &second, &second, &byte, 1, NULL, NULL);
    is_pending(op);
    packet = NULL;
    GetQueuedCompletionStatus(port, &count, &key, &packet, FAR_TOO_LATE);
    is_over(op, (uint32_t)second.Status, ", \"set\": %s, \"there\": %u, \"at_once\": %s, \"later\": %u, \"packet\": %s",
            word(set), (unsigned)there, word(at_once), (unsigned)later, word(packet == (void*)&second && key == 7));
    CloseHandle(port);
}

/* ---- APCs and threads ---- */

/* LISTEN through a synchronous handle, by a thread that QueueCall reaches under the request's number -> calls when it returned, and
 * after an alertable wait */
static void listen_synchronously(struct operation* op)
{
    const HANDLE file = handle_of(op, "end");
    HANDLE thread;
    DuplicateHandle(GetCurrentProcess(), GetCurrentThread(), GetCurrentProcess(), &thread, 0, FALSE,
                    DUPLICATE_SAME_ACCESS);
    keep_handle(op->id, thread);
    op->calls = 0;
    is_pending(op);
    const NTSTATUS status = NtFsControlFile(file, NULL, NULL, NULL, &op->io, FSCTL_LISTEN, NULL, 0, NULL, 0);
    const unsigned inside = op->calls;
    SleepEx(0, TRUE);
    is_over(op, (uint32_t)status, ", \"inside\": %u, \"calls\": %u", inside, op->calls);
}

static void queue_call(struct operation* op)
{
    struct operation* listener = operation_of((unsigned)number(op, "request", 0));
    const bool queued = listener && QueueUserAPC(count_call, handle_of(op, "request"), (ULONG_PTR)&listener->calls);
    is_over(op, queued ? 0 : 1, "");
}

/* Its own thread's number with what is read. */
static void read_by_thread(struct operation* op)
{
    const DWORD length = (DWORD)number(op, "length", 0);
    uint8_t* buffer = allocate(length + 1);
    const NTSTATUS status = NtReadFile(handle_of(op, "end"), op->over, NULL, NULL, &op->io, buffer, length, NULL, NULL);
    is_over_with_data(op, (uint32_t)status, buffer,
                      status < 0 && status != STATUS_BUFFER_OVERFLOW_ ? 0 : op->io.Information, ", \"thread\": %lu",
                      GetCurrentThreadId());
    free(buffer);
}

/* ---- handles that are none ---- */

static void read_through_no_handle(struct operation* op)
{
    uint8_t byte;
    DWORD count = UNTOUCHED;
    SetLastError(0);
    const bool success = ReadFile(INVALID_HANDLE_VALUE, &byte, 1, &count, NULL);
    is_over(op, success ? 0 : GetLastError(), ", \"count\": %lu", count);
}

static void modes_of_no_pipe(struct operation* op)
{
    ULONG modes[2] = {0, 0};
    const NTSTATUS query = NtQueryInformationFile(INVALID_HANDLE_VALUE, &op->io, modes, sizeof(modes), pipe_modes);
    const NTSTATUS set = NtSetInformationFile(INVALID_HANDLE_VALUE, &op->io, modes, sizeof(modes), pipe_modes);
    is_over(op, 0, ", \"query\": %u, \"set\": %u", (unsigned)query, (unsigned)set);
}

const struct call object_calls[] = {
    {"CreateWithoutPipeName", create_without_pipe_name},
    {"CreateDirectoryOfPipes", create_directory_of_pipes},
    {"HandleIsSignalled", handle_is_signalled},
    {"ReadWithoutEvent", read_without_event},
    {"ReadWithoutSignal", read_without_signal},
    {"ReadSynchronously", read_synchronously},
    {"ReadWithWrongEvent", read_with_wrong_event},
    {"CancelTwice", cancel_twice},
    {"CancelTwoAtOnce", cancel_two_at_once},
    {"ReadThroughClosedHandle", read_through_closed_handle},
    {"ReadThroughLastHandle", read_through_last_handle},
    {"Adopt", adopt},
    {"ReadWithPort", read_with_port},
    {"ListenSynchronously", listen_synchronously},
    {"QueueCall", queue_call},
    {"ReadByThread", read_by_thread},
    {"ReadThroughNoHandle", read_through_no_handle},
    {"ModesOfNoPipe", modes_of_no_pipe},
    {NULL, NULL},
};

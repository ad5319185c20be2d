/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* nt.c: the calls of Wine's ntdll. The only file that sees Wine's headers. */
#include "ntstatus.h"
#define WIN32_NO_STATUS
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#include <winioctl.h>
#include <winsvc.h>
#include <winternl.h>

#include "nt.h"

#include <stdlib.h>
#include <string.h>

C_ASSERT(sizeof(IO_STATUS_BLOCK) <= sizeof(((struct nt_operation*)0)->block));

static const WCHAR prefix[] = {'\\', '?', '?', '\\', 'p', 'i', 'p', 'e', '\\'};
/* Wine's headers lack these. */
#ifndef DIRECTORY_ALL_ACCESS
#define DIRECTORY_ALL_ACCESS 0x000F000F
#endif
#ifndef SYMBOLIC_LINK_ALL_ACCESS
#define SYMBOLIC_LINK_ALL_ACCESS 0x000F0001
#endif

enum { prefix_length = sizeof(prefix) / sizeof(prefix[0]), longest_name = 32767 - prefix_length };

static HANDLE port;
static HANDLE device; /* of all pipes, for waits */
static HANDLE ping_event;

/*
 * Reads that nt_run() waits for by their events, as many as there are places; what has none comes by the port, which costs two
 * requests to Wine's server more. The first `watched_count` are in use.
 */
enum { most_watched = 24 };
static struct {
    HANDLE event;
    struct nt_operation* operation;
} watched[most_watched + 1]; /* one never is: free_event() looks at it */
static unsigned watched_count;
static _Thread_local bool is_runner;

static IO_STATUS_BLOCK* block_of(struct nt_operation* operation)
{
    return (IO_STATUS_BLOCK*)operation->block;
}

static void take_result(struct nt_operation* operation, NTSTATUS status)
{
    operation->status = (uint32_t)status;
    operation->information = block_of(operation)->Information;
}

/* What a call that was started returns. With what was over at once the port has nothing to do. */
static uint32_t started(struct nt_operation* operation, NTSTATUS status)
{
    if (status != STATUS_PENDING) {
        take_result(operation, status);
    }
    return (uint32_t)status;
}

static struct nt_operation* begin(struct nt_operation* operation)
{
    memset(operation->block, 0, sizeof(operation->block));
    return operation;
}

/* `\??\pipe\NAME`, to be freed. */
static bool make_path(const uint16_t* name, size_t length, UNICODE_STRING* path)
{
    WCHAR* text = length > longest_name ? NULL : malloc((prefix_length + length + 1) * sizeof(WCHAR));

    if (text == NULL) {
        return false;
    }
    memcpy(text, prefix, sizeof(prefix));
    if (length != 0) {
        memcpy(text + prefix_length, name, length * sizeof(WCHAR));
    }
    text[prefix_length + length] = 0;
    path->Buffer = text;
    path->Length = (USHORT)((prefix_length + length) * sizeof(WCHAR));
    path->MaximumLength = path->Length;
    return true;
}

/*
 * What was opened, with this status, joins the port; if it cannot, it is closed. Nobody waits for the handle itself, so it need not be
 * signalled. It must not be: a flush that is over at once is two requests to Wine's server, and if another thread closes the handle
 * between them, the second one signals a pipe that has been freed (set_fd_signaled(), Wine 8.0 to 10.0), and the server
 * crashes.
 */
static NTSTATUS join_port(NTSTATUS opened, const HANDLE* handle)
{
    FILE_COMPLETION_INFORMATION completion = {port, 0};
    FILE_IO_COMPLETION_NOTIFICATION_INFORMATION notification = {FILE_SKIP_COMPLETION_PORT_ON_SUCCESS |
                                                                FILE_SKIP_SET_EVENT_ON_HANDLE};
    IO_STATUS_BLOCK io;
    NTSTATUS status;

    if (opened != STATUS_SUCCESS) {
        return opened;
    }
    status = NtSetInformationFile(*handle, &io, &completion, sizeof(completion), FileCompletionInformation);
    if (status == STATUS_SUCCESS) {
        status = NtSetInformationFile(*handle, &io, &notification, sizeof(notification),
                                      FileIoCompletionNotificationInformation);
    }
    if (status != STATUS_SUCCESS) {
        NtClose(*handle);
    }
    return status;
}

/* Opens or creates by path; the handle joins the port. */
static NTSTATUS open_path(UNICODE_STRING* path, ACCESS_MASK access, HANDLE* handle)
{
    OBJECT_ATTRIBUTES attributes;
    IO_STATUS_BLOCK io;
    NTSTATUS status;

    InitializeObjectAttributes(&attributes, path, OBJ_CASE_INSENSITIVE, 0, NULL);
    status = NtOpenFile(handle, access | SYNCHRONIZE, &attributes, &io, FILE_SHARE_READ | FILE_SHARE_WRITE, 0);
    return join_port(status, handle);
}

uint32_t nt_start(void)
{
    UNICODE_STRING path;
    NTSTATUS status = NtCreateIoCompletion(&port, IO_COMPLETION_ALL_ACCESS, NULL, 0);

    if (status != STATUS_SUCCESS) {
        return (uint32_t)status;
    }
    status = NtCreateEvent(&ping_event, EVENT_ALL_ACCESS, NULL, NotificationEvent, FALSE);
    if (status != STATUS_SUCCESS) {
        return (uint32_t)status;
    }
    if (!make_path(NULL, 0, &path)) {
        return (uint32_t)STATUS_NO_MEMORY;
    }
    status = open_path(&path, FILE_READ_ATTRIBUTES, &device);
    free(path.Buffer);
    return (uint32_t)status;
}

static void call_back(struct nt_operation* operation, void (*enter)(void), void (*leave)(void))
{
    enter();
    operation->done(operation);
    leave();
}

static void take_from_port(void (*enter)(void), void (*leave)(void))
{
    static LARGE_INTEGER at_once = {0};
    ULONG_PTR key, value;
    IO_STATUS_BLOCK io;
    struct nt_operation* operation;

    if (NtRemoveIoCompletion(port, &key, &value, &io, &at_once) != STATUS_SUCCESS) {
        return;
    }
    operation = (struct nt_operation*)value; /* as it was given. NOLINT(performance-no-int-to-ptr) */
    operation->status = (uint32_t)io.Status;
    operation->information = io.Information;
    call_back(operation, enter, leave);
}

static void take_watched(unsigned which, void (*enter)(void), void (*leave)(void))
{
    struct nt_operation* operation = watched[which].operation;
    HANDLE event = watched[which].event;

    if (block_of(operation)->Status == STATUS_PENDING) {
        return;
    }
    watched[which] = watched[--watched_count];
    watched[watched_count].event = event;
    take_result(operation, block_of(operation)->Status);
    call_back(operation, enter, leave);
}

void nt_run(void (*enter)(void), void (*leave)(void))
{
    unsigned first = 0; /* each in turn is the one that is served if several are ready */

    is_runner = true;
    for (;;) {
        HANDLE handles[most_watched + 1];
        const unsigned count = watched_count + 1;
        unsigned i, which;
        NTSTATUS status;

        first = (first + 1) % count;
        for (i = 0; i < count; ++i) {
            which = (first + i) % count;
            handles[i] = which < watched_count ? watched[which].event : port;
        }
        status = NtWaitForMultipleObjects(count, handles, TRUE, FALSE, NULL);
        if (status < STATUS_WAIT_0 || status >= STATUS_WAIT_0 + (NTSTATUS)count) {
            continue;
        }
        which = (first + (unsigned)status) % count;
        if (which == watched_count) {
            take_from_port(enter, leave);
        } else {
            take_watched(which, enter, leave);
        }
    }
}

uint32_t nt_post(struct nt_operation* operation)
{
    return (uint32_t)NtSetIoCompletion(port, 0, (ULONG_PTR)operation, STATUS_SUCCESS, 0);
}

struct thread_start {
    void (*body)(void*);
    void* argument;
};

static DWORD WINAPI run_thread(void* argument)
{
    struct thread_start start = *(struct thread_start*)argument;

    free(argument);
    start.body(start.argument);
    return 0;
}

bool nt_thread(void (*body)(void*), void* argument)
{
    struct thread_start* start = malloc(sizeof(*start));
    HANDLE thread;

    if (start == NULL) {
        return false;
    }
    start->body = body;
    start->argument = argument;
    thread = CreateThread(NULL, 0, run_thread, start, 0, NULL);
    if (thread == NULL) {
        free(start);
        return false;
    }
    NtClose(thread);
    return true;
}

void nt_ping(void)
{
    NtSetEvent(ping_event, NULL);
}

uint32_t nt_own_process(void)
{
    return GetCurrentProcessId();
}

void* nt_buffer(size_t size)
{
    return VirtualAlloc(NULL, size, MEM_COMMIT | MEM_RESERVE, PAGE_READWRITE);
}

void nt_buffer_free(void* buffer)
{
    VirtualFree(buffer, 0, MEM_RELEASE);
}

/* ---- pipes ---- */

uint32_t nt_create_pipe(const uint16_t* name, size_t length, const struct nt_pipe_information* information,
                        int64_t default_timeout, bool first, nt_handle* handle)
{
    static const ULONG share[] = {FILE_SHARE_WRITE, FILE_SHARE_READ, FILE_SHARE_READ | FILE_SHARE_WRITE};
    static const ULONG access[] = {GENERIC_READ, GENERIC_WRITE, GENERIC_READ | GENERIC_WRITE};
    UNICODE_STRING path;
    OBJECT_ATTRIBUTES attributes;
    IO_STATUS_BLOCK io;
    LARGE_INTEGER timeout;
    NTSTATUS status;

    if (information->direction > NT_DUPLEX) {
        return (uint32_t)STATUS_INVALID_PARAMETER;
    }
    if (!make_path(name, length, &path)) {
        return (uint32_t)STATUS_NO_MEMORY;
    }
    timeout.QuadPart = default_timeout < 0 ? default_timeout : -500000;
    InitializeObjectAttributes(&attributes, &path, OBJ_CASE_INSENSITIVE, 0, NULL);
    status = NtCreateNamedPipeFile(
        handle, access[information->direction] | FILE_READ_ATTRIBUTES | FILE_WRITE_ATTRIBUTES | SYNCHRONIZE,
        &attributes, &io, share[information->direction], first ? FILE_CREATE : FILE_OPEN_IF, 0,
        information->message_type != 0, information->message_type != 0, 0, information->maximum_instances,
        information->inbound_quota, information->outbound_quota, &timeout);
    free(path.Buffer);
    return (uint32_t)join_port(status, handle);
}

uint32_t nt_open_pipe(const uint16_t* name, size_t length, bool read, bool write, nt_handle* handle)
{
    UNICODE_STRING path;
    NTSTATUS status;

    if (!make_path(name, length, &path)) {
        return (uint32_t)STATUS_NO_MEMORY;
    }
    status = open_path(
        &path, (read ? GENERIC_READ : 0) | (write ? GENERIC_WRITE : 0) | FILE_READ_ATTRIBUTES | FILE_WRITE_ATTRIBUTES,
        handle);
    free(path.Buffer);
    return (uint32_t)status;
}

uint32_t nt_close(nt_handle handle)
{
    return (uint32_t)NtClose(handle);
}

uint32_t nt_query(nt_handle handle, struct nt_pipe_information* information)
{
    FILE_PIPE_LOCAL_INFORMATION local;
    IO_STATUS_BLOCK io;
    NTSTATUS status = NtQueryInformationFile(handle, &io, &local, sizeof(local), FilePipeLocalInformation);

    if (status != STATUS_SUCCESS) {
        return (uint32_t)status;
    }
    information->message_type = local.NamedPipeType & 1;
    information->direction = local.NamedPipeConfiguration;
    information->maximum_instances = local.MaximumInstances;
    information->current_instances = local.CurrentInstances;
    information->inbound_quota = local.InboundQuota;
    information->outbound_quota = local.OutboundQuota;
    information->connected = local.NamedPipeState == FILE_PIPE_CONNECTED_STATE;
    information->closing = local.NamedPipeState == FILE_PIPE_CLOSING_STATE;
    return 0;
}

uint32_t nt_set_message_mode(nt_handle handle)
{
    FILE_PIPE_INFORMATION modes = {1, 0};
    IO_STATUS_BLOCK io;

    return (uint32_t)NtSetInformationFile(handle, &io, &modes, sizeof(modes), FilePipeInformation);
}

uint32_t nt_client_process(nt_handle handle, uint32_t* process_id)
{
    static const char attribute[] = "ClientProcessId";
    ULONG value = 0;
    IO_STATUS_BLOCK io;
    NTSTATUS status = NtFsControlFile(handle, NULL, NULL, NULL, &io, FSCTL_PIPE_GET_CONNECTION_ATTRIBUTE,
                                      (void*)attribute, sizeof(attribute), &value, sizeof(value));

    *process_id = value;
    return (uint32_t)status;
}

uint32_t nt_listen(nt_handle handle, struct nt_operation* operation)
{
    return started(operation, NtFsControlFile(handle, NULL, NULL, begin(operation), block_of(operation),
                                              FSCTL_PIPE_LISTEN, NULL, 0, NULL, 0));
}

uint32_t nt_disconnect(nt_handle handle)
{
    IO_STATUS_BLOCK io;

    return (uint32_t)NtFsControlFile(handle, NULL, NULL, NULL, &io, FSCTL_PIPE_DISCONNECT, NULL, 0, NULL, 0);
}

uint32_t nt_read(nt_handle handle, struct nt_operation* operation, void* buffer, uint32_t length)
{
    return started(operation,
                   NtReadFile(handle, NULL, NULL, begin(operation), block_of(operation), buffer, length, NULL, NULL));
}

/* A place to wait for one more operation; NULL: it has to come by the port. */
static HANDLE free_event(void)
{
    HANDLE* event = &watched[watched_count].event;

    if (!is_runner || watched_count == most_watched) {
        return NULL;
    }
    if (*event == NULL && NtCreateEvent(event, EVENT_ALL_ACCESS, NULL, SynchronizationEvent, FALSE) != STATUS_SUCCESS) {
        *event = NULL;
    }
    return *event;
}

uint32_t nt_await_data(nt_handle handle, struct nt_operation* operation, void* buffer, uint32_t length)
{
    HANDLE event = free_event();
    NTSTATUS status;

    if (event == NULL) {
        return nt_read(handle, operation, buffer, length);
    }
    block_of(begin(operation))->Status = STATUS_PENDING;
    status = NtReadFile(handle, event, NULL, NULL, block_of(operation), buffer, length, NULL, NULL);
    if (status == STATUS_PENDING) {
        watched[watched_count++].operation = operation;
    }
    return started(operation, status);
}

uint32_t nt_write(nt_handle handle, struct nt_operation* operation, const void* data, uint32_t length)
{
    return started(operation,
                   NtWriteFile(handle, NULL, NULL, begin(operation), block_of(operation), data, length, NULL, NULL));
}

uint32_t nt_cancel(nt_handle handle, struct nt_operation* operation)
{
    IO_STATUS_BLOCK io;

    return (uint32_t)NtCancelIoFileEx(handle, block_of(operation), &io);
}

uint32_t nt_peek_pipe(nt_handle handle, void* buffer, uint32_t length, struct nt_peek* peek)
{
    FILE_PIPE_PEEK_BUFFER* seen = buffer;
    const ULONG header = FIELD_OFFSET(FILE_PIPE_PEEK_BUFFER, Data);
    IO_STATUS_BLOCK io;
    NTSTATUS status;

    memset(&io, 0, sizeof(io));
    status = NtFsControlFile(handle, NULL, NULL, NULL, &io, FSCTL_PIPE_PEEK, NULL, 0, buffer, length);
    if (status != STATUS_SUCCESS && status != STATUS_BUFFER_OVERFLOW) {
        return (uint32_t)status;
    }
    peek->closing = seen->NamedPipeState == FILE_PIPE_CLOSING_STATE;
    peek->available = seen->ReadDataAvailable;
    peek->message_length = seen->MessageLength;
    peek->copied = io.Information > header ? (uint32_t)io.Information - header : 0;
    return 0;
}

uint32_t nt_flush(nt_handle handle)
{
    IO_STATUS_BLOCK io;

    return (uint32_t)NtFlushBuffersFile(handle, &io);
}

uint32_t nt_wait_pipe(const uint16_t* name, size_t length, int64_t timeout, struct nt_operation* operation)
{
    const ULONG size = (ULONG)(FIELD_OFFSET(FILE_PIPE_WAIT_FOR_BUFFER, Name) + length * sizeof(WCHAR));
    FILE_PIPE_WAIT_FOR_BUFFER* wait = length > longest_name ? NULL : malloc(size + sizeof(*wait));
    NTSTATUS status;

    if (wait == NULL) {
        return started(operation, STATUS_NO_MEMORY);
    }
    wait->Timeout.QuadPart = timeout;
    wait->TimeoutSpecified = timeout != 0;
    wait->NameLength = (ULONG)(length * sizeof(WCHAR));
    memcpy(wait->Name, name, length * sizeof(WCHAR));
    status = NtFsControlFile(device, NULL, NULL, begin(operation), block_of(operation), FSCTL_PIPE_WAIT, wait, size,
                             NULL, 0);
    free(wait);
    return started(operation, status);
}

uint32_t nt_cancel_wait(struct nt_operation* operation)
{
    return nt_cancel(device, operation);
}

/* ---- \\HOST\pipe ---- */

static bool set_path(UNICODE_STRING* path, WCHAR* text, size_t room, const char* head, const char* host,
                     const char* tail)
{
    const char* parts[] = {head, host, tail};
    size_t length = 0, i;

    for (i = 0; i < 3; ++i) {
        const char* from;

        for (from = parts[i]; *from != 0; ++from) {
            if (length == room) {
                return false;
            }
            text[length++] = (unsigned char)*from;
        }
    }
    path->Buffer = text;
    path->Length = path->MaximumLength = (USHORT)(length * sizeof(WCHAR));
    return true;
}

/* Stays open: the directory lives as long as the bridge. */
static NTSTATUS make_directory(UNICODE_STRING* path)
{
    OBJECT_ATTRIBUTES attributes;
    HANDLE handle;
    NTSTATUS status;

    InitializeObjectAttributes(&attributes, path, OBJ_CASE_INSENSITIVE | OBJ_OPENIF, 0, NULL);
    status = NtCreateDirectoryObject(&handle, DIRECTORY_ALL_ACCESS, &attributes);
    return status == STATUS_OBJECT_NAME_EXISTS ? STATUS_SUCCESS : status;
}

uint32_t nt_link_host(const char* host)
{
    WCHAR text[400], target_text[40];
    UNICODE_STRING path, target;
    OBJECT_ATTRIBUTES attributes;
    HANDLE handle;
    NTSTATUS status;

    if (!set_path(&path, text, 400, "\\??\\UNC", "", "")) {
        return (uint32_t)STATUS_INVALID_PARAMETER;
    }
    status = make_directory(&path);
    if (status != STATUS_SUCCESS) {
        return (uint32_t)status;
    }
    if (!set_path(&path, text, 400, "\\??\\UNC\\", host, "")) {
        return (uint32_t)STATUS_INVALID_PARAMETER;
    }
    status = make_directory(&path);
    if (status != STATUS_SUCCESS) {
        return (uint32_t)status;
    }
    if (!set_path(&path, text, 400, "\\??\\UNC\\", host, "\\pipe") ||
        !set_path(&target, target_text, 40, "\\Device\\NamedPipe", "", "")) {
        return (uint32_t)STATUS_INVALID_PARAMETER;
    }
    InitializeObjectAttributes(&attributes, &path, OBJ_CASE_INSENSITIVE | OBJ_OPENIF, 0, NULL);
    status = NtCreateSymbolicLinkObject(&handle, SYMBOLIC_LINK_ALL_ACCESS, &attributes, &target);
    return status == STATUS_OBJECT_NAME_EXISTS ? 0 : (uint32_t)status;
}

/* ---- the service ---- */

static SERVICE_STATUS_HANDLE service;
static void (*stop_service)(void);

static void tell_state(DWORD state)
{
    SERVICE_STATUS status = {0};

    status.dwServiceType = SERVICE_WIN32_OWN_PROCESS;
    status.dwCurrentState = state;
    status.dwControlsAccepted = state == SERVICE_RUNNING ? SERVICE_ACCEPT_STOP | SERVICE_ACCEPT_SHUTDOWN : 0;
    SetServiceStatus(service, &status);
}

static DWORD WINAPI on_control(DWORD control, DWORD type, void* data, void* context)
{
    (void)type, (void)data, (void)context;
    if (control != SERVICE_CONTROL_STOP && control != SERVICE_CONTROL_SHUTDOWN) {
        return control == SERVICE_CONTROL_INTERROGATE ? NO_ERROR : ERROR_CALL_NOT_IMPLEMENTED;
    }
    tell_state(SERVICE_STOPPED);
    stop_service();
    return NO_ERROR;
}

static void WINAPI run_service(DWORD count, WCHAR** arguments)
{
    if (count == 0) {
        return;
    }
    service = RegisterServiceCtrlHandlerExW(arguments[0], on_control, NULL);
    if (service != NULL) {
        tell_state(SERVICE_RUNNING);
    }
}

void nt_serve(void (*stop)(void))
{
    static WCHAR name[] = {'n', 't', 'p', 'i', 'p', 'e', 0};
    SERVICE_TABLE_ENTRYW table[] = {{name, run_service}, {NULL, NULL}};

    stop_service = stop;
    StartServiceCtrlDispatcherW(table);
}

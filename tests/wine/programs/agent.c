/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* agent.c: a Windows program that does what a test tells it: the counterpart of tests/agent for programs under Wine.
 *
 * It reads requests from its standard input, one a line, and writes answers to its standard output, as ntpipe-test-agent does
 * (tests/agent/main.cc): the operations of nt_calls.c have the names and answers that are described there, those of win32_calls.c
 * are called as the functions of Win32. A request is
 *   ID OP KEY=VALUE KEY=VALUE...
 * with numbers in decimal, bytes in hex, names in the hex of their UTF-16. Answers are lines of JSON.
 *
 * Each request has a thread of its own, so calls that block and calls that are overlapped are requests of the same kind. A
 * request that is under way is answered with "pending" first: for an overlapped call when it has returned, for one that blocks
 * before it is made.
 */
#include "agent.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

NTSTATUS NTAPI NtCancelIoFileEx(HANDLE file, IO_STATUS_BLOCK* which, IO_STATUS_BLOCK* io);

struct kept {
    struct kept* next;
    unsigned id;
    HANDLE handle;
};

static CRITICAL_SECTION lock; /* of the two lists, and of the output */
static struct operation* under_way;
static struct kept* handles;
static HANDLE output;

static _Noreturn void die(const char* why)
{
    (void)fprintf(stderr, "agent: %s\n", why);
    ExitProcess(3);
}

void* allocate(size_t size)
{
    void* memory = calloc(1, size ? size : 1);
    if (!memory) {
        die("no memory");
    }
    return memory;
}

void* allocate_for(struct operation* op, size_t size)
{
    struct piece* piece = allocate(sizeof(*piece) + size);
    piece->next = op->pieces;
    op->pieces = piece;
    return piece->memory;
}

static void free_operation(struct operation* op)
{
    while (op->pieces) {
        struct piece* piece = op->pieces;
        op->pieces = piece->next;
        free(piece);
    }
    free(op->text);
    free(op);
}

/* ---- fields ---- */

const char* field(const struct operation* op, const char* key)
{
    for (int i = 0; i < op->fields; i++) {
        if (!strcmp(op->keys[i], key)) {
            return op->values[i];
        }
    }
    return NULL;
}

uint64_t number(const struct operation* op, const char* key, uint64_t otherwise)
{
    const char* value = field(op, key);
    if (!value) {
        return otherwise;
    }
    return value[0] == '-' ? (uint64_t)strtoll(value, NULL, 10) : strtoull(value, NULL, 10);
}

static int digit(char letter)
{
    return letter <= '9' ? letter - '0' : (letter | 0x20) - 'a' + 10;
}

uint8_t* bytes(struct operation* op, const char* key, size_t* length)
{
    const char* value = field(op, key);
    *length = value ? strlen(value) / 2 : 0;
    /* Two zeros more end a name. */
    uint8_t* data = allocate_for(op, *length + 2);
    for (size_t i = 0; i < *length; i++) {
        data[i] = (uint8_t)(digit(value[2 * i]) << 4 | digit(value[2 * i + 1]));
    }
    return data;
}

WCHAR* wide(struct operation* op, const char* key)
{
    size_t length;
    return (WCHAR*)bytes(op, key, &length);
}

/* ---- handles ---- */

void keep_handle(unsigned id, HANDLE handle)
{
    struct kept* kept = allocate(sizeof(*kept));
    kept->id = id;
    kept->handle = handle;
    EnterCriticalSection(&lock);
    kept->next = handles;
    handles = kept;
    LeaveCriticalSection(&lock);
}

HANDLE handle_of(const struct operation* op, const char* key)
{
    const unsigned id = (unsigned)number(op, key, 0);
    HANDLE found = INVALID_HANDLE_VALUE;
    EnterCriticalSection(&lock);
    for (struct kept* kept = handles; kept; kept = kept->next) {
        if (kept->id == id) {
            found = kept->handle;
        }
    }
    LeaveCriticalSection(&lock);
    return found;
}

HANDLE forget_handle(unsigned id)
{
    HANDLE found = INVALID_HANDLE_VALUE;
    EnterCriticalSection(&lock);
    for (struct kept** at = &handles; *at; at = &(*at)->next) {
        if ((*at)->id == id) {
            struct kept* kept = *at;
            found = kept->handle;
            *at = kept->next;
            free(kept);
            break;
        }
    }
    LeaveCriticalSection(&lock);
    return found;
}

void close_all_handles(void)
{
    EnterCriticalSection(&lock);
    struct kept* kept = handles;
    handles = NULL;
    LeaveCriticalSection(&lock);
    while (kept) {
        struct kept* next = kept->next;
        CloseHandle(kept->handle);
        free(kept);
        kept = next;
    }
}

/* ---- answers ---- */

static void put(const char* text, size_t length)
{
    while (length) {
        DWORD written = 0;
        if (!WriteFile(output, text, (DWORD)length, &written, NULL)) {
            ExitProcess(4); /* the test has gone */
        }
        text += written;
        length -= written;
    }
}

static void answer(struct operation* op, const char* text, size_t length)
{
    EnterCriticalSection(&lock);
    put(text, length);
    LeaveCriticalSection(&lock);
    if (!op->announced) {
        op->announced = true;
        SetEvent(op->said); /* once: who waits for it closes it, and another event may have its number then */
    }
}

void is_pending(struct operation* op)
{
    if (op->announced) {
        return;
    }
    char text[80];
    answer(op, text, (size_t)sprintf(text, "{\"id\": %u, \"pending\": true}\n", op->id));
}

static void over(struct operation* op, uint32_t status, const void* data, size_t length, const char* more,
                 va_list values)
{
    static const char hex[] = "0123456789abcdef";
    char* text = allocate(2 * length + 700);
    size_t at = (size_t)sprintf(text, "{\"id\": %u, \"status\": %u", op->id, status);
    if (data) {
        at += (size_t)sprintf(text + at, ", \"data\": \"");
        for (size_t i = 0; i < length; i++) {
            text[at++] = hex[((const uint8_t*)data)[i] >> 4];
            text[at++] = hex[((const uint8_t*)data)[i] & 15];
        }
        text[at++] = '"';
    }
    at += (size_t)vsnprintf(text + at, 500, more, values);
    at += (size_t)sprintf(text + at, "}\n");
    answer(op, text, at);
    free(text);
}

void is_over(struct operation* op, uint32_t status, const char* more, ...)
{
    va_list values;
    va_start(values, more);
    over(op, status, NULL, 0, more, values);
    va_end(values);
}

void is_over_with_data(struct operation* op, uint32_t status, const void* data, size_t length, const char* more, ...)
{
    va_list values;
    va_start(values, more);
    over(op, status, data ? data : "", length, more, values);
    va_end(values);
}

void is_wrong(struct operation* op, const char* why)
{
    char text[200];
    answer(op, text, (size_t)snprintf(text, sizeof(text), "{\"id\": %u, \"error\": \"%s\"}\n", op->id, why));
}

/* ---- cancelling ---- */

struct operation* operation_of(unsigned id)
{
    EnterCriticalSection(&lock);
    struct operation* found = under_way;
    while (found && found->id != id) {
        found = found->next;
    }
    LeaveCriticalSection(&lock);
    return found;
}

NTSTATUS cancel(unsigned id, bool by_win32)
{
    NTSTATUS status = STATUS_NOT_FOUND_;
    EnterCriticalSection(&lock);
    for (struct operation* op = under_way; op; op = op->next) {
        if (op->id != id || !op->file) {
            continue;
        }
        IO_STATUS_BLOCK io;
        if (by_win32) {
            status = CancelIoEx(op->file, &op->overlapped) ? STATUS_SUCCESS_ : (NTSTATUS)GetLastError();
        } else {
            status = NtCancelIoFileEx(op->file, &op->io, &io);
        }
    }
    LeaveCriticalSection(&lock);
    return status;
}

/* ---- requests ---- */

static struct operation* parse(char* line)
{
    struct operation* op = allocate(sizeof(*op));
    op->text = line;
    op->said = CreateEventW(NULL, TRUE, FALSE, NULL);
    op->over = CreateEventW(NULL, TRUE, FALSE, NULL);
    op->overlapped.hEvent = op->over;
    char* at = line;
    for (int word = 0; at && *at; word++) {
        char* end = strchr(at, ' ');
        if (end) {
            *end++ = 0;
        }
        if (word == 0) {
            op->id = (unsigned)strtoul(at, NULL, 10);
        } else if (word == 1) {
            op->name = at;
        } else {
            char* value = strchr(at, '=');
            if (!value || op->fields == MOST_FIELDS) {
                die("a request is malformed");
            }
            *value++ = 0;
            op->keys[op->fields] = at;
            op->values[op->fields++] = value;
        }
        at = end;
    }
    if (!op->name) {
        die("a request without an operation");
    }
    return op;
}

static bool run_one_of(const struct call* calls, struct operation* op)
{
    for (; calls->name; calls++) {
        if (!strcmp(calls->name, op->name)) {
            calls->run(op);
            return true;
        }
    }
    return false;
}

static void end(struct operation* op)
{
    EnterCriticalSection(&lock);
    for (struct operation** at = &under_way; *at; at = &(*at)->next) {
        if (*at == op) {
            *at = op->next;
            break;
        }
    }
    LeaveCriticalSection(&lock);
    CloseHandle(op->over);
    free_operation(op);
}

static DWORD WINAPI carry_out(void* argument)
{
    static const struct call* const tables[] = {nt_calls,   win32_calls,  crowd_calls,
                                                echo_calls, object_calls, stream_calls};
    struct operation* op = argument;
    bool found = false;
    for (size_t i = 0; !found && i < sizeof(tables) / sizeof(tables[0]); i++) {
        found = run_one_of(tables[i], op);
    }
    if (!found) {
        is_wrong(op, "no such operation");
    }
    end(op);
    return 0;
}

/* What threads of their own must not do. Whether it was that. */
static bool is_about_agent(struct operation* op)
{
    if (!strcmp(op->name, "settle")) {
        is_over(op, 0, ", \"progress\": 0");
    } else if (!strcmp(op->name, "exit")) {
        is_over(op, 0, "");
        ExitProcess((UINT)number(op, "code", 0));
    } else if (!strcmp(op->name, "die")) {
        TerminateProcess(GetCurrentProcess(), 1);
    } else if (!strcmp(op->name, "free_all")) {
        close_all_handles();
        is_over(op, 0, "");
    } else if (!strcmp(op->name, "session") || !strcmp(op->name, "close_session")) {
        is_over(op, 0, "");
    } else if (!strcmp(op->name, "pid")) {
        is_over(op, 0, ", \"pid\": %lu", GetCurrentProcessId());
    } else {
        return false;
    }
    return true;
}

static void serve(char* line)
{
    struct operation* op = parse(line);
    const HANDLE said = op->said;
    if (is_about_agent(op)) {
        CloseHandle(op->over);
        free_operation(op);
    } else {
        EnterCriticalSection(&lock);
        op->next = under_way;
        under_way = op;
        LeaveCriticalSection(&lock);
        const HANDLE thread = CreateThread(NULL, 0, carry_out, op, 0, NULL);
        if (!thread) {
            die("no thread");
        }
        CloseHandle(thread);
        WaitForSingleObject(said, INFINITE);
    }
    CloseHandle(said);
}

int main(void)
{
    InitializeCriticalSection(&lock);
    const HANDLE input = GetStdHandle(STD_INPUT_HANDLE);
    output = GetStdHandle(STD_OUTPUT_HANDLE);
    size_t room = 1 << 16, length = 0;
    char* buffer = allocate(room);
    for (;;) {
        DWORD count = 0;
        if (length == room) {
            room *= 2;
            char* larger = realloc(buffer, room);
            if (!larger) {
                die("no memory");
            }
            buffer = larger;
        }
        if (!ReadFile(input, buffer + length, (DWORD)(room - length), &count, NULL) || !count) {
            return 0;
        }
        const size_t searched = length;
        length += count;
        char* newline = memchr(buffer + searched, '\n', length - searched);
        while (newline) {
            const size_t used = (size_t)(newline - buffer) + 1;
            char* line = allocate(used);
            memcpy(line, buffer, used - 1);
            serve(line);
            memmove(buffer, buffer + used, length - used);
            length -= used;
            newline = memchr(buffer, '\n', length);
        }
    }
}

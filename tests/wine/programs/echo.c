/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* echo.c: a server that gives back what it gets, and a client that measures it: blocking calls, as simple programs make them. */
#include "agent.h"

#include <stdlib.h>

enum { LONGEST = 1 << 16 };

/* name: serves one client after the other; over when it cannot. Pending while it serves. */
static void serve_echo(struct operation* op)
{
    const HANDLE end = CreateNamedPipeW(wide(op, "name"), PIPE_ACCESS_DUPLEX, PIPE_TYPE_MESSAGE | PIPE_READMODE_MESSAGE,
                                        1, LONGEST, LONGEST, 0, NULL);
    uint8_t* buffer = allocate(LONGEST);
    if (end != INVALID_HANDLE_VALUE) {
        is_pending(op);
    }
    while (end != INVALID_HANDLE_VALUE &&
           (ConnectNamedPipe(end, NULL) || GetLastError() == ERROR_PIPE_CONNECTED || GetLastError() == ERROR_NO_DATA)) {
        DWORD count = 0;
        while (ReadFile(end, buffer, LONGEST, &count, NULL) && WriteFile(end, buffer, count, &count, NULL)) {
            /* until it fails */
        }
        DisconnectNamedPipe(end);
    }
    is_over(op, GetLastError(), "");
    free(buffer);
}

/* name: a client end in message mode whose calls block. */
static void open_blocking(struct operation* op)
{
    const HANDLE end = CreateFileW(wide(op, "name"), GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0, NULL);
    DWORD mode = PIPE_READMODE_MESSAGE;
    const bool success = end != INVALID_HANDLE_VALUE && SetNamedPipeHandleState(end, &mode, NULL, NULL);
    const uint32_t error = success ? 0 : GetLastError();
    if (success) {
        keep_handle(op->id, end);
    }
    is_over(op, error, "");
}

/* end, count, length -> nanoseconds of all transacts together */
static void measure(struct operation* op)
{
    const DWORD count = (DWORD)number(op, "count", 1), length = (DWORD)number(op, "length", 64);
    const HANDLE end = handle_of(op, "end");
    uint8_t* buffer = allocate(((size_t)length + 1) * 2);
    DWORD got = 0;
    LARGE_INTEGER begin, over, frequency;
    BOOL success = TRUE;
    QueryPerformanceFrequency(&frequency);
    QueryPerformanceCounter(&begin);
    for (DWORD i = 0; success && i < count; i++) {
        success = TransactNamedPipe(end, buffer, length, buffer + length, length, &got, NULL);
    }
    QueryPerformanceCounter(&over);
    const uint32_t error = success ? 0 : GetLastError();
    free(buffer);
    const double seconds = (double)(over.QuadPart - begin.QuadPart) / (double)frequency.QuadPart;
    is_over(op, error, ", \"nanoseconds\": %.0f", seconds * 1e9);
}

const struct call echo_calls[] = {
    {"Echo", serve_echo},
    {"OpenBlocking", open_blocking},
    {"Measure", measure},
    {NULL, NULL},
};

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* crowd.c: many clients at once, each in a thread of its own, which wait for an instance as Windows programs do. */
#include "agent.h"

#include <stdlib.h>
#include <string.h>

/* What all clients of a crowd share. */
struct crowd {
    const WCHAR* name;
    DWORD rounds;
    DWORD length;
    bool keep;            /* all ends stay open until everybody has talked */
    HANDLE* ends;         /* those, one for each client and round */
    volatile LONG error;  /* the first one */
    volatile LONG waits;  /* how often somebody had to wait */
    volatile LONG talked; /* messages that came back */
};

struct client {
    struct crowd* crowd;
    DWORD number;
};

static HANDLE open_when_free(struct crowd* crowd)
{
    for (;;) {
        const HANDLE end = CreateFileW(crowd->name, GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0, NULL);
        if (end != INVALID_HANDLE_VALUE || GetLastError() != ERROR_PIPE_BUSY) {
            return end;
        }
        InterlockedIncrement(&crowd->waits);
        /* Another client may be faster than this one: then the next round waits again. */
        if (!WaitNamedPipeW(crowd->name, 60000)) {
            return INVALID_HANDLE_VALUE;
        }
    }
}

/* Sends what nobody else sends, and looks whether it comes back. */
static DWORD talk(const struct client* client, HANDLE end, DWORD round)
{
    const DWORD length = client->crowd->length;
    uint8_t* question = allocate(length + 1);
    uint8_t* answer = allocate(length + 1);
    DWORD mode = PIPE_READMODE_MESSAGE, count = 0, error = 0;
    for (DWORD i = 0; i < length; i++) {
        question[i] = (uint8_t)(client->number * 31 + round * 7 + i);
    }
    if (!SetNamedPipeHandleState(end, &mode, NULL, NULL) ||
        !TransactNamedPipe(end, question, length, answer, length + 1, &count, NULL)) {
        error = GetLastError();
    } else if (count != length || memcmp(question, answer, length) != 0) {
        error = ERROR_INVALID_DATA;
    }
    free(question);
    free(answer);
    return error;
}

static DWORD WINAPI be_client(void* argument)
{
    const struct client* client = argument;
    struct crowd* crowd = client->crowd;
    for (DWORD round = 0; round < crowd->rounds && !crowd->error; round++) {
        const HANDLE end = open_when_free(crowd);
        const DWORD error = end == INVALID_HANDLE_VALUE ? GetLastError() : talk(client, end, round);
        if (error) {
            InterlockedCompareExchange(&crowd->error, (LONG)error, 0);
        } else {
            InterlockedIncrement(&crowd->talked);
        }
        if (crowd->keep) {
            crowd->ends[client->number * crowd->rounds + round] = end;
        } else if (end != INVALID_HANDLE_VALUE) {
            CloseHandle(end);
        }
    }
    return 0;
}

/* clients, rounds, length, keep, name -> talked, waits */
static void run_crowd(struct operation* op)
{
    const DWORD clients = (DWORD)number(op, "clients", 1);
    struct crowd crowd = {
        .name = wide(op, "name"),
        .rounds = (DWORD)number(op, "rounds", 1),
        .length = (DWORD)number(op, "length", 64),
        .keep = number(op, "keep", 0) != 0,
    };
    struct client* all = allocate(clients * sizeof(*all));
    HANDLE* threads = (HANDLE*)allocate(clients * sizeof(*threads));
    crowd.ends = (HANDLE*)allocate((size_t)clients * crowd.rounds * sizeof(*crowd.ends));
    is_pending(op);
    for (DWORD i = 0; i < clients; i++) {
        all[i] = (struct client){&crowd, i};
        threads[i] = CreateThread(NULL, 0, be_client, &all[i], 0, NULL);
    }
    for (DWORD i = 0; i < clients; i++) {
        WaitForSingleObject(threads[i], INFINITE);
        CloseHandle(threads[i]);
    }
    for (DWORD i = 0; i < clients * crowd.rounds; i++) {
        if (crowd.ends[i] && crowd.ends[i] != INVALID_HANDLE_VALUE) {
            CloseHandle(crowd.ends[i]);
        }
    }
    free((void*)crowd.ends);
    free((void*)threads);
    free(all);
    is_over(op, (uint32_t)crowd.error, ", \"talked\": %ld, \"waits\": %ld", crowd.talked, crowd.waits);
}

const struct call crowd_calls[] = {
    {"Crowd", run_crowd},
    {NULL, NULL},
};

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* agent.h: a request to the Windows agent, its fields, its answers; and the handles that requests have made. */
#ifndef NTPIPE_TESTS_WINE_AGENT_H
#define NTPIPE_TESTS_WINE_AGENT_H

#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#include <winternl.h>

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STATUS_SUCCESS_ ((NTSTATUS)0)
#define STATUS_PENDING_ ((NTSTATUS)0x103)
#define STATUS_BUFFER_OVERFLOW_ ((NTSTATUS)0x80000005)
#define STATUS_NOT_FOUND_ ((NTSTATUS)0xC0000225)

enum { MOST_FIELDS = 24 };

/* Memory of a request. */
struct piece {
    struct piece* next;
    max_align_t memory[];
};

/* A request while it is carried out, by a thread of its own. */
struct operation {
    struct operation* next;
    struct piece* pieces;
    char* text; /* the line; names and values point into it */
    unsigned id;
    const char* name;
    const char* keys[MOST_FIELDS];
    const char* values[MOST_FIELDS];
    int fields;
    HANDLE said; /* an event: the first answer was given */
    HANDLE over; /* an event for the call */
    HANDLE file; /* of the call that is under way, for cancelling it */
    bool announced;
    volatile unsigned calls; /* APCs that have run */
    IO_STATUS_BLOCK io;
    OVERLAPPED overlapped;
};

/* Fields of a request. bytes() and wide() give memory of the request. */
const char* field(const struct operation* op, const char* key);
uint64_t number(const struct operation* op, const char* key, uint64_t otherwise);
uint8_t* bytes(struct operation* op, const char* key, size_t* length);
WCHAR* wide(struct operation* op, const char* key);

/* Zeroed, freed when the request is over. */
void* allocate_for(struct operation* op, size_t size);

/* Zeroed, to be freed. Without memory the program ends. */
void* allocate(size_t size);

/* What a request has made is called by the request's number. */
void keep_handle(unsigned id, HANDLE handle);
HANDLE handle_of(const struct operation* op, const char* key);
HANDLE forget_handle(unsigned id);
void close_all_handles(void);

/* The request is under way: says so unless something was said. */
void is_pending(struct operation* op);
/* The request is over. `more` and what follows: further fields of the JSON object, each beginning with a comma. */
void is_over(struct operation* op, uint32_t status, const char* more, ...);
/* The same with bytes as field "data". */
void is_over_with_data(struct operation* op, uint32_t status, const void* data, size_t length, const char* more, ...);
/* The request makes no sense. */
void is_wrong(struct operation* op, const char* why);
/* A request that is under way, as long as whoever asks knows that it is; NULL: it is not. */
struct operation* operation_of(unsigned id);
/* Cancels what that request has under way: STATUS_NOT_FOUND if it has nothing. */
NTSTATUS cancel(unsigned id, bool by_win32);

/* A row of a table of operations; the last one has no name. */
struct call {
    const char* name;
    void (*run)(struct operation* op);
};
extern const struct call nt_calls[];
extern const struct call win32_calls[];
extern const struct call crowd_calls[];
extern const struct call echo_calls[];
extern const struct call object_calls[];
extern const struct call stream_calls[];

#endif

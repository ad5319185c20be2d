/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* stream.c: clients and servers of numbered messages whose bytes follow from their number, while somebody kills and stops whom he likes:
 * what tests/programs/kill_client.cc and checked_echo.cc are natively. They share the file that tests/programs/checked_stream.hpp
 * describes. What is wrong is counted there, and told on standard error. */
#include "agent.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST_BODY = 65536, LONGEST = LONGEST_BODY + 16, TABLE = 2 * LONGEST_BODY, STREAMS_OF_ONE = 1024 };
enum { STREAMS = 1 << 22, SERVERS = 64, GROUPS = 8, KINDS = 8, WORDS = STREAMS + SERVERS + GROUPS * KINDS };
enum { MESSAGES, FLUSHED, OPENS, BROKEN, WRONG };

struct header {
    uint64_t stream;
    uint64_t number;
};

static uint8_t table[TABLE];
static volatile LONG64* witness;
static volatile LONG stopping;

static void make_table(void)
{
    uint64_t state = 1;
    for (size_t i = 0; i < TABLE; i++) {
        state = state * 6364136223846793005U + 1442695040888963407U;
        table[i] = (uint8_t)(state >> 56);
    }
}

static const uint8_t* body_of(const struct header* header)
{
    return table + ((header->stream * 0x9E3779B97F4A7C15U + header->number * 0xD1B54A32D192ED03U) >> 48);
}

/* The file as memory. All requests of one program name the same. */
static bool map_witness(struct operation* op)
{
    const HANDLE file = CreateFileW(wide(op, "name"), GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE,
                                    NULL, OPEN_EXISTING, 0, NULL);
    const HANDLE mapping = CreateFileMappingW(file, NULL, PAGE_READWRITE, 0, WORDS * sizeof(*witness), NULL);
    witness = MapViewOfFile(mapping, FILE_MAP_WRITE, 0, 0, WORDS * sizeof(*witness));
    CloseHandle(mapping);
    CloseHandle(file);
    return witness != NULL;
}

static void count(size_t group, size_t kind)
{
    InterlockedIncrement64(&witness[STREAMS + SERVERS + group * KINDS + kind]);
}

static void fault(size_t group, const char* what, uint64_t stream, uint64_t number, uint32_t error)
{
    count(group, WRONG);
    (void)fprintf(stderr, "wrong: stream %llu, message %llu: %s (error %u)\n", (unsigned long long)stream,
                  (unsigned long long)number, what, error);
}

/* ---- a client ---- */

struct client {
    const WCHAR* name;
    HANDLE end;
    uint64_t stream;
    uint64_t number;
    size_t server;
    size_t group;
    uint32_t state; /* of the random numbers */
    bool has_talked;
    uint8_t* question;
    uint8_t* answer;
};

static uint32_t any(struct client* client, uint32_t below)
{
    client->state = client->state * 1664525 + 1013904223;
    return (client->state >> 8) % below;
}

/* What Windows says of a pipe whose server has gone. */
static bool means_gone(uint32_t error)
{
    return error == ERROR_BROKEN_PIPE || error == ERROR_NO_DATA || error == ERROR_PIPE_NOT_CONNECTED ||
           error == ERROR_BAD_PIPE;
}

static bool failed(struct client* client, const char* what)
{
    const uint32_t error = GetLastError();
    if (!means_gone(error)) {
        fault(client->group, what, client->stream, client->number, error);
    }
    return false;
}

/* The next message; its length. */
static DWORD next(struct client* client, uint32_t most)
{
    const struct header header = {client->stream, client->number++};
    const DWORD length = any(client, most);
    memcpy(client->question, &header, sizeof(header));
    memcpy(client->question + sizeof(header), body_of(&header), length);
    return length + (DWORD)sizeof(header);
}

static void expect(struct client* client, uint64_t message, DWORD sent, DWORD got)
{
    const struct header header = {client->stream, message};
    if (got != sent || memcmp(client->answer, &header, sizeof(header)) != 0 ||
        memcmp(client->answer + sizeof(header), body_of(&header), got - sizeof(header)) != 0) {
        fault(client->group, "something else comes back", client->stream, message, 0);
    }
    count(client->group, MESSAGES);
    client->has_talked = true;
}

static bool transact(struct client* client)
{
    DWORD got = 0;
    const DWORD length = next(client, any(client, 20) ? 1000 : LONGEST_BODY);
    if (!TransactNamedPipe(client->end, client->question, length, client->answer, LONGEST, &got, NULL)) {
        return failed(client, "transact");
    }
    expect(client, client->number - 1, length, got);
    return true;
}

static bool read_back(struct client* client, uint64_t message, DWORD length)
{
    DWORD got = 0;
    if (!ReadFile(client->end, client->answer, LONGEST, &got, NULL)) {
        return failed(client, "read");
    }
    expect(client, message, length, got);
    return true;
}

/* What was flushed, its reader has. */
static bool write_and_flush(struct client* client)
{
    DWORD written = 0;
    const DWORD length = next(client, 5000);
    if (!WriteFile(client->end, client->question, length, &written, NULL)) {
        return failed(client, "write");
    }
    if (!FlushFileBuffers(client->end)) {
        return failed(client, "flush");
    }
    /* The last is read, and may not be looked at yet. */
    if ((uint64_t)witness[client->stream % STREAMS] + 1 < client->number) {
        fault(client->group, "flushed, and nobody has what was before it", client->stream, client->number - 1, 0);
    }
    count(client->group, FLUSHED);
    return read_back(client, client->number - 1, length);
}

static bool several(struct client* client)
{
    DWORD lengths[5], written = 0;
    const uint32_t messages = 1 + any(client, 5);
    const uint64_t first = client->number;
    for (uint32_t i = 0; i < messages; i++) {
        lengths[i] = next(client, 1000);
        if (!WriteFile(client->end, client->question, lengths[i], &written, NULL)) {
            return failed(client, "write");
        }
    }
    for (uint32_t i = 0; i < messages; i++) {
        if (!read_back(client, first + i, lengths[i])) {
            return false;
        }
    }
    return true;
}

static bool is_finished(const struct client* client)
{
    return stopping && client->has_talked;
}

static bool talk(struct client* client)
{
    DWORD mode = PIPE_READMODE_MESSAGE;
    if (!SetNamedPipeHandleState(client->end, &mode, NULL, NULL)) {
        return failed(client, "set the mode");
    }
    for (uint32_t steps = 1 + any(client, 40); steps && !is_finished(client); steps--) {
        const uint32_t which = any(client, 4);
        if (!(which == 0 ? write_and_flush(client) : which == 1 ? several(client) : transact(client))) {
            return false;
        }
    }
    return true;
}

static void open_and_talk(struct client* client, uint64_t first, uint64_t opened)
{
    const LONG64 deaths = witness[STREAMS + client->server];
    client->end = CreateFileW(client->name, GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0, NULL);
    if (client->end == INVALID_HANDLE_VALUE) {
        const uint32_t error = GetLastError();
        if (error == ERROR_PIPE_BUSY) {
            WaitNamedPipeW(client->name, 500);
        } else if (error == ERROR_FILE_NOT_FOUND) { /* its server, or who brings it here, was killed */
            Sleep(20);
        } else {
            fault(client->group, "open", first, 0, error);
        }
        return;
    }
    client->stream = first + opened % STREAMS_OF_ONE;
    client->number = 0;
    witness[client->stream % STREAMS] = 0;
    count(client->group, OPENS);
    if (!talk(client)) {
        count(client->group, BROKEN);
        if (deaths % 2 == 0 && witness[STREAMS + client->server] == deaths) {
            fault(client->group, "broken although its server lives", client->stream, client->number, 0);
        }
    }
    CloseHandle(client->end);
}

/* name, stream, server, group: opens, talks and closes until "StopStreams". Needs "MapWitness". */
static void run_stream(struct operation* op)
{
    struct client client = {
        .name = wide(op, "name"),
        .server = (size_t)number(op, "server", 0),
        .group = (size_t)number(op, "group", 0),
        .question = allocate(LONGEST),
        .answer = allocate(LONGEST),
    };
    const uint64_t first = number(op, "stream", 0);
    client.state = (uint32_t)first;
    is_pending(op);
    for (uint64_t opened = 0; !is_finished(&client); opened++) {
        open_and_talk(&client, first, opened);
    }
    free(client.question);
    free(client.answer);
    is_over(op, 0, "");
}

/* ---- a server ---- */

struct instance {
    HANDLE end;
    size_t group;
};

/* The next message must be the next of the same stream. */
static void check(const struct instance* instance, const uint8_t* message, DWORD length, struct header* expected)
{
    struct header header = {0, 0};
    if (length < sizeof(header)) {
        fault(instance->group, "too short", expected->stream, expected->number, 0);
        return;
    }
    memcpy(&header, message, sizeof(header));
    if (header.number != expected->number || (expected->number && header.stream != expected->stream)) {
        fault(instance->group, "not the next message", header.stream, header.number, 0);
    }
    if (memcmp(message + sizeof(header), body_of(&header), length - sizeof(header)) != 0) {
        fault(instance->group, "other bytes", header.stream, header.number, 0);
    }
    witness[header.stream % STREAMS] = (LONG64)header.number + 1;
    expected->stream = header.stream;
    expected->number = header.number + 1;
}

static DWORD WINAPI serve(void* argument)
{
    const struct instance* instance = argument;
    uint8_t* message = allocate(LONGEST);
    for (;;) {
        if (!ConnectNamedPipe(instance->end, NULL) && GetLastError() != ERROR_PIPE_CONNECTED &&
            GetLastError() != ERROR_NO_DATA) {
            fault(instance->group, "listen", 0, 0, GetLastError());
            free(message);
            return 1;
        }
        struct header expected = {0, 0};
        DWORD length = 0, written = 0;
        while (ReadFile(instance->end, message, LONGEST, &length, NULL)) {
            check(instance, message, length, &expected);
            if (!WriteFile(instance->end, message, length, &written, NULL)) {
                break;
            }
        }
        DisconnectNamedPipe(instance->end);
    }
}

/* name, instances, group: gives each message back after it has looked at every byte, until the program ends. Needs "MapWitness". */
static void run_checked_echo(struct operation* op)
{
    const DWORD count = (DWORD)number(op, "instances", 1);
    struct instance* all = allocate(count * sizeof(*all));
    uint32_t error = 0;
    for (DWORD i = 0; i < count && !error; i++) {
        all[i].group = (size_t)number(op, "group", 0);
        all[i].end = CreateNamedPipeW(wide(op, "name"), PIPE_ACCESS_DUPLEX, PIPE_TYPE_MESSAGE | PIPE_READMODE_MESSAGE,
                                      count, LONGEST_BODY, LONGEST_BODY, 0, NULL);
        const HANDLE thread =
            all[i].end == INVALID_HANDLE_VALUE ? NULL : CreateThread(NULL, 0, serve, &all[i], 0, NULL);
        if (thread) {
            CloseHandle(thread);
        } else {
            error = GetLastError();
        }
    }
    is_over(op, error, "");
}

/* name: of the file */
static void run_map_witness(struct operation* op)
{
    make_table();
    is_over(op, map_witness(op) ? 0 : GetLastError(), "");
}

static void run_stop(struct operation* op)
{
    InterlockedExchange(&stopping, 1);
    is_over(op, 0, "");
}

const struct call stream_calls[] = {
    {"MapWitness", run_map_witness}, {"Stream", run_stream}, {"CheckedEcho", run_checked_echo},
    {"StopStreams", run_stop},       {NULL, NULL},
};

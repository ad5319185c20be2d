/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * nt.h: the calls of Wine's ntdll that the bridge makes, without Wine's headers. All of it is about pipes of the prefix.
 *
 * Every function returns an NTSTATUS. Names are UTF-16, without `\??\pipe\`; their lengths count characters. Buffers that
 * functions fill must be memory of Wine's, from nt_buffer(); others need not be. All threads that call must be Wine's: the main
 * thread, and those of nt_thread().
 */
#ifndef NTPIPE_WINE_BRIDGE_NT_H
#define NTPIPE_WINE_BRIDGE_NT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef void* nt_handle;

/*
 * An operation that may take time. If the call that starts it returns STATUS_PENDING, `done` is called once, on the thread that
 * runs nt_run(), with `status` and `information` set; else it is over, and they are set, too. It must stay where it is meanwhile.
 */
struct nt_operation {
    void (*done)(struct nt_operation* operation);
    uint32_t status;
    uint64_t information;
    uint64_t block[2]; /* IO_STATUS_BLOCK */
};

enum nt_direction { NT_INBOUND = 0, NT_OUTBOUND = 1, NT_DUPLEX = 2 };

struct nt_pipe_information {
    uint32_t message_type; /* 0 or 1 */
    uint32_t direction;    /* enum nt_direction */
    uint32_t maximum_instances;
    uint32_t current_instances;
    uint32_t inbound_quota; /* bytes */
    uint32_t outbound_quota;
    bool connected; /* the state of the end */
    bool closing;
};

struct nt_peek {
    bool closing;            /* the other end is closed */
    uint32_t available;      /* bytes unread */
    uint32_t message_length; /* of the first message, what is unread of it */
    uint32_t copied;
};

/* Makes the completion port. */
uint32_t nt_start(void);
/* Calls back for what is over, between `enter` and `leave`, for ever. Calls of nt_await_data() on its thread belong in between. */
void nt_run(void (*enter)(void), void (*leave)(void));
/* Has `operation->done` called by nt_run(). */
uint32_t nt_post(struct nt_operation* operation);
bool nt_thread(void (*body)(void*), void* argument);

/* Asks the prefix's server for nothing. If that has gone, Wine ends the thread. */
void nt_ping(void);
/* Windows' number of this process. */
uint32_t nt_own_process(void);

void* nt_buffer(size_t size);
void nt_buffer_free(void* buffer);

/*
 * An instance, listening. `first`: be the one that creates the pipe: Wine since 9 sees to that.
 *   default_timeout  100 ns units, negative
 */
uint32_t nt_create_pipe(const uint16_t* name, size_t length, const struct nt_pipe_information* information,
                        int64_t default_timeout, bool first, nt_handle* handle);
uint32_t nt_open_pipe(const uint16_t* name, size_t length, bool read, bool write, nt_handle* handle);
uint32_t nt_close(nt_handle handle);
uint32_t nt_query(nt_handle handle, struct nt_pipe_information* information);
uint32_t nt_set_message_mode(nt_handle handle);
/* Windows' number of the client's process. */
uint32_t nt_client_process(nt_handle handle, uint32_t* process_id);

uint32_t nt_listen(nt_handle handle, struct nt_operation* operation);
uint32_t nt_disconnect(nt_handle handle);
uint32_t nt_read(nt_handle handle, struct nt_operation* operation, void* buffer, uint32_t length);
/* A read that is likely to wait: it is faster so, on the thread of nt_run(). One of no bytes takes nothing but an empty message. */
uint32_t nt_await_data(nt_handle handle, struct nt_operation* operation, void* buffer, uint32_t length);
uint32_t nt_write(nt_handle handle, struct nt_operation* operation, const void* data, uint32_t length);
uint32_t nt_cancel(nt_handle handle, struct nt_operation* operation);
uint32_t nt_peek_pipe(nt_handle handle, void* buffer, uint32_t length, struct nt_peek* peek);
/* Blocks until all that was written has been read. */
uint32_t nt_flush(nt_handle handle);
/* FSCTL_PIPE_WAIT. `timeout`: 100 ns units; 0: the pipe's own; INT64_MIN: for ever. */
uint32_t nt_wait_pipe(const uint16_t* name, size_t length, int64_t timeout, struct nt_operation* operation);

uint32_t nt_cancel_wait(struct nt_operation* operation);

/* Makes `\\HOST\pipe` lead to the prefix's pipes. */
uint32_t nt_link_host(const char* host);

/* Tells the prefix's service manager that this is the service of that name. `stop` is called when it is to end. Blocks. */
void nt_serve(void (*stop)(void));

#ifdef __cplusplus
}
#endif

#endif

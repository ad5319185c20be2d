/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * apr_pollset.c: an echo server in a program whose event loop is APR's pollset.
 * usage: apr_pollset [NAME]          serves until its standard input ends
 *
 * The pollset watches two descriptors: ntpipe_session_fd(), for all pipes together, and standard input. When the first is readable
 * ntpipe_session_dispatch() does what there is to do, and the callbacks below come from there.
 */
#include <apr_file_io.h>
#include <apr_general.h>
#include <apr_poll.h>
#include <apr_portable.h>
#include <ntpipe.h>

#include <stdio.h>
#include <stdlib.h>

enum { num_instances = 4, buffer_size = 65536 };

struct instance {
    struct tevent_context* ev; /* the session's own */
    struct ntpipe_end* pipe;
    char buffer[buffer_size];
};

static void listen_done(struct tevent_req* req);
static void read_done(struct tevent_req* req);
static void write_done(struct tevent_req* req);

static void* checked(void* pointer)
{
    if (pointer == NULL) {
        fprintf(stderr, "out of memory\n");
        exit(1);
    }
    return pointer;
}

static void start_listen(struct instance* instance)
{
    struct tevent_req* req = checked(ntpipe_listen_send(instance, instance->ev, instance->pipe));

    tevent_req_set_callback(req, listen_done, instance);
}

static void start_read(struct instance* instance)
{
    struct tevent_req* req =
        checked(ntpipe_read_send(instance, instance->ev, instance->pipe, instance->buffer, sizeof(instance->buffer)));

    tevent_req_set_callback(req, read_done, instance);
}

/* The client has gone: on to the next one. */
static void start_anew(struct instance* instance)
{
    ntpipe_disconnect(instance->pipe);
    start_listen(instance);
}

static void listen_done(struct tevent_req* req)
{
    struct instance* instance = tevent_req_callback_data(req, struct instance);
    ntpipe_status status = ntpipe_listen_recv(req);

    talloc_free(req);
    if (status == NTPIPE_STATUS_PIPE_CLOSING) { /* a client came and went before this call */
        start_anew(instance);
    } else if (status == NTPIPE_STATUS_SUCCESS || status == NTPIPE_STATUS_PIPE_CONNECTED) {
        start_read(instance);
    } else {
        fprintf(stderr, "listen: %s\n", ntpipe_status_text(status));
        exit(1);
    }
}

static void read_done(struct tevent_req* req)
{
    struct instance* instance = tevent_req_callback_data(req, struct instance);
    size_t length = 0;
    ntpipe_status status = ntpipe_read_recv(req, &length);

    talloc_free(req);
    /* NTPIPE_STATUS_BUFFER_OVERFLOW comes with data: a part of a longer message. The answer goes in the same parts. */
    if (status != NTPIPE_STATUS_SUCCESS && status != NTPIPE_STATUS_BUFFER_OVERFLOW) {
        start_anew(instance);
        return;
    }
    req = checked(ntpipe_write_send(instance, instance->ev, instance->pipe, instance->buffer, length));
    tevent_req_set_callback(req, write_done, instance);
}

static void write_done(struct tevent_req* req)
{
    struct instance* instance = tevent_req_callback_data(req, struct instance);

    ntpipe_write_recv(req, NULL); /* a client that has gone is seen by the read */
    talloc_free(req);
    start_read(instance);
}

static ntpipe_status create_instances(struct ntpipe_session* session, const char* name)
{
    ntpipe_status status = NTPIPE_STATUS_SUCCESS;

    for (int i = 0; i < num_instances && status == NTPIPE_STATUS_SUCCESS; i++) {
        struct instance* instance = checked(talloc_zero(session, struct instance)); /* callbacks get talloc objects */

        instance->ev = ntpipe_session_event_context(session);
        /* The blocking form is fine before the loop runs. */
        status = ntpipe_create(instance, session, name, NULL, &instance->pipe, NULL);
        if (status == NTPIPE_STATUS_SUCCESS) {
            start_listen(instance);
        }
    }
    return status;
}

static apr_status_t watch(apr_pollset_t* pollset, apr_file_t* file, apr_pool_t* pool)
{
    apr_pollfd_t descriptor = {pool, APR_POLL_FILE, APR_POLLIN | APR_POLLHUP, 0, {.f = file}, file};

    return apr_pollset_add(pollset, &descriptor);
}

/* Until the input ends. */
static apr_status_t run(struct ntpipe_session* session, apr_pool_t* pool)
{
    apr_os_file_t number = ntpipe_session_fd(session); /* stays the session's: APR does not close it */
    apr_pollset_t* pollset = NULL;
    apr_file_t* pipes = NULL;
    apr_file_t* input = NULL;
    apr_status_t status = apr_pollset_create(&pollset, 2, pool, 0);

    if (status == APR_SUCCESS) {
        status = apr_os_file_put(&pipes, &number, APR_FOPEN_READ, pool);
    }
    if (status == APR_SUCCESS) {
        status = apr_file_open_stdin(&input, pool);
    }
    if (status == APR_SUCCESS) {
        status = watch(pollset, pipes, pool);
    }
    if (status == APR_SUCCESS) {
        status = watch(pollset, input, pool);
    }
    while (status == APR_SUCCESS || APR_STATUS_IS_EINTR(status)) {
        const apr_pollfd_t* ready = NULL;
        apr_int32_t count = 0;

        status = apr_pollset_poll(pollset, -1, &count, &ready);
        for (apr_int32_t i = 0; status == APR_SUCCESS && i < count; i++) {
            if (ready[i].client_data == pipes) {
                ntpipe_session_dispatch(session);
            } else {
                char character = 0;

                status = apr_file_getc(&character, input); /* what it says does not matter, only that it ends */
            }
        }
    }
    return APR_STATUS_IS_EOF(status) ? APR_SUCCESS : status;
}

int main(int argc, char** argv)
{
    const char* name = argc > 1 ? argv[1] : "\\\\.\\pipe\\echo";
    struct ntpipe_session* session = NULL;
    apr_pool_t* pool = NULL;
    apr_status_t over = APR_SUCCESS;
    ntpipe_status status = ntpipe_session_open(NULL, NULL, NULL, &session);

    if (status == NTPIPE_STATUS_SUCCESS) {
        status = create_instances(session, name);
    }
    if (status != NTPIPE_STATUS_SUCCESS) {
        fprintf(stderr, "cannot serve %s: %s\n", name, ntpipe_status_text(status));
        talloc_free(session);
        return 1;
    }
    printf("serving %s\n", name);
    (void)fflush(stdout);
    apr_initialize();
    if (apr_pool_create(&pool, NULL) != APR_SUCCESS) {
        checked(NULL);
    }
    over = run(session, pool);
    apr_terminate();
    talloc_free(session);
    return over == APR_SUCCESS ? 0 : 1;
}

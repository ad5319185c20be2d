/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * c_tevent_server.c: a server in the style of Samba: _send() starts, a callback is told, _recv() gets the result.
 * usage: c_tevent_server [NAME]
 *
 * It turns what it gets to capital letters. Each instance of the pipe is a small state machine:
 *     listen -> read -> write -> read -> ... -> the client has gone -> disconnect -> listen
 * Everything is owned by talloc: a request by its instance, an instance by the server. There are no other threads.
 */
#include <ntpipe.h>

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

enum { num_instances = 4, buffer_size = 4096 };

struct instance {
    struct tevent_context* ev;
    struct ntpipe_end* pipe;
    char buffer[buffer_size];
};

static void instance_listen(struct instance* instance);
static void instance_listen_done(struct tevent_req* req);
static void instance_read(struct instance* instance);
static void instance_read_done(struct tevent_req* req);
static void instance_write_done(struct tevent_req* req);

static void check_memory(const void* pointer)
{
    if (pointer == NULL) {
        fprintf(stderr, "out of memory\n");
        exit(1);
    }
}

static void instance_listen(struct instance* instance)
{
    struct tevent_req* req = ntpipe_listen_send(instance, instance->ev, instance->pipe);

    check_memory(req);
    tevent_req_set_callback(req, instance_listen_done, instance);
}

static void instance_listen_done(struct tevent_req* req)
{
    struct instance* instance = tevent_req_callback_data(req, struct instance);
    ntpipe_status status = ntpipe_listen_recv(req);

    TALLOC_FREE(req);
    if (status == NTPIPE_STATUS_PIPE_CLOSING) { /* a client came and went before we looked */
        ntpipe_disconnect(instance->pipe);
        instance_listen(instance);
        return;
    }
    if (status != NTPIPE_STATUS_SUCCESS && status != NTPIPE_STATUS_PIPE_CONNECTED) {
        fprintf(stderr, "listen: %s\n", ntpipe_status_text(status));
        exit(1);
    }
    instance_read(instance);
}

static void instance_read(struct instance* instance)
{
    struct tevent_req* req =
        ntpipe_read_send(instance, instance->ev, instance->pipe, instance->buffer, sizeof(instance->buffer));

    check_memory(req);
    tevent_req_set_callback(req, instance_read_done, instance);
}

static void instance_read_done(struct tevent_req* req)
{
    struct instance* instance = tevent_req_callback_data(req, struct instance);
    size_t length = 0;
    size_t i = 0;
    ntpipe_status status = ntpipe_read_recv(req, &length);

    TALLOC_FREE(req);
    /* NTPIPE_STATUS_BUFFER_OVERFLOW comes with data: the message goes on in the next read. */
    if (status != NTPIPE_STATUS_SUCCESS && status != NTPIPE_STATUS_BUFFER_OVERFLOW) {
        ntpipe_disconnect(instance->pipe);
        instance_listen(instance);
        return;
    }
    for (i = 0; i < length; i++) {
        instance->buffer[i] = (char)toupper((unsigned char)instance->buffer[i]);
    }
    req = ntpipe_write_send(instance, instance->ev, instance->pipe, instance->buffer, length);
    check_memory(req);
    tevent_req_set_callback(req, instance_write_done, instance);
}

static void instance_write_done(struct tevent_req* req)
{
    struct instance* instance = tevent_req_callback_data(req, struct instance);

    /* If the client has gone meanwhile, the next read says so. */
    ntpipe_write_recv(req, NULL);
    TALLOC_FREE(req);
    instance_read(instance);
}

int main(int argc, char** argv)
{
    const char* name = argc > 1 ? argv[1] : "\\\\.\\pipe\\capitals";
    struct tevent_context* ev = tevent_context_init(NULL);
    struct ntpipe_session* session = NULL;
    ntpipe_status status = NTPIPE_STATUS_NO_MEMORY;
    int i = 0;

    check_memory(ev);
    status = ntpipe_session_open(ev, ev, NULL, &session);
    for (i = 0; i < num_instances && status == NTPIPE_STATUS_SUCCESS; i++) {
        struct instance* instance = talloc_zero(session, struct instance);

        check_memory(instance);
        instance->ev = ev;
        /* The blocking form is fine as long as the event loop has not started. */
        status = ntpipe_create(instance, session, name, NULL, &instance->pipe, NULL);
        if (status == NTPIPE_STATUS_SUCCESS) {
            instance_listen(instance);
        }
    }
    if (status != NTPIPE_STATUS_SUCCESS) {
        fprintf(stderr, "cannot serve %s: %s\n", name, ntpipe_status_text(status));
        talloc_free(ev);
        return 1;
    }
    printf("serving %s\n", name);
    (void)fflush(stdout);
    tevent_loop_wait(ev);
    talloc_free(ev);
    return 0;
}

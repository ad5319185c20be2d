/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libuv_loop.c: a client in a program whose event loop is libuv's.
 * usage: libuv_loop NAME TEXT...     sends each text as a message, prints the answers, waits 10 s at most
 *
 * A uv_poll_t watches ntpipe_session_fd(), for all pipes together; when it is readable ntpipe_session_dispatch() does what there is
 * to do, and the callbacks of requests come from there. A timer of libuv runs beside it.
 */
#include <ntpipe.h>

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

enum { patience_in_milliseconds = 10000 };

struct conversation {
    struct ntpipe_session* session;
    struct ntpipe_end* pipe;
    char** texts; /* what is still to be sent; NULL at the end */
    bool failed;
    uv_loop_t loop;
    uv_poll_t pipes;
    uv_timer_t timer;
    char answer[4096];
};

/* Without handles the loop ends. */
static void finish(struct conversation* conversation, const char* complaint)
{
    if (complaint != NULL) {
        fprintf(stderr, "%s\n", complaint);
        conversation->failed = true;
    }
    uv_close((uv_handle_t*)&conversation->pipes, NULL);
    uv_close((uv_handle_t*)&conversation->timer, NULL);
}

static void answered(struct tevent_req* req);

static void ask_next(struct conversation* conversation)
{
    const char* text = *conversation->texts;
    struct tevent_req* req = NULL;

    if (text == NULL) {
        finish(conversation, NULL);
        return;
    }
    conversation->texts++;
    req = ntpipe_transceive_send(conversation->pipe, ntpipe_session_event_context(conversation->session),
                                 conversation->pipe, text, strlen(text), conversation->answer,
                                 sizeof(conversation->answer));
    if (req == NULL) {
        finish(conversation, "out of memory");
        return;
    }
    tevent_req_set_callback(req, answered, conversation);
}

static void answered(struct tevent_req* req)
{
    struct conversation* conversation = tevent_req_callback_data(req, struct conversation);
    size_t length = 0;
    ntpipe_status status = ntpipe_transceive_recv(req, &length);

    talloc_free(req);
    if (status != NTPIPE_STATUS_SUCCESS) { /* also an answer that is longer than the buffer */
        finish(conversation, ntpipe_status_text(status));
        return;
    }
    printf("%.*s\n", (int)length, conversation->answer);
    ask_next(conversation);
}

static void pipes_ready(uv_poll_t* handle, int status, int events)
{
    struct conversation* conversation = handle->data;

    (void)events;
    if (status == 0) {
        ntpipe_session_dispatch(conversation->session);
    }
}

static void time_over(uv_timer_t* timer)
{
    finish(timer->data, "no answer in time");
}

static void run(struct conversation* conversation)
{
    uv_loop_init(&conversation->loop);
    uv_poll_init(&conversation->loop, &conversation->pipes, ntpipe_session_fd(conversation->session));
    uv_timer_init(&conversation->loop, &conversation->timer);
    conversation->pipes.data = conversation->timer.data = conversation;
    uv_poll_start(&conversation->pipes, UV_READABLE, pipes_ready);
    uv_timer_start(&conversation->timer, time_over, patience_in_milliseconds, 0);
    ask_next(conversation);
    uv_run(&conversation->loop, UV_RUN_DEFAULT);
    uv_loop_close(&conversation->loop);
}

int main(int argc, char** argv)
{
    const struct ntpipe_pipe_info modes = {NTPIPE_READ_MESSAGE, NTPIPE_QUEUE};
    struct ntpipe_session* session = NULL;
    struct conversation* conversation = NULL;
    bool failed = true;
    ntpipe_status status = NTPIPE_STATUS_INVALID_PARAMETER;

    if (argc > 2) {
        status = ntpipe_session_open(NULL, NULL, NULL, &session);
    }
    conversation = talloc_zero(session, struct conversation); /* what callbacks get must be a talloc object */
    if (status == NTPIPE_STATUS_SUCCESS && conversation != NULL) {
        /* The blocking form is fine before the loop runs. */
        status = ntpipe_open(session, session, argv[1], NULL, &conversation->pipe);
    }
    if (status == NTPIPE_STATUS_SUCCESS && conversation != NULL) {
        status = ntpipe_set_pipe_info(conversation->pipe, &modes);
    }
    if (status != NTPIPE_STATUS_SUCCESS || conversation == NULL) {
        fprintf(stderr, "cannot talk to %s: %s\n", argc > 1 ? argv[1] : "nobody", ntpipe_status_text(status));
    } else {
        conversation->session = session;
        conversation->texts = argv + 2;
        run(conversation);
        failed = conversation->failed;
    }
    if (session == NULL) {
        talloc_free(conversation);
    }
    talloc_free(session); /* after the loop has let go of its descriptor */
    return failed ? 1 : 0;
}

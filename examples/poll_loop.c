/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * poll_loop.c: a pipe in a program that has an event loop of its own, here poll(): a chat with one descriptor for all pipes.
 * usage: poll_loop [NAME]
 *
 * Opens the pipe, sends each line of standard input as a message, and prints each message that comes. The loop watches
 * ntpipe_session_fd() and calls ntpipe_session_dispatch() when it is readable; from there come the callbacks.
 */
#include <ntpipe.h>

#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct chat {
    struct tevent_context* ev; /* the session's own */
    struct ntpipe_end* pipe;
    unsigned unanswered;
    bool over;
    char message[4096];
};

static void read_next(struct chat* chat);

static void read_done(struct tevent_req* req)
{
    struct chat* chat = tevent_req_callback_data(req, struct chat);
    size_t length = 0;
    ntpipe_status status = ntpipe_read_recv(req, &length);

    talloc_free(req);
    if (status != NTPIPE_STATUS_SUCCESS && status != NTPIPE_STATUS_BUFFER_OVERFLOW) {
        fprintf(stderr, "the server has gone: %s\n", ntpipe_status_text(status));
        chat->over = true;
        return;
    }
    printf("%.*s%s", (int)length, chat->message, status == NTPIPE_STATUS_SUCCESS ? "\n" : "");
    (void)fflush(stdout);
    if (status == NTPIPE_STATUS_SUCCESS && chat->unanswered > 0) {
        chat->unanswered--;
    }
    read_next(chat);
}

static void read_next(struct chat* chat)
{
    struct tevent_req* req = ntpipe_read_send(chat->pipe, chat->ev, chat->pipe, chat->message, sizeof(chat->message));

    if (req == NULL) {
        chat->over = true;
        return;
    }
    tevent_req_set_callback(req, read_done, chat);
}

static void write_done(struct tevent_req* req)
{
    ntpipe_write_recv(req, NULL); /* a server that has gone is seen by the read */
    talloc_free(req);
}

static void send_line(struct chat* chat, char* line)
{
    struct tevent_req* req = NULL;

    line[strcspn(line, "\n")] = '\0';
    req = ntpipe_write_send(chat->pipe, chat->ev, chat->pipe, line, strlen(line));
    if (req != NULL) {
        tevent_req_set_callback(req, write_done, chat);
        chat->unanswered++;
    }
}

static void run(struct chat* chat, struct ntpipe_session* session)
{
    struct pollfd watched[] = {{ntpipe_session_fd(session), POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
    char line[1024];

    /* After the end of the input it stays for the answers that are owed. */
    while (!chat->over && (watched[1].fd >= 0 || chat->unanswered > 0)) {
        if (poll(watched, 2, -1) < 0) {
            continue;
        }
        if (watched[0].revents != 0) {
            ntpipe_session_dispatch(session);
        }
        if (watched[1].revents != 0) {
            if (fgets(line, sizeof(line), stdin) != NULL) {
                send_line(chat, line);
            } else {
                watched[1].fd = -1; /* poll() passes it over */
            }
        }
    }
}

int main(int argc, char** argv)
{
    const char* name = argc > 1 ? argv[1] : "\\\\.\\pipe\\echo";
    const struct ntpipe_pipe_info modes = {NTPIPE_READ_MESSAGE, NTPIPE_QUEUE};
    struct ntpipe_session* session = NULL;
    struct chat* chat = NULL;
    bool server_gone = false;
    ntpipe_status status = ntpipe_session_open(NULL, NULL, NULL, &session);

    chat = talloc_zero(session, struct chat); /* what callbacks get must be a talloc object */
    if (status == NTPIPE_STATUS_SUCCESS && chat == NULL) {
        status = NTPIPE_STATUS_NO_MEMORY;
    }
    if (status == NTPIPE_STATUS_SUCCESS) {
        /* The blocking form is fine before the loop runs. */
        status = ntpipe_open(session, session, name, NULL, &chat->pipe);
    }
    if (status == NTPIPE_STATUS_SUCCESS) {
        status = ntpipe_set_pipe_info(chat->pipe, &modes);
    }
    if (status != NTPIPE_STATUS_SUCCESS) {
        fprintf(stderr, "cannot open %s: %s\n", name, ntpipe_status_text(status));
        talloc_free(session);
        return 1;
    }
    /* poll() knows nothing of lines that stdio has read ahead. */
    (void)setvbuf(stdin, NULL, _IONBF, 0);
    chat->ev = ntpipe_session_event_context(session);
    read_next(chat);
    run(chat, session);
    server_gone = chat->over;
    talloc_free(session);
    return server_gone ? 1 : 0;
}

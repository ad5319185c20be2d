/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hello.c: both sides of a conversation in plain C with blocking calls.
 * usage: hello serve [NAME]          answers one client, then ends
 *        hello [NAME]                is that client
 *
 * Every call gives a status; ntpipe_status_text() says it in words. What the library gives is freed with talloc_free().
 */
#include <ntpipe.h>

#include <stdio.h>
#include <string.h>

static int failed(const char* what, ntpipe_status status)
{
    fprintf(stderr, "%s: %s\n", what, ntpipe_status_text(status));
    return 1;
}

static int serve(struct ntpipe_session* session, const char* name)
{
    struct ntpipe_end* pipe = NULL;
    char question[256];
    char answer[300];
    size_t length = 0;
    /* NULL: all defaults, which is a message pipe. The session owns the end and closes it with itself. */
    ntpipe_status status = ntpipe_create(session, session, name, NULL, &pipe, NULL);

    if (status != NTPIPE_STATUS_SUCCESS) {
        return failed("create", status);
    }
    printf("serving %s\n", name);
    (void)fflush(stdout);
    status = ntpipe_listen(pipe); /* returns when a client is there */
    if (status != NTPIPE_STATUS_SUCCESS && status != NTPIPE_STATUS_PIPE_CONNECTED) {
        return failed("listen", status);
    }
    status = ntpipe_read(pipe, question, sizeof(question) - 1, &length);
    if (status != NTPIPE_STATUS_SUCCESS) {
        return failed("read", status);
    }
    question[length] = '\0';
    snprintf(answer, sizeof(answer), "hello, %s", question);
    status = ntpipe_write(pipe, answer, strlen(answer), NULL);
    if (status != NTPIPE_STATUS_SUCCESS) {
        return failed("write", status);
    }
    ntpipe_flush(pipe); /* returns when the client has read it, or is gone */
    return 0;
}

static int greet(struct ntpipe_session* session, const char* name)
{
    const char question[] = "world";
    /* A client begins in byte mode, as on Windows. */
    const struct ntpipe_pipe_info modes = {NTPIPE_READ_MESSAGE, NTPIPE_QUEUE};
    struct ntpipe_end* pipe = NULL;
    char answer[300];
    size_t length = 0;
    ntpipe_status status = ntpipe_open(session, session, name, NULL, &pipe);

    if (status != NTPIPE_STATUS_SUCCESS) {
        return failed("open", status);
    }
    status = ntpipe_set_pipe_info(pipe, &modes);
    if (status != NTPIPE_STATUS_SUCCESS) {
        return failed("message mode", status);
    }
    status = ntpipe_transceive(pipe, question, strlen(question), answer, sizeof(answer), &length);
    if (status != NTPIPE_STATUS_SUCCESS) {
        return failed("transceive", status);
    }
    printf("%.*s\n", (int)length, answer);
    return 0;
}

int main(int argc, char** argv)
{
    struct ntpipe_session* session = NULL;
    const int as_server = argc > 1 && strcmp(argv[1], "serve") == 0;
    const char* name = argc > 1 + as_server ? argv[1 + as_server] : "\\\\.\\pipe\\hello";
    ntpipe_status status = ntpipe_session_open(NULL, NULL, NULL, &session);
    int result = 0;

    if (status != NTPIPE_STATUS_SUCCESS) {
        return failed("session", status);
    }
    result = as_server ? serve(session, name) : greet(session, name);
    talloc_free(session);
    return result;
}

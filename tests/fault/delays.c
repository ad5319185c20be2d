// SPDX-License-Identifier: LGPL-2.1-or-later
// delays.c: for LD_PRELOAD: each writev() waits for up to NTPIPE_DELAY microseconds first, so that others come in between. In a program of
// Wine a request to its server with data is one, and each wait is such a request.
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static long longest;

__attribute__((constructor)) static void start(void)
{
    const char* text = getenv("NTPIPE_DELAY");
    longest = text == NULL ? 0 : strtol(text, NULL, 10);
}

__attribute__((visibility("default"))) ssize_t writev(int file, const struct iovec* parts, int count)
{
    static __thread unsigned state;
    state = state * 1664525U + 1013904223U + (unsigned)gettid();
    const struct timespec delay = {0, longest == 0 ? 0 : (long)(state >> 8) % longest * 1000};
    nanosleep(&delay, NULL);
    return syscall(SYS_writev, file, parts, count);
}

// SPDX-License-Identifier: LGPL-2.1-or-later
// interruptible.c: for LD_PRELOAD: SIGWINCH, which ends nobody, interrupts the system call that it meets, as a handler without SA_RESTART
// does. Processes that are forked have it, too.
#include <signal.h>
#include <stddef.h>

static void on_signal(int number)
{
    (void)number;
}

__attribute__((constructor)) static void start(void)
{
    const struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGWINCH, &action, NULL);
}

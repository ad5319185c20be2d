// SPDX-License-Identifier: LGPL-2.1-or-later
// main.cc: ntpipe-test-sandbox: restricts itself as the broker does, and then tries what it must not and what it must be able to do.
#include "sandbox.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace {

void tell(const char* call, long result)
{
    // Before the next call changes errno.
    const char* outcome = result >= 0 ? "done" : errno == EPERM ? "EPERM" : std::strerror(errno);
    (void)std::printf("%s: %s\n", call, outcome);
}

void try_what_is_forbidden(void* page)
{
    char* const none[] = {nullptr};
    tell("execve", ::execve("/bin/true", none, none));
    tell("fork", ::syscall(SYS_clone, SIGCHLD, nullptr, nullptr, nullptr, nullptr));
    tell("ptrace", ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr));
    tell("socket(AF_INET)", ::socket(AF_INET, SOCK_STREAM, 0));
    tell("setuid", ::setuid(::getuid()));
    tell("mount", ::mount("none", "/tmp", "tmpfs", 0, nullptr));
    tell("kill", ::kill(::getpid(), 0));
    tell("bpf", ::syscall(SYS_bpf, 0, nullptr, 0));
    const void* executable = ::mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    tell("mmap(PROT_EXEC)", executable == MAP_FAILED ? -1 : 0);
    tell("mprotect(PROT_EXEC)", ::mprotect(page, 4096, PROT_READ | PROT_EXEC));
}

} // namespace

int main()
{
    if (!ntpipe::broker::restrict_system_calls()) {
        return 2;
    }
    void* page = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    tell("mmap", page == MAP_FAILED ? -1 : 0);
    tell("socket(AF_UNIX)", ::socket(AF_UNIX, SOCK_STREAM, 0));
    tell("memfd_create", ::memfd_create("test", 0));
    tell("pidfd_open", ::syscall(SYS_pidfd_open, ::getpid(), 0));
    try_what_is_forbidden(page);
    return 0;
}

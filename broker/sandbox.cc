// SPDX-License-Identifier: LGPL-2.1-or-later
// sandbox.cc: giving up rights: libseccomp's filter, and another user's identity.
#include "sandbox.hpp"

#include <grp.h>
#include <pwd.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <stdexcept>
#include <system_error>

namespace ntpipe::broker {
namespace {

[[noreturn]] void fail(int error, const char* what)
{
    throw std::system_error(error, std::generic_category(), what);
}

// By what the broker needs them for. Those of other processors are there so that one list does for all.
constexpr int allowed_calls[] = {
    // sessions: sockets, packets, waiting
    SCMP_SYS(accept4), SCMP_SYS(recvmsg), SCMP_SYS(sendmsg), SCMP_SYS(getsockopt), SCMP_SYS(setsockopt),
    SCMP_SYS(getsockname), SCMP_SYS(shutdown), SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(epoll_create),
    SCMP_SYS(epoll_create1), SCMP_SYS(timerfd_create), SCMP_SYS(timerfd_settime), SCMP_SYS(epoll_ctl),
    SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait), SCMP_SYS(epoll_pwait2), SCMP_SYS(ioctl), SCMP_SYS(fcntl),
    SCMP_SYS(dup), SCMP_SYS(close), SCMP_SYS(eventfd2), SCMP_SYS(pipe2),
    // a service manager or a directory of users may be asked something
    SCMP_SYS(connect), SCMP_SYS(sendto), SCMP_SYS(recvfrom), SCMP_SYS(uname),
    // processes
    SCMP_SYS(pidfd_open), SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(getuid), SCMP_SYS(geteuid), SCMP_SYS(getgid),
    SCMP_SYS(getegid), SCMP_SYS(prlimit64), SCMP_SYS(getrlimit), SCMP_SYS(sysinfo),
    // what is handed over
    SCMP_SYS(memfd_create), SCMP_SYS(ftruncate), SCMP_SYS(fallocate), SCMP_SYS(fchmod),
    // the registry, the log, /proc
    SCMP_SYS(openat), SCMP_SYS(open), SCMP_SYS(read), SCMP_SYS(pread64), SCMP_SYS(write), SCMP_SYS(writev),
    SCMP_SYS(lseek), SCMP_SYS(fstat), SCMP_SYS(newfstatat), SCMP_SYS(stat), SCMP_SYS(lstat), SCMP_SYS(statx),
    SCMP_SYS(access), SCMP_SYS(faccessat), SCMP_SYS(faccessat2), SCMP_SYS(readlink), SCMP_SYS(readlinkat),
    SCMP_SYS(rename), SCMP_SYS(renameat), SCMP_SYS(renameat2), SCMP_SYS(unlink), SCMP_SYS(unlinkat), SCMP_SYS(fsync),
    SCMP_SYS(fdatasync), SCMP_SYS(flock),
    // memory, time, signals, chance
    SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(futex), SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_nanosleep), SCMP_SYS(gettimeofday), SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn), SCMP_SYS(sigaltstack), SCMP_SYS(restart_syscall), SCMP_SYS(getrandom),
    SCMP_SYS(sched_yield), SCMP_SYS(tgkill), SCMP_SYS(exit), SCMP_SYS(exit_group), SCMP_SYS(rseq),
    SCMP_SYS(set_robust_list)};

} // namespace

void become_user(const std::string& name)
{
    errno = 0;
    const passwd* user = ::getpwnam(name.c_str());
    if (user == nullptr) {
        throw std::runtime_error("there is no user '" + name + "'");
    }
    const uid_t uid = user->pw_uid;
    const gid_t gid = user->pw_gid;
    if (::setgroups(0, nullptr) != 0 || ::setresgid(gid, gid, gid) != 0 || ::setresuid(uid, uid, uid) != 0) {
        fail(errno, "cannot become another user");
    }
    if (uid != 0 && ::setuid(0) == 0) {
        throw std::runtime_error("the rights of root could not be given up");
    }
}

bool restrict_system_calls()
{
#ifdef __SANITIZE_ADDRESS__
    return false;
#else
    const std::unique_ptr<void, decltype(&::seccomp_release)> filter(::seccomp_init(SCMP_ACT_ERRNO(EPERM)),
                                                                     &::seccomp_release);
    if (filter == nullptr) {
        fail(ENOMEM, "seccomp_init");
    }
    const auto allow = [&filter](int call, std::initializer_list<scmp_arg_cmp> conditions) {
        const int result = ::seccomp_rule_add_array(filter.get(), SCMP_ACT_ALLOW, call,
                                                    static_cast<unsigned>(conditions.size()), conditions.begin());
        if (result != 0 && result != -EDOM) { // this processor does not have that call
            fail(-result, "seccomp_rule_add");
        }
    };
    for (const int call : allowed_calls) {
        allow(call, {});
    }
    // No memory that can be executed, whatever it was before.
    allow(SCMP_SYS(mmap), {SCMP_A2_64(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)});
    allow(SCMP_SYS(mprotect), {SCMP_A2_64(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)});
    // No network.
    allow(SCMP_SYS(socket), {SCMP_A0_64(SCMP_CMP_EQ, AF_UNIX)});
    allow(SCMP_SYS(socketpair), {SCMP_A0_64(SCMP_CMP_EQ, AF_UNIX)});
    if (const int result = ::seccomp_load(filter.get()); result != 0) {
        fail(-result, "seccomp_load");
    }
    return true;
#endif
}

} // namespace ntpipe::broker

// SPDX-License-Identifier: LGPL-2.1-or-later
// child.cc: spawning, waiting and reaping.
#include "child.hpp"

#include "failure.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace ntpipe::tools {
namespace {

/// A process that was asked to end has so long to do it.
constexpr int patience_ms = 2000;

/// Closes what was not released.
struct Owned {
    int fd = -1;
    ~Owned()
    {
        if (fd >= 0) {
            ::close(fd);
        }
    }
    int release() { return std::exchange(fd, -1); }
};

void make_pipe(Owned& read_end, Owned& write_end)
{
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) {
        throw failure_of_errno("cannot make a pipe to the command");
    }
    read_end.fd = ends[0];
    write_end.fd = ends[1];
}

std::vector<char*> pointers_to(const std::vector<std::string>& texts)
{
    std::vector<char*> pointers;
    pointers.reserve(texts.size() + 1);
    for (const std::string& text : texts) {
        pointers.push_back(const_cast<char*>(text.c_str()));
    }
    pointers.push_back(nullptr);
    return pointers;
}

} // namespace

Child::Child(tevent_context* events, const std::vector<std::string>& command, const std::vector<std::string>& variables)
    : events_(events)
{
    Owned in_of_child;
    Owned in;
    Owned out;
    Owned out_of_child;
    make_pipe(in_of_child, in);
    make_pipe(out, out_of_child);
    spawn(command, variables, in_of_child.fd, out_of_child.fd);
    // By its number: the header of this glibc declares the function for C only.
    const int watch = static_cast<int>(::syscall(SYS_pidfd_open, process_, 0));
    if (watch < 0) {
        const Failure failure = failure_of_errno("cannot watch the command");
        ::kill(process_, SIGKILL);
        reap();
        throw Failure(failure);
    }
    watch_ = Descriptor(events, watch);
    input_ = Descriptor(events, in.release());
    output_ = Descriptor(events, out.release());
}

int Child::reap()
{
    int status = 0;
    while (::waitpid(process_, &status, 0) < 0 && errno == EINTR) {}
    process_ = -1;
    return status;
}

void Child::spawn(const std::vector<std::string>& command, const std::vector<std::string>& variables, int in, int out)
{
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    // tevent and others have descriptors that would outlive an exec.
    ::posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
    posix_spawnattr_t attributes;
    ::posix_spawnattr_init(&attributes);
    sigset_t broken_pipe;
    ::sigemptyset(&broken_pipe);
    ::sigaddset(&broken_pipe, SIGPIPE); // which we ignore ourselves
    ::posix_spawnattr_setsigdefault(&attributes, &broken_pipe);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    std::vector<std::string> environment = variables;
    for (char** variable = environ; *variable != nullptr; ++variable) {
        environment.emplace_back(*variable);
    }
    const int error = ::posix_spawnp(&process_, command.front().c_str(), &actions, &attributes,
                                     pointers_to(command).data(), pointers_to(environment).data());
    ::posix_spawnattr_destroy(&attributes);
    ::posix_spawn_file_actions_destroy(&actions);
    if (error != 0) {
        process_ = -1;
        errno = error;
        throw failure_of_errno("cannot run '" + command.front() + "'");
    }
}

Child::~Child()
{
    if (process_ < 0) {
        return;
    }
    ::kill(process_, SIGTERM);
    pollfd ended{watch_.get(), POLLIN, 0};
    if (::poll(&ended, 1, patience_ms) <= 0) {
        ::kill(process_, SIGKILL);
    }
    reap();
}

Task<std::string> Child::end()
{
    co_await until_readable(events_, watch_.get());
    const int status = reap();
    if (WIFSIGNALED(status)) {
        co_return "ended by signal " + std::to_string(WTERMSIG(status));
    }
    co_return WEXITSTATUS(status) == 0 ? std::string() : "exit status " + std::to_string(WEXITSTATUS(status));
}

} // namespace ntpipe::tools

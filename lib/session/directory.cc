// SPDX-License-Identifier: LGPL-2.1-or-later
// directory.cc: where the broker is, and whether that place can be trusted.
#include "session/directory.hpp"

#include "glue/uninterrupted.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace ntpipe::session {
namespace {

bool exists(const std::string& path)
{
    struct stat status{};
    return ::stat(path.c_str(), &status) == 0;
}

bool trusted_directory(const std::string& directory, bool root_only, uid_t& owner)
{
    struct stat status{};
    if (::stat(directory.c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) {
        return false;
    }
    owner = status.st_uid;
    const bool good_owner = status.st_uid == 0 || (!root_only && status.st_uid == ::geteuid());
    return good_owner && (status.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

Status check_listener(int socket, bool root_only, uid_t directory_owner)
{
    ucred peer{};
    socklen_t size = sizeof(peer);
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
        return status_from_errno(errno);
    }
    const bool is_trusted = peer.uid == 0 || (!root_only && (peer.uid == ::geteuid() || peer.uid == directory_owner));
    return is_trusted ? Status::success : Status::access_denied;
}

} // namespace

std::string default_directory()
{
    if (const char* directory = ::secure_getenv("NTPIPE_DIR"); directory != nullptr && directory[0] == '/') {
        return directory;
    }
    if (::geteuid() == 0 || exists(std::string(system_directory) + "/" + broker_socket_name)) {
        return system_directory;
    }
    if (const char* runtime = ::secure_getenv("XDG_RUNTIME_DIR"); runtime != nullptr && runtime[0] == '/') {
        return std::string(runtime) + "/ntpipe";
    }
    const std::string runtime = "/run/user/" + std::to_string(::geteuid());
    return exists(runtime) ? runtime + "/ntpipe" : std::string();
}

bool may_start_broker_in(const std::string& directory)
{
    return directory != system_directory;
}

bool socket_address(const std::string& directory, const char* name, sockaddr_un& address, glue::UniqueFd& anchor)
{
    address = {};
    address.sun_family = AF_UNIX;
    std::string path = directory + "/" + name;
    if (path.size() >= sizeof(address.sun_path)) {
        anchor.reset(glue::uninterrupted([&] { return ::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC); }));
        if (!anchor) {
            return false;
        }
        path = "/proc/self/fd/" + std::to_string(anchor.get()) + "/" + name;
    }
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    return true;
}

Result<glue::UniqueFd> connect_to_broker(const std::string& directory, bool root_only)
{
    uid_t owner = 0;
    if (directory.empty() || !exists(directory)) {
        return Status::connection_refused;
    }
    if (!trusted_directory(directory, root_only, owner)) {
        return Status::access_denied;
    }
    sockaddr_un address{};
    glue::UniqueFd anchor;
    if (!socket_address(directory, broker_socket_name, address, anchor)) {
        return status_from_errno(errno);
    }
    glue::UniqueFd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!socket) {
        return status_from_errno(errno);
    }
    if (glue::uninterrupted([&] {
            return ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address));
        }) != 0) {
        return errno == EAGAIN ? Status::pending : status_from_errno(errno);
    }
    if (const Status status = check_listener(socket.get(), root_only, owner); status != Status::success) {
        return status;
    }
    return socket;
}

Status start_broker(const std::string& directory)
{
    const char* program = ::secure_getenv("NTPIPE_BROKER");
    if (program == nullptr) {
        program = NTPIPE_BROKER_PATH;
    }
    // The broker goes into the background by itself; the child waited for here ends at once.
    std::array<const char*, 5> arguments{program, "--on-demand", "--directory", directory.c_str(), nullptr};
    posix_spawn_file_actions_t actions;
    if (::posix_spawn_file_actions_init(&actions) != 0) {
        return Status::no_memory;
    }
    ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    pid_t child = -1;
    const int error = ::posix_spawn(&child, program, &actions, nullptr, const_cast<char**>(arguments.data()), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    if (error != 0) {
        return status_from_errno(error);
    }
    int status = 0;
    (void)glue::uninterrupted([&] { return ::waitpid(child, &status, 0); });
    return Status::success;
}

} // namespace ntpipe::session

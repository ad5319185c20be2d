// SPDX-License-Identifier: GPL-3.0-or-later
// listener.cc: sockets of ours among Samba's.
#include "listener.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

namespace ntpipe::samba::npa {
namespace {

/// A socket is made under this name first, so that it never takes the place of another.
constexpr const char* unfinished = ".ntpipe-samba";
constexpr int backlog = 128;

bool identify(const std::string& path, FileId& id)
{
    struct stat status{};
    if (::lstat(path.c_str(), &status) != 0 || !S_ISSOCK(status.st_mode)) {
        return false;
    }
    id = {status.st_dev, status.st_ino};
    return true;
}

} // namespace

SocketDirectory::SocketDirectory(std::string path) : path_(std::move(path)) {}

Status SocketDirectory::open()
{
    struct stat status{};
    constexpr mode_t for_all = S_IRWXU | S_IRGRP | S_IXGRP | S_IROTH | S_IXOTH;
    (void)::mkdir(path_.substr(0, path_.rfind('/')).c_str(), for_all); // as Samba does when it starts
    if (::mkdir(path_.c_str(), S_IRWXU) != 0 && errno != EEXIST) {
        return Status::access_denied;
    }
    constexpr mode_t others = S_IRWXG | S_IRWXO;
    if (::lstat(path_.c_str(), &status) != 0 || !S_ISDIR(status.st_mode) || status.st_uid != ::geteuid() ||
        (status.st_mode & others) != 0) {
        return Status::access_denied;
    }
    remove_leftovers();
    return write_record() ? Status::success : Status::access_denied;
}

void SocketDirectory::remove_leftovers()
{
    (void)::unlink((path_ + "/" + unfinished).c_str());
    std::ifstream record(path_ + "-ntpipe");
    for (std::string line; std::getline(record, line);) {
        std::istringstream fields(line);
        FileId id;
        std::string name;
        if (fields >> id.device >> id.inode && fields.get() == ' ' && std::getline(fields, name) &&
            name.find('/') == std::string::npos && !own_.contains(name)) { // what is in use is none
            remove(name, path_ + "/" + name, id);
        }
    }
}

bool SocketDirectory::write_record() const
{
    const std::string path = path_ + "-ntpipe";
    {
        std::ofstream record(path + ".new", std::ios::trunc);
        for (const auto& [name, id] : own_) {
            record << id.device << ' ' << id.inode << ' ' << name << '\n';
        }
        if (!record.flush()) {
            return false;
        }
    }
    return std::rename((path + ".new").c_str(), path.c_str()) == 0;
}

bool SocketDirectory::add(const std::string& name, const FileId& id)
{
    own_[name] = id;
    return write_record();
}

std::set<std::string> SocketDirectory::others() const
{
    std::set<std::string> names;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(path_, error)) {
        const std::string name = entry.path().filename().string();
        if (entry.is_socket(error) && !own_.contains(name) && name.front() != '.') {
            names.insert(name);
        }
    }
    return names;
}

// Needs no memory: a socket that stays would be in the way of the next pipe of that name.
void SocketDirectory::remove(const std::string& name, const std::string& path, const FileId& id)
{
    FileId there;
    if (identify(path, there) && there == id) {
        (void)::unlink(path.c_str());
    }
    if (own_.erase(name) != 0) {
        try {
            (void)write_record();
        } catch (const std::bad_alloc&) { // it tells of one that is gone, until it is written again
            return;
        }
    }
}

// ---- a listener ----

std::unique_ptr<Listener> Listener::make(tevent_context* events, SocketDirectory& directory, const std::string& name,
                                         std::function<void(glue::UniqueFd)> accepted)
{
    const std::string temporary = directory.path() + "/" + unfinished;
    const std::string path = directory.path() + "/" + name;
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof(address.sun_path) || temporary.size() >= sizeof(address.sun_path)) {
        errno = ENAMETOOLONG;
        return nullptr;
    }
    std::memcpy(address.sun_path, temporary.c_str(), temporary.size() + 1);
    (void)::unlink(temporary.c_str());
    glue::UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    FileId id;
    if (!socket || ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
        ::listen(socket.get(), backlog) != 0 || !identify(temporary, id)) {
        return nullptr;
    }
    // Its file goes with it, also if memory is wanting from here on.
    std::unique_ptr<Listener> listener(
        new Listener(events, directory, name, path, std::move(socket), id, std::move(accepted)));
    listener->event_.reset(tevent_add_fd(
        events, nullptr, listener->socket_.get(), TEVENT_FD_READ,
        [](tevent_context*, tevent_fd*, std::uint16_t, void* data) { static_cast<Listener*>(data)->accept(); },
        listener.get()));
    if (listener->event_ == nullptr) {
        errno = ENOMEM;
        return nullptr;
    }
    // Recorded before it can be seen; a link takes nobody's place.
    const bool linked = directory.add(name, id) && ::link(temporary.c_str(), path.c_str()) == 0;
    const int error = errno;
    (void)::unlink(temporary.c_str());
    if (!linked) {
        listener.reset();
        errno = error;
    }
    return listener;
}

Listener::Listener(tevent_context* events, SocketDirectory& directory, std::string name, std::string path,
                   glue::UniqueFd socket, const FileId& id, std::function<void(glue::UniqueFd)> accepted)
    : events_(events),
      directory_(directory),
      name_(std::move(name)),
      path_(std::move(path)),
      socket_(std::move(socket)),
      id_(id),
      accepted_(std::move(accepted))
{
}

Listener::~Listener()
{
    event_.reset();
    directory_.remove(name_, path_, id_);
}

// smbd connects as root. Nobody else gets at the socket, and if somebody did, what it says of a user would not be believed.
void Listener::accept()
{
    glue::UniqueFd socket(::accept4(socket_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!socket && (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)) {
        log("cannot take in who connects with '" + name_ + "': " + std::strerror(errno));
        pause();
    }
    ucred peer{};
    socklen_t size = sizeof(peer);
    if (socket && ::getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == 0) {
        accepted_(std::move(socket));
    }
}

// Who connects waits, and the socket does not wake the loop all the time.
void Listener::pause()
{
    constexpr std::uint32_t microseconds = 250000;
    tevent_fd* event = event_.get();
    const tevent_timer* timer = tevent_add_timer(
        events_, event, tevent_timeval_current_ofs(0, microseconds),
        [](tevent_context*, tevent_timer*, timeval, void* data) {
            tevent_fd_set_flags(static_cast<tevent_fd*>(data), TEVENT_FD_READ);
        },
        event);
    if (timer != nullptr) {
        tevent_fd_set_flags(event, 0);
    }
}

} // namespace ntpipe::samba::npa

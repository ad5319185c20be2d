// SPDX-License-Identifier: LGPL-2.1-or-later
// address.cc: making and accepting connections of stream sockets.
#include "address.hpp"

#include "failure.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstring>

namespace ntpipe::tools {
namespace {

/// While there are no descriptors for a connection.
constexpr std::chrono::milliseconds pause{100};

const sockaddr* generic(const sockaddr_storage& address)
{
    return reinterpret_cast<const sockaddr*>(&address);
}

/// A small message is sent at once, as a pipe does.
void send_at_once(int socket, int family)
{
    if (family != AF_UNIX) {
        const int on = 1;
        ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    }
}

bool is_served(const sockaddr_storage& address, socklen_t length)
{
    const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const bool refused = ::connect(probe, generic(address), length) != 0 && errno == ECONNREFUSED;
    ::close(probe);
    return !refused;
}

} // namespace

Address::Address(const std::string& text) : text_(text)
{
    if (text.rfind("unix:", 0) == 0) {
        parse_unix(text.substr(5));
    } else if (text.rfind("tcp:", 0) == 0) {
        parse_tcp(text.substr(4));
    } else {
        throw Failure(exit_usage, "'" + text + "' is no address; give unix:PATH or tcp:HOST:PORT");
    }
}

void Address::parse_unix(const std::string& path)
{
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.empty() || path.size() >= sizeof(address.sun_path)) {
        throw Failure(exit_usage, "'" + text_ + "': the path of a Unix socket has 1 to " +
                                      std::to_string(sizeof(address.sun_path) - 1) + " bytes");
    }
    std::memcpy(address.sun_path, path.data(), path.size());
    if (path.front() == '@') {
        address.sun_path[0] = '\0';
    } else {
        path_ = path;
    }
    Place place;
    place.length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + (path_.empty() ? 0 : 1));
    std::memcpy(&place.address, &address, sizeof(address));
    places_.push_back(place);
}

void Address::parse_tcp(const std::string& host_and_port)
{
    const std::size_t colon = host_and_port.rfind(':');
    std::string host = host_and_port.substr(0, colon);
    if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
        host = host.substr(1, host.size() - 2);
    }
    if (colon == std::string::npos || host.empty() || colon + 1 == host_and_port.size()) {
        throw Failure(exit_usage,
                      "'" + text_ +
                          "' is no address; give tcp:HOST:PORT, such as tcp:localhost:4000 or tcp:[::1]:4000");
    }
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const int error = ::getaddrinfo(host.c_str(), host_and_port.c_str() + colon + 1, &hints, &found);
    if (error != 0) {
        throw Failure(exit_usage, "'" + text_ + "': " + ::gai_strerror(error));
    }
    for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
        Place place;
        place.length = one->ai_addrlen;
        std::memcpy(&place.address, one->ai_addr, one->ai_addrlen);
        places_.push_back(place);
    }
    ::freeaddrinfo(found);
}

Task<int> Address::try_connect(tevent_context* events, const Place& place, Descriptor& socket) const
{
    const int fd = ::socket(place.address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        co_return errno;
    }
    socket = Descriptor(events, fd);
    send_at_once(fd, place.address.ss_family);
    while (::connect(fd, generic(place.address), place.length) != 0) {
        if (errno == EINPROGRESS || errno == EINTR) {
            co_await until_writable(events, fd);
            int error = 0;
            socklen_t length = sizeof(error);
            ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
            co_return error;
        }
        if (errno != EAGAIN) {
            co_return errno;
        }
        co_await sleep_for(events, pause); // a Unix listener whose backlog is full; it cannot be waited for
    }
    co_return 0;
}

Task<Descriptor> Address::connect(tevent_context* events) const
{
    int error = 0;
    for (const Place& place : places_) {
        Descriptor socket;
        error = co_await try_connect(events, place, socket);
        if (error == 0) {
            co_return socket;
        }
    }
    errno = error;
    throw failure_of_errno("cannot connect to " + text_);
}

Listener::Listener(tevent_context* events, const Address& address) : events_(events), text_(address.text())
{
    const Address::Place& place = address.places_.front();
    const int fd = ::socket(place.address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        throw failure_of_errno("cannot make a socket");
    }
    socket_ = Descriptor(events, fd);
    if (place.address.ss_family != AF_UNIX) {
        const int on = 1;
        ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    }
    struct stat status{};
    const bool in_the_way = !address.path_.empty() && ::lstat(address.path_.c_str(), &status) == 0;
    if (in_the_way && S_ISSOCK(status.st_mode) && !is_served(place.address, place.length)) {
        ::unlink(address.path_.c_str());
    }
    bind(place);
    path_ = address.path_;
    if (::listen(fd, SOMAXCONN) != 0) {
        throw failure_of_errno("cannot listen on " + text_);
    }
}

void Listener::bind(const Address::Place& place)
{
    const mode_t mask = ::umask(S_IRWXG | S_IRWXO);
    const int result = ::bind(socket_.get(), generic(place.address), place.length);
    ::umask(mask);
    if (result != 0) {
        throw failure_of_errno("cannot listen on " + text_);
    }
}

Listener::~Listener()
{
    if (!path_.empty()) {
        ::unlink(path_.c_str());
    }
}

Task<Descriptor> Listener::accept()
{
    for (;;) {
        co_await until_readable(events_, socket_.get());
        sockaddr_storage peer{};
        socklen_t length = sizeof(peer);
        const int fd = ::accept4(socket_.get(), reinterpret_cast<sockaddr*>(&peer), &length, SOCK_CLOEXEC);
        if (fd >= 0) {
            send_at_once(fd, peer.ss_family);
            co_return Descriptor(events_, fd);
        }
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            co_await sleep_for(events_, pause);
        }
    }
}

std::string Listener::text() const
{
    sockaddr_storage address{};
    socklen_t length = sizeof(address);
    char port[NI_MAXSERV];
    if (::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address), &length) != 0 ||
        address.ss_family == AF_UNIX ||
        ::getnameinfo(generic(address), length, nullptr, 0, port, sizeof(port), NI_NUMERICSERV) != 0) {
        return text_;
    }
    return text_.substr(0, text_.rfind(':') + 1) + port;
}

} // namespace ntpipe::tools

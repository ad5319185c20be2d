// SPDX-License-Identifier: LGPL-2.1-or-later
// npa_echo.cc: an echo server behind Samba's named pipe auth socket: what stock smbd has to offer to a program that wants to serve a
// pipe. A peer in the SMB2 benchmark. One client at a time.
//
// usage: npa_echo SOCKET
//
// The protocol: the client sends a u32 length (big endian) and a request, the server a reply in the same framing; then messages
// go both ways behind a u16 length (little endian).
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <vector>

namespace {

// Level 7, message mode; device state, allocation size and status as Samba's own servers send them.
constexpr std::array<unsigned char, 36> reply = {0,    0, 0, 32, 'N', 'P', 'A', 'M', 7, 0, 0, 0, 7, 0, 0, 0, 2, 0,
                                                 0xff, 5, 0, 0,  0,   0,   0,   16,  0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
constexpr std::size_t longest_message = 65535;
constexpr std::size_t header = 2;

bool read_all(int socket, unsigned char* data, std::size_t size)
{
    return ::recv(socket, data, size, MSG_WAITALL) == static_cast<ssize_t>(size);
}

bool greet(int socket)
{
    std::array<unsigned char, 4> length{};
    if (!read_all(socket, length.data(), length.size())) {
        return false;
    }
    std::vector<unsigned char> request((std::size_t{length[1]} << 16U) | (std::size_t{length[2]} << 8U) | length[3]);
    return read_all(socket, request.data(), request.size()) &&
           ::send(socket, reply.data(), reply.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(reply.size());
}

// One recv and one send for a message, as long as messages come one at a time.
void echo(int socket)
{
    std::vector<unsigned char> buffer(header + longest_message);
    for (;;) {
        const ssize_t got = ::recv(socket, buffer.data(), buffer.size(), 0);
        if (got < static_cast<ssize_t>(header)) {
            return;
        }
        const std::size_t whole = header + buffer[0] + (std::size_t{buffer[1]} << 8U);
        const auto have = static_cast<std::size_t>(got);
        if (have > whole || (have < whole && !read_all(socket, buffer.data() + have, whole - have)) ||
            ::send(socket, buffer.data(), whole, MSG_NOSIGNAL) != static_cast<ssize_t>(whole)) {
            return;
        }
    }
}

} // namespace

int main(int argc, char** argv)
{
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (argc != 2 || std::strlen(argv[1]) >= sizeof(address.sun_path)) {
        std::cerr << "usage: npa_echo SOCKET\n";
        return 2;
    }
    std::strcpy(address.sun_path, argv[1]);
    const int listener = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
        ::listen(listener, 8) != 0) {
        std::perror(argv[1]);
        return 1;
    }
    for (;;) {
        const int client = ::accept(listener, nullptr, nullptr);
        if (client >= 0) {
            if (greet(client)) {
                echo(client);
            }
            ::close(client);
        } else if (errno != EINTR) {
            return 1;
        }
    }
}

// SPDX-License-Identifier: LGPL-2.1-or-later
// smb2_caller.cc: sends one SMB2 request again and again over a connection that somebody else has set up, and waits for each answer.
//
// usage: smb2_caller SOCKET MESSAGE_ID CALLS < REQUEST
// SOCKET is the number of an inherited descriptor; REQUEST is the packet with its length in front; MESSAGE_ID is that of the first
// call, and counts up. Prints the microseconds per call.
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace {

constexpr std::size_t length_size = 4;
constexpr std::size_t status_at = length_size + 8;
constexpr std::size_t message_id_at = length_size + 24;
constexpr std::uint32_t status_pending = 0x103;

using Bytes = std::vector<unsigned char>;

[[noreturn]] void fail(const char* what)
{
    std::perror(what);
    std::exit(1);
}

Bytes read_request()
{
    Bytes request(1 << 20);
    request.resize(std::fread(request.data(), 1, request.size(), stdin));
    if (request.size() < message_id_at + sizeof(std::uint64_t)) {
        (void)std::fprintf(stderr, "smb2_caller: there is no request on standard input\n");
        std::exit(2);
    }
    return request;
}

/// What has come and has not been looked at.
class Answers {
public:
    explicit Answers(int socket) : socket_(socket), buffer_(1 << 20) {}

    /// Waits for the next answer. Its status.
    std::uint32_t next()
    {
        at_ += length_;
        length_ = 0;
        need(length_size);
        const unsigned char* begin = buffer_.data() + at_;
        length_ = length_size + (std::size_t{begin[1]} << 16 | std::size_t{begin[2]} << 8 | begin[3]);
        need(length_);
        std::uint32_t status = 0;
        std::memcpy(&status, buffer_.data() + at_ + status_at, sizeof(status)); // the machine's order is the protocol's
        return status;
    }

private:
    void need(std::size_t count)
    {
        if (at_ == end_) {
            at_ = end_ = 0;
        }
        while (end_ - at_ < count) {
            const ssize_t got = ::recv(socket_, buffer_.data() + end_, buffer_.size() - end_, 0);
            if (got <= 0) {
                fail("smb2_caller: the server has gone");
            }
            end_ += static_cast<std::size_t>(got);
        }
    }

    int socket_;
    Bytes buffer_;
    std::size_t at_ = 0;
    std::size_t end_ = 0;
    std::size_t length_ = 0;
};

void call(int socket, Bytes& request, std::uint64_t message_id, Answers& answers)
{
    std::memcpy(request.data() + message_id_at, &message_id, sizeof(message_id));
    if (::send(socket, request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size())) {
        fail("smb2_caller: send");
    }
    std::uint32_t status = answers.next();
    while (status == status_pending) {
        status = answers.next();
    }
    if (status != 0) {
        (void)std::fprintf(stderr, "smb2_caller: the answer's status is 0x%08x\n", status);
        std::exit(1);
    }
}

} // namespace

int main(int argc, char** argv)
{
    if (argc != 4) {
        (void)std::fprintf(stderr, "usage: smb2_caller SOCKET MESSAGE_ID CALLS < REQUEST\n");
        return 2;
    }
    const int socket = static_cast<int>(std::strtol(argv[1], nullptr, 10));
    const std::uint64_t first = std::strtoull(argv[2], nullptr, 10);
    const std::uint64_t calls = std::strtoull(argv[3], nullptr, 10);
    Bytes request = read_request();
    Answers answers(socket);
    const auto begin = std::chrono::steady_clock::now();
    for (std::uint64_t i = 0; i < calls; ++i) {
        call(socket, request, first + i, answers);
    }
    const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - begin;
    std::printf("%.3f\n", took.count() / static_cast<double>(calls));
    return 0;
}

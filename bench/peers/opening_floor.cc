// SPDX-License-Identifier: LGPL-2.1-or-later
// opening_floor.cc: the least that opening a connection costs where a third process makes its memory: a broker that does nothing but
// that, with blocking calls; and what is left when it makes nothing and hands nothing over, so that each just has its turn.
#include "harness.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstring>

namespace bench {
namespace {

constexpr std::size_t memory_size = 4096 + 2 * 65536; ///< as that of a pipe with the quotas of this benchmark
constexpr std::size_t first_page = 4096;

using TwoDescriptors = std::array<int, 2>;

void close_both(const TwoDescriptors& descriptors)
{
    ::close(descriptors[0]);
    ::close(descriptors[1]);
}

struct Envelope {
    Envelope()
    {
        header.msg_iov = &vector;
        header.msg_iovlen = 1;
        header.msg_control = control.data();
        header.msg_controllen = control.size();
    }
    char byte = 0;
    iovec vector{&byte, 1};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(TwoDescriptors))> control{};
    msghdr header{};
};

void send(int socket, const TwoDescriptors& descriptors)
{
    Envelope envelope;
    cmsghdr* rights = CMSG_FIRSTHDR(&envelope.header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof(descriptors));
    std::memcpy(CMSG_DATA(rights), descriptors.data(), sizeof(descriptors));
    if (::sendmsg(socket, &envelope.header, MSG_NOSIGNAL) != 1) {
        fail("sendmsg");
    }
}

TwoDescriptors receive(int socket)
{
    Envelope envelope;
    TwoDescriptors descriptors{-1, -1};
    if (::recvmsg(socket, &envelope.header, MSG_CMSG_CLOEXEC) != 1) {
        fail("recvmsg");
    }
    std::memcpy(descriptors.data(), CMSG_DATA(CMSG_FIRSTHDR(&envelope.header)), sizeof(descriptors));
    return descriptors;
}

/// What an end does with what it was handed. `meanwhile`: while the memory is mapped.
template <typename Meanwhile>
void use(const TwoDescriptors& handed, Meanwhile&& meanwhile)
{
    void* memory = ::mmap(nullptr, memory_size, PROT_READ | PROT_WRITE, MAP_SHARED, handed[1], 0);
    if (memory == MAP_FAILED) {
        fail("mmap");
    }
    *static_cast<volatile char*>(memory) = 1;
    meanwhile();
    ::munmap(memory, memory_size);
    close_both(handed);
}

struct Sockets {
    Sockets()
    {
        if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
            fail("socketpair");
        }
    }
    TwoDescriptors ends{-1, -1};
};

class OpeningFloor final : public Contender {
public:
    using Contender::Contender;

    void serve(const std::function<void()>& ready) override
    {
        const Child broker(sched_getcpu(), [this] { be_broker(); });
        ready();
        for (;;) {
            const TwoDescriptors handed = receive(server_.ends[0]);
            use(handed, [&] {
                char byte = 0;
                (void)!::recv(handed[0], &byte, 1, 0); // until the client has gone
            });
        }
    }
    void connect() override {}
    void round(std::vector<double>& latencies) override
    {
        time_each(workload_.count, latencies, [this] {
            (void)!::send(client_.ends[0], "", 1, MSG_NOSIGNAL);
            use(receive(client_.ends[0]), [] {});
        });
    }

private:
    [[noreturn]] void be_broker() const
    {
        for (char byte = 0;;) {
            TwoDescriptors doorbells{-1, -1};
            if (::recv(client_.ends[1], &byte, 1, 0) != 1 ||
                ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, doorbells.data()) != 0) {
                fail("the broker");
            }
            const int memory = ::memfd_create("floor", MFD_CLOEXEC | MFD_ALLOW_SEALING);
            if (::ftruncate(memory, memory_size) != 0 || ::fallocate(memory, FALLOC_FL_KEEP_SIZE, 0, first_page) != 0 ||
                ::fcntl(memory, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
                fail("memory");
            }
            send(server_.ends[1], {doorbells[1], memory});
            send(client_.ends[1], {doorbells[0], memory});
            close_both(doorbells);
            ::close(memory);
        }
    }

    Sockets client_; ///< its end, the broker's end
    Sockets server_;
};

class TurnsAlone final : public Contender {
public:
    using Contender::Contender;

    void serve(const std::function<void()>& ready) override
    {
        const Child broker(sched_getcpu(), [this] {
            for (;;) {
                take(client_.ends[1]);
                give(server_.ends[1]);
                give(client_.ends[1]);
            }
        });
        ready();
        for (;;) {
            take(server_.ends[0]); // it is opened
            take(direct_.ends[0]); // and closed
        }
    }
    void connect() override {}
    void round(std::vector<double>& latencies) override
    {
        time_each(workload_.count, latencies, [this] {
            give(client_.ends[0]);
            take(client_.ends[0]);
            give(direct_.ends[1]);
        });
    }

private:
    static void give(int socket) { (void)!::send(socket, "", 1, MSG_NOSIGNAL); }
    static void take(int socket)
    {
        char byte = 0;
        if (::recv(socket, &byte, 1, 0) != 1) {
            fail("the other side has gone");
        }
    }

    Sockets client_; ///< its end, the broker's end
    Sockets server_;
    Sockets direct_; ///< the server's end, the client's
};

} // namespace

std::unique_ptr<Contender> make_opening_floor(Workload workload)
{
    return std::make_unique<OpeningFloor>("floor", workload);
}

std::unique_ptr<Contender> make_turns_alone(Workload workload)
{
    return std::make_unique<TurnsAlone>("turns alone", workload);
}

} // namespace bench

// SPDX-License-Identifier: LGPL-2.1-or-later
// sockets.cc: what a program would use instead of a pipe: AF_UNIX sockets, SOCK_SEQPACKET as they are and SOCK_STREAM with a length
// in front of each message, with blocking calls and with the event loop that ntpipe has, too (tevent on epoll).
#include "harness.hpp"

extern "C" {
#include <tevent.h>
}

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <span>

namespace bench {
namespace {

constexpr std::size_t read_ahead = std::size_t{256} * 1024;
/// A handler goes back to the loop after so many messages, as a program with other work must.
constexpr int most_in_a_row = 256;

/// One end of a socket that carries messages, or bytes.
class Wire {
public:
    Wire(int socket, int type, const Workload& workload)
        : socket_(socket),
          framed_(type == SOCK_STREAM && workload.kind != Kind::bytes),
          whole_(type == SOCK_SEQPACKET),
          size_(workload.size),
          out_(sizeof(std::uint32_t) + size_, 'x'),
          in_(whole_ ? size_ : std::max(read_ahead, out_.size()))
    {
        const auto length = static_cast<std::uint32_t>(size_);
        std::memcpy(out_.data(), &length, sizeof(length));
    }
    [[nodiscard]] int socket() const { return socket_; }

    /// A message. False: there is no room for (the rest of) it now.
    bool send(int flags)
    {
        const std::size_t from = framed_ ? 0 : sizeof(std::uint32_t);
        while (sent_ < out_.size() - from) {
            const ssize_t count =
                ::send(socket_, out_.data() + from + sent_, out_.size() - from - sent_, flags | MSG_NOSIGNAL);
            if (count < 0) {
                if (errno == EAGAIN) {
                    return false;
                }
                fail(std::string("send: ") + std::strerror(errno));
            }
            sent_ += static_cast<std::size_t>(count);
        }
        sent_ = 0;
        return true;
    }

    /// How many messages have come; 0: none yet (flags: MSG_DONTWAIT). They stand in a buffer of ours.
    int receive(int flags)
    {
        const ssize_t count = ::recv(socket_, in_.data() + held_, in_.size() - held_, flags);
        if (count <= 0) {
            if (count < 0 && errno == EAGAIN) {
                return 0;
            }
            fail("the other side has gone");
        }
        if (whole_) {
            return 1;
        }
        held_ += static_cast<std::size_t>(count);
        const std::size_t frame = size_ + (framed_ ? sizeof(std::uint32_t) : 0);
        const std::size_t messages = held_ / frame;
        const std::size_t over = held_ % frame;
        std::memmove(in_.data(), in_.data() + messages * frame, over);
        held_ = over;
        return static_cast<int>(messages);
    }

    void acknowledge() const { (void)!::send(socket_, "", 1, MSG_NOSIGNAL); }
    void await_acknowledgement() const
    {
        char byte = 0;
        (void)!::recv(socket_, &byte, 1, 0);
    }

private:
    int socket_;
    bool framed_;
    bool whole_;
    std::size_t size_;
    std::vector<char> out_;
    std::vector<char> in_;
    std::size_t sent_ = 0;
    std::size_t held_ = 0;
};

class SocketContender : public Contender {
public:
    SocketContender(const std::string& name, Workload workload, int type) : Contender(name, workload)
    {
        std::array<int, 2> sockets{};
        if (::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, sockets.data()) != 0) {
            fail("socketpair");
        }
        for (const int socket : sockets) {
            // A message must fit; else the kernel's default, as a program would have it. Privileged or not at all.
            const int room = static_cast<int>(4 * workload.size);
            if (type == SOCK_SEQPACKET && workload.size >= std::size_t{64} * 1024) {
                (void)::setsockopt(socket, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room));
            }
        }
        near_ = std::make_unique<Wire>(sockets[0], type, workload);
        far_ = std::make_unique<Wire>(sockets[1], type, workload);
    }

protected:
    std::unique_ptr<Wire> near_;
    std::unique_ptr<Wire> far_;
};

class Blocking final : public SocketContender {
public:
    using SocketContender::SocketContender;

    void serve(const std::function<void()>& ready) override
    {
        ready();
        for (int had = 0;;) {
            had += far_->receive(0);
            if (workload_.kind == Kind::transact) {
                far_->send(0);
            } else if (had >= workload_.count) {
                had -= workload_.count;
                far_->acknowledge();
            }
        }
    }
    void connect() override {}
    void round(std::vector<double>& latencies) override
    {
        if (workload_.kind == Kind::transact) {
            time_each(workload_.count, latencies, [this] {
                near_->send(0);
                while (near_->receive(0) == 0) {}
            });
            return;
        }
        for (int i = 0; i < workload_.count; ++i) {
            near_->send(0);
        }
        near_->await_acknowledgement();
    }
};

/// With an event loop on both sides.
class Evented final : public SocketContender {
public:
    using SocketContender::SocketContender;

    void serve(const std::function<void()>& ready) override
    {
        begin(*far_);
        far_side_ = true;
        ready();
        tevent_loop_wait(events_);
    }
    void connect() override { begin(*near_); }
    void round(std::vector<double>& latencies) override
    {
        if (workload_.kind == Kind::transact) {
            time_each(workload_.count, latencies, [this] {
                to_receive_ = 1;
                wire_->send(0);
                run();
            });
            return;
        }
        to_send_ = workload_.count;
        to_receive_ = workload_.kind == Kind::both ? workload_.count : 0;
        to_acknowledge_ = workload_.kind != Kind::both;
        write_some();
        run();
        if (to_acknowledge_) {
            tevent_fd_set_flags(event_, 0);
            wire_->await_acknowledgement();
            tevent_fd_set_flags(event_, TEVENT_FD_READ);
        }
    }

private:
    void begin(Wire& wire)
    {
        wire_ = &wire;
        (void)::fcntl(wire.socket(), F_SETFL, workload_.kind == Kind::transact ? 0 : O_NONBLOCK);
        events_ = tevent_context_init(nullptr);
        event_ = tevent_add_fd(
            events_, events_, wire.socket(), TEVENT_FD_READ,
            [](tevent_context*, tevent_fd*, std::uint16_t flags, void* data) {
                auto* self = static_cast<Evented*>(data);
                if ((flags & TEVENT_FD_WRITE) != 0) {
                    self->write_some();
                }
                if ((flags & TEVENT_FD_READ) != 0) {
                    self->read_some();
                }
            },
            this);
    }
    void run() const
    {
        while (to_receive_ > 0 || to_send_ > 0) {
            tevent_loop_once(events_);
        }
    }
    void write_some()
    {
        for (int i = 0; i < most_in_a_row && to_send_ > 0; ++i) {
            if (!wire_->send(MSG_DONTWAIT)) {
                break;
            }
            --to_send_;
        }
        const std::uint16_t flags = to_send_ > 0 ? TEVENT_FD_READ | TEVENT_FD_WRITE : TEVENT_FD_READ;
        if (!far_side_ && workload_.kind != Kind::both) { // the acknowledgement is read otherwise
            tevent_fd_set_flags(event_, static_cast<std::uint16_t>(flags & ~TEVENT_FD_READ));
        } else {
            tevent_fd_set_flags(event_, flags);
        }
    }
    void read_some()
    {
        for (int i = 0; i < most_in_a_row; ++i) {
            const int count = wire_->receive(MSG_DONTWAIT);
            if (count == 0) {
                break;
            }
            if (!far_side_) {
                to_receive_ -= count;
                if (to_receive_ == 0) {
                    break;
                }
            } else {
                serve_messages(count);
                if (workload_.kind == Kind::transact) {
                    break;
                }
            }
        }
    }
    void serve_messages(int count)
    {
        if (workload_.kind == Kind::transact) {
            wire_->send(0);
            return;
        }
        if (workload_.kind == Kind::both && had_ == 0) {
            to_send_ = workload_.count;
            write_some();
        }
        had_ += count;
        if (had_ >= workload_.count) {
            had_ -= workload_.count;
            if (workload_.kind != Kind::both) {
                wire_->acknowledge();
            }
        }
    }

    Wire* wire_ = nullptr;
    tevent_context* events_ = nullptr;
    tevent_fd* event_ = nullptr;
    bool far_side_ = false;
    bool to_acknowledge_ = false;
    int to_send_ = 0;
    int to_receive_ = 0;
    int had_ = 0;
};

} // namespace

void add_sockets(Contenders& contenders, Workload workload)
{
    struct Type {
        const char* name;
        int type;
    };
    for (const Type& type : {Type{"SEQPACKET", SOCK_SEQPACKET}, Type{"STREAM", SOCK_STREAM}}) {
        if (workload.kind == Kind::bytes && type.type == SOCK_SEQPACKET) {
            continue;
        }
        const std::string name(type.name);
        contenders.push_back(std::make_unique<Evented>(name + ", tevent", workload, type.type));
        if (workload.kind != Kind::both) {
            contenders.push_back(std::make_unique<Blocking>(name + ", blocking", workload, type.type));
        }
    }
}

} // namespace bench

// SPDX-License-Identifier: LGPL-2.1-or-later
// libuv.cc: libuv's pipes, which are AF_UNIX stream sockets, on libuv's loop on both sides. It has no messages: what is sent is of one
// size, and counted.
#include "harness.hpp"

#include <sys/socket.h>
#include <uv.h>

#include <array>

namespace bench {
namespace {

class Libuv final : public Contender {
public:
    explicit Libuv(Workload workload)
        : Contender("libuv", workload), out_(workload.size, 'x'), in_(256 * std::size_t{1024})
    {
        if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets_.data()) != 0) {
            fail("socketpair");
        }
    }
    void serve(const std::function<void()>& ready) override
    {
        far_side_ = true;
        begin(sockets_[1]);
        ready();
        uv_run(&loop_, UV_RUN_DEFAULT);
    }
    void connect() override { begin(sockets_[0]); }
    void round(std::vector<double>& latencies) override
    {
        if (workload_.kind == Kind::transact) {
            time_each(workload_.count, latencies, [this] {
                expected_ = out_.size();
                write();
                run();
            });
            return;
        }
        to_send_ = workload_.count;
        expected_ = workload_.kind == Kind::both ? out_.size() * static_cast<std::size_t>(workload_.count) : 1;
        write_on();
        run();
    }

private:
    void begin(int socket)
    {
        uv_loop_init(&loop_);
        uv_pipe_init(&loop_, &pipe_, 0);
        uv_pipe_open(&pipe_, socket);
        pipe_.data = this;
        uv_read_start(
            stream(),
            [](uv_handle_t* handle, std::size_t, uv_buf_t* buffer) {
                auto& in = static_cast<Libuv*>(handle->data)->in_;
                *buffer = uv_buf_init(in.data(), static_cast<unsigned>(in.size()));
            },
            [](uv_stream_t* stream, ssize_t count, const uv_buf_t*) {
                if (count < 0) {
                    fail("libuv: the other side has gone");
                }
                static_cast<Libuv*>(stream->data)->came(static_cast<std::size_t>(count));
            });
    }
    [[nodiscard]] uv_stream_t* stream() { return reinterpret_cast<uv_stream_t*>(&pipe_); }
    void run()
    {
        while (expected_ > 0 || to_send_ > 0) {
            uv_run(&loop_, UV_RUN_ONCE);
        }
    }
    void came(std::size_t count)
    {
        if (!far_side_) {
            expected_ -= std::min(expected_, count);
            return;
        }
        const bool first = had_ == 0;
        had_ += count;
        const std::size_t whole =
            out_.size() * static_cast<std::size_t>(workload_.kind == Kind::transact ? 1 : workload_.count);
        if (first && workload_.kind == Kind::both) {
            to_send_ = workload_.count;
            write_on();
        }
        if (had_ >= whole) {
            had_ -= whole;
            if (workload_.kind == Kind::transact) {
                write();
            } else if (workload_.kind != Kind::both) {
                write_bytes(1);
            }
        }
    }
    void write() { write_bytes(out_.size()); }
    // At once what the socket takes, as its documentation advises; the rest when there is room.
    void write_bytes(std::size_t size)
    {
        uv_buf_t buffer = uv_buf_init(out_.data(), static_cast<unsigned>(size));
        const int count = uv_try_write(stream(), &buffer, 1);
        const std::size_t done = count < 0 ? 0 : static_cast<std::size_t>(count);
        if (done < size) {
            buffer = uv_buf_init(out_.data() + done, static_cast<unsigned>(size - done));
            request_.data = this;
            writing_ = true;
            uv_write(&request_, stream(), &buffer, 1, [](uv_write_t* request, int) {
                auto* self = static_cast<Libuv*>(request->data);
                self->writing_ = false;
                self->write_on();
            });
        }
    }
    void write_on()
    {
        while (to_send_ > 0 && !writing_) {
            --to_send_;
            write();
        }
    }

    std::array<int, 2> sockets_{};
    uv_loop_t loop_{};
    uv_pipe_t pipe_{};
    uv_write_t request_{};
    std::vector<char> out_;
    std::vector<char> in_;
    bool far_side_ = false;
    bool writing_ = false;
    int to_send_ = 0;
    std::size_t expected_ = 0;
    std::size_t had_ = 0;
};

} // namespace

void add_libuv(Contenders& contenders, Workload workload)
{
    contenders.push_back(std::make_unique<Libuv>(workload));
}

} // namespace bench

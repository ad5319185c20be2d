// SPDX-License-Identifier: LGPL-2.1-or-later
// pipes.cc: ntpipe itself: one request per operation from coroutines, spinning or not, tries, and blocking calls. Needs a broker in NTPIPE_DIR.
#include "harness.hpp"

#include <ntpipe.hpp>

#include <chrono>
#include <optional>
#include <unistd.h>

namespace bench {
namespace {

/// Of both directions: what Linux lets a socket hold if nobody says how much, and of large messages as many as sockets.cc asks for.
constexpr std::uint32_t least_quota = 212992;
constexpr std::uint32_t least_messages = 4;

/// Longer than an answer takes on a machine with other work.
constexpr std::chrono::microseconds spin_time(200);

void check(ntpipe::Status status, const char* what)
{
    if (ntpipe::is_error(status)) {
        fail(std::string(what) + ": " + ntpipe::text_of(status));
    }
}

class Pipe : public Contender {
public:
    Pipe(const std::string& name, Workload workload)
        : Contender(name, workload),
          pipe_name_("bench-" + std::to_string(::getpid()) + "-" + std::to_string(next_number++)),
          out_(workload.size, std::byte('x')),
          in_(workload.size)
    {
    }
    void serve(const std::function<void()>& ready) override
    {
        open_session();
        ntpipe::CreateParameters parameters;
        parameters.inbound_quota = parameters.outbound_quota =
            std::max(least_quota, static_cast<std::uint32_t>(least_messages * workload_.size));
        if (workload_.kind == Kind::bytes) {
            parameters.type = NTPIPE_TYPE_BYTE;
            parameters.read_mode = NTPIPE_READ_BYTE;
        }
        auto end = session_->create(pipe_name_, parameters).get();
        check(end.status(), "create");
        end_.emplace(*std::move(end));
        ready();
        const ntpipe::Status status = end_->listen().get();
        if (status != ntpipe::Status::pipe_connected) { // the client was faster
            check(status, "listen");
        }
        serve_messages();
    }
    void connect() override
    {
        open_session();
        auto end = session_->connect(pipe_name_).get();
        check(end.status(), "open");
        end_.emplace(*std::move(end));
        if (workload_.kind != Kind::bytes) {
            check(end_->set_modes(NTPIPE_READ_MESSAGE), "set modes");
        }
    }

protected:
    virtual void serve_messages() = 0;
    virtual void open_session()
    {
        auto session = ntpipe::Session::open();
        check(session.status(), "session");
        session_.emplace(*std::move(session));
    }

    ntpipe::Task<> write(int count)
    {
        for (int i = 0; i < count; ++i) {
            const auto written = co_await end_->write(out_);
            check(written.status, "write");
        }
    }
    ntpipe::Task<> read(int count)
    {
        const std::size_t all = static_cast<std::size_t>(count) * workload_.size;
        for (std::size_t had = 0; had < all;) {
            const auto got = co_await end_->read(in_);
            check(got.status, "read");
            had += got.size;
        }
    }
    ntpipe::Task<> acknowledge()
    {
        const auto written = co_await end_->write(std::span(out_).first(1));
        check(written.status, "write");
    }

    std::string pipe_name_;
    std::vector<std::byte> out_;
    std::vector<std::byte> in_;
    std::optional<ntpipe::Session> session_;
    std::optional<ntpipe::End> end_;

private:
    static inline int next_number = 0;
};

/// One request for each operation, in coroutines, on tevent on both sides.
class Requests : public Pipe {
public:
    using Pipe::Pipe;

    void round(std::vector<double>& latencies) override { session_->run(do_round(latencies)); }

protected:
    void serve_messages() override { session_->run(workload_.kind == Kind::transact ? echo() : sink()); }

private:
    ntpipe::Task<> echo()
    {
        for (;;) {
            const auto got = co_await end_->read(in_);
            check(got.status, "read");
            (void)co_await end_->write(std::span(in_).first(got.size));
        }
    }
    ntpipe::Task<> sink()
    {
        for (;;) {
            if (workload_.kind == Kind::both) {
                co_await read(1);
                ntpipe::Tasks writing;
                writing.add(write(workload_.count));
                co_await read(workload_.count - 1);
                while (writing.running() != 0) {
                    (void)co_await session_->ping();
                }
            } else {
                co_await read(workload_.count);
                co_await acknowledge();
            }
        }
    }
    ntpipe::Task<> do_round(std::vector<double>& latencies)
    {
        if (workload_.kind == Kind::transact) {
            double before = nanoseconds_now();
            for (int i = 0; i < workload_.count; ++i) {
                const auto got = co_await end_->transceive(out_, in_);
                check(got.status, "transceive");
                const double after = nanoseconds_now();
                latencies.push_back(after - before);
                before = after;
            }
        } else if (workload_.kind == Kind::both) {
            ntpipe::Tasks writing;
            writing.add(write(workload_.count));
            co_await read(workload_.count);
        } else {
            co_await write(workload_.count);
            const auto got = co_await end_->read(in_);
            check(got.status, "read");
        }
    }
};

/// The same, looking for a while before they sleep.
class Spinning final : public Requests {
public:
    using Requests::Requests;

protected:
    void open_session() override
    {
        Requests::open_session();
        const WithAllProcessors all; // who has one only does not spin, but the other side has one of its own
        session_->set_spin(spin_time);
    }
};

/// Without a request: by ntpipe_try_read(), ntpipe_try_write() and their callback.
class Tries final : public Pipe {
public:
    using Pipe::Pipe;

    void connect() override
    {
        Pipe::connect();
        watch();
    }
    void round(std::vector<double>& /*latencies*/) override
    {
        to_send_ = workload_.count;
        to_receive_ = workload_.kind == Kind::both ? all() : 1;
        write_some();
        while (to_send_ > 0 || to_receive_ > 0) {
            tevent_loop_once(session_->events());
        }
    }

protected:
    void serve_messages() override
    {
        far_side_ = true;
        watch();
        for (;;) {
            tevent_loop_once(session_->events());
        }
    }

private:
    [[nodiscard]] std::size_t all() const { return static_cast<std::size_t>(workload_.count) * workload_.size; }
    void watch()
    {
        const auto ready = [this](std::uint32_t what) {
            if ((what & NTPIPE_READY_WRITE) != 0) {
                write_some();
            }
            if ((what & NTPIPE_READY_READ) != 0) {
                read_some();
            }
        };
        check(end_->set_ready(ready), "set ready");
    }
    void write_some()
    {
        while (to_send_ > 0) {
            const auto message = std::span<const std::byte>(out_).subspan(sent_);
            const auto written = end_->try_write(message);
            check(written.status, "try write");
            sent_ += written.size;
            if (written.size < message.size()) {
                return;
            }
            sent_ = 0;
            --to_send_;
        }
    }
    void read_some()
    {
        for (;;) {
            const auto got = end_->try_read(in_);
            if (got.status == ntpipe::Status::pipe_empty) {
                return;
            }
            check(got.status, "try read");
            if (far_side_) {
                sink(got.size);
            } else {
                to_receive_ -= std::min(to_receive_, got.size);
            }
        }
    }
    void sink(std::size_t size)
    {
        if (workload_.kind == Kind::both && had_ == 0) {
            to_send_ = workload_.count;
            write_some();
        }
        had_ += size;
        if (had_ >= all()) {
            had_ -= all();
            if (workload_.kind != Kind::both) {
                check(end_->try_write(std::span(out_).first(1)).status, "try write");
            }
        }
    }

    bool far_side_ = false;
    int to_send_ = 0;
    std::size_t sent_ = 0; ///< of a message that went in part, as bytes do
    std::size_t to_receive_ = 0;
    std::size_t had_ = 0;
};

class Blocking final : public Pipe {
public:
    using Pipe::Pipe;

    void round(std::vector<double>& latencies) override
    {
        if (workload_.kind == Kind::transact) {
            time_each(workload_.count, latencies,
                      [this] { check(end_->transceive(out_, in_).get().status, "transceive"); });
            return;
        }
        for (int i = 0; i < workload_.count; ++i) {
            check(end_->write(out_).get().status, "write");
        }
        check(end_->read(in_).get().status, "read");
    }

protected:
    void serve_messages() override
    {
        const std::size_t all = static_cast<std::size_t>(workload_.count) * workload_.size;
        for (std::size_t had = 0;;) {
            const auto got = end_->read(in_).get();
            check(got.status, "read");
            had += got.size;
            if (workload_.kind == Kind::transact) {
                check(end_->write(std::span(in_).first(got.size)).get().status, "write");
            } else if (had >= all) {
                had -= all;
                check(end_->write(std::span(out_).first(1)).get().status, "write");
            }
        }
    }
};

} // namespace

void add_pipes(Contenders& contenders, Workload workload, bool may_spin)
{
    contenders.push_back(std::make_unique<Requests>("ntpipe", workload));
    if (workload.kind == Kind::transact && may_spin) {
        contenders.push_back(std::make_unique<Spinning>("ntpipe, spin", workload));
    }
    if (workload.kind != Kind::transact) {
        contenders.push_back(std::make_unique<Tries>("ntpipe, try", workload));
    }
    if (workload.kind != Kind::both) {
        contenders.push_back(std::make_unique<Blocking>("ntpipe, blocking", workload));
    }
}

} // namespace bench

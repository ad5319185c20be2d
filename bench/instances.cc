// SPDX-License-Identifier: LGPL-2.1-or-later
// instances.cc: what connections cost: opening and closing, memory and latency beside many idle ones, many clients of one server.
//
// usage: instances [--rounds N] [--part PERCENT] [--seed N] [--only WORDS] [--most N] [--broker PID]      needs a broker in NTPIPE_DIR
// Prints a line of JSON for each workload, with every round, in nanoseconds. With the broker's process id also how much memory a
// connected instance takes: of both processes and the broker, what they have touched (Pss) and its page tables.
#include "harness.hpp"

#include <ntpipe.hpp>

#include <fcntl.h>
#include <popt.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <fstream>
#include <optional>
#include <sstream>
#include <string_view>

namespace bench {
namespace {

constexpr std::size_t message_size = 64;
constexpr int clients = 16;
constexpr int opening_instances = 8;
constexpr std::uint32_t quota = 4096;

std::string path_of(const char* name)
{
    const char* directory = std::getenv("NTPIPE_DIR");
    if (directory == nullptr) {
        fail("NTPIPE_DIR is not set");
    }
    return std::string(directory) + "/" + name;
}

void check(ntpipe::Status status, const char* what)
{
    if (ntpipe::is_error(status)) {
        fail(std::string(what) + ": " + ntpipe::text_of(status));
    }
}

ntpipe::Session open_session()
{
    auto session = ntpipe::Session::open();
    check(session.status(), "session");
    return *std::move(session);
}

// ---- servers ----

/// Serves `count` instances of a pipe as an echo, again and again.
class PipeServer {
public:
    PipeServer(const std::string& name, int count) : session_(open_session())
    {
        for (int i = 0; i < count; ++i) {
            ntpipe::CreateParameters parameters;
            parameters.inbound_quota = parameters.outbound_quota = quota;
            auto end = session_.create(name, parameters).get();
            check(end.status(), "create");
            ends_.push_back(*std::move(end));
            tasks_.push_back(serve(ends_.back()));
            tasks_.back().start();
        }
    }
    [[noreturn]] void run()
    {
        for (;;) {
            tevent_loop_once(session_.events());
        }
    }

private:
    static ntpipe::Task<> serve(ntpipe::End& end)
    {
        std::vector<std::byte> buffer(message_size);
        for (;;) {
            (void)co_await end.listen();
            while (const auto got = co_await end.read(buffer)) {
                (void)co_await end.write(std::span(buffer).first(got.size));
            }
            (void)end.disconnect();
        }
    }

    ntpipe::Session session_;
    std::deque<ntpipe::End> ends_;
    std::deque<ntpipe::Task<>> tasks_;
};

/// The same on a listening socket.
class SocketServer {
public:
    explicit SocketServer(const std::string& path) : events_(tevent_context_init(nullptr))
    {
        const sockaddr_un address = address_of(path);
        listener_ = ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
            ::listen(listener_, SOMAXCONN) != 0) {
            fail(path + ": " + std::strerror(errno));
        }
        tevent_add_fd(
            events_, events_, listener_, TEVENT_FD_READ,
            [](tevent_context* events, tevent_fd*, std::uint16_t, void* data) {
                const int socket =
                    ::accept4(static_cast<SocketServer*>(data)->listener_, nullptr, nullptr, SOCK_CLOEXEC);
                if (socket >= 0) {
                    auto* client = new Client;
                    client->socket = socket;
                    client->event = tevent_add_fd(events, events, socket, TEVENT_FD_READ, &Client::ready, client);
                }
            },
            this);
    }
    [[noreturn]] void run()
    {
        for (;;) {
            tevent_loop_once(events_);
        }
    }
    static sockaddr_un address_of(const std::string& path)
    {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        if (path.size() >= sizeof(address.sun_path)) {
            fail(path + " is too long");
        }
        std::strcpy(address.sun_path, path.c_str());
        return address;
    }
    [[nodiscard]] static int connect(const sockaddr_un& address)
    {
        const int socket = ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
        if (::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
            fail(std::string("connect: ") + std::strerror(errno));
        }
        return socket;
    }

private:
    struct Client {
        int socket = -1;
        tevent_fd* event = nullptr;

        static void ready(tevent_context* /*events*/, tevent_fd* /*event*/, std::uint16_t /*flags*/, void* data)
        {
            auto* self = static_cast<Client*>(data);
            char buffer[message_size];
            const ssize_t count = ::recv(self->socket, buffer, sizeof(buffer), MSG_DONTWAIT);
            if (count > 0) {
                (void)!::send(self->socket, buffer, static_cast<std::size_t>(count), MSG_NOSIGNAL);
            } else if (count == 0) {
                talloc_free(self->event);
                ::close(self->socket);
                delete self;
            }
        }
    };

    tevent_context* events_;
    int listener_ = -1;
};

// ---- clients ----

class PipeClient {
public:
    explicit PipeClient(std::string name) : name_(std::move(name)), session_(open_session()) {}
    void open()
    {
        auto end = session_.connect(name_).get();
        while (end.status() == ntpipe::Status::pipe_not_available) { // all instances are still on their way back
            (void)session_.wait(name_, std::chrono::milliseconds(10'000)).get();
            end = session_.connect(name_).get();
        }
        check(end.status(), "open");
        ends_.push_back(*std::move(end));
        check(ends_.back().set_modes(NTPIPE_READ_MESSAGE), "set modes");
    }
    void close() { ends_.pop_back(); }
    void call() { session_.run(transceive(ends_.back())); }

private:
    ntpipe::Task<> transceive(ntpipe::End& end)
    {
        const auto got = co_await end.transceive(data_, data_);
        check(got.status, "transceive");
    }

    std::string name_;
    ntpipe::Session session_;
    std::deque<ntpipe::End> ends_;
    std::vector<std::byte> data_ = std::vector<std::byte>(message_size);
};

class SocketClient {
public:
    explicit SocketClient(const std::string& path)
        : address_(SocketServer::address_of(path)), events_(tevent_context_init(nullptr))
    {
    }
    void open()
    {
        sockets_.push_back(SocketServer::connect(address_));
        called_ = sockets_.back();
        event_ = tevent_add_fd(
            events_, events_, called_, TEVENT_FD_READ,
            [](tevent_context*, tevent_fd*, std::uint16_t, void* data) {
                auto* self = static_cast<SocketClient*>(data);
                char buffer[message_size];
                self->answered_ = ::recv(self->called_, buffer, sizeof(buffer), 0) > 0;
            },
            this);
    }
    void close()
    {
        talloc_free(event_);
        ::close(sockets_.back());
        sockets_.pop_back();
    }
    void call()
    {
        const char data[message_size] = {};
        answered_ = false;
        (void)!::send(called_, data, sizeof(data), MSG_NOSIGNAL);
        while (!answered_) {
            tevent_loop_once(events_);
        }
    }

private:
    sockaddr_un address_;
    tevent_context* events_;
    tevent_fd* event_ = nullptr;
    std::vector<int> sockets_;
    int called_ = -1;
    bool answered_ = false;
};

// ---- what is measured ----

/// In a process of its own, for ever.
template <typename Server>
[[noreturn]] void serve_with(const std::string& place, [[maybe_unused]] int instances,
                             const std::function<void()>& ready)
{
    if constexpr (std::is_same_v<Server, PipeServer>) {
        PipeServer server(place, instances);
        ready();
        server.run();
    } else {
        SocketServer server(place);
        ready();
        server.run();
    }
}

template <typename Server, typename Client>
class Opening final : public Contender {
public:
    Opening(const std::string& name, Workload workload, std::string place)
        : Contender(name, workload), place_(std::move(place))
    {
    }
    void serve(const std::function<void()>& ready) override { serve_with<Server>(place_, opening_instances, ready); }
    void connect() override { client_.emplace(place_); }
    void round(std::vector<double>& latencies) override
    {
        time_each(workload_.count, latencies, [this] {
            client_->open();
            client_->close();
        });
    }

private:
    std::string place_;
    std::optional<Client> client_;
};

/// A process that does as it is told, a byte at a time, and answers each with a number.
class Worker {
public:
    Worker(int processor, const std::function<std::function<double(char)>()>& begin)
        : child_(processor, [&] {
              const std::function<double(char)> work = begin();
              for (;;) {
                  const double result = work(order_.take());
                  (void)!::write(results_[1], &result, sizeof(result));
              }
          })
    {
    }
    void order(char what) const { order_.give(what); }
    [[nodiscard]] double await() const
    {
        double result = 0;
        if (::read(results_[0], &result, sizeof(result)) != sizeof(result)) {
            fail("a worker has gone");
        }
        return result;
    }
    [[nodiscard]] pid_t id() const { return child_.id(); }

private:
    struct Pipe {
        Pipe()
        {
            if (::pipe2(ends, O_CLOEXEC) != 0) {
                fail("pipe2");
            }
        }
        ~Pipe()
        {
            ::close(ends[0]);
            ::close(ends[1]);
        }
        Pipe(const Pipe&) = delete;
        Pipe& operator=(const Pipe&) = delete;
        int operator[](int which) const { return ends[which]; }
        void give(char what) const { (void)!::write(ends[1], &what, 1); }
        [[nodiscard]] char take() const
        {
            char what = 0;
            if (::read(ends[0], &what, 1) != 1) {
                std::_Exit(0);
            }
            return what;
        }
        int ends[2]{};
    };

    Pipe order_;
    Pipe results_;
    Child child_; // last: it uses the others
};

/// Bytes that a process has touched, shared ones by its share, and its page tables.
double memory_of(pid_t process)
{
    const std::string directory = "/proc/" + std::to_string(process);
    double bytes = 0;
    for (const auto& [file, field] : {std::pair{"/smaps_rollup", "Pss:"}, std::pair{"/status", "VmPTE:"}}) {
        std::ifstream stream(directory + file);
        for (std::string line; std::getline(stream, line);) {
            std::istringstream words(line);
            std::string name;
            double kibibytes = 0;
            if (words >> name >> kibibytes && name == field) {
                bytes += kibibytes * 1024;
            }
        }
    }
    return bytes;
}

/// Many connections of which one is used: a server process and a client process of their own.
template <typename Server, typename Client>
class Idle final : public Contender {
public:
    Idle(const std::string& name, Workload workload, std::string place, int instances, int far_processor, pid_t broker)
        : Contender(name, workload),
          place_(std::move(place)),
          instances_(instances),
          far_processor_(far_processor),
          broker_(broker)
    {
    }
    [[nodiscard]] bool has_far_side() const override { return false; } // it makes two itself
    void serve(const std::function<void()>& /*ready*/) override {}
    void connect() override
    {
        server_ = std::make_unique<Worker>(far_processor_, [this] {
            return [this](char) -> double { serve_with<Server>(place_, instances_, [this] { ready_.give(); }); };
        });
        server_->order('s');
        ready_.await();
        client_ = std::make_unique<Worker>(0, [this]() -> std::function<double(char)> {
            auto client = std::make_shared<Client>(place_);
            return [this, client](char order) {
                if (order == 'o') {
                    client->open();
                    client->call();
                    return 0.0;
                }
                const double begin = nanoseconds_now();
                for (int i = 0; i < workload_.count; ++i) {
                    client->call();
                }
                return nanoseconds_now() - begin;
            };
        });
        open(); // one, so that what only the first one costs is no part of the difference
        const double before = memory();
        for (int i = 1; i < instances_; ++i) {
            open();
        }
        bytes_per_instance = instances_ > 1 ? (memory() - before) / (instances_ - 1) : 0;
    }
    void round(std::vector<double>& /*latencies*/) override
    {
        client_->order('c');
        (void)client_->await();
    }

    double bytes_per_instance = 0;

private:
    void open() const
    {
        client_->order('o');
        (void)client_->await();
    }
    [[nodiscard]] double memory() const
    {
        return memory_of(server_->id()) + memory_of(client_->id()) + (broker_ > 0 ? memory_of(broker_) : 0);
    }

    std::string place_;
    int instances_;
    int far_processor_;
    pid_t broker_;
    Signal ready_;
    std::unique_ptr<Worker> server_;
    std::unique_ptr<Worker> client_;
};

/// Client processes that all call one server process.
template <typename Server, typename Client>
class Crowd final : public Contender {
public:
    Crowd(const std::string& name, Workload workload, std::string place)
        : Contender(name, workload), place_(std::move(place))
    {
    }
    void serve(const std::function<void()>& ready) override { serve_with<Server>(place_, clients, ready); }
    void connect() override
    {
        for (int i = 0; i < clients; ++i) {
            clients_.push_back(std::make_unique<Worker>(0, [this]() -> std::function<double(char)> {
                auto client = std::make_shared<Client>(place_);
                client->open();
                return [this, client](char) {
                    for (int n = 0; n < workload_.count / clients; ++n) {
                        client->call();
                    }
                    return 0.0;
                };
            }));
        }
    }
    void round(std::vector<double>& /*latencies*/) override
    {
        for (const auto& client : clients_) {
            client->order('c');
        }
        for (const auto& client : clients_) {
            (void)client->await();
        }
    }

private:
    std::string place_;
    std::vector<std::unique_ptr<Worker>> clients_;
};

struct Options : CommonOptions {
    const char* only = "";
    int most = 10000; ///< idle instances
    int broker = 0;
    [[nodiscard]] bool wants(std::string_view workload) const { return workload.starts_with(only); }
};

Options parse(int argc, const char** argv)
{
    Options options;
    const poptOption table[] = {
        {"only", 0, POPT_ARG_STRING, static_cast<void*>(&options.only), 0, "workloads whose name begins so", "WORDS"},
        {"most", 0, POPT_ARG_INT, &options.most, 0, "idle instances", "N"},
        {"broker", 0, POPT_ARG_INT, &options.broker, 0, "its process id, for its memory", "PID"},
        POPT_TABLEEND};
    options.parse("instances", argc, argv, table);
    return options;
}

Workload scaled(Workload workload, const Options& options)
{
    workload.count = std::max(workload.count * options.part / 100, clients);
    return workload;
}

void compare_idle(const Options& options, const Plan& plan)
{
    const Workload workload = scaled({Kind::stream, message_size, 500}, options);
    Contenders contenders;
    std::vector<std::pair<int, const Idle<PipeServer, PipeClient>*>> pipes;
    for (const int instances : {1, 10, 100, 1000, 10000}) {
        if (instances > options.most) {
            break;
        }
        const std::string suffix = std::to_string(instances);
        auto pipe = std::make_unique<Idle<PipeServer, PipeClient>>(
            "ntpipe, " + suffix, workload, "bench-idle-" + suffix, instances, plan.far_processor, options.broker);
        pipes.emplace_back(instances, pipe.get());
        contenders.push_back(std::move(pipe));
        contenders.push_back(std::make_unique<Idle<SocketServer, SocketClient>>(
            "SEQPACKET, " + suffix, workload, path_of(("idle-" + suffix).c_str()), instances, plan.far_processor, 0));
    }
    compare(contenders, plan, [&](const std::vector<Result>& results) { // while they are all there
        print("one active, others idle", plan, workload, results);
        for (const auto& [instances, pipe] : pipes) {
            if (instances > 1) {
                std::printf(R"({"memory": %d, "bytes_per_instance": %.0f})"
                            "\n",
                            instances, pipe->bytes_per_instance);
            }
        }
    });
}

/// On one processor all three processes of an opening are, as both are of a socket's; else the broker is where it likes.
class WithBrokerPinned {
public:
    WithBrokerPinned(int broker, const Plan& plan) : broker_(plan.far_processor == plan.near_processor ? broker : 0)
    {
        if (broker_ != 0 && ::sched_getaffinity(broker_, sizeof(before_), &before_) == 0) {
            cpu_set_t one;
            CPU_ZERO(&one);
            CPU_SET(plan.near_processor, &one);
            (void)::sched_setaffinity(broker_, sizeof(one), &one);
        }
    }
    WithBrokerPinned(const WithBrokerPinned&) = delete;
    WithBrokerPinned& operator=(const WithBrokerPinned&) = delete;
    ~WithBrokerPinned()
    {
        if (broker_ != 0) {
            (void)::sched_setaffinity(broker_, sizeof(before_), &before_);
        }
    }

private:
    int broker_;
    cpu_set_t before_{};
};

template <typename Pipe, typename Socket>
void compare_with_socket(const char* name, const Plan& plan, const Workload& workload, const std::string& place,
                         Contenders contenders = {})
{
    contenders.push_back(std::make_unique<Pipe>("ntpipe", workload, "bench-" + place));
    contenders.push_back(std::make_unique<Socket>("SEQPACKET, tevent", workload, path_of(place.c_str())));
    compare(contenders, plan, [&](const auto& results) { print(name, plan, workload, results); });
}

void run(const Options& options)
{
    rlimit files{};
    (void)::getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    (void)::setrlimit(RLIMIT_NOFILE, &files);
    Plan plan;
    plan.rounds = options.rounds;
    plan.seed = static_cast<unsigned>(options.seed);
    const int processors = std::min(2, static_cast<int>(::sysconf(_SC_NPROCESSORS_ONLN)));
    const Workload opening = scaled({Kind::transact, message_size, 500}, options);
    const Workload crowd = scaled({Kind::stream, message_size, 3200}, options);
    for (plan.far_processor = 0; plan.far_processor < processors; ++plan.far_processor) {
        const std::string suffix = std::to_string(plan.far_processor);
        if (options.wants("open and close")) {
            const WithBrokerPinned pinned(options.broker, plan);
            Contenders floor;
            floor.push_back(make_opening_floor(opening));
            floor.push_back(make_turns_alone(opening));
            compare_with_socket<Opening<PipeServer, PipeClient>, Opening<SocketServer, SocketClient>>(
                "open and close", plan, opening, "open-" + suffix, std::move(floor));
        }
        if (options.wants("16 clients, one server")) {
            compare_with_socket<Crowd<PipeServer, PipeClient>, Crowd<SocketServer, SocketClient>>(
                "16 clients, one server", plan, crowd, "crowd-" + suffix);
        }
    }
    plan.far_processor = 0;
    if (options.wants("one active, others idle")) {
        compare_idle(options, plan);
    }
}

} // namespace
} // namespace bench

int main(int argc, const char** argv)
{
    bench::run(bench::parse(argc, argv));
    return 0;
}

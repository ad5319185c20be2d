// SPDX-License-Identifier: LGPL-2.1-or-later
// process_system.cc: a private broker and two processes, driven in turns until nothing is left to happen anywhere.
#include "process_system.hpp"

#include "wire.hpp"

#include <spawn.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <stdexcept>

namespace ntpipe::model {
namespace {

// What a chain of events of a batch never comes near: more rounds mean that two processes wake each other for ever.
constexpr int most_rounds = 20000;
constexpr int quiet_rounds = 2;

bool accepts(const std::string& path)
{
    const int socket = ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof(address.sun_path) - 1);
    const bool good = ::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
    ::close(socket);
    return good;
}

} // namespace

/// A private ntpiped in a directory of its own.
class ProcessSystem::Broker {
public:
    explicit Broker(const std::string& build)
    {
        std::string place = "/tmp/ntpipe-model.XXXXXX";
        if (::mkdtemp(place.data()) == nullptr) {
            throw std::runtime_error("no directory for the broker");
        }
        directory_ = place;
        std::string program = build + "/broker/ntpiped";
        std::string option = "--directory";
        std::array<char*, 4> arguments = {program.data(), option.data(), place.data(), nullptr};
        if (::posix_spawn(&pid_, program.c_str(), nullptr, nullptr, arguments.data(), environ) != 0) {
            throw std::runtime_error("cannot start " + program);
        }
        while (!accepts(directory_ + "/broker.sock")) {
            if (::waitpid(pid_, nullptr, WNOHANG) != 0) {
                throw std::runtime_error("the broker has left");
            }
            ::usleep(1000);
        }
    }
    Broker(const Broker&) = delete;
    Broker& operator=(const Broker&) = delete;
    ~Broker()
    {
        (void)::kill(pid_, SIGTERM);
        (void)::waitpid(pid_, nullptr, 0);
        std::error_code ignored;
        std::filesystem::remove_all(directory_, ignored);
    }
    [[nodiscard]] const std::string& directory() const { return directory_; }

private:
    std::string directory_;
    pid_t pid_ = -1;
};

ProcessSystem::ProcessSystem()
    : build_(std::filesystem::read_symlink("/proc/self/exe").parent_path().parent_path().parent_path())
{
    start_all();
}

ProcessSystem::~ProcessSystem() = default;

void ProcessSystem::start_all()
{
    actors_[server].reset();
    actors_[client].reset();
    broker_.reset();
    broker_ = std::make_unique<Broker>(build_);
    for (auto& actor : actors_) {
        actor = std::make_unique<ActorProcess>(build_ + "/tests/model/ntpipe-model-actor", broker_->directory());
    }
}

void ProcessSystem::begin(std::size_t worlds)
{
    if (actors_[server] == nullptr) {
        start_all(); // one of them had gone
    }
    worlds_ = worlds;
    ++batch_;
    ends_.clear();
    operations_.clear();
}

ProcessSystem::Side ProcessSystem::side_of(const Task& task)
{
    const Operation& operation = *task.operation;
    const Key end(task.world, operation.end);
    if (operation.kind == Kind::create) {
        return ends_[end] = server;
    }
    if (operation.kind == Kind::open) {
        return ends_[end] = client;
    }
    if (operation.kind == Kind::wait) {
        return client;
    }
    if (operation.kind == Kind::cancel || operation.kind == Kind::abandon) {
        return operations_.at({task.world, operation.target});
    }
    return ends_.at(end);
}

std::size_t ProcessSystem::turn(std::vector<Effects>& effects, const std::vector<ActorProcess::Order> (&orders)[2],
                                bool close_all)
{
    std::size_t served = 0;
    for (const Side side : {server, client}) {
        actors_[side]->begin_turn(orders[side], close_all);
        served += actors_[side]->end_turn(effects);
    }
    return served;
}

// tests/conformance/settle.py says why two quiet rounds in a row are enough.
void ProcessSystem::settle(std::vector<Effects>& effects)
{
    int quiet = 0;
    for (int round = 0; quiet < quiet_rounds; ++round) {
        if (round == most_rounds) {
            throw std::runtime_error("two processes wake each other for ever");
        }
        quiet = turn(effects, {}, false) == 0 ? quiet + 1 : 0;
    }
}

std::vector<Effects> ProcessSystem::carry_out(const std::vector<Task>& tasks)
{
    std::vector<ActorProcess::Order> orders[2];
    for (const Task& task : tasks) {
        const Side side = side_of(task);
        operations_[{task.world, task.operation->id}] = side;
        const std::string names = std::to_string(batch_) + "-" + std::to_string(task.world) + "-";
        orders[side].push_back({task.world, names, task.operation});
    }
    std::vector<Effects> effects(worlds_);
    try {
        (void)turn(effects, orders, false);
        settle(effects);
    } catch (const std::exception&) {
        actors_[server].reset();
        actors_[client].reset();
        throw;
    }
    return effects;
}

void ProcessSystem::finish()
{
    if (actors_[server] == nullptr) {
        return;
    }
    std::vector<Effects> effects(worlds_);
    (void)turn(effects, {}, true);
    settle(effects);
}

} // namespace ntpipe::model

// SPDX-License-Identifier: LGPL-2.1-or-later
// actor_process.cc: a process of its own that carries out operations.
#include "actor_process.hpp"

#include "actor.hpp"
#include "settled.hpp"
#include "wire.hpp"

#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <stdexcept>

namespace ntpipe::model {
namespace {

void ping(tevent_context* events, ntpipe_session* session)
{
    bool over = false;
    tevent_req* request = ntpipe_ping_send(nullptr, events, session);
    tevent_req_set_callback(
        request, [](tevent_req* req) { *static_cast<bool*>(tevent_req_callback_data_void(req)) = true; }, &over);
    while (!over) {
        (void)tevent_loop_once(events);
    }
    if (ntpipe_ping_recv(request) != NTPIPE_STATUS_SUCCESS) {
        std::abort(); // the broker is gone
    }
    talloc_free(request);
}

void take_orders(wire::Packet& packet, Actor& actor)
{
    if (packet.number() == 1) {
        actor.drop_all();
    }
    for (auto left = packet.number(); left > 0; --left) {
        const auto world = packet.get<std::size_t>();
        const Bytes names = packet.bytes();
        actor.start(world, packet.operation(), std::string(names.begin(), names.end()));
    }
}

wire::Packet answer(std::size_t served, Actor& actor)
{
    wire::Packet packet;
    packet.put(served);
    const auto done = actor.done();
    packet.put(done.size());
    for (const auto& [world, completion] : done) {
        packet.put(world);
        packet.put(completion);
    }
    return packet;
}

} // namespace

int be_actor(int socket, const char* directory)
{
    Settled running;
    ntpipe_session_params params = NTPIPE_SESSION_PARAMS_INIT;
    params.directory = directory;
    params.never_start_broker = true;
    ntpipe_session* session = nullptr;
    if (ntpipe_session_open(nullptr, running.events(), &params, &session) != NTPIPE_STATUS_SUCCESS) {
        return EXIT_FAILURE;
    }
    Actor actor(running.events(), session);
    try {
        for (;;) {
            wire::Packet packet = wire::receive(socket);
            take_orders(packet, actor);
            std::size_t served = running.run_until_idle();
            ping(running.events(), session);
            served += running.run_until_idle();
            wire::send(socket, answer(served, actor));
        }
    } catch (const wire::Gone&) {
        actor.drop_all();
    }
    talloc_free(session);
    return EXIT_SUCCESS;
}

ActorProcess::ActorProcess(const std::string& program, const std::string& directory)
{
    std::array<int, 2> sockets{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets.data()) != 0) {
        throw std::runtime_error("no socket pair");
    }
    socket_ = sockets[0];
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, sockets[1], STDIN_FILENO);
    std::string name = program;
    std::string place = directory;
    std::array<char*, 3> arguments = {name.data(), place.data(), nullptr};
    const int error = ::posix_spawn(&pid_, program.c_str(), &actions, nullptr, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    ::close(sockets[1]);
    if (error != 0) {
        ::close(socket_);
        throw std::runtime_error("cannot start " + program);
    }
}

ActorProcess::~ActorProcess()
{
    ::close(socket_); // it leaves
    int status = 0;
    (void)::waitpid(pid_, &status, 0);
}

void ActorProcess::begin_turn(const std::vector<Order>& orders, bool close_all)
{
    wire::Packet packet;
    packet.put(close_all ? 1 : 0);
    packet.put(orders.size());
    for (const Order& order : orders) {
        packet.put(order.world);
        packet.put(Bytes(order.names.begin(), order.names.end()));
        packet.put(*order.operation);
    }
    wire::send(socket_, packet);
}

std::size_t ActorProcess::end_turn(std::vector<Effects>& effects)
{
    wire::Packet packet = wire::receive(socket_);
    const auto served = packet.get<std::size_t>();
    for (auto left = packet.number(); left > 0; --left) {
        const auto world = packet.get<std::size_t>();
        effects.at(world).push_back(packet.completion());
    }
    return served;
}

} // namespace ntpipe::model

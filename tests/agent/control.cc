// SPDX-License-Identifier: LGPL-2.1-or-later
// control.cc: what concerns the agent itself: its requests, its loop, names and security descriptors; and how it misbehaves.
#include "agent.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>

namespace ntpipe::agent {
namespace {

// ---- requests and the loop ----

void cancel(const Call& call)
{
    tevent_req* request = call.agent().running(call.get<Id>("request"));
    if (request == nullptr) {
        call.answer(NTPIPE_STATUS_NOT_FOUND, {{"cancelled", false}});
        return;
    }
    const bool cancelled = tevent_req_cancel(request);
    call.answer(NTPIPE_STATUS_SUCCESS, {{"cancelled", cancelled}});
}

void abandon(const Call& call)
{
    const Id id = call.get<Id>("request");
    const bool running = call.agent().running(id) != nullptr;
    call.agent().abandon(id);
    call.answer(running ? NTPIPE_STATUS_SUCCESS : NTPIPE_STATUS_NOT_FOUND);
}

void pid(const Call& call)
{
    call.answer(NTPIPE_STATUS_SUCCESS, {{"pid", ::getpid()}, {"uid", ::getuid()}});
}

void settle(const Call& call)
{
    const std::size_t progress = call.agent().settle();
    call.answer(NTPIPE_STATUS_SUCCESS, {{"progress", progress}});
}

void free_all(const Call& call)
{
    call.agent().free_all();
    call.answer(NTPIPE_STATUS_SUCCESS);
}

void exit_agent(const Call& call)
{
    call.agent().stop(call.get<int>("code", 0));
    call.answer(NTPIPE_STATUS_SUCCESS);
}

// ---- names and descriptors ----

void name_matches(const Call& call)
{
    const auto pattern = call.get<std::string>("pattern");
    const auto name = call.get<std::string>("name");
    call.answer(NTPIPE_STATUS_SUCCESS, {{"matches", ntpipe_name_matches(pattern.c_str(), name.c_str())}});
}

void sddl_to_descriptor(const Call& call)
{
    std::uint8_t* bytes = nullptr;
    std::size_t length = 0;
    std::size_t error_at = 0;
    const ntpipe_status status =
        ntpipe_sddl_to_descriptor(nullptr, call.get<std::string>("sddl").c_str(), &bytes, &length, &error_at);
    const Owned<std::uint8_t> owned(bytes);
    call.answer(status, {{"data", to_hex({bytes, bytes == nullptr ? 0 : length})}, {"error_at", error_at}});
}

void descriptor_to_sddl(const Call& call)
{
    const Bytes data = call.bytes("data");
    char* sddl = nullptr;
    const ntpipe_status status = ntpipe_descriptor_to_sddl(nullptr, data.data(), data.size(), &sddl);
    const Owned<char> owned(sddl);
    call.answer(status, {{"sddl", sddl == nullptr ? "" : sddl}});
}

constexpr std::array<Operation, 9> operations = {{
    {"cancel", cancel},
    {"abandon", abandon},
    {"pid", pid},
    {"settle", settle},
    {"free_all", free_all},
    {"exit", exit_agent},
    {"name_matches", name_matches},
    {"sddl_to_descriptor", sddl_to_descriptor},
    {"descriptor_to_sddl", descriptor_to_sddl},
}};

// ---- misbehaviour ----

void die(const Call& call)
{
    (void)::raise(call.get<int>("signal", SIGKILL));
}

void deaf(const Call& call)
{
    call.agent().be_deaf(call.get<bool>("on"));
    call.answer(NTPIPE_STATUS_SUCCESS);
}

// Runs in the child: what it answers goes where the parent reads it.
[[noreturn]] void be_child(Agent& agent, const Json& requests, int output)
{
    ::dup2(output, STDOUT_FILENO);
    ::close(output);
    for (const Json& request : requests) {
        agent.handle_line(request.dump());
        agent.run_until_idle();
    }
    ::_exit(0); // destructors are the parent's
}

std::string read_all(int fd)
{
    std::string text;
    std::array<char, 4096> buffer{};
    for (;;) {
        const ssize_t count = ::read(fd, buffer.data(), buffer.size());
        if (count > 0) {
            text.append(buffer.data(), static_cast<std::size_t>(count));
        } else if (count == 0 || errno != EINTR) {
            return text;
        }
    }
}

Json lines_of(const std::string& text)
{
    Json lines = Json::array();
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = text.find('\n', at);
        lines.push_back(Json::parse(text.substr(at, end - at)));
        at = end == std::string::npos ? text.size() : end + 1;
    }
    return lines;
}

void fork_and_run(const Call& call)
{
    std::array<int, 2> pipe{};
    if (::pipe(pipe.data()) != 0) {
        throw BadRequest("no pipe");
    }
    const pid_t child = ::fork();
    if (child == 0) {
        ::close(pipe[0]);
        be_child(call.agent(), call.fields().at("requests"), pipe[1]);
    }
    ::close(pipe[1]);
    const std::string answers = read_all(pipe[0]);
    ::close(pipe[0]);
    int status = 0;
    (void)::waitpid(child, &status, 0);
    call.answer(NTPIPE_STATUS_SUCCESS, {{"answers", lines_of(answers)}, {"wait_status", status}});
}

void fork_child(const Call& call)
{
    if (!call.get<bool>("keep", false)) {
        fork_and_run(call);
        return;
    }
    const pid_t child = ::fork();
    if (child == 0) {
        for (;;) {
            ::pause();
        }
    }
    call.answer(NTPIPE_STATUS_SUCCESS, {{"child", child}});
}

constexpr std::array<Operation, 3> bad_operations = {{
    {"die", die},
    {"deaf", deaf},
    {"fork", fork_child},
}};

} // namespace

std::span<const Operation> query_operations()
{
    return operations;
}

std::span<const Operation> misbehaviour()
{
    return bad_operations;
}

} // namespace ntpipe::agent

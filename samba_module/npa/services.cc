// SPDX-License-Identifier: GPL-3.0-or-later
// services.cc: what Samba's RPC programs say when they are asked for their interfaces. A line for each way to reach one is
// ` ncacn_np:[\pipe\srvsvc]` for a pipe.
#include "services.hpp"

#include <cstring>
#include <filesystem>
#include <sstream>
#include <utility>

namespace ntpipe::samba::npa {
namespace {

/// A program needs half a second, and more when the machine is busy.
constexpr std::chrono::seconds time_to_list(60);

std::vector<std::string> service_programs()
{
    std::vector<std::string> programs;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(program_directory(), error)) {
        if (entry.path().filename().string().starts_with("rpcd_")) {
            programs.push_back(entry.path().string());
        }
    }
    return programs;
}

} // namespace

std::set<std::string> pipes_in(std::string_view interfaces)
{
    constexpr std::string_view before = "ncacn_np:[\\pipe\\";
    std::set<std::string> pipes;
    std::istringstream lines{std::string(interfaces)};
    for (std::string line; std::getline(lines, line);) {
        const std::size_t begin = line.find(before);
        const std::size_t end = line.find(']');
        if (begin != std::string::npos && end != std::string::npos && end > begin + before.size()) {
            pipes.insert(lower_case(line.substr(begin + before.size(), end - begin - before.size())));
        }
    }
    return pipes;
}

Task<std::set<std::string>> find_services(tevent_context* events, const SocketDirectory& sockets)
{
    std::set<std::string> services = sockets.others();
    const std::vector<std::string> programs = service_programs();
    if (programs.empty()) {
        log("there are no programs of RPC services in " + program_directory());
    }
    std::vector<std::string> outputs(programs.size());
    std::vector<Awaited<ReceiveOutput>> answers;
    for (std::size_t i = 0; i < programs.size(); ++i) {
        answers.push_back(list_interfaces(events, programs[i], outputs[i]));
        answers.back().set_end(time_to_list);
    }
    for (std::size_t i = 0; i < programs.size(); ++i) {
        const int error = co_await std::move(answers[i]);
        const std::set<std::string> pipes = pipes_in(outputs[i]);
        if (error != 0 || outputs[i].empty()) {
            log(programs[i] + " does not say which pipes it serves: " + std::strerror(error == 0 ? EIO : error));
        }
        services.insert(pipes.begin(), pipes.end());
    }
    co_return services;
}

} // namespace ntpipe::samba::npa

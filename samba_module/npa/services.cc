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

std::vector<std::string> service_programs()
{
    std::vector<std::string> programs;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(program_directory(), error)) {
        if (entry.path().filename().string().starts_with("rpcd_")) {
            programs.push_back(entry.path().string());
        }
    }
    if (programs.empty()) {
        log("there are no programs of RPC services in " + program_directory());
    }
    return programs;
}

Task<std::optional<std::set<std::string>>> pipes_of(tevent_context* events, std::string program, std::string& complaint)
{
    std::string output;
    auto answer = list_interfaces(events, program, output);
    answer.set_end(time_to_list);
    const int error = co_await answer;
    if (error != 0 || output.empty()) {
        complaint = program + " does not say which pipes it serves: " + std::strerror(error == 0 ? EIO : error);
        co_return std::nullopt;
    }
    co_return pipes_in(output);
}

} // namespace ntpipe::samba::npa

// SPDX-License-Identifier: LGPL-2.1-or-later
// ls.cc: ntpipe ls: the pipes that this user sees.
#include "data.hpp"
#include "failure.hpp"
#include "pipe_name.hpp"
#include "running.hpp"
#include "subcommand.hpp"

#include <iomanip>
#include <iostream>

namespace ntpipe::tools {
namespace {

constexpr Usage usage{"ls", "[PATTERN]",
                      R"(Lists the pipes that you see, or those whose name matches PATTERN, which may contain * and ?.
INSTANCES are those there are, and the maximum; then how many of them are listening for a client, connected,
closing (the client has gone, the server has not yet disconnected it) and disconnected. PID is the server of the oldest.
ORIGIN is the gateway that the pipe comes from; - is none. A gateway may offer names of which there is no pipe yet.
With --json: an array of objects; maximum_instances is null if there is none.)"};

void print_table(const std::vector<Listing>& pipes)
{
    std::vector<std::vector<std::string>> lines{{"NAME", "TYPE", "DIRECTION", "INSTANCES", "LISTENING", "CONNECTED",
                                                 "CLOSING", "DISCONNECTED", "OWNER", "PID", "ORIGIN"}};
    for (const Listing& pipe : pipes) {
        lines.push_back({printable(pipe.name), pipe.offered ? "-" : type_name(pipe.type),
                         pipe.offered ? "-" : direction_name(pipe.configuration),
                         pipe.offered
                             ? "offered"
                             : std::to_string(instances_of(pipe)) + "/" + instances_text(pipe.maximum_instances),
                         std::to_string(pipe.listening), std::to_string(pipe.connected), std::to_string(pipe.closing),
                         std::to_string(pipe.disconnected), user_name(pipe.owner) + (pipe.global ? "" : " (own scope)"),
                         std::to_string(pipe.process_id), pipe.origin.empty() ? "-" : pipe.origin});
    }
    std::vector<std::size_t> widths(lines.front().size());
    for (const auto& line : lines) {
        for (std::size_t i = 0; i < line.size(); ++i) {
            widths[i] = std::max(widths[i], line[i].size());
        }
    }
    for (const auto& line : lines) {
        for (std::size_t i = 0; i + 1 < line.size(); ++i) {
            std::cout << std::left << std::setw(static_cast<int>(widths[i]) + 2) << line[i];
        }
        std::cout << line.back() << "\n";
    }
}

Task<> list(Session& session, std::string pattern, bool json)
{
    const auto pipes = co_await session.list(pattern);
    if (!pipes) {
        throw failure_of(pipes.status(), "cannot list the pipes");
    }
    if (!json) {
        print_table(*pipes);
        co_return;
    }
    Json all = Json::array();
    for (const Listing& pipe : *pipes) {
        all.push_back(json_of(pipe));
    }
    print(all);
}

} // namespace

int run_ls(const Words& words)
{
    Options options(usage);
    SessionOptions session_options;
    bool json = false;
    options.flag("json", 'j', json, "as JSON");
    session_options.declare(options);
    const auto arguments = options.parse(words, 0, 1);
    Session session = open_session(session_options);
    return run_once(session, list(session, arguments.empty() ? "*" : arguments.front(), json));
}

} // namespace ntpipe::tools

// SPDX-License-Identifier: LGPL-2.1-or-later
// info.cc: ntpipe info: all that is known of one pipe, or of the broker.
#include "data.hpp"
#include "failure.hpp"
#include "pipe_name.hpp"
#include "running.hpp"
#include "subcommand.hpp"

#include <cstdio>

namespace ntpipe::tools {
namespace {

constexpr Usage usage{
    "info", "[NAME]",
    R"(Shows what the broker knows of the pipe; without a name, of the broker itself. With --open the pipe is opened for a
moment, which its server sees as a client that comes and goes, and what a client can ask of it is shown, too: its quotas,
the granted access and the server's process. With --json: the same as an object.)"};

struct Arguments {
    std::string name;
    std::optional<std::int64_t> wait_ms;
    bool open = false;
    bool json = false;
};

std::string hexadecimal(std::uint32_t number)
{
    char text[11];
    (void)std::snprintf(text, sizeof(text), "0x%08x", number);
    return text;
}

/// As names are compared, also those that contain what would be wildcards.
bool is_same_name(const std::string& wanted, const std::string& name)
{
    const bool plain = wanted.find_first_of("*?") == std::string::npos;
    return plain ? ntpipe_name_matches(wanted.c_str(), name.c_str()) : wanted == name;
}

/// The name without what may stand in front of it.
std::string bare(const std::string& name)
{
    if (name.rfind('\\', 0) != 0) {
        return name;
    }
    for (const char* prefix : {R"(\\.\pipe\)", R"(\\?\pipe\)"}) {
        const std::size_t length = std::char_traits<char>::length(prefix);
        if (ntpipe_name_matches((std::string(prefix) + "*").c_str(), name.c_str())) {
            return name.substr(length);
        }
    }
    return name;
}

Task<Listing> find(Session& session, const std::string& name)
{
    const auto pipes = co_await session.list();
    if (!pipes) {
        throw failure_of(pipes.status(), "cannot list the pipes");
    }
    const std::string wanted = bare(name);
    for (const Listing& pipe : *pipes) {
        if (is_same_name(wanted, pipe.name)) {
            co_return pipe;
        }
    }
    throw failure_of(Status::object_name_not_found, shown(name));
}

Json opened(End& pipe)
{
    Json json;
    if (const auto info = pipe.local_info()) {
        json["inbound_quota"] = info->inbound_quota;
        json["outbound_quota"] = info->outbound_quota;
        json["read_data_available"] = info->read_data_available;
        json["write_quota_available"] = info->write_quota_available;
        json["state"] = state_name(info->state);
        json["current_instances"] = info->current_instances;
    }
    std::uint32_t server = 0;
    if (ntpipe_get_server_process_id(pipe.get(), &server) == NTPIPE_STATUS_SUCCESS) {
        json["server_process_id"] = server;
    }
    json["granted_access"] = hexadecimal(ntpipe_granted_access(pipe.get()));
    return json;
}

void show(const Json& json, bool as_json)
{
    if (as_json) {
        print(json);
        return;
    }
    Facts facts;
    for (const auto& [key, value] : json.items()) {
        std::string label = key;
        std::replace(label.begin(), label.end(), '_', ' ');
        facts.emplace_back(label, value.is_string() ? value.get<std::string>()
                                  : value.is_null() ? (key == "origin" ? "-" : "unlimited")
                                                    : value.dump());
    }
    print(facts);
}

Task<> about_pipe(Session& session, const Arguments& arguments)
{
    Json json = json_of(co_await find(session, arguments.name));
    if (arguments.open) {
        End pipe = co_await open_pipe(session, arguments.name, arguments.wait_ms);
        json.update(opened(pipe));
    }
    show(json, arguments.json);
}

Task<> about_broker(Session& session, bool as_json)
{
    const auto pipes = co_await session.list();
    if (!pipes) {
        throw failure_of(pipes.status(), "no broker in " + session.directory());
    }
    show(Json{{"directory", session.directory()}, {"pipes", pipes->size()}}, as_json);
}

} // namespace

int run_info(const Words& words)
{
    Options options(usage);
    SessionOptions session_options;
    Arguments arguments;
    options.flag("json", 'j', arguments.json, "as JSON");
    options.flag("open", 'o', arguments.open, "open the pipe to learn more");
    options.seconds("wait", 'w', arguments.wait_ms, "with --open: if all instances are busy, wait so long for one");
    session_options.declare(options);
    const auto given = options.parse(words, 0, 1);
    Session session = open_session(session_options);
    if (given.empty()) {
        return run_once(session, about_broker(session, arguments.json));
    }
    arguments.name = pipe_name(given.front());
    return run_once(session, about_pipe(session, arguments));
}

} // namespace ntpipe::tools

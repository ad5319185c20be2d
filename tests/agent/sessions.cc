// SPDX-License-Identifier: LGPL-2.1-or-later
// sessions.cc: what the agent does with sessions and names: create, open, wait, list, watch.
#include "agent.hpp"

#include <array>
#include <optional>

namespace ntpipe::agent {
namespace {

void set_end_time(const Call& call, tevent_req* request, tevent_context* events)
{
    if (request != nullptr && call.has("timeout_ms")) {
        const auto milliseconds = call.get<std::uint32_t>("timeout_ms");
        (void)tevent_req_set_endtime(request, events,
                                     tevent_timeval_current_ofs(milliseconds / 1000, milliseconds % 1000 * 1000));
    }
}

void open_session(const Call& call)
{
    Agent& agent = call.agent();
    SessionRecord record;
    record.local = call.get<bool>("local", false);
    record.blocking_only = call.get<bool>("blocking_only", false);
    tevent_context* events = agent.kind() == LoopKind::poll || record.blocking_only ? nullptr : agent.events();
    ntpipe_session* session = nullptr;
    ntpipe_status status = NTPIPE_STATUS_SUCCESS;
    if (record.local) {
        status = ntpipe_namespace_create_local(nullptr, events, &session);
    } else {
        ntpipe_session_params params = NTPIPE_SESSION_PARAMS_INIT;
        const auto directory = call.get<std::string>("directory", "");
        params.directory = directory.empty() ? nullptr : directory.c_str();
        params.never_start_broker = call.get<bool>("never_start_broker", false);
        params.root_only = call.get<bool>("root_only", false);
        status = ntpipe_session_open(nullptr, events, &params, &session);
    }
    if (status != NTPIPE_STATUS_SUCCESS) {
        call.answer(status);
        return;
    }
    record.session.reset(session);
    const std::string directory = ntpipe_session_directory(session);
    agent.add_session(call.id(), std::move(record));
    call.answer(status, {{"directory", directory}});
}

void close_session(const Call& call)
{
    call.agent().remove_session(call.get<Id>("session"));
    call.answer(NTPIPE_STATUS_SUCCESS);
}

void ping(const Call& call)
{
    ntpipe_session* session = call.session();
    if (call.blocking()) {
        call.answer(ntpipe_ping(session));
        return;
    }
    tevent_context* events = Agent::events_of(session);
    tevent_req* request = ntpipe_ping_send(nullptr, events, session);
    set_end_time(call, request, events);
    call.start(request, [](tevent_req* req, Json&) { return ntpipe_ping_recv(req); });
}

// ---- ends ----

// The answer to a create or open that has succeeded.
void describe(ntpipe_end* end, Json& fields)
{
    fields["granted_access"] = ntpipe_granted_access(end);
    fields["name"] = ntpipe_name(end);
}

void create(const Call& call)
{
    Agent& agent = call.agent();
    ntpipe_session* session = call.session();
    const auto name = call.get<std::string>("name");
    const CreateArguments arguments(call);
    const auto finish = [&agent, id = call.id(), session_id = call.session_id()](
                            ntpipe_status status, ntpipe_end* end, std::uint32_t information, Json& fields) {
        if (status == NTPIPE_STATUS_SUCCESS) {
            agent.add_end(id, end, session_id);
            fields["information"] = information;
            describe(end, fields);
        }
        return status;
    };
    if (call.blocking()) {
        ntpipe_end* end = nullptr;
        std::uint32_t information = 0;
        Json fields = Json::object();
        const ntpipe_status status =
            call.has("directory")
                ? ntpipe_create_at(nullptr, call.directory(), name.c_str(), &arguments.params, &end, &information)
                : ntpipe_create(nullptr, session, name.c_str(), &arguments.params, &end, &information);
        finish(status, end, information, fields);
        call.answer(status, fields);
        return;
    }
    tevent_context* events = Agent::events_of(session);
    tevent_req* request =
        call.has("directory")
            ? ntpipe_create_at_send(nullptr, events, call.directory(), name.c_str(), &arguments.params)
            : ntpipe_create_send(nullptr, events, session, name.c_str(), &arguments.params);
    set_end_time(call, request, events);
    call.start(request, [finish](tevent_req* req, Json& fields) {
        ntpipe_end* end = nullptr;
        std::uint32_t information = 0;
        const ntpipe_status status = ntpipe_create_recv(req, nullptr, &end, &information);
        return finish(status, end, information, fields);
    });
}

struct OpenArguments {
    explicit OpenArguments(const Call& call);
    ntpipe_open_params params = NTPIPE_OPEN_PARAMS_INIT;
    std::optional<StatedIdentity> identity;
};

OpenArguments::OpenArguments(const Call& call)
{
    params.desired_access = call.get("desired_access", params.desired_access);
    params.disposition = call.get("disposition", params.disposition);
    params.impersonation_level = call.get("impersonation_level", params.impersonation_level);
    params.dynamic_tracking = call.get("dynamic_tracking", params.dynamic_tracking);
    params.effective_only = call.get("effective_only", params.effective_only);
    params.process_id = call.get("process_id", params.process_id);
    params.session_id = call.get("session_id", params.session_id);
    if (call.has("identity")) {
        params.identity = &identity.emplace(call.fields().at("identity")).identity;
    }
}

tevent_req* send_open(const Call& call, tevent_context* events, const std::string& name,
                      const ntpipe_open_params& params)
{
    if (call.has("directory")) {
        return ntpipe_open_at_send(nullptr, events, call.directory(), name.c_str(), &params);
    }
    if (call.has("relative_to")) {
        ntpipe_end* server = call.agent().end_record(call.get<Id>("relative_to")).end.get();
        return ntpipe_open_relative_send(nullptr, events, server, name.c_str(), &params);
    }
    return ntpipe_open_send(nullptr, events, call.session(), name.c_str(), &params);
}

ntpipe_status open_now(const Call& call, const std::string& name, const ntpipe_open_params& params, ntpipe_end*& end)
{
    if (call.has("directory")) {
        return ntpipe_open_at(nullptr, call.directory(), name.c_str(), &params, &end);
    }
    if (call.has("relative_to")) {
        ntpipe_end* server = call.agent().end_record(call.get<Id>("relative_to")).end.get();
        return ntpipe_open_relative(nullptr, server, name.c_str(), &params, &end);
    }
    return ntpipe_open(nullptr, call.session(), name.c_str(), &params, &end);
}

void open(const Call& call)
{
    Agent& agent = call.agent();
    ntpipe_session* session = call.session();
    const auto name = call.get<std::string>("name");
    const OpenArguments arguments(call);
    const auto finish = [&agent, id = call.id(), session_id = call.session_id()](ntpipe_status status, ntpipe_end* end,
                                                                                 Json& fields) {
        if (status == NTPIPE_STATUS_SUCCESS) {
            agent.add_end(id, end, session_id);
            describe(end, fields);
        }
        return status;
    };
    if (call.blocking()) {
        ntpipe_end* end = nullptr;
        Json fields = Json::object();
        const ntpipe_status status = open_now(call, name, arguments.params, end);
        finish(status, end, fields);
        call.answer(status, fields);
        return;
    }
    tevent_context* events = Agent::events_of(session);
    tevent_req* request = send_open(call, events, name, arguments.params);
    set_end_time(call, request, events);
    call.start(request, [finish](tevent_req* req, Json& fields) {
        ntpipe_end* end = nullptr;
        const ntpipe_status status = ntpipe_open_recv(req, nullptr, &end);
        return finish(status, end, fields);
    });
}

// ---- waiting, listing ----

std::optional<StatedIdentity> identity_of(const Call& call)
{
    if (!call.has("identity")) {
        return std::nullopt;
    }
    return std::optional<StatedIdentity>(std::in_place, call.fields().at("identity"));
}

void wait(const Call& call)
{
    ntpipe_session* session = call.session();
    const auto name = call.get<std::string>("name");
    const auto milliseconds = call.get<std::int64_t>("milliseconds");
    if (call.blocking()) {
        call.answer(ntpipe_wait(session, name.c_str(), milliseconds));
        return;
    }
    const auto identity = identity_of(call);
    tevent_context* events = Agent::events_of(session);
    tevent_req* request = ntpipe_wait_send(nullptr, events, session, name.c_str(), milliseconds,
                                           identity ? &identity->identity : nullptr);
    set_end_time(call, request, events);
    call.start(request, [](tevent_req* req, Json&) { return ntpipe_wait_recv(req); });
}

void wait_control(const Call& call)
{
    ntpipe_session* session = call.session();
    const Bytes input = call.bytes("input");
    const auto identity = identity_of(call);
    tevent_context* events = Agent::events_of(session);
    tevent_req* request = ntpipe_wait_control_send(nullptr, events, session, input.data(), input.size(),
                                                   identity ? &identity->identity : nullptr);
    set_end_time(call, request, events);
    call.start(request, [](tevent_req* req, Json&) { return ntpipe_wait_control_recv(req); });
}

// Blocking, always.
void usage(const Call& call)
{
    ntpipe_usage_report* report = nullptr;
    const ntpipe_status status =
        ntpipe_usage(nullptr, call.session(), call.get<std::uint64_t>("user", NTPIPE_USAGE_TOTAL), &report);
    const Owned<ntpipe_usage_report> owned(report);
    Json lines = Json::object();
    Json users = Json::array();
    if (report != nullptr) {
        for (const ntpipe_usage_line& line : std::span(report->lines, report->count)) {
            lines[line.resource] = {{"used", line.used}, {"limit", line.limit}, {"refused", line.refused}};
        }
        users = std::vector<std::uint32_t>(report->users, report->users + report->user_count);
    }
    call.answer(status, {{"lines", lines}, {"users", users}});
}

Json listings_to_json(std::span<const ntpipe_listing> listings)
{
    Json all = Json::array();
    for (const ntpipe_listing& pipe : listings) {
        all.push_back({{"name", pipe.name},
                       {"global", pipe.global},
                       {"owner", pipe.owner},
                       {"process_id", pipe.process_id},
                       {"type", pipe.type},
                       {"configuration", pipe.configuration},
                       {"maximum_instances", pipe.maximum_instances},
                       {"origin", pipe.origin},
                       {"offered", pipe.offered},
                       {"listening", pipe.listening},
                       {"connected", pipe.connected},
                       {"closing", pipe.closing},
                       {"disconnected", pipe.disconnected}});
    }
    return all;
}

void list(const Call& call)
{
    ntpipe_session* session = call.session();
    const auto pattern = call.get<std::string>("pattern", "*");
    const auto finish = [](ntpipe_status status, const Owned<ntpipe_listing>& listings, std::size_t count,
                           Json& fields) {
        fields["listings"] =
            status == NTPIPE_STATUS_SUCCESS ? listings_to_json({listings.get(), count}) : Json::array();
        return status;
    };
    if (call.blocking()) {
        ntpipe_listing* listings = nullptr;
        std::size_t count = 0;
        Json fields = Json::object();
        const ntpipe_status status = ntpipe_list(nullptr, session, pattern.c_str(), &listings, &count);
        finish(status, Owned<ntpipe_listing>(listings), count, fields);
        call.answer(status, fields);
        return;
    }
    tevent_context* events = Agent::events_of(session);
    tevent_req* request = ntpipe_list_send(nullptr, events, session, pattern.c_str());
    set_end_time(call, request, events);
    call.start(request, [finish](tevent_req* req, Json& fields) {
        ntpipe_listing* listings = nullptr;
        std::size_t count = 0;
        const ntpipe_status status = ntpipe_list_recv(req, nullptr, &listings, &count);
        return finish(status, Owned<ntpipe_listing>(listings), count, fields);
    });
}

// ---- watching ----

struct Watcher {
    Agent* agent;
    Id id;
};

Json event(const void* data, const char* what)
{
    return {{"watch", static_cast<const Watcher*>(data)->id}, {"event", what}};
}

void tell(const void* data, const Json& line)
{
    static_cast<const Watcher*>(data)->agent->emit(line);
}

void watch(const Call& call)
{
    ntpipe_watch_handlers handlers{};
    handlers.size = sizeof(handlers);
    handlers.appeared = [](void* data, std::uint64_t pipe, const char* name, std::uint64_t scope, std::uint32_t owner,
                           bool offered) {
        Json line = event(data, "appeared");
        line.update({{"pipe", pipe},
                     {"name", name},
                     {"global", scope == NTPIPE_WATCH_GLOBAL},
                     {"owner", owner},
                     {"offered", offered}});
        tell(data, line);
    };
    handlers.gone = [](void* data, std::uint64_t pipe) {
        Json line = event(data, "gone");
        line["pipe"] = pipe;
        tell(data, line);
    };
    handlers.complete = [](void* data) { tell(data, event(data, "complete")); };
    handlers.reset = [](void* data) { tell(data, event(data, "reset")); };
    auto* watcher = talloc(nullptr, Watcher);
    *watcher = {&call.agent(), call.id()};
    ntpipe_watch* made = nullptr;
    const ntpipe_status status = ntpipe_watch_names(nullptr, call.session(), &handlers, watcher, &made);
    if (status == NTPIPE_STATUS_SUCCESS) {
        (void)talloc_steal(made, watcher);
        call.agent().add_watch(call.id(), made);
    } else {
        talloc_free(watcher);
    }
    call.answer(status);
}

void unwatch(const Call& call)
{
    call.agent().remove_watch(call.get<Id>("watch"));
    call.answer(NTPIPE_STATUS_SUCCESS);
}

constexpr std::array<Operation, 11> operations = {{
    {"usage", usage},
    {"session", open_session},
    {"close_session", close_session},
    {"ping", ping},
    {"create", create},
    {"open", open},
    {"wait", wait},
    {"wait_control", wait_control},
    {"list", list},
    {"watch", watch},
    {"unwatch", unwatch},
}};

} // namespace

CreateArguments::CreateArguments(const Call& call)
{
    params.desired_access = call.get("desired_access", params.desired_access);
    params.share_access = call.get("share_access", params.share_access);
    params.disposition = call.get("disposition", params.disposition);
    params.options = call.get("options", params.options);
    params.type = call.get("type", params.type);
    params.read_mode = call.get("read_mode", params.read_mode);
    params.completion_mode = call.get("completion_mode", params.completion_mode);
    params.max_instances = call.get("max_instances", params.max_instances);
    params.inbound_quota = call.get("inbound_quota", params.inbound_quota);
    params.outbound_quota = call.get("outbound_quota", params.outbound_quota);
    params.default_timeout = call.get("default_timeout", params.default_timeout);
    params.scope = static_cast<ntpipe_scope>(call.get("scope", static_cast<int>(params.scope)));
    descriptor = call.bytes("security_descriptor");
    if (call.has("sddl")) {
        std::uint8_t* bytes = nullptr;
        std::size_t length = 0;
        if (ntpipe_sddl_to_descriptor(nullptr, call.get<std::string>("sddl").c_str(), &bytes, &length, nullptr) !=
            NTPIPE_STATUS_SUCCESS) {
            throw BadRequest("that is no SDDL");
        }
        descriptor.assign(bytes, bytes + length);
        talloc_free(bytes);
    }
    if (!descriptor.empty()) {
        params.security_descriptor = descriptor.data();
        params.security_descriptor_length = descriptor.size();
    }
}

std::span<const Operation> session_operations()
{
    return operations;
}

} // namespace ntpipe::agent

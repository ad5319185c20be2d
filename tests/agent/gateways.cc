// SPDX-License-Identifier: LGPL-2.1-or-later
// gateways.cc: the agent as a gateway: it says what it is told and asked, and answers as the test wants.
#include "agent.hpp"

#include <array>

namespace ntpipe::agent {
namespace {

/// What the handlers of one gateway need. A talloc child of it.
struct Listener {
    Agent* agent;
    Id id;
    Id session;
    bool refuses; ///< answers every question "no"
};

void tell(const Listener& listener, const char* event, Json fields = Json::object())
{
    fields["gateway"] = listener.id;
    fields["event"] = event;
    listener.agent->emit(fields);
}

const Listener& listener_of(const void* data)
{
    return *static_cast<const Listener*>(data);
}

Json json_of(const ntpipe_published& pipe)
{
    return {{"pipe", pipe.pipe},
            {"name", pipe.name},
            {"origin", pipe.origin},
            {"offered", pipe.offered},
            {"reject_remote", pipe.reject_remote},
            {"global", pipe.scope_uid == NTPIPE_WATCH_GLOBAL},
            {"owner", pipe.owner},
            {"type", pipe.type},
            {"configuration", pipe.configuration},
            {"maximum_instances", pipe.maximum_instances},
            {"inbound_quota", pipe.inbound_quota},
            {"outbound_quota", pipe.outbound_quota},
            {"default_timeout", pipe.default_timeout},
            {"current_instances", pipe.current_instances},
            {"listening_instances", pipe.listening_instances}};
}

struct Asked {
    Listener listener;
    Id question;
};

void asked(void* data, ntpipe_question* question)
{
    const Listener& listener = listener_of(data);
    const ntpipe_question_info& info = *ntpipe_question_get_info(question);
    const Json fields{{"name", info.name},
                      {"wait", info.wait},
                      {"global", info.global},
                      {"desired_access", info.desired_access},
                      {"level", info.impersonation_level},
                      {"timeout_ms", info.timeout_ms},
                      {"deadline_ms", info.deadline_ms},
                      {"identity", identity_to_json(*info.identity)}};
    if (listener.refuses) {
        talloc_free(question);
        tell(listener, "asked", fields);
        return;
    }
    const Id id = listener.agent->add_question(question, listener.session);
    auto* place = talloc(question, Asked);
    *place = {listener, id};
    ntpipe_question_set_over(
        question,
        [](void* of, ntpipe_question*) {
            const auto* it = static_cast<const Asked*>(of);
            tell(it->listener, "over", {{"question", it->question}});
        },
        place);
    Json line = fields;
    line["question"] = id;
    tell(listener, "asked", line);
}

ntpipe_gateway_handlers handlers()
{
    ntpipe_gateway_handlers table{};
    table.size = sizeof(table);
    table.registered = [](void* data) { tell(listener_of(data), "registered"); };
    table.refused = [](void* data, ntpipe_status status) { tell(listener_of(data), "refused", {{"status", status}}); };
    table.reset = [](void* data) { tell(listener_of(data), "reset"); };
    table.published = [](void* data, const ntpipe_published* pipe) {
        tell(listener_of(data), "published", json_of(*pipe));
    };
    table.gone = [](void* data, std::uint64_t pipe) { tell(listener_of(data), "gone", {{"pipe", pipe}}); };
    table.complete = [](void* data) { tell(listener_of(data), "complete"); };
    table.asked = asked;
    table.not_offered = [](void* data, const char* name, ntpipe_status status) {
        tell(listener_of(data), "not_offered", {{"name", name}, {"status", status}});
    };
    return table;
}

void open_gateway(const Call& call)
{
    ntpipe_gateway_params params = NTPIPE_GATEWAY_PARAMS_INIT;
    const auto label = call.get<std::string>("label");
    params.label = label.c_str();
    params.what = call.get<std::uint32_t>("what");
    params.deadline_ms = call.get<std::uint32_t>("deadline_ms", 0);
    const ntpipe_gateway_handlers table = handlers();
    auto* listener = talloc(nullptr, Listener);
    *listener = {&call.agent(), call.id(), call.session_id(), call.get("no", false)};
    ntpipe_gateway* gateway = nullptr;
    const ntpipe_status status = ntpipe_gateway_open(nullptr, call.session(), &params, &table, listener, &gateway);
    if (status == NTPIPE_STATUS_SUCCESS) {
        (void)talloc_steal(gateway, listener);
        call.agent().add_gateway(call.id(), gateway, call.session_id());
    } else {
        talloc_free(listener);
    }
    call.answer(status);
}

ntpipe_gateway* gateway_of(const Call& call)
{
    return call.agent().gateway_record(call.get<Id>("gateway")).gateway.get();
}

void close_gateway(const Call& call)
{
    (void)gateway_of(call);
    call.agent().remove_gateway(call.get<Id>("gateway"));
    call.answer(NTPIPE_STATUS_SUCCESS);
}

void offer(const Call& call)
{
    call.answer(ntpipe_gateway_offer(gateway_of(call), call.get<std::string>("name").c_str()));
}

void withdraw(const Call& call)
{
    call.answer(ntpipe_gateway_withdraw(gateway_of(call), call.get<std::string>("name").c_str()));
}

// ---- instances ----

void start_create(const Call& call, tevent_req* request, Id session)
{
    call.start(request, [&agent = call.agent(), id = call.id(), session](tevent_req* req, Json& fields) {
        ntpipe_end* end = nullptr;
        std::uint32_t information = 0;
        const ntpipe_status status = ntpipe_create_recv(req, nullptr, &end, &information);
        if (status == NTPIPE_STATUS_SUCCESS) {
            agent.add_end(id, end, session);
            fields["information"] = information;
            fields["name"] = ntpipe_name(end);
        }
        return status;
    });
}

void create(const Call& call)
{
    const CreateArguments arguments(call);
    const Id session = call.agent().gateway_record(call.get<Id>("gateway")).session;
    start_create(call,
                 ntpipe_gateway_create_send(nullptr, Agent::events_of(call.agent().session(session)), gateway_of(call),
                                            call.get<std::string>("name").c_str(), &arguments.params),
                 session);
}

ntpipe_question* question_of(const Call& call)
{
    return call.agent().question(call.get<Id>("question"));
}

void serve(const Call& call)
{
    const CreateArguments arguments(call);
    const auto name = call.get<std::string>("name", "");
    ntpipe_question* question = question_of(call);
    start_create(call,
                 ntpipe_question_serve_send(nullptr, ntpipe_question_event_context(question), question,
                                            name.empty() ? nullptr : name.c_str(), &arguments.params),
                 call.agent().session_of_question(call.get<Id>("question")));
}

// ---- questions ----

void answer_question(const Call& call)
{
    call.answer(ntpipe_question_answer(question_of(call), call.get<std::uint32_t>("answer")));
}

void hold_question(const Call& call)
{
    call.answer(ntpipe_question_hold(question_of(call)));
}

void free_question(const Call& call)
{
    (void)question_of(call);
    call.agent().remove_question(call.get<Id>("question"));
    call.answer(NTPIPE_STATUS_SUCCESS);
}

constexpr std::array<Operation, 9> operations = {{
    {"gateway", open_gateway},
    {"close_gateway", close_gateway},
    {"offer", offer},
    {"withdraw", withdraw},
    {"gateway_create", create},
    {"serve", serve},
    {"answer_question", answer_question},
    {"hold_question", hold_question},
    {"free_question", free_question},
}};

} // namespace

std::span<const Operation> gateway_operations()
{
    return operations;
}

} // namespace ntpipe::agent

// SPDX-License-Identifier: LGPL-2.1-or-later
// directories.cc: what the agent does with the device and the directory of pipes, and with pipes that have no name.
#include "agent.hpp"

#include <array>

namespace ntpipe::agent {
namespace {

tevent_context* events_of_directory(const Call& call)
{
    return Agent::events_of(call.agent().session(call.agent().directory_record(call.get<Id>("directory")).session));
}

void open_directory(const Call& call)
{
    ntpipe_directory* directory = nullptr;
    const ntpipe_status status = ntpipe_open_directory(
        nullptr, call.session(), call.get<std::string>("name").c_str(),
        call.get<std::uint32_t>("desired_access", NTPIPE_GENERIC_READ | NTPIPE_GENERIC_WRITE | NTPIPE_SYNCHRONIZE),
        call.get<std::uint32_t>("options", 0), &directory);
    if (status != NTPIPE_STATUS_SUCCESS) {
        call.answer(status);
        return;
    }
    call.agent().add_directory(call.id(), directory, call.session_id());
    call.answer(status, {{"object_name", ntpipe_directory_object_name(directory)},
                         {"granted_access", ntpipe_directory_granted_access(directory)}});
}

void close_directory(const Call& call)
{
    call.agent().remove_directory(call.get<Id>("directory"));
    call.answer(NTPIPE_STATUS_SUCCESS);
}

void directory_read(const Call& call)
{
    call.answer(ntpipe_directory_read(call.directory()));
}

void directory_write(const Call& call)
{
    call.answer(ntpipe_directory_write(call.directory()));
}

// ---- information ----

using Query = ntpipe_status (*)(ntpipe_directory*, std::uint32_t, void*, std::size_t, std::size_t*);

void answer_bytes(const Call& call, Query query)
{
    const Buffer buffer = make_buffer(call);
    std::size_t information = 0;
    Json fields = Json::object();
    const ntpipe_status status =
        query(call.directory(), call.get<std::uint32_t>("class"), buffer->data(), buffer->size(), &information);
    put_data(fields, *buffer, information, status);
    call.answer(status, fields);
}

void directory_query(const Call& call)
{
    answer_bytes(call, ntpipe_directory_query_information);
}

void directory_volume(const Call& call)
{
    answer_bytes(call, ntpipe_directory_query_volume_information);
}

void directory_set(const Call& call)
{
    const Bytes data = call.bytes("data");
    call.answer(
        ntpipe_directory_set_information(call.directory(), call.get<std::uint32_t>("class"), data.data(), data.size()));
}

void query_volume(const Call& call)
{
    const Buffer buffer = make_buffer(call);
    std::size_t information = 0;
    Json fields = Json::object();
    const ntpipe_status status = ntpipe_query_volume_information(call.end(), call.get<std::uint32_t>("class"),
                                                                 buffer->data(), buffer->size(), &information);
    put_data(fields, *buffer, information, status);
    call.answer(status, fields);
}

void object_name(const Call& call)
{
    char* name = nullptr;
    const ntpipe_status status = ntpipe_query_object_name(call.end(), nullptr, &name);
    Json fields = Json::object();
    if (status == NTPIPE_STATUS_SUCCESS) {
        fields["object_name"] = name;
        talloc_free(name);
    }
    call.answer(status, fields);
}

// ---- what takes time ----

void directory_control(const Call& call)
{
    const Bytes input = call.bytes("input");
    const auto code = call.get<std::uint32_t>("code");
    if (call.blocking()) {
        call.answer(ntpipe_directory_control(call.directory(), code, input.data(), input.size()));
        return;
    }
    call.start(ntpipe_directory_control_send(nullptr, events_of_directory(call), call.directory(), code, input.data(),
                                             input.size()),
               [](tevent_req* req, Json&) { return ntpipe_directory_control_recv(req); });
}

void enumerate(const Call& call)
{
    const Buffer buffer = make_buffer(call);
    const auto pattern = call.get<std::string>("pattern", "");
    const auto flags = call.get<std::uint32_t>("flags", 0);
    const auto information_class = call.get<std::uint32_t>("class");
    const char* given_pattern = pattern.empty() ? nullptr : pattern.c_str();
    if (call.blocking()) {
        std::size_t information = 0;
        Json fields = Json::object();
        const ntpipe_status status = ntpipe_directory_enumerate(call.directory(), information_class, given_pattern,
                                                                flags, buffer->data(), buffer->size(), &information);
        put_data(fields, *buffer, information, status);
        call.answer(status, fields);
        return;
    }
    call.start(ntpipe_directory_enumerate_send(nullptr, events_of_directory(call), call.directory(), information_class,
                                               given_pattern, flags, buffer->data(), buffer->size()),
               [buffer](tevent_req* req, Json& fields) {
                   std::size_t information = 0;
                   const ntpipe_status status = ntpipe_directory_enumerate_recv(req, &information);
                   return put_data(fields, *buffer, information, status);
               });
}

void notify(const Call& call)
{
    const auto filter = call.get<std::uint32_t>("filter");
    if (call.blocking()) {
        call.answer(ntpipe_directory_notify(call.directory(), filter));
        return;
    }
    call.start(ntpipe_directory_notify_send(nullptr, events_of_directory(call), call.directory(), filter),
               [](tevent_req* req, Json&) { return ntpipe_directory_notify_recv(req); });
}

void alias(const Call& call)
{
    const auto alias_name = call.get<std::string>("alias");
    const auto name = call.get<std::string>("name", "");
    const char* real = name.empty() ? nullptr : name.c_str();
    if (call.blocking()) {
        call.answer(ntpipe_alias(call.session(), alias_name.c_str(), real));
        return;
    }
    call.start(ntpipe_alias_send(nullptr, Agent::events_of(call.session()), call.session(), alias_name.c_str(), real),
               [](tevent_req* req, Json&) { return ntpipe_alias_recv(req); });
}

void pair(const Call& call)
{
    Agent& agent = call.agent();
    const auto size = call.get<std::uint32_t>("size", 0);
    const auto finish = [&agent, write_id = call.id(), read_id = call.get<Id>("read_end"), session = call.session_id()](
                            ntpipe_status status, ntpipe_end* read_end, ntpipe_end* write_end) {
        if (status == NTPIPE_STATUS_SUCCESS) {
            agent.add_end(read_id, read_end, session);
            agent.add_end(write_id, write_end, session);
        }
        return status;
    };
    if (call.blocking()) {
        ntpipe_end* read_end = nullptr;
        ntpipe_end* write_end = nullptr;
        const ntpipe_status status = ntpipe_create_pair(nullptr, call.session(), size, &read_end, &write_end);
        call.answer(finish(status, read_end, write_end));
        return;
    }
    call.start(ntpipe_create_pair_send(nullptr, Agent::events_of(call.session()), call.session(), size),
               [finish](tevent_req* req, Json&) {
                   ntpipe_end* read_end = nullptr;
                   ntpipe_end* write_end = nullptr;
                   const ntpipe_status status = ntpipe_create_pair_recv(req, nullptr, &read_end, &write_end);
                   return finish(status, read_end, write_end);
               });
}

constexpr std::array<Operation, 14> operations = {{
    {"open_directory", open_directory},
    {"close_directory", close_directory},
    {"directory_read", directory_read},
    {"directory_write", directory_write},
    {"directory_query", directory_query},
    {"directory_set", directory_set},
    {"directory_volume", directory_volume},
    {"query_volume", query_volume},
    {"object_name", object_name},
    {"directory_control", directory_control},
    {"enumerate", enumerate},
    {"notify", notify},
    {"alias", alias},
    {"pair", pair},
}};

} // namespace

std::span<const Operation> directory_operations()
{
    return operations;
}

} // namespace ntpipe::agent

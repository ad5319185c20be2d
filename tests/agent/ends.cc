// SPDX-License-Identifier: LGPL-2.1-or-later
// ends.cc: what the agent does with the ends of pipes: states, data, information.
#include "agent.hpp"

#include <algorithm>
#include <array>

namespace ntpipe::agent {

Buffer make_buffer(const Call& call)
{
    return std::make_shared<Bytes>(call.get<std::size_t>("length", 0));
}

ntpipe_status put_data(Json& fields, const Bytes& buffer, std::size_t count, ntpipe_status status)
{
    fields["data"] = to_hex(std::span(buffer).first(count));
    return status;
}

namespace {

void set_end_time(const Call& call, tevent_req* request)
{
    if (request != nullptr && call.has("timeout_ms")) {
        const auto milliseconds = call.get<std::uint32_t>("timeout_ms");
        (void)tevent_req_set_endtime(request, call.events_of_end(),
                                     tevent_timeval_current_ofs(milliseconds / 1000, milliseconds % 1000 * 1000));
    }
}

void start(const Call& call, tevent_req* request, Finish finish)
{
    set_end_time(call, request);
    call.start(request, std::move(finish));
}

// ---- states ----

void listen(const Call& call)
{
    if (call.blocking()) {
        call.answer(ntpipe_listen(call.end()));
        return;
    }
    start(call, ntpipe_listen_send(nullptr, call.events_of_end(), call.end()),
          [](tevent_req* req, Json&) { return ntpipe_listen_recv(req); });
}

void disconnect(const Call& call)
{
    call.answer(ntpipe_disconnect(call.end()));
}

void close(const Call& call)
{
    ntpipe_close(call.end());
    call.answer(NTPIPE_STATUS_SUCCESS);
}

void free_end(const Call& call)
{
    call.agent().remove_end(call.get<Id>("end"));
    call.answer(NTPIPE_STATUS_SUCCESS);
}

// ---- data ----

void read(const Call& call)
{
    const Buffer buffer = make_buffer(call);
    if (call.blocking()) {
        std::size_t count = 0;
        Json fields = Json::object();
        const ntpipe_status status = ntpipe_read(call.end(), buffer->data(), buffer->size(), &count);
        put_data(fields, *buffer, count, status);
        call.answer(status, fields);
        return;
    }
    start(call, ntpipe_read_send(nullptr, call.events_of_end(), call.end(), buffer->data(), buffer->size()),
          [buffer](tevent_req* req, Json& fields) {
              std::size_t count = 0;
              const ntpipe_status status = ntpipe_read_recv(req, &count);
              return put_data(fields, *buffer, count, status);
          });
}

void write(const Call& call)
{
    const Bytes data = call.bytes("data");
    if (call.blocking()) {
        std::size_t count = 0;
        const ntpipe_status status = ntpipe_write(call.end(), data.data(), data.size(), &count);
        call.answer(status, {{"count", count}});
        return;
    }
    start(call, ntpipe_write_send(nullptr, call.events_of_end(), call.end(), data.data(), data.size()),
          [](tevent_req* req, Json& fields) {
              std::size_t count = 0;
              const ntpipe_status status = ntpipe_write_recv(req, &count);
              fields["count"] = count;
              return status;
          });
}

void transceive(const Call& call)
{
    const Bytes data = call.bytes("data");
    const Buffer buffer = make_buffer(call);
    if (call.blocking()) {
        std::size_t count = 0;
        Json fields = Json::object();
        const ntpipe_status status =
            ntpipe_transceive(call.end(), data.data(), data.size(), buffer->data(), buffer->size(), &count);
        put_data(fields, *buffer, count, status);
        call.answer(status, fields);
        return;
    }
    start(call,
          ntpipe_transceive_send(nullptr, call.events_of_end(), call.end(), data.data(), data.size(), buffer->data(),
                                 buffer->size()),
          [buffer](tevent_req* req, Json& fields) {
              std::size_t count = 0;
              const ntpipe_status status = ntpipe_transceive_recv(req, &count);
              return put_data(fields, *buffer, count, status);
          });
}

void flush(const Call& call)
{
    if (call.blocking()) {
        call.answer(ntpipe_flush(call.end()));
        return;
    }
    start(call, ntpipe_flush_send(nullptr, call.events_of_end(), call.end()),
          [](tevent_req* req, Json&) { return ntpipe_flush_recv(req); });
}

void peek(const Call& call)
{
    const Buffer buffer = make_buffer(call);
    ntpipe_peek_info info{};
    const ntpipe_status status = ntpipe_peek(call.end(), buffer->data(), buffer->size(), &info);
    Json fields = {{"state", info.state},
                   {"available", info.read_data_available},
                   {"messages", info.number_of_messages},
                   {"message_length", info.message_length}};
    put_data(fields, *buffer, info.copied, status);
    call.answer(status, fields);
}

// ---- handing on ----

void look(const Call& call)
{
    const Buffer buffer = make_buffer(call);
    start(call, ntpipe_look_send(nullptr, call.events_of_end(), call.end(), buffer->data(), buffer->size()),
          [buffer](tevent_req* req, Json& fields) {
              ntpipe_look_info info{};
              const ntpipe_status status = ntpipe_look_recv(req, &info);
              fields["rest"] = info.rest;
              fields["revoked"] = info.revoked;
              fields["revoked_at"] = info.revoked_at;
              fields["withdrawn"] = info.withdrawn;
              return put_data(fields, *buffer, info.length, status);
          });
}

void take(const Call& call)
{
    call.answer(ntpipe_take(call.end(), call.get<std::size_t>("length", NTPIPE_TAKE_ALL)));
}

void settle_revoked(const Call& call)
{
    call.answer(ntpipe_settle_revoked(call.end(), call.get<std::size_t>("at", 0), call.get<std::size_t>("length"),
                                      call.get<bool>("given_back")));
}

void posted_read(const Call& call)
{
    std::size_t length = 0;
    const ntpipe_status status = ntpipe_posted_read(call.end(), &length);
    call.answer(status, {{"length", length}});
}

void release_posted_read(const Call& call)
{
    call.answer(ntpipe_release_posted_read(call.end()));
}

void control(const Call& call)
{
    const Buffer buffer = make_buffer(call);
    const Bytes input = call.bytes("input");
    start(call,
          ntpipe_control_send(nullptr, call.events_of_end(), call.end(), call.get<std::uint32_t>("code"), input.data(),
                              input.size(), buffer->data(), buffer->size()),
          [buffer](tevent_req* req, Json& fields) {
              std::size_t count = 0;
              const ntpipe_status status = ntpipe_control_recv(req, &count);
              fields["information"] = count; // of what writes: the bytes written
              return put_data(fields, *buffer, std::min(count, buffer->size()), status);
          });
}

// ---- information ----

void query_pipe_info(const Call& call)
{
    ntpipe_pipe_info info{};
    const ntpipe_status status = ntpipe_query_pipe_info(call.end(), &info);
    call.answer(status, {{"read_mode", info.read_mode}, {"completion_mode", info.completion_mode}});
}

void set_pipe_info(const Call& call)
{
    const ntpipe_pipe_info info = {call.get<std::uint32_t>("read_mode"), call.get<std::uint32_t>("completion_mode")};
    call.answer(ntpipe_set_pipe_info(call.end(), &info));
}

void query_local_info(const Call& call)
{
    ntpipe_local_info info{};
    const ntpipe_status status = ntpipe_query_local_info(call.end(), &info);
    call.answer(status, {{"type", info.type},
                         {"configuration", info.configuration},
                         {"maximum_instances", info.maximum_instances},
                         {"current_instances", info.current_instances},
                         {"inbound_quota", info.inbound_quota},
                         {"read_data_available", info.read_data_available},
                         {"outbound_quota", info.outbound_quota},
                         {"write_quota_available", info.write_quota_available},
                         {"state", info.state},
                         {"end", info.end}});
}

void query_information(const Call& call)
{
    const Buffer buffer = make_buffer(call);
    std::size_t information = 0;
    Json fields = Json::object();
    const ntpipe_status status = ntpipe_query_information(call.end(), call.get<std::uint32_t>("class"), buffer->data(),
                                                          buffer->size(), &information);
    put_data(fields, *buffer, information, status);
    call.answer(status, fields);
}

void set_information(const Call& call)
{
    const Bytes data = call.bytes("data");
    call.answer(ntpipe_set_information(call.end(), call.get<std::uint32_t>("class"), data.data(), data.size()));
}

void granted_access(const Call& call)
{
    call.answer(NTPIPE_STATUS_SUCCESS, {{"granted_access", ntpipe_granted_access(call.end())}});
}

void name(const Call& call)
{
    call.answer(NTPIPE_STATUS_SUCCESS, {{"name", ntpipe_name(call.end())}});
}

void client_info(const Call& call)
{
    ntpipe_identity* identity = nullptr;
    const ntpipe_status status = ntpipe_get_client_info(call.end(), nullptr, &identity);
    const Owned<ntpipe_identity> owned(identity);
    call.answer(status, {{"identity", status == NTPIPE_STATUS_SUCCESS ? identity_to_json(*identity) : Json()}});
}

void server_process_id(const Call& call)
{
    std::uint32_t process_id = 0;
    const ntpipe_status status = ntpipe_get_server_process_id(call.end(), &process_id);
    call.answer(status, {{"process_id", process_id}});
}

constexpr std::array<Operation, 24> operations = {{
    {"listen", listen},
    {"disconnect", disconnect},
    {"close", close},
    {"free", free_end},
    {"read", read},
    {"write", write},
    {"transceive", transceive},
    {"flush", flush},
    {"peek", peek},
    {"look", look},
    {"take", take},
    {"settle_revoked", settle_revoked},
    {"posted_read", posted_read},
    {"release_posted_read", release_posted_read},
    {"control", control},
    {"query_pipe_info", query_pipe_info},
    {"set_pipe_info", set_pipe_info},
    {"query_local_info", query_local_info},
    {"query_information", query_information},
    {"set_information", set_information},
    {"granted_access", granted_access},
    {"name", name},
    {"client_info", client_info},
    {"server_process_id", server_process_id},
}};

} // namespace

std::span<const Operation> end_operations()
{
    return operations;
}

} // namespace ntpipe::agent

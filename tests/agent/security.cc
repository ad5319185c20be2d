// SPDX-License-Identifier: LGPL-2.1-or-later
// security.cc: what the agent does with security descriptors, and for whom it acts.
#include "agent.hpp"

#include <array>

namespace ntpipe::agent {
namespace {

void query_security(const Call& call)
{
    std::uint8_t* descriptor = nullptr;
    std::size_t length = 0;
    const ntpipe_status status =
        ntpipe_query_security(call.end(), nullptr, call.get<std::uint32_t>("information"), &descriptor, &length);
    const Owned<std::uint8_t> owned(descriptor);
    call.answer(status, {{"data", to_hex({descriptor, descriptor == nullptr ? 0 : length})}});
}

void query_security_buffer(const Call& call)
{
    Bytes buffer(call.get<std::size_t>("length"));
    std::size_t needed = 0;
    const ntpipe_status status = ntpipe_query_security_buffer(call.end(), call.get<std::uint32_t>("information"),
                                                              buffer.data(), buffer.size(), &needed);
    call.answer(status, {{"needed", needed}});
}

void set_security(const Call& call)
{
    const Bytes data = call.bytes("data");
    call.start(ntpipe_set_security_send(nullptr, call.events_of_end(), call.end(),
                                        call.get<std::uint32_t>("information"), data.data(), data.size()),
               [](tevent_req* req, Json&) { return ntpipe_set_security_recv(req); });
}

void impersonate(const Call& call)
{
    ntpipe_identity* identity = nullptr;
    std::uint32_t level = 0;
    const ntpipe_status status = ntpipe_impersonate(call.end(), nullptr, &identity, &level);
    const Owned<ntpipe_identity> owned(identity);
    call.answer(status, {{"level", level}, {"identity", identity == nullptr ? Json() : identity_to_json(*identity)}});
}

void set_client_context(const Call& call)
{
    if (!call.has("identity")) {
        call.start(ntpipe_set_client_context_send(nullptr, call.events_of_end(), call.end(), nullptr),
                   [](tevent_req* req, Json&) { return ntpipe_set_client_context_recv(req); });
        return;
    }
    const StatedIdentity stated(call.fields().at("identity"));
    call.start(ntpipe_set_client_context_send(nullptr, call.events_of_end(), call.end(), &stated.identity),
               [](tevent_req* req, Json&) { return ntpipe_set_client_context_recv(req); });
}

void check_access(const Call& call)
{
    const Bytes data = call.bytes("data");
    const StatedIdentity stated(call.fields().at("identity"));
    std::uint32_t granted = 0;
    const ntpipe_status status = ntpipe_check_access(data.data(), data.size(), &stated.identity,
                                                     call.get<std::uint32_t>("desired_access"), &granted);
    call.answer(status, {{"granted_access", granted}});
}

constexpr std::array<Operation, 6> operations = {{
    {"query_security", query_security},
    {"query_security_buffer", query_security_buffer},
    {"set_security", set_security},
    {"impersonate", impersonate},
    {"set_client_context", set_client_context},
    {"check_access", check_access},
}};

} // namespace

std::span<const Operation> security_operations()
{
    return operations;
}

} // namespace ntpipe::agent

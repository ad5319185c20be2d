// SPDX-License-Identifier: LGPL-2.1-or-later
// open.cc: client opens: access, and matching with a listening instance (SEMANTICS 2.7).
#include "end/client_access.hpp"
#include "namespace/doubt.hpp"
#include "namespace/objects.hpp"
#include "security/access_check.hpp"

namespace ntpipe::space {
namespace {

constexpr std::uint32_t last_impersonation_level = 3;

} // namespace

// SEMANTICS 2.7 steps 2 to 4. The right to create instances is not looked at: it shares its bit with FILE_APPEND_DATA, which
// generic write access contains.
Result<security::AccessMask> check_client(const security::Descriptor& descriptor, end::Configuration configuration,
                                          bool reject_remote, const OpenParameters& parameters)
{
    const security::AccessMask desired =
        security::map_generic(parameters.desired_access) & ~security::access::create_pipe_instance;
    Result<security::AccessMask> granted = security::check_access(descriptor, parameters.identity->token, desired);
    if (!granted) {
        return granted;
    }
    const security::AccessMask access = *granted & ~security::access::create_pipe_instance;
    const bool maximum = (parameters.desired_access & security::access::maximum_allowed) != 0;
    const security::AccessMask possible = end::client_access(configuration, access);
    if (possible != access && !maximum) {
        return Status::access_denied;
    }
    if (reject_remote && (parameters.identity->flags & security::identity_flag::remote) != 0) {
        return doubt::remote_client_rejected;
    }
    return possible;
}

DirectionUse use_of(end::Direction direction, const Connect& connect)
{
    const bool inbound = direction == end::Direction::inbound;
    const security::AccessMask writer = inbound ? connect.attributes.granted_access : connect.server_access;
    const security::AccessMask reader = inbound ? connect.server_access : connect.attributes.granted_access;
    const bool exists = end::has_direction(connect.attributes.configuration, direction);
    return {exists && (writer & security::access::write_data) != 0,
            exists && (reader & security::access::read_data) != 0};
}

void Namespace::open(SessionId session_id, RequestId request, const OpenParameters& parameters)
{
    Session* session = find_session(session_id);
    if (session == nullptr) {
        return;
    }
    if (parameters.impersonation_level > last_impersonation_level) {
        answer(session_id, request, Status::bad_impersonation_level);
        return;
    }
    if (parameters.instance) {
        try_open_instance(*session, request, parameters);
    } else {
        try_open(*session, request, parameters);
    }
}

// SEMANTICS 1.5: a client of this very instance, whatever other instances its pipe has.
void Namespace::try_open_instance(Session& session, RequestId request, const OpenParameters& parameters)
{
    Instance* instance = find_instance(session.id, *parameters.instance);
    if (instance == nullptr) {
        answer(session.id, request, Status::invalid_handle);
        return;
    }
    if (!parameters.name.spelling.empty()) {
        answer(session.id, request, Status::object_name_invalid);
        return;
    }
    if (instance->state != InstanceState::listening) {
        answer(session.id, request, Status::pipe_not_available);
        return;
    }
    const Pipe& pipe = *instance->pipe;
    const Result<security::AccessMask> granted =
        check_client(pipe.descriptor, pipe.configuration, pipe.reject_remote, parameters);
    if (!granted) {
        answer(session.id, request, granted.status());
        return;
    }
    connect(session, request, parameters, *instance, *granted);
}

void Namespace::try_open(Session& session, RequestId request, const OpenParameters& parameters)
{
    Pipe* pipe = find_for_client(translated(parameters.name), *parameters.identity, parameters.stated);
    if (pipe == nullptr) {
        if (!ask_about_open(session, request, parameters, nullptr)) {
            answer(session.id, request, Status::object_name_not_found);
        }
        return;
    }
    if (pipe->reserved_until && pipe->listening.empty()) {
        park(parked_opens_, session, request, parameters);
        return;
    }
    const Result<security::AccessMask> granted =
        check_client(pipe->descriptor, pipe->configuration, pipe->reject_remote, parameters);
    const bool available = !pipe->listening.empty();
    if (!granted && (doubt::access_before_availability || available)) {
        answer(session.id, request, granted.status());
        return;
    }
    if (!available) {
        if (!ask_about_open(session, request, parameters, pipe)) {
            answer(session.id, request, Status::pipe_not_available);
        }
        return;
    }
    Instance& instance = *pipe->listening.front();
    if (instance.session->handovers >= policy_.handovers_per_session) {
        park(instance.session->parked_opens, session, request, parameters);
        crowded_.insert(instance.session->id);
        return;
    }
    connect(session, request, parameters, instance, *granted);
}

void Namespace::connect(Session& client, RequestId request, const OpenParameters& parameters, Instance& instance,
                        security::AccessMask granted)
{
    leave_listening(instance);
    set_state(instance, InstanceState::connected);
    ++instance.session->handovers;
    Connect connect;
    connect.server = instance.session->id;
    connect.instance = instance.handle;
    connect.period = instance.period;
    connect.server_access = instance.granted_access;
    connect.server_process = instance.session->party.identity.process_id;
    connect.server_login_session = instance.session->party.identity.session_id;
    connect.client = client.id;
    connect.request = request;
    connect.attributes = instance.attributes(granted);
    if (!doubt::alias_reports_real_name && !parameters.instance) {
        connect.attributes.path = "\\" + parameters.name.spelling;
    }
    connect.identity = parameters.identity;
    connect.client_end = add_client_end({client.id, instance.pipe->id, granted, parameters.identity});
    connect.impersonation_level = parameters.impersonation_level;
    connect.dynamic_tracking = parameters.dynamic_tracking;
    connect.effective_only = parameters.effective_only;
    const Party& server = instance.session->party;
    connect.server_impersonates = server.trusted_front || server.identity.token.may(security::privilege::impersonate);
    connect.server_user = server.identity.credentials.uid;
    effects_.emplace_back(std::move(connect));
}

void Namespace::park(std::list<ParkedOpen>& where, const Session& session, RequestId request,
                     const OpenParameters& parameters)
{
    Result<Charge> charged = charge_request(session, parameters.stated ? parameters.identity.get() : nullptr);
    if (!charged) {
        answer(session.id, request, charged.status());
        return;
    }
    where.push_back({session.id, request, parameters, *std::move(charged)});
}

// Tries again what had to wait. What still has to wait parks itself anew, in the same order.
void Namespace::retry_parked(std::list<ParkedOpen>& parked)
{
    std::list<ParkedOpen> again = std::move(parked);
    parked.clear();
    for (ParkedOpen& open : again) {
        open.charge.release();
        if (Session* session = find_session(open.session)) {
            try_open(*session, open.request, open.parameters);
        }
    }
}

} // namespace ntpipe::space

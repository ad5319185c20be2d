// SPDX-License-Identifier: LGPL-2.1-or-later
// security.cc: the security descriptor of a pipe as its ends change it, and how long a pipe without a name lives for that
// (SEMANTICS 6.2); what an impersonating server gets (SEMANTICS 6.4).
#include "channel/layout.hpp"
#include "namespace/doubt.hpp"
#include "namespace/objects.hpp"
#include "security/access_check.hpp"

#include <algorithm>

namespace ntpipe::space {

std::uint32_t level_for_server(const security::Identity& identity, std::uint32_t allowed, bool server_impersonates,
                               std::uint32_t server_user)
{
    constexpr std::uint32_t identification = 1;
    const bool own = identity.credentials.uid == server_user && (identity.flags & security::identity_flag::remote) == 0;
    return server_impersonates || own ? allowed : std::min(allowed, identification);
}

// ---- client ends ----

ClientEndId Namespace::add_client_end(ClientEnd end)
{
    Pipe* pipe = find_pipe(end.pipe);
    if (pipe == nullptr) {
        return 0;
    }
    ++pipe->client_ends;
    const ClientEndId id = next_client_end_++;
    if (Session* session = find_session(end.session)) {
        session->client_ends.insert(id);
    }
    client_ends_.emplace(id, std::move(end));
    return id;
}

void Namespace::client_end_closed(ClientEndId client_end)
{
    const auto found = client_ends_.find(client_end);
    if (found == client_ends_.end()) {
        return;
    }
    const PipeId id = found->second.pipe;
    if (Session* session = find_session(found->second.session)) {
        session->client_ends.erase(client_end);
    }
    client_ends_.erase(found);
    if (Pipe* pipe = find_pipe(id)) {
        --pipe->client_ends;
        return;
    }
    const auto departed = departed_.find(id);
    if (departed != departed_.end() && --departed->second->client_ends == 0) {
        departed_.erase(departed);
        effects_.emplace_back(PipeForgotten{id});
    }
}

// It must not get by its claim what its user would not get by an open. A trusted front has checked for others before.
ClientEndId Namespace::client_end_back(SessionId session_id, PipeId pipe_id, security::AccessMask claimed)
{
    const Session* session = find_session(session_id);
    const Pipe* pipe = find_pipe(pipe_id);
    if (session == nullptr || pipe == nullptr || !sees(session_id, pipe->scope)) {
        return 0;
    }
    const security::Token& token = session->party.identity.token;
    const auto most = security::check_access(pipe->descriptor, token, security::access::maximum_allowed);
    security::AccessMask allowed = most ? *most : 0;
    allowed |= token.may(security::privilege::security) ? security::access::access_system_security : 0;
    allowed |= token.may(security::privilege::take_ownership) ? security::access::write_owner : 0;
    ClientEnd end;
    end.session = session_id;
    end.pipe = pipe_id;
    end.granted_access = session->party.trusted_front ? claimed : claimed & allowed;
    end.identity = std::make_shared<const security::Identity>(session->party.identity);
    return add_client_end(std::move(end));
}

std::shared_ptr<const security::Identity> Namespace::identity_of(ClientEndId client_end) const
{
    const auto found = client_ends_.find(client_end);
    return found == client_ends_.end() ? nullptr : found->second.identity;
}

// ---- the life of a pipe without a name ----

void Namespace::let_go(std::unique_ptr<Pipe> pipe)
{
    const PipeId id = pipe->id;
    if (pipe->client_ends == 0) {
        effects_.emplace_back(PipeForgotten{id});
        return;
    }
    departed_[id] = std::move(pipe);
}

// A pipe whose servers came back late is the one that its clients still have.
void Namespace::take_over_departed(Pipe& pipe)
{
    const auto found = departed_.find(pipe.id);
    if (found != departed_.end()) {
        pipe.client_ends = found->second->client_ends;
        pipe.descriptor = std::move(found->second->descriptor);
        departed_.erase(found);
    }
}

// ---- setting ----

Status Namespace::set_security(Pipe& pipe, security::AccessMask granted, const security::Token& setter,
                               std::uint32_t information, const security::Descriptor& replacement)
{
    const security::AccessMask needed = security::access_to_set(information);
    if ((granted & needed) != needed) {
        return Status::access_denied;
    }
    auto descriptor = security::replace_parts(pipe.descriptor, information, replacement, setter);
    if (!descriptor) {
        return descriptor.status();
    }
    if (descriptor->self_relative().size() > channel::maximum_descriptor_size) {
        return Status::invalid_security_descr;
    }
    pipe.descriptor = *std::move(descriptor);
    effects_.emplace_back(DescriptorChanged{pipe.record(), !pipe.instances.empty() || pipe.reserved_until.has_value()});
    return Status::success;
}

Status Namespace::set_security(SessionId session, InstanceHandle handle, std::uint32_t information,
                               const security::Descriptor& replacement)
{
    Instance* instance = find_instance(session, handle);
    if (instance == nullptr) {
        return Status::invalid_handle;
    }
    return set_security(*instance->pipe, instance->granted_access, instance->session->party.identity.token, information,
                        replacement);
}

Status Namespace::set_security(ClientEndId client_end, std::uint32_t information,
                               const security::Descriptor& replacement)
{
    const auto found = client_ends_.find(client_end);
    if (found == client_ends_.end()) {
        return Status::invalid_handle;
    }
    const ClientEnd& end = found->second;
    Pipe* pipe = find_pipe(end.pipe);
    if (pipe == nullptr) {
        pipe = departed_.at(end.pipe).get();
    }
    return set_security(*pipe, end.granted_access, end.identity->token, information, replacement);
}

} // namespace ntpipe::space

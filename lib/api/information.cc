// SPDX-License-Identifier: LGPL-2.1-or-later
// information.cc: the C API: information about an end and its client.
#include "api/objects_internal.hpp"

using namespace ntpipe;
using namespace ntpipe::api;

namespace {

/// A copy on mem_ctx; never NULL but when out of memory.
const char* copy_text(TALLOC_CTX* mem_ctx, const std::string& text)
{
    return talloc_strndup(mem_ctx, text.data(), text.size());
}

const char* text_or_empty(const char* text)
{
    return text == nullptr ? "" : text;
}

/// A copy on mem_ctx. False: out of memory.
bool copy_bytes(TALLOC_CTX* mem_ctx, const std::vector<std::byte>& bytes, const std::uint8_t*& copy,
                std::size_t& length)
{
    length = bytes.size();
    copy = static_cast<std::uint8_t*>(talloc_memdup(mem_ctx, bytes.data(), bytes.size()));
    return copy != nullptr || bytes.empty();
}

void assign_bytes(std::vector<std::byte>& out, const std::uint8_t* bytes, std::size_t length)
{
    if (bytes != nullptr) {
        const auto given = std::as_bytes(std::span(bytes, length));
        out.assign(given.begin(), given.end());
    }
}

bool copy_sids(ntpipe_identity& out, const security::Token& token)
{
    auto** sids = talloc_array(&out, const char*, static_cast<unsigned>(token.sids.size()));
    if (sids == nullptr) {
        return false;
    }
    out.sids = sids;
    out.num_sids = token.sids.size();
    for (std::size_t i = 0; i < token.sids.size(); ++i) {
        sids[i] = copy_text(static_cast<TALLOC_CTX*>(sids), token.sids[i].text());
        if (sids[i] == nullptr) {
            return false;
        }
    }
    return true;
}

bool copy_identity(ntpipe_identity& out, const security::Identity& in)
{
    out.size = sizeof(out);
    out.flags = in.flags;
    out.uid = in.credentials.uid;
    out.gid = in.credentials.gid;
    out.process_id = in.process_id;
    out.session_id = in.session_id;
    out.privileges = in.token.privileges;
    out.disabled_privileges = in.token.disabled;
    out.account = copy_text(&out, in.account);
    out.domain = copy_text(&out, in.domain);
    out.computer = copy_text(&out, in.computer);
    out.address = copy_text(&out, in.address);
    return copy_sids(out, in.token) && out.account != nullptr && out.domain != nullptr && out.computer != nullptr &&
           out.address != nullptr && copy_bytes(&out, in.authorization, out.authorization, out.authorization_length) &&
           copy_bytes(&out, in.secret_authorization, out.secret_authorization, out.secret_authorization_length);
}

} // namespace

namespace ntpipe::api {

ntpipe_identity* make_identity(TALLOC_CTX* mem_ctx, const security::Identity& identity)
{
    auto* out = talloc_zero(mem_ctx, ntpipe_identity);
    if (out != nullptr && !copy_identity(*out, identity)) {
        talloc_free(out);
        return nullptr;
    }
    return out;
}

Result<std::shared_ptr<const security::Identity>> identity_from(const ntpipe_identity* identity)
{
    if (identity == nullptr) {
        return std::shared_ptr<const security::Identity>();
    }
    if (identity->size != sizeof(*identity) || identity->num_sids == 0) {
        return Status::invalid_parameter;
    }
    auto out = std::make_shared<security::Identity>();
    for (std::size_t i = 0; i < identity->num_sids; ++i) {
        const auto sid = security::Sid::parse(text_or_empty(identity->sids[i]));
        if (!sid) {
            return Status::invalid_sid;
        }
        out->token.sids.push_back(*sid);
    }
    out->token.privileges = identity->privileges;
    out->token.disabled = identity->disabled_privileges & identity->privileges;
    out->credentials.uid = identity->uid;
    out->credentials.gid = identity->gid;
    out->flags = identity->flags;
    out->process_id = identity->process_id;
    out->session_id = identity->session_id;
    out->account = text_or_empty(identity->account);
    out->domain = text_or_empty(identity->domain);
    out->computer = text_or_empty(identity->computer);
    out->address = text_or_empty(identity->address);
    assign_bytes(out->authorization, identity->authorization, identity->authorization_length);
    assign_bytes(out->secret_authorization, identity->secret_authorization, identity->secret_authorization_length);
    return std::shared_ptr<const security::Identity>(std::move(out));
}

} // namespace ntpipe::api

extern "C" {

ntpipe_status ntpipe_query_pipe_info(struct ntpipe_end* pipe, ntpipe_pipe_info* info)
{
    return guarded([&] {
        end::PipeInformation modes;
        const Status status = pipe->end().query(modes);
        *info = {static_cast<std::uint32_t>(modes.read_mode), static_cast<std::uint32_t>(modes.completion_mode)};
        return status;
    });
}

ntpipe_status ntpipe_set_pipe_info(struct ntpipe_end* pipe, const ntpipe_pipe_info* info)
{
    return guarded([&] {
        return pipe->end().set(
            {static_cast<end::ReadMode>(info->read_mode), static_cast<end::CompletionMode>(info->completion_mode)});
    });
}

ntpipe_status ntpipe_query_local_info(struct ntpipe_end* pipe, ntpipe_local_info* info)
{
    return guarded([&] {
        end::PipeLocalInformation local;
        const Status status = pipe->end().query(local);
        *info = {local.named_pipe_type,   local.named_pipe_configuration,
                 local.maximum_instances, local.current_instances,
                 local.inbound_quota,     local.read_data_available,
                 local.outbound_quota,    local.write_quota_available,
                 local.named_pipe_state,  local.named_pipe_end};
        return status;
    });
}

void ntpipe_query_traits(struct ntpipe_end* pipe, ntpipe_traits* traits)
{
    const end::Attributes& attributes = pipe->end().attributes();
    const end::PipeInformation& modes = pipe->end().modes();
    *traits = {static_cast<std::uint32_t>(attributes.type),
               static_cast<std::uint32_t>(attributes.configuration),
               attributes.maximum_instances,
               static_cast<std::uint32_t>(modes.read_mode),
               static_cast<std::uint32_t>(modes.completion_mode),
               attributes.pipe ? attributes.pipe->default_timeout() : 0};
}

ntpipe_status ntpipe_query_information(struct ntpipe_end* pipe, uint32_t information_class, void* buffer, size_t length,
                                       size_t* information)
{
    return guarded([&] {
        return pipe->end().query_information(information_class, {static_cast<std::byte*>(buffer), length},
                                             *information);
    });
}

ntpipe_status ntpipe_set_information(struct ntpipe_end* pipe, uint32_t information_class, const void* buffer,
                                     size_t length)
{
    return guarded([&] {
        return pipe->end().set_information(information_class, {static_cast<const std::byte*>(buffer), length});
    });
}

uint32_t ntpipe_granted_access(struct ntpipe_end* pipe)
{
    return pipe->end().granted_access();
}

const char* ntpipe_name(struct ntpipe_end* pipe)
{
    return pipe->name.c_str();
}

ntpipe_status ntpipe_get_client_info(struct ntpipe_end* pipe, TALLOC_CTX* mem_ctx, ntpipe_identity** identity)
{
    return guarded([&] {
        std::shared_ptr<const security::Identity> client;
        if (const Status status = pipe->end().query_client(client); status != Status::success) {
            return status;
        }
        *identity = make_identity(mem_ctx, *client);
        return *identity == nullptr ? Status::no_memory : Status::success;
    });
}

ntpipe_status ntpipe_get_server_process_id(struct ntpipe_end* pipe, uint32_t* process_id)
{
    return guarded([&] { return pipe->end().query_server_process(*process_id); });
}
}

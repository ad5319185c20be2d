// SPDX-License-Identifier: LGPL-2.1-or-later
// security.cc: the C API: security descriptors of pipes, access checks.
#include "api/objects_internal.hpp"
#include "end/client_access.hpp"
#include "security/access_check.hpp"

#include <algorithm>

using namespace ntpipe;
using namespace ntpipe::api;

namespace {

using SetSecurityState = RequestState<session::SetSecurityRequest>;

} // namespace

extern "C" {

ntpipe_status ntpipe_query_security(struct ntpipe_end* pipe, TALLOC_CTX* mem_ctx, uint32_t information,
                                    uint8_t** descriptor, size_t* length)
{
    return guarded([&] {
        glue::ByteVector bytes;
        if (const Status status = pipe->end().query_security(information, bytes); status != Status::success) {
            return status;
        }
        *descriptor = static_cast<std::uint8_t*>(talloc_memdup(mem_ctx, bytes.data(), bytes.size()));
        *length = bytes.size();
        return *descriptor == nullptr ? Status::no_memory : Status::success;
    });
}

ntpipe_status ntpipe_query_security_buffer(struct ntpipe_end* pipe, uint32_t information, void* buffer, size_t length,
                                           size_t* needed)
{
    return guarded([&] {
        *needed = 0;
        glue::ByteVector bytes;
        if (const Status status = pipe->end().query_security(information, bytes); status != Status::success) {
            return status;
        }
        *needed = bytes.size();
        if (length < bytes.size()) {
            return Status::buffer_too_small;
        }
        std::copy(bytes.begin(), bytes.end(), static_cast<std::byte*>(buffer));
        return Status::success;
    });
}

tevent_req* ntpipe_set_security_send(TALLOC_CTX* mem_ctx, tevent_context* ev, struct ntpipe_end* pipe,
                                     uint32_t information, const uint8_t* descriptor, size_t length)
{
    SetSecurityState* state = nullptr;
    tevent_req* req = make_request(mem_ctx, state);
    if (req == nullptr) {
        return nullptr;
    }
    allow_cancel<SetSecurityState>(req);
    return launch(req, *state, ev, pipe->gate, [&] {
        if (const Status status = pipe->end().check_set_security(information); status != Status::success) {
            return status;
        }
        const auto bytes = std::as_bytes(std::span(descriptor, length));
        if (const auto parsed = security::Descriptor::parse(bytes); !parsed) {
            return parsed.status();
        }
        state->pipe = pipe->pipe.get();
        state->information = information;
        state->descriptor.assign(bytes.begin(), bytes.end());
        pipe->gate->start(*state);
        return Status::pending;
    });
}

ntpipe_status ntpipe_set_security_recv(tevent_req* req)
{
    const Status status = outcome_of<SetSecurityState>(req);
    tevent_req_received(req);
    return raw(status);
}

ntpipe_status ntpipe_set_security(struct ntpipe_end* pipe, uint32_t information, const uint8_t* descriptor,
                                  size_t length)
{
    return block(
        *pipe->gate,
        [&](tevent_context* ev) {
            return ntpipe_set_security_send(nullptr, ev, pipe, information, descriptor, length);
        },
        ntpipe_set_security_recv);
}

ntpipe_status ntpipe_query_maximal_access(struct ntpipe_end* pipe, const ntpipe_identity* identity, uint32_t* access)
{
    return guarded([&] {
        *access = 0;
        const auto whose = identity_from(identity);
        if (!whose || *whose == nullptr) {
            return whose ? Status::invalid_parameter : whose.status();
        }
        const end::Attributes& attributes = pipe->end().attributes();
        const auto bytes = attributes.pipe ? attributes.pipe->descriptor() : std::nullopt;
        if (!bytes) {
            return Status::unsuccessful; // the broker died while it wrote; the next one writes it anew
        }
        const auto descriptor = security::Descriptor::parse(*bytes);
        if (!descriptor) {
            return descriptor.status();
        }
        const auto granted = security::check_access(*descriptor, (*whose)->token, security::access::maximum_allowed);
        *access = granted ? end::client_access(attributes.configuration, *granted) : 0;
        return granted.status();
    });
}

ntpipe_status ntpipe_check_access(const uint8_t* descriptor, size_t length, const ntpipe_identity* identity,
                                  uint32_t desired_access, uint32_t* granted_access)
{
    return guarded([&] {
        *granted_access = 0;
        const auto parsed = security::Descriptor::parse(std::as_bytes(std::span(descriptor, length)));
        if (!parsed) {
            return parsed.status();
        }
        const auto whose = identity_from(identity);
        if (!whose || *whose == nullptr) {
            return whose ? Status::invalid_parameter : whose.status();
        }
        const auto granted = security::check_access(*parsed, (*whose)->token, desired_access);
        *granted_access = granted ? *granted : 0;
        return granted.status();
    });
}
}

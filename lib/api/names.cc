// SPDX-License-Identifier: LGPL-2.1-or-later
// names.cc: the C API: listing and watching names; security descriptors as text.
#include "api/objects_internal.hpp"

#include "name/comparison.hpp"
#include "security/sddl.hpp"

using namespace ntpipe;
using namespace ntpipe::api;

namespace {

using ListState = RequestState<session::ListRequest>;

bool copy_listing(TALLOC_CTX* mem_ctx, ntpipe_listing& out, const space::PipeListing& in)
{
    const auto count = [&in](space::InstanceState state) { return in.instances[static_cast<std::size_t>(state)]; };
    out.name = talloc_strndup(mem_ctx, in.name.data(), in.name.size());
    out.global = in.scope == space::global_scope;
    out.owner = in.owner;
    out.process_id = in.process;
    out.type = static_cast<std::uint32_t>(in.type);
    out.configuration = static_cast<std::uint32_t>(in.configuration);
    out.maximum_instances = in.maximum_instances;
    out.listening = count(space::InstanceState::listening);
    out.connected = count(space::InstanceState::connected);
    out.closing = count(space::InstanceState::closing);
    out.disconnected = count(space::InstanceState::disconnected);
    out.origin = talloc_strndup(mem_ctx, in.origin.data(), in.origin.size());
    out.offered = in.offered;
    return out.name != nullptr && out.origin != nullptr;
}

} // namespace

struct ntpipe_watch final : session::NameWatcher {
    ntpipe_watch(std::shared_ptr<session::Gate> gate_, const ntpipe_watch_handlers& handlers_, void* private_data_)
        : gate(std::move(gate_)), handlers(handlers_), private_data(private_data_)
    {
    }
    void appeared(const Name& name) override
    {
        const std::uint64_t scope = name.scope == space::global_scope ? NTPIPE_WATCH_GLOBAL : name.scope - 1;
        handlers.appeared(private_data, name.pipe, name.name.c_str(), scope, name.owner, name.offered);
    }
    void gone(const Name& name) override { handlers.gone(private_data, name.pipe); }
    void complete() override { handlers.complete(private_data); }
    void reset() override { handlers.reset(private_data); }

    std::shared_ptr<session::Gate> gate;
    ntpipe_watch_handlers handlers;
    void* private_data;
};

extern "C" {

tevent_req* ntpipe_list_send(TALLOC_CTX* mem_ctx, tevent_context* ev, ntpipe_session* session, const char* pattern)
{
    ListState* state = nullptr;
    tevent_req* req = make_request(mem_ctx, state);
    if (req == nullptr) {
        return nullptr;
    }
    return launch(req, *state, ev, session->gate, [&] {
        state->pattern = pattern == nullptr ? "" : pattern;
        session->gate->start(*state);
        return Status::pending;
    });
}

ntpipe_status ntpipe_list_recv(tevent_req* req, TALLOC_CTX* mem_ctx, ntpipe_listing** listings, size_t* count)
{
    const ntpipe_status result = guarded([&] {
        const Status status = outcome_of<ListState>(req);
        if (status != Status::success) {
            return status;
        }
        const auto& pipes = state_of<ListState>(req)->pipes;
        auto* out = talloc_zero_array(mem_ctx, ntpipe_listing, static_cast<unsigned>(pipes.size()));
        if (out == nullptr) {
            return Status::no_memory;
        }
        for (std::size_t i = 0; i < pipes.size(); ++i) {
            if (!copy_listing(out, out[i], pipes[i])) {
                talloc_free(out);
                return Status::no_memory;
            }
        }
        *listings = out;
        *count = pipes.size();
        return Status::success;
    });
    tevent_req_received(req);
    return result;
}

ntpipe_status ntpipe_list(TALLOC_CTX* mem_ctx, ntpipe_session* session, const char* pattern, ntpipe_listing** listings,
                          size_t* count)
{
    return block(
        *session->gate, [&](tevent_context* ev) { return ntpipe_list_send(nullptr, ev, session, pattern); },
        [&](tevent_req* req) { return ntpipe_list_recv(req, mem_ctx, listings, count); });
}

ntpipe_status ntpipe_watch_names(TALLOC_CTX* mem_ctx, ntpipe_session* session, const ntpipe_watch_handlers* handlers,
                                 void* private_data, ntpipe_watch** watch)
{
    return guarded([&] {
        if (handlers->size != sizeof(*handlers)) {
            return Status::invalid_parameter;
        }
        *watch =
            glue::make_talloc<ntpipe_watch>(mem_ctx, "struct ntpipe_watch", session->gate, *handlers, private_data);
        if (*watch == nullptr) {
            return Status::no_memory;
        }
        session->gate->watch(**watch);
        return Status::success;
    });
}

bool ntpipe_name_is_sambas(const char* name)
{
    bool is_sambas = false;
    (void)guarded([&] {
        is_sambas = name::spells_samba_name(name);
        return Status::success;
    });
    return is_sambas;
}

bool ntpipe_name_matches(const char* pattern, const char* name)
{
    bool matches = false;
    (void)guarded([&] {
        matches = name::spelling_matches(pattern, name);
        return Status::success;
    });
    return matches;
}

ntpipe_status ntpipe_sddl_to_descriptor(TALLOC_CTX* mem_ctx, const char* sddl, uint8_t** descriptor, size_t* length,
                                        size_t* error_at)
{
    return guarded([&] {
        const auto parsed = security::parse_sddl(sddl, error_at);
        if (!parsed) {
            return parsed.status();
        }
        const glue::ByteVector bytes = parsed->self_relative();
        *descriptor = static_cast<std::uint8_t*>(talloc_memdup(mem_ctx, bytes.data(), bytes.size()));
        *length = bytes.size();
        return *descriptor == nullptr ? Status::no_memory : Status::success;
    });
}

ntpipe_status ntpipe_descriptor_to_sddl(TALLOC_CTX* mem_ctx, const uint8_t* descriptor, size_t length, char** sddl)
{
    return guarded([&] {
        const auto parsed = security::Descriptor::parse(std::as_bytes(std::span(descriptor, length)));
        if (!parsed) {
            return parsed.status();
        }
        const std::string text = security::format_sddl(*parsed);
        *sddl = talloc_strndup(mem_ctx, text.data(), text.size());
        return *sddl == nullptr ? Status::no_memory : Status::success;
    });
}
}

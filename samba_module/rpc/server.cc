// SPDX-License-Identifier: GPL-3.0-or-later
// server.cc: the pipes of an RPC server: for each endpoint some instances that wait for clients.
#include "ntpipe_rpc.h"

#include "glue/list.hpp"
#include "glue/talloc.hpp"
#include "request.hpp"
#include "server_core.hpp"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

namespace ntpipe::rpc {
namespace {

using Descriptor = std::vector<std::uint8_t>;

constexpr std::uint32_t listening_by_default = 8;
constexpr std::uint32_t seconds_until_next_try = 1;
/// Of unread bytes, both ways: some fragments, so that a call is seldom held up.
constexpr std::uint32_t quota = 65536;
/// Who made it and LocalSystem everything; authenticated users read and write, but make no instance.
constexpr const char* default_descriptor = "D:(A;;FA;;;SY)(A;;FA;;;OW)(A;;0x12019b;;;AU)";

class Endpoint;

/// An instance that waits for a client. A talloc child of the server.
struct Instance {
    Endpoint* endpoint = nullptr;
    ntpipe_end* end = nullptr;
};

struct Settings {
    Descriptor descriptor;
    std::uint32_t listening = listening_by_default;
    std::uint32_t max_clients = NTPIPE_UNLIMITED_INSTANCES;
};

/// A pipe. Its owner's memory is that of its instances.
class Endpoint {
public:
    Endpoint(ntpipe_rpc_server& server, ServedEndpoint* served, Descriptor descriptor)
        : server_(server),
          served_(served),
          path_(std::string(R"(\\.\pipe\)") + pipe_of(*served)),
          descriptor_(std::move(descriptor))
    {
    }

    /// Makes as many instances as are wanted and there may be.
    void refill();
    [[nodiscard]] std::size_t clients() const { return clients_; }

private:
    void add_instance();
    void created(Instance& instance, tevent_req* request);
    void connected(Instance& instance, tevent_req* request);
    void serve(Instance& instance);
    void failed(Instance& instance, ntpipe_status status);
    void try_later();

    ntpipe_rpc_server& server_;
    ServedEndpoint* served_;
    std::string path_;
    Descriptor descriptor_;
    bool exists_ = false;         ///< the first instance has been made
    std::uint32_t listening_ = 0; ///< instances that listen, or are being made
    std::size_t clients_ = 0;
};

} // namespace
} // namespace ntpipe::rpc

/// What the program has.
struct ntpipe_rpc_server {
    ~ntpipe_rpc_server();

    tevent_context* events = nullptr;
    ntpipe_session* session = nullptr;
    ntpipe::rpc::Settings settings;
    TALLOC_CTX* instances = nullptr; ///< and connections, which end before the context
    dcesrv_context* context = nullptr;
    std::vector<std::unique_ptr<ntpipe::rpc::Endpoint>> endpoints;
    std::size_t missing = 0;       ///< endpoints that do not exist yet
    tevent_req* serving = nullptr; ///< the request, until it is over
};

ntpipe_rpc_server::~ntpipe_rpc_server()
{
    // What ends now is not to be replaced.
    talloc_free(std::exchange(instances, nullptr));
    talloc_free(context);
}

namespace ntpipe::rpc {
namespace {

/// Ends the request that has made the server.
void end_serving(ntpipe_rpc_server& server, ntpipe_status status)
{
    if (tevent_req* request = std::exchange(server.serving, nullptr)) {
        samba::finish_later(request, server.events, static_cast<Status>(status));
    }
}

// ---- instances ----

void Endpoint::refill()
{
    // The first one alone: it finds out whether the name is free.
    const std::uint32_t wanted = exists_ ? server_.settings.listening : 1;
    while (server_.instances != nullptr && listening_ < wanted &&
           listening_ + clients_ < server_.settings.max_clients) {
        const std::uint32_t before = listening_;
        add_instance();
        if (listening_ == before) {
            try_later();
            return;
        }
    }
}

void Endpoint::add_instance()
{
    auto* instance = glue::make_talloc<Instance>(server_.instances, "struct ntpipe_rpc_instance");
    if (instance == nullptr) {
        return;
    }
    instance->endpoint = this;
    ntpipe_create_params parameters = NTPIPE_CREATE_PARAMS_INIT;
    parameters.disposition = exists_ ? NTPIPE_FILE_OPEN_IF : NTPIPE_FILE_CREATE;
    parameters.inbound_quota = parameters.outbound_quota = quota;
    parameters.security_descriptor = descriptor_.data();
    parameters.security_descriptor_length = descriptor_.size();
    tevent_req* request = ntpipe_create_send(instance, server_.events, server_.session, path_.c_str(), &parameters);
    if (request == nullptr) {
        talloc_free(instance);
        return;
    }
    ++listening_;
    const auto callback = [](tevent_req* over) {
        auto& made = *static_cast<Instance*>(tevent_req_callback_data_void(over));
        made.endpoint->created(made, over);
    };
    tevent_req_set_callback(request, callback, instance);
}

void Endpoint::created(Instance& instance, tevent_req* request)
{
    const ntpipe_status status = ntpipe_create_recv(request, &instance, &instance.end, nullptr);
    talloc_free(request);
    if (status != NTPIPE_STATUS_SUCCESS) {
        failed(instance, status);
        return;
    }
    tevent_req* listen = ntpipe_listen_send(&instance, server_.events, instance.end);
    if (listen == nullptr) {
        failed(instance, NTPIPE_STATUS_NO_MEMORY);
        return;
    }
    const auto callback = [](tevent_req* over) {
        auto& waiting = *static_cast<Instance*>(tevent_req_callback_data_void(over));
        waiting.endpoint->connected(waiting, over);
    };
    tevent_req_set_callback(listen, callback, &instance);
    if (!exists_) {
        exists_ = true;
        refill();
        if (--server_.missing == 0) {
            end_serving(server_, NTPIPE_STATUS_SUCCESS);
        }
    }
}

void Endpoint::connected(Instance& instance, tevent_req* request)
{
    const ntpipe_status status = ntpipe_listen_recv(request);
    talloc_free(request);
    switch (status) {
    case NTPIPE_STATUS_SUCCESS:
    case NTPIPE_STATUS_PIPE_CONNECTED:
    case NTPIPE_STATUS_PIPE_CLOSING: // the client has written and gone: there may be a call that wants no answer
        serve(instance);
        break;
    default:
        failed(instance, status);
        break;
    }
}

void Endpoint::serve(Instance& instance)
{
    ntpipe_end* end = talloc_move(server_.instances, &instance.end);
    talloc_free(&instance);
    --listening_;
    ++clients_;
    const auto over = [this] {
        --clients_;
        refill();
    };
    const NTSTATUS status = Connection::start(server_.instances, server_.context, served_, server_.events, end, over);
    if (!NT_STATUS_IS_OK(status)) {
        DEBUG(2, ("ntpipe-rpc: %s: a client is refused: %s\n", path_.c_str(), nt_errstr(status)));
    }
    refill();
}

// ---- what goes wrong ----

void Endpoint::failed(Instance& instance, ntpipe_status status)
{
    talloc_free(&instance);
    --listening_;
    if (server_.serving != nullptr) {
        end_serving(server_, status);
        return;
    }
    DEBUG(0, ("ntpipe-rpc: %s: no further instance: %s\n", path_.c_str(), ntpipe_status_name(status)));
    try_later();
}

void Endpoint::try_later()
{
    const auto handler = [](tevent_context*, tevent_timer* timer, timeval, void* endpoint) {
        talloc_free(timer);
        static_cast<Endpoint*>(endpoint)->refill();
    };
    (void)tevent_add_timer(server_.events, server_.instances, tevent_timeval_current_ofs(seconds_until_next_try, 0),
                           handler, this);
}

// ---- the server ----

struct ServeState {
    tevent_req* request = nullptr;
    glue::TallocPtr<ntpipe_rpc_server> server;
};

/// Empty: it cannot be put in that form.
Descriptor descriptor_of(const ServedEndpoint& endpoint, const Descriptor& otherwise)
{
    if (endpoint.sd == nullptr) {
        return otherwise;
    }
    std::uint8_t* data = nullptr;
    std::size_t size = 0;
    if (!NT_STATUS_IS_OK(marshall_sec_desc(nullptr, endpoint.sd, &data, &size))) {
        return {};
    }
    const glue::TallocPtr owner(data);
    return {data, data + size};
}

Settings settings_of(const ntpipe_rpc_params& parameters)
{
    Settings settings;
    if (parameters.listening != 0) {
        settings.listening = parameters.listening;
    }
    if (parameters.max_clients != 0) {
        settings.max_clients = parameters.max_clients;
    }
    if (parameters.security_descriptor != nullptr) {
        settings.descriptor.assign(parameters.security_descriptor,
                                   parameters.security_descriptor + parameters.security_descriptor_length);
        return settings;
    }
    std::uint8_t* data = nullptr;
    std::size_t size = 0;
    if (ntpipe_sddl_to_descriptor(nullptr, default_descriptor, &data, &size, nullptr) == NTPIPE_STATUS_SUCCESS) {
        const glue::TallocPtr owner(data);
        settings.descriptor.assign(data, data + size);
    }
    return settings;
}

/// The endpoints that are pipes.
ntpipe_status add_endpoints(ntpipe_rpc_server& server)
{
    for (ServedEndpoint* served = server.context->endpoint_list; served != nullptr; served = served->next) {
        if (pipe_of(*served) == nullptr) {
            continue;
        }
        Descriptor descriptor = descriptor_of(*served, server.settings.descriptor);
        if (descriptor.empty()) {
            return NTPIPE_STATUS_INVALID_SECURITY_DESCR;
        }
        server.endpoints.push_back(std::make_unique<Endpoint>(server, served, std::move(descriptor)));
    }
    server.missing = server.endpoints.size();
    return server.endpoints.empty() ? NTPIPE_STATUS_NOT_FOUND : NTPIPE_STATUS_SUCCESS;
}

ntpipe_status start(ntpipe_rpc_server& server, const ntpipe_rpc_params& parameters)
{
    server.settings = settings_of(parameters);
    server.instances = talloc_named_const(nullptr, 0, "the instances of an RPC server");
    if (server.instances == nullptr) {
        return NTPIPE_STATUS_NO_MEMORY;
    }
    const NTSTATUS status = make_context(nullptr, parameters.configuration, server.context);
    if (!NT_STATUS_IS_OK(status)) {
        return NT_STATUS_V(status);
    }
    if (const ntpipe_status failure = add_endpoints(server)) {
        return failure;
    }
    for (const auto& endpoint : server.endpoints) {
        endpoint->refill();
    }
    return NTPIPE_STATUS_SUCCESS;
}

} // namespace
} // namespace ntpipe::rpc

// ---- the API ----

tevent_req* ntpipe_rpc_serve_send(TALLOC_CTX* mem_ctx, tevent_context* ev, ntpipe_session* session,
                                  const ntpipe_rpc_params* params)
{
    using namespace ntpipe;
    constexpr ntpipe_rpc_params defaults = NTPIPE_RPC_PARAMS_INIT;
    rpc::ServeState* state = nullptr;
    tevent_req* request = samba::make_request(mem_ctx, state);
    if (request == nullptr) {
        return nullptr;
    }
    if (session == nullptr || (params != nullptr && params->size != sizeof(*params))) {
        samba::finish_later(request, ev, Status::invalid_parameter);
        return request;
    }
    state->server.reset(glue::make_talloc<ntpipe_rpc_server>(nullptr, "struct ntpipe_rpc_server"));
    if (!state->server) {
        samba::finish_later(request, ev, Status::no_memory);
        return request;
    }
    ntpipe_rpc_server& server = *state->server.get();
    server.events = ev;
    server.session = session;
    server.serving = request;
    if (const ntpipe_status failure = rpc::start(server, params == nullptr ? defaults : *params)) {
        rpc::end_serving(server, failure);
    }
    return request;
}

ntpipe_status ntpipe_rpc_serve_recv(tevent_req* req, TALLOC_CTX* mem_ctx, ntpipe_rpc_server** server)
{
    using namespace ntpipe;
    auto& state = *samba::state_of<rpc::ServeState>(req);
    const Status status = samba::status_of(req);
    if (status == Status::success) {
        *server = talloc_steal(mem_ctx, state.server.release());
    } else {
        state.server.reset();
    }
    tevent_req_received(req);
    return raw(status);
}

ntpipe_status ntpipe_rpc_serve(TALLOC_CTX* mem_ctx, ntpipe_session* session, const ntpipe_rpc_params* params,
                               ntpipe_rpc_server** server)
{
    tevent_context* events = session == nullptr ? nullptr : ntpipe_session_event_context(session);
    if (events == nullptr) {
        return NTPIPE_STATUS_INVALID_PARAMETER;
    }
    tevent_req* request = ntpipe_rpc_serve_send(nullptr, events, session, params);
    if (request == nullptr || !tevent_req_poll(request, events)) {
        talloc_free(request);
        return NTPIPE_STATUS_NO_MEMORY;
    }
    const ntpipe_status status = ntpipe_rpc_serve_recv(request, mem_ctx, server);
    talloc_free(request);
    return status;
}

size_t ntpipe_rpc_num_clients(ntpipe_rpc_server* server)
{
    std::size_t clients = 0;
    for (const auto& endpoint : server->endpoints) {
        clients += endpoint->clients();
    }
    return clients;
}

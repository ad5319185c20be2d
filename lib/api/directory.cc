// SPDX-License-Identifier: LGPL-2.1-or-later
// directory.cc: the C API: the device and the directory of pipes; what is created and opened relative to a handle.
#include "api/objects_internal.hpp"

#include "end/volume.hpp"
#include "namespace/container.hpp"
#include "namespace/wait_buffer.hpp"

#include <deque>

using namespace ntpipe;
using namespace ntpipe::api;

namespace {

class EnumerationState;

/// What a directory's requests keep alive.
struct OpenDirectory {
    OpenDirectory(name::Container kind, std::uint32_t access, std::uint32_t options) : container(kind, access, options)
    {
    }
    space::Container container;
    space::DirectoryScan scan;
    std::deque<EnumerationState*> enumerations; ///< one after the other; the first is under way
};

/// A call of the enumeration: pages of the listing, until the buffer is full or there are no more.
class EnumerationState final : public RequestState<session::ListRequest> {
public:
    using RequestState::RequestState;
    void prepare(std::shared_ptr<OpenDirectory> open, space::DirectoryScan::Query asked)
    {
        directory_ = std::move(open);
        query_ = std::move(asked);
    }
    /// Its turn has come.
    [[nodiscard]] Status begin()
    {
        const Status status = directory_->scan.begin(std::move(query_));
        if (status != Status::success) {
            return status;
        }
        pattern = directory_->scan.list_pattern();
        reachable = one_page = true;
        ask();
        return Status::pending;
    }
    void completed() override
    {
        Status result = status();
        if (result == Status::success) {
            result = directory_->scan.take(pipes, more);
        }
        if (result == Status::pending) {
            ask();
            return;
        }
        information = is_error(result) ? 0 : directory_->scan.information();
        end(result);
    }
    void end(Status result)
    {
        const std::shared_ptr<OpenDirectory> directory = directory_;
        leave();
        outcome = result;
        finish(req, result); // may destroy this
        begin_next(*directory);
    }
    /// It is over, or its owner does not wait any more.
    void leave()
    {
        if (directory_ != nullptr) {
            std::erase(directory_->enumerations, this);
        }
        abandon();
    }
    static void begin_next(OpenDirectory& directory)
    {
        while (!directory.enumerations.empty() && !directory.enumerations.front()->pending()) {
            EnumerationState& next = *directory.enumerations.front();
            const Status status = next.begin();
            if (status == Status::pending) {
                return;
            }
            next.leave();
            next.outcome = status;
            finish(next.req, status);
        }
    }
    [[nodiscard]] const std::shared_ptr<OpenDirectory>& directory() const { return directory_; }

    std::size_t information = 0;

private:
    void ask()
    {
        pipes.clear();
        after = directory_->scan.after();
        gate->start(*this);
    }

    std::shared_ptr<OpenDirectory> directory_;
    space::DirectoryScan::Query query_;
};

using NotifyState = RequestState<session::NotifyRequest>;
using AliasState = RequestState<session::AliasRequest>;

} // namespace

struct ntpipe_directory {
    std::shared_ptr<session::Gate> gate;
    std::shared_ptr<OpenDirectory> open;
    std::string object_name;
};

namespace {

/// A request that is another request's result and nothing more.
struct ForwardState {
    tevent_req* inner = nullptr;
    ntpipe_status (*receive)(tevent_req*) = nullptr;
};

// Takes `inner` over. nullptr: out of memory, and `inner` has gone.
tevent_req* forward(TALLOC_CTX* mem_ctx, tevent_req* inner, ntpipe_status (*receive)(tevent_req*))
{
    ForwardState* state = nullptr;
    tevent_req* req = inner == nullptr ? nullptr : tevent_req_create(mem_ctx, &state, ForwardState);
    if (req == nullptr) {
        talloc_free(inner);
        return nullptr;
    }
    state->inner = talloc_steal(state, inner);
    state->receive = receive;
    tevent_req_set_callback(
        inner,
        [](tevent_req* over) {
            auto* outer = static_cast<tevent_req*>(tevent_req_callback_data_void(over));
            finish(outer, static_cast<Status>(state_of<ForwardState>(outer)->receive(over)));
        },
        req);
    tevent_req_set_cancel_fn(
        req, [](tevent_req* cancelled) { return tevent_req_cancel(state_of<ForwardState>(cancelled)->inner); });
    return req;
}

// A request that is over already.
tevent_req* over_at_once(TALLOC_CTX* mem_ctx, session::Gate& gate, Status status)
{
    ForwardState* state = nullptr;
    tevent_req* req = tevent_req_create(mem_ctx, &state, ForwardState);
    if (req == nullptr) {
        return nullptr;
    }
    finish(req, status);
    return gate.loop().post(req);
}

ntpipe_status forwarded_outcome(tevent_req* req)
{
    enum tevent_req_state how = TEVENT_REQ_INIT;
    std::uint64_t error = 0;
    if (!tevent_req_is_error(req, &how, &error)) {
        return NTPIPE_STATUS_SUCCESS;
    }
    switch (how) {
    case TEVENT_REQ_USER_ERROR:
        return static_cast<ntpipe_status>(error);
    case TEVENT_REQ_TIMED_OUT:
        return NTPIPE_STATUS_IO_TIMEOUT;
    default:
        return NTPIPE_STATUS_NO_MEMORY;
    }
}

tevent_req* send_alias(TALLOC_CTX* mem_ctx, tevent_context* ev, const std::shared_ptr<session::Gate>& gate,
                       const std::function<Status(session::AliasRequest&)>& name_it)
{
    AliasState* state = nullptr;
    tevent_req* req = make_request(mem_ctx, state);
    if (req == nullptr) {
        return nullptr;
    }
    allow_cancel<AliasState>(req);
    return launch(req, *state, ev, gate, [&] {
        if (const Status status = name_it(*state); status != Status::success) {
            return status;
        }
        gate->start(*state);
        return Status::pending;
    });
}

tevent_req* send_symlink(TALLOC_CTX* mem_ctx, tevent_context* ev, const std::shared_ptr<session::Gate>& gate,
                         glue::ByteSpan input, bool deletion)
{
    return send_alias(mem_ctx, ev, gate, [input, deletion](session::AliasRequest& request) {
        auto link = space::parse_symlink_buffer(input, deletion);
        if (!link) {
            return link.status();
        }
        request.alias = std::move(link->alias);
        if (!deletion) {
            request.real = std::move(link->real);
        }
        return Status::success;
    });
}

// A name relative to a directory; empty where a pipe without one is meant.
Result<name::Name> relative_name(const ntpipe_directory& directory, std::string_view text, bool may_be_empty)
{
    if (const Status status = directory.open->container.check_relative_name(); status != Status::success) {
        return status;
    }
    return text.empty() && may_be_empty ? Result<name::Name>(name::Name()) : name::parse_bare(text);
}

/// The two steps of ntpipe_create_pair_send().
struct PairState {
    tevent_context* ev = nullptr;
    std::uint32_t size = 0;
    tevent_req* step = nullptr;
    struct ntpipe_end* ends[2] = {nullptr, nullptr}; ///< read end, write end
};

constexpr std::uint32_t default_pair_size = 4096;
// SEMANTICS 5.3: what CreatePipe() asks for.
constexpr std::uint32_t standard_rights = NTPIPE_SYNCHRONIZE | NTPIPE_READ_CONTROL | NTPIPE_READ_ATTRIBUTES;
constexpr std::uint32_t read_end_access = standard_rights | NTPIPE_WRITE_ATTRIBUTES | NTPIPE_READ_EA | NTPIPE_READ_DATA;
constexpr std::uint32_t write_end_access =
    standard_rights | NTPIPE_WRITE_EA | NTPIPE_CREATE_PIPE_INSTANCE | NTPIPE_WRITE_DATA;

void pair_opened(tevent_req* step)
{
    auto* req = static_cast<tevent_req*>(tevent_req_callback_data_void(step));
    auto* state = state_of<PairState>(req);
    state->step = nullptr;
    finish(req, static_cast<Status>(ntpipe_open_recv(step, state, &state->ends[1])));
}

void pair_created(tevent_req* step)
{
    auto* req = static_cast<tevent_req*>(tevent_req_callback_data_void(step));
    auto* state = state_of<PairState>(req);
    state->step = nullptr;
    const ntpipe_status status = ntpipe_create_recv(step, state, &state->ends[0], nullptr);
    if (status != NTPIPE_STATUS_SUCCESS) {
        finish(req, static_cast<Status>(status));
        return;
    }
    ntpipe_open_params params = NTPIPE_OPEN_PARAMS_INIT;
    params.desired_access = write_end_access;
    state->step = ntpipe_open_relative_send(state, state->ev, state->ends[0], "", &params);
    if (tevent_req_nomem(state->step, req)) {
        return;
    }
    tevent_req_set_callback(state->step, pair_opened, req);
}

} // namespace

extern "C" {

// ---- the handle ----

ntpipe_status ntpipe_open_directory(TALLOC_CTX* mem_ctx, ntpipe_session* session, const char* name,
                                    uint32_t desired_access, uint32_t options, ntpipe_directory** directory)
{
    return guarded([&] {
        const auto kind = name::parse_container(name);
        if (!kind) {
            return Status::object_name_invalid;
        }
        auto open = std::make_shared<OpenDirectory>(*kind, desired_access, options);
        std::string object_name = open->container.object_name();
        *directory = glue::make_talloc<ntpipe_directory>(
            mem_ctx, "struct ntpipe_directory",
            ntpipe_directory{session->gate, std::move(open), std::move(object_name)});
        return *directory == nullptr ? Status::no_memory : Status::success;
    });
}

const char* ntpipe_directory_object_name(ntpipe_directory* directory)
{
    return directory->object_name.c_str();
}

uint32_t ntpipe_directory_granted_access(ntpipe_directory* directory)
{
    return directory->open->container.granted_access();
}

ntpipe_status ntpipe_directory_read(ntpipe_directory* directory)
{
    return raw(directory->open->container.read());
}

ntpipe_status ntpipe_directory_write(ntpipe_directory* directory)
{
    return raw(directory->open->container.write());
}

ntpipe_status ntpipe_directory_query_information(ntpipe_directory* directory, uint32_t information_class, void* buffer,
                                                 size_t length, size_t* information)
{
    return guarded([&] {
        return directory->open->container.query_information(information_class,
                                                            {static_cast<std::byte*>(buffer), length}, *information);
    });
}

ntpipe_status ntpipe_directory_set_information(ntpipe_directory* directory, uint32_t /*information_class*/,
                                               const void* /*buffer*/, size_t /*length*/)
{
    return raw(directory->open->container.set_information());
}

ntpipe_status ntpipe_directory_query_volume_information(ntpipe_directory* /*directory*/, uint32_t information_class,
                                                        void* buffer, size_t length, size_t* information)
{
    return guarded([&] {
        return end::query_volume_information(information_class, {static_cast<std::byte*>(buffer), length},
                                             *information);
    });
}

tevent_req* ntpipe_directory_control_send(TALLOC_CTX* mem_ctx, tevent_context* ev, ntpipe_directory* directory,
                                          uint32_t code, const void* input, size_t input_length)
{
    space::ContainerWork work = space::ContainerWork::none;
    const Status status = directory->open->container.control(code, work);
    if (status != Status::success) {
        return over_at_once(mem_ctx, *directory->gate, status);
    }
    const glue::ByteSpan bytes{static_cast<const std::byte*>(input), input_length};
    switch (work) {
    case space::ContainerWork::wait:
        return forward(mem_ctx, send_wait_buffer(nullptr, ev, directory->gate, bytes, nullptr),
                       ntpipe_wait_control_recv);
    case space::ContainerWork::create_alias:
    case space::ContainerWork::delete_alias:
        return forward(mem_ctx,
                       send_symlink(nullptr, ev, directory->gate, bytes, work == space::ContainerWork::delete_alias),
                       ntpipe_alias_recv);
    case space::ContainerWork::none:
        break;
    }
    return over_at_once(mem_ctx, *directory->gate, status);
}

ntpipe_status ntpipe_directory_control_recv(tevent_req* req)
{
    const ntpipe_status status = forwarded_outcome(req);
    tevent_req_received(req);
    return status;
}

ntpipe_status ntpipe_directory_control(ntpipe_directory* directory, uint32_t code, const void* input,
                                       size_t input_length)
{
    return block(
        *directory->gate,
        [&](tevent_context* ev) {
            return ntpipe_directory_control_send(nullptr, ev, directory, code, input, input_length);
        },
        ntpipe_directory_control_recv);
}

// ---- enumeration and notification ----

tevent_req* ntpipe_directory_enumerate_send(TALLOC_CTX* mem_ctx, tevent_context* ev, ntpipe_directory* directory,
                                            uint32_t information_class, const char* pattern, uint32_t flags,
                                            void* buffer, size_t length)
{
    EnumerationState* state = nullptr;
    tevent_req* req = make_request(mem_ctx, state);
    if (req == nullptr) {
        return nullptr;
    }
    allow_cancel<EnumerationState>(req);
    tevent_req_set_cleanup_fn(req, [](tevent_req* over, enum tevent_req_state) {
        auto* enumeration = state_of<EnumerationState>(over);
        const std::shared_ptr<OpenDirectory> open = enumeration->directory();
        enumeration->leave();
        if (open != nullptr) {
            EnumerationState::begin_next(*open);
        }
    });
    return launch(req, *state, ev, directory->gate, [&] {
        if (const Status status = directory->open->container.check_enumeration(); status != Status::success) {
            return status;
        }
        if ((flags & ~(NTPIPE_RESTART_SCAN | NTPIPE_SINGLE_ENTRY)) != 0) {
            return Status::invalid_parameter;
        }
        space::DirectoryScan::Query query;
        query.information_class = information_class;
        query.pattern = pattern == nullptr ? "" : pattern;
        query.restart = (flags & NTPIPE_RESTART_SCAN) != 0;
        query.single = (flags & NTPIPE_SINGLE_ENTRY) != 0;
        query.buffer = {static_cast<std::byte*>(buffer), length};
        state->prepare(directory->open, std::move(query));
        directory->open->enumerations.push_back(state);
        return directory->open->enumerations.front() == state ? state->begin() : Status::pending;
    });
}

ntpipe_status ntpipe_directory_enumerate_recv(tevent_req* req, size_t* information)
{
    const Status status = outcome_of<EnumerationState>(req);
    *information = state_of<EnumerationState>(req)->information;
    tevent_req_received(req);
    return raw(status);
}

ntpipe_status ntpipe_directory_entries(const ntpipe_listing* pipes, size_t count, uint32_t information_class,
                                       const char* pattern, uint32_t flags, void* buffer, size_t length, size_t* done,
                                       size_t* information)
{
    return guarded([&] {
        *done = *information = 0;
        if ((flags & ~(NTPIPE_RESTART_SCAN | NTPIPE_SINGLE_ENTRY)) != 0) {
            return Status::invalid_parameter;
        }
        std::vector<space::PipeListing> page(count);
        for (std::size_t i = 0; i < count; ++i) {
            page[i].name = pipes[i].name;
            page[i].scope = i; // so that the scan tells how far it has come
            page[i].maximum_instances = pipes[i].maximum_instances;
            page[i].instances[0] = pipes[i].listening + pipes[i].connected + pipes[i].closing + pipes[i].disconnected;
        }
        space::DirectoryScan::Query query;
        query.information_class = information_class;
        query.pattern = pattern == nullptr ? "" : pattern;
        query.single = (flags & NTPIPE_SINGLE_ENTRY) != 0;
        query.buffer = {static_cast<std::byte*>(buffer), length};
        space::DirectoryScan scan;
        Status status = scan.begin(std::move(query));
        if (status != Status::success) {
            return status;
        }
        status = scan.take(page, false);
        *done = scan.after() ? scan.after()->second + 1 : 0;
        *information = scan.information();
        const bool found_nothing = *information == 0;
        return found_nothing && (flags & NTPIPE_RESTART_SCAN) == 0 ? Status::no_more_files : status;
    });
}

ntpipe_status ntpipe_directory_enumerate(ntpipe_directory* directory, uint32_t information_class, const char* pattern,
                                         uint32_t flags, void* buffer, size_t length, size_t* information)
{
    return block(
        *directory->gate,
        [&](tevent_context* ev) {
            return ntpipe_directory_enumerate_send(nullptr, ev, directory, information_class, pattern, flags, buffer,
                                                   length);
        },
        [&](tevent_req* req) { return ntpipe_directory_enumerate_recv(req, information); });
}

tevent_req* ntpipe_directory_notify_send(TALLOC_CTX* mem_ctx, tevent_context* ev, ntpipe_directory* directory,
                                         uint32_t completion_filter)
{
    NotifyState* state = nullptr;
    tevent_req* req = make_request(mem_ctx, state);
    if (req == nullptr) {
        return nullptr;
    }
    allow_cancel<NotifyState>(req);
    return launch(req, *state, ev, directory->gate, [&] {
        const Status status = directory->open->container.check_notification(completion_filter, state->names_only);
        if (status != Status::success) {
            return status;
        }
        directory->gate->start(*state);
        return Status::pending;
    });
}

ntpipe_status ntpipe_directory_notify_recv(tevent_req* req)
{
    const Status status = outcome_of<NotifyState>(req);
    tevent_req_received(req);
    return raw(status);
}

ntpipe_status ntpipe_directory_notify(ntpipe_directory* directory, uint32_t completion_filter)
{
    return block(
        *directory->gate,
        [&](tevent_context* ev) { return ntpipe_directory_notify_send(nullptr, ev, directory, completion_filter); },
        ntpipe_directory_notify_recv);
}

// ---- relative to a handle ----

tevent_req* ntpipe_create_at_send(TALLOC_CTX* mem_ctx, tevent_context* ev, ntpipe_directory* directory,
                                  const char* name, const ntpipe_create_params* params)
{
    return send_create(mem_ctx, ev, directory->gate, [&] { return relative_name(*directory, name, true); }, params);
}

ntpipe_status ntpipe_create_at(TALLOC_CTX* mem_ctx, ntpipe_directory* directory, const char* name,
                               const ntpipe_create_params* params, struct ntpipe_end** pipe, uint32_t* information)
{
    return block(
        *directory->gate,
        [&](tevent_context* ev) { return ntpipe_create_at_send(nullptr, ev, directory, name, params); },
        [&](tevent_req* req) { return ntpipe_create_recv(req, mem_ctx, pipe, information); });
}

tevent_req* ntpipe_open_at_send(TALLOC_CTX* mem_ctx, tevent_context* ev, ntpipe_directory* directory, const char* name,
                                const ntpipe_open_params* params)
{
    const auto name_it = [&](session::OpenRequest& request) {
        auto parsed = relative_name(*directory, name, false);
        if (!parsed) {
            return parsed.status();
        }
        request.name = *std::move(parsed);
        return Status::success;
    };
    return send_open(mem_ctx, ev, directory->gate, name_it, params);
}

ntpipe_status ntpipe_open_at(TALLOC_CTX* mem_ctx, ntpipe_directory* directory, const char* name,
                             const ntpipe_open_params* params, struct ntpipe_end** pipe)
{
    return block(
        *directory->gate, [&](tevent_context* ev) { return ntpipe_open_at_send(nullptr, ev, directory, name, params); },
        [&](tevent_req* req) { return ntpipe_open_recv(req, mem_ctx, pipe); });
}

tevent_req* ntpipe_open_relative_send(TALLOC_CTX* mem_ctx, tevent_context* ev, struct ntpipe_end* server,
                                      const char* name, const ntpipe_open_params* params)
{
    const auto name_it = [&](session::OpenRequest& request) {
        if (name[0] != '\0') {
            return Status::object_name_invalid;
        }
        if (server->pipe->instance() == 0) {
            return Status::pipe_not_available; // a client's instance is connected: to this client
        }
        request.instance = server->pipe->instance();
        return Status::success;
    };
    return send_open(mem_ctx, ev, server->gate, name_it, params);
}

ntpipe_status ntpipe_open_relative(TALLOC_CTX* mem_ctx, struct ntpipe_end* server, const char* name,
                                   const ntpipe_open_params* params, struct ntpipe_end** pipe)
{
    return block(
        *server->gate, [&](tevent_context* ev) { return ntpipe_open_relative_send(nullptr, ev, server, name, params); },
        [&](tevent_req* req) { return ntpipe_open_recv(req, mem_ctx, pipe); });
}

tevent_req* ntpipe_create_pair_send(TALLOC_CTX* mem_ctx, tevent_context* ev, ntpipe_session* session, uint32_t size)
{
    PairState* state = nullptr;
    tevent_req* req = tevent_req_create(mem_ctx, &state, PairState);
    if (req == nullptr) {
        return nullptr;
    }
    state->ev = ev;
    tevent_req_set_cancel_fn(req, [](tevent_req* cancelled) {
        tevent_req* step = state_of<PairState>(cancelled)->step;
        return step != nullptr && tevent_req_cancel(step);
    });
    ntpipe_create_params params = NTPIPE_CREATE_PARAMS_INIT;
    params.desired_access = read_end_access;
    params.share_access = NTPIPE_INBOUND;
    params.disposition = NTPIPE_FILE_CREATE;
    params.type = NTPIPE_TYPE_BYTE;
    params.read_mode = NTPIPE_READ_BYTE;
    params.max_instances = 1;
    params.inbound_quota = params.outbound_quota = size == 0 ? default_pair_size : size;
    state->step = send_create(state, ev, session->gate, [] { return Result<name::Name>(name::Name()); }, &params);
    if (tevent_req_nomem(state->step, req)) {
        return session->gate->loop().post(req);
    }
    tevent_req_set_callback(state->step, pair_created, req);
    return req;
}

ntpipe_status ntpipe_create_pair_recv(tevent_req* req, TALLOC_CTX* mem_ctx, struct ntpipe_end** read_end,
                                      struct ntpipe_end** write_end)
{
    const ntpipe_status status = forwarded_outcome(req);
    if (status == NTPIPE_STATUS_SUCCESS) {
        auto* state = state_of<PairState>(req);
        *read_end = talloc_steal(mem_ctx, state->ends[0]);
        *write_end = talloc_steal(mem_ctx, state->ends[1]);
    }
    tevent_req_received(req);
    return status;
}

ntpipe_status ntpipe_create_pair(TALLOC_CTX* mem_ctx, ntpipe_session* session, uint32_t size,
                                 struct ntpipe_end** read_end, struct ntpipe_end** write_end)
{
    return block(
        *session->gate, [&](tevent_context* ev) { return ntpipe_create_pair_send(nullptr, ev, session, size); },
        [&](tevent_req* req) { return ntpipe_create_pair_recv(req, mem_ctx, read_end, write_end); });
}

// ---- aliases ----

tevent_req* ntpipe_alias_send(TALLOC_CTX* mem_ctx, tevent_context* ev, ntpipe_session* session, const char* alias,
                              const char* name)
{
    return send_alias(mem_ctx, ev, session->gate, [alias, name](session::AliasRequest& request) {
        auto parsed = name::parse(alias);
        if (!parsed) {
            return parsed.status();
        }
        request.alias = *std::move(parsed);
        if (name == nullptr) {
            return Status::success;
        }
        parsed = name::parse(name);
        if (!parsed) {
            return parsed.status();
        }
        request.real = *std::move(parsed);
        return Status::success;
    });
}

ntpipe_status ntpipe_alias_recv(tevent_req* req)
{
    const Status status = outcome_of<AliasState>(req);
    tevent_req_received(req);
    return raw(status);
}

ntpipe_status ntpipe_alias(ntpipe_session* session, const char* alias, const char* name)
{
    return block(
        *session->gate, [&](tevent_context* ev) { return ntpipe_alias_send(nullptr, ev, session, alias, name); },
        ntpipe_alias_recv);
}

// ---- of ends ----

ntpipe_status ntpipe_query_volume_information(struct ntpipe_end* pipe, uint32_t information_class, void* buffer,
                                              size_t length, size_t* information)
{
    return guarded([&] {
        *information = 0;
        const Status status = pipe->end().check_handle();
        return status != Status::success
                   ? status
                   : end::query_volume_information(information_class, {static_cast<std::byte*>(buffer), length},
                                                   *information);
    });
}

ntpipe_status ntpipe_query_object_name(struct ntpipe_end* pipe, TALLOC_CTX* mem_ctx, char** name)
{
    return guarded([&] {
        if (const Status status = pipe->end().check_handle(); status != Status::success) {
            return status;
        }
        if (pipe->name.empty()) {
            return Status::object_path_invalid;
        }
        const std::string full = std::string(name::native_prefix) + pipe->name;
        *name = talloc_strndup(mem_ctx, full.data(), full.size());
        return *name == nullptr ? Status::no_memory : Status::success;
    });
}
}

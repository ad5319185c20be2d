// SPDX-License-Identifier: LGPL-2.1-or-later
// ntpipe.hpp: Windows NT named pipes, the C++20 API: the C API (ntpipe.h, where each call's contract stands) with owners,
// results by value, and coroutines.
//
// A call that may take time returns an Awaited: `co_await end.read(buffer)` in a coroutine, `end.read(buffer).get()` where
// blocking is wanted, `.within(100ms)` for a time limit; letting it go cancels. It has been started when the call returns, so
// several can be under way at once. std::bad_alloc is thrown when memory is out; everything else is a Status.
//
//     ntpipe::Task<> serve(ntpipe::Session& session)
//     {
//         auto pipe = co_await session.create(R"(\\.\pipe\echo)");
//         std::array<std::byte, 4096> buffer;
//         for (;;) {
//             co_await pipe->listen();
//             while (const auto got = co_await pipe->read(buffer)) {
//                 co_await pipe->write(std::span(buffer).first(got.size));
//             }
//             pipe->disconnect();
//         }
//     }
#pragma once

#include <ntpipe.h>
#include <ntpipe_status.hpp>
#include <ntpipe_task.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ntpipe {

[[nodiscard]] inline const char* name_of(Status status)
{
    return ntpipe_status_name(raw(status));
}
[[nodiscard]] inline const char* text_of(Status status)
{
    return ntpipe_status_text(raw(status));
}

/// What a transfer has done. True: data (perhaps none) was transferred; also for STATUS_BUFFER_OVERFLOW.
struct Transfer {
    Status status = Status::success;
    std::size_t size = 0;
    [[nodiscard]] explicit operator bool() const { return !is_error(status); }
    /// There is more of the message than the buffer took.
    [[nodiscard]] bool more() const { return status == Status::buffer_overflow; }
};

/// Parameters with the defaults of NTPIPE_CREATE_PARAMS_INIT; set members as needed.
struct CreateParameters : ntpipe_create_params {
    CreateParameters() : ntpipe_create_params(NTPIPE_CREATE_PARAMS_INIT) {}
};
struct OpenParameters : ntpipe_open_params {
    OpenParameters() : ntpipe_open_params(NTPIPE_OPEN_PARAMS_INIT) {}
};
struct SessionParameters : ntpipe_session_params {
    SessionParameters() : ntpipe_session_params(NTPIPE_SESSION_PARAMS_INIT) {}
};

/// Owns a talloc object of the C API.
template <typename T>
struct TallocDelete {
    void operator()(T* object) const { talloc_free(object); }
};
template <typename T>
using Talloc = std::unique_ptr<T, TallocDelete<T>>;

/// For calls with a status and nothing else.
template <ntpipe_status (*receive)(tevent_req*)>
struct ReceiveStatus {
    Status operator()(tevent_req* request) const { return static_cast<Status>(receive(request)); }
};
template <ntpipe_status (*receive)(tevent_req*, std::size_t*)>
struct ReceiveTransfer {
    Transfer operator()(tevent_req* request) const
    {
        Transfer transfer;
        transfer.status = static_cast<Status>(receive(request, &transfer.size));
        return transfer;
    }
};

/// One end of a pipe. Closes when it goes.
class End {
public:
    End(ntpipe_end* end, tevent_context* events) : end_(end), events_(events) {}

    [[nodiscard]] auto listen()
    {
        return await<ReceiveStatus<ntpipe_listen_recv>>(ntpipe_listen_send(nullptr, events_, get()));
    }
    [[nodiscard]] auto read(std::span<std::byte> buffer)
    {
        return transfer<ntpipe_read_recv>(ntpipe_read_begin, buffer.data(), buffer.size());
    }
    [[nodiscard]] auto write(std::span<const std::byte> data)
    {
        return transfer<ntpipe_write_recv>(ntpipe_write_begin, data.data(), data.size());
    }
    [[nodiscard]] auto write(std::string_view text) { return write(std::as_bytes(std::span(text))); }
    [[nodiscard]] auto transceive(std::span<const std::byte> request, std::span<std::byte> reply)
    {
        return transfer<ntpipe_transceive_recv>(ntpipe_transceive_begin, request.data(), request.size(), reply.data(),
                                                reply.size());
    }
    /// Without waiting; STATUS_PIPE_EMPTY, or less written than there is: try again when ready.
    [[nodiscard]] Transfer try_read(std::span<std::byte> buffer)
    {
        Transfer transfer;
        transfer.status = static_cast<Status>(ntpipe_try_read(get(), buffer.data(), buffer.size(), &transfer.size));
        return transfer;
    }
    [[nodiscard]] Transfer try_write(std::span<const std::byte> data)
    {
        Transfer transfer;
        transfer.status = static_cast<Status>(ntpipe_try_write(get(), data.data(), data.size(), &transfer.size));
        return transfer;
    }
    /// `ready` is called with NTPIPE_READY_... when it is worth trying again (ntpipe_set_ready()). An empty function: no more. It
    /// must not destroy itself by setting another.
    Status set_ready(std::function<void(std::uint32_t)> ready)
    {
        auto call = std::make_unique<std::function<void(std::uint32_t)>>(std::move(ready));
        const auto status = static_cast<Status>(ntpipe_set_ready(get(), *call ? &call_ready : nullptr, call.get()));
        ready_ = std::move(call);
        return status;
    }
    [[nodiscard]] auto flush()
    {
        return await<ReceiveStatus<ntpipe_flush_recv>>(ntpipe_flush_send(nullptr, events_, get()));
    }

    Status disconnect() { return static_cast<Status>(ntpipe_disconnect(get())); }
    void close() { ntpipe_close(get()); }
    [[nodiscard]] Status peek(std::span<std::byte> buffer, ntpipe_peek_info& info)
    {
        return static_cast<Status>(ntpipe_peek(get(), buffer.data(), buffer.size(), &info));
    }
    [[nodiscard]] Status set_modes(ntpipe_read_mode read_mode, ntpipe_completion_mode completion_mode = NTPIPE_QUEUE)
    {
        const ntpipe_pipe_info info{static_cast<std::uint32_t>(read_mode), static_cast<std::uint32_t>(completion_mode)};
        return static_cast<Status>(ntpipe_set_pipe_info(get(), &info));
    }
    [[nodiscard]] Result<ntpipe_pipe_info> modes() { return query<ntpipe_pipe_info>(ntpipe_query_pipe_info); }
    [[nodiscard]] Result<ntpipe_local_info> local_info() { return query<ntpipe_local_info>(ntpipe_query_local_info); }
    [[nodiscard]] Result<Talloc<ntpipe_identity>> client()
    {
        ntpipe_identity* identity = nullptr;
        const auto status = static_cast<Status>(ntpipe_get_client_info(get(), nullptr, &identity));
        if (status != Status::success) {
            return status;
        }
        return Talloc<ntpipe_identity>(identity);
    }
    /// The pipe's security descriptor, self-relative.
    [[nodiscard]] Result<std::vector<std::uint8_t>> security(std::uint32_t information)
    {
        std::uint8_t* descriptor = nullptr;
        std::size_t length = 0;
        const auto status =
            static_cast<Status>(ntpipe_query_security(get(), nullptr, information, &descriptor, &length));
        if (status != Status::success) {
            return status;
        }
        const Talloc<std::uint8_t> owner(descriptor);
        return std::vector<std::uint8_t>(descriptor, descriptor + length);
    }
    [[nodiscard]] auto set_security(std::uint32_t information, std::span<const std::uint8_t> descriptor)
    {
        return await<ReceiveStatus<ntpipe_set_security_recv>>(
            ntpipe_set_security_send(nullptr, events_, get(), information, descriptor.data(), descriptor.size()));
    }
    /// Whom a server acts for, and how far.
    struct Impersonation {
        Talloc<ntpipe_identity> identity;
        ntpipe_impersonation_level level = NTPIPE_ANONYMOUS;
    };
    [[nodiscard]] Result<Impersonation> impersonate()
    {
        ntpipe_identity* identity = nullptr;
        std::uint32_t level = 0;
        const auto status = static_cast<Status>(ntpipe_impersonate(get(), nullptr, &identity, &level));
        if (status != Status::success) {
            return status;
        }
        return Impersonation{Talloc<ntpipe_identity>(identity), static_cast<ntpipe_impersonation_level>(level)};
    }
    Status disable_impersonation() { return static_cast<Status>(ntpipe_disable_impersonation(get())); }
    /// `identity`: nullptr for this process as it is now.
    [[nodiscard]] auto set_client_context(const ntpipe_identity* identity = nullptr)
    {
        return await<ReceiveStatus<ntpipe_set_client_context_recv>>(
            ntpipe_set_client_context_send(nullptr, events_, get(), identity));
    }
    /// "ClientProcessId", "ServerProcessId", "ClientSessionId" or "ServerSessionId".
    [[nodiscard]] Result<std::uint32_t> connection_attribute(const char* name)
    {
        std::uint32_t value = 0;
        std::size_t size = 0;
        const auto status =
            static_cast<Status>(ntpipe_get_connection_attribute(get(), name, &value, sizeof(value), &size));
        if (status != Status::success) {
            return status;
        }
        return value;
    }
    [[nodiscard]] std::string name() const { return ntpipe_name(end_.get()); }
    [[nodiscard]] ntpipe_end* get() const { return end_.get(); }

private:
    template <ntpipe_status (*receive)(tevent_req*, std::size_t*), typename Begin, typename... Arguments>
    [[nodiscard]] Awaited<ReceiveTransfer<receive>> transfer(Begin* begin, Arguments... arguments)
    {
        ntpipe_status status = NTPIPE_STATUS_PENDING;
        Transfer over;
        if (tevent_req* request = begin(nullptr, events_, get(), arguments..., &status, &over.size)) {
            return await<ReceiveTransfer<receive>>(request);
        }
        over.status = static_cast<Status>(status);
        return {events_, over, ReceiveTransfer<receive>()};
    }
    static void call_ready(ntpipe_end* /*end*/, std::uint32_t what, void* data)
    {
        (*static_cast<std::function<void(std::uint32_t)>*>(data))(what);
    }
    template <typename Receive>
    [[nodiscard]] Awaited<Receive> await(tevent_req* request)
    {
        return Awaited<Receive>(events_, request, Receive());
    }
    template <typename Info>
    [[nodiscard]] Result<Info> query(ntpipe_status (*ask)(ntpipe_end*, Info*))
    {
        Info info{};
        const auto status = static_cast<Status>(ask(get(), &info));
        if (status != Status::success) {
            return status;
        }
        return info;
    }

    std::unique_ptr<std::function<void(std::uint32_t)>> ready_; // the end goes before it
    Talloc<ntpipe_end> end_;
    tevent_context* events_;
};

/// For calls that make an end.
template <bool server>
struct ReceiveEnd {
    tevent_context* events;
    Result<End> operator()(tevent_req* request) const
    {
        ntpipe_end* end = nullptr;
        Status status = Status::success;
        if constexpr (server) {
            status = static_cast<Status>(ntpipe_create_recv(request, nullptr, &end, nullptr));
        } else {
            status = static_cast<Status>(ntpipe_open_recv(request, nullptr, &end));
        }
        if (status != Status::success) {
            return status;
        }
        return End(end, events);
    }
};

/// The two ends that CreatePipe() makes.
struct Pair {
    End read_end;
    End write_end;
};

/// A line of a listing.
struct Listing {
    std::string name;
    bool global = false;
    std::uint32_t owner = 0;
    std::uint32_t process_id = 0;
    std::uint32_t type = 0;
    std::uint32_t configuration = 0;
    std::uint32_t maximum_instances = 0;
    std::uint32_t listening = 0;
    std::uint32_t connected = 0;
    std::uint32_t closing = 0;
    std::uint32_t disconnected = 0;
    std::string origin;   ///< label of its gateway; empty: a native pipe
    bool offered = false; ///< no pipe: a gateway offers the name
};

/// A handle that is no pipe: the directory of all pipes, or the volume.
class Directory {
public:
    Directory(ntpipe_directory* directory, tevent_context* events) : directory_(directory), events_(events) {}

    /// Relative to the root directory; without a name a pipe that only Session::connect_to() reaches.
    [[nodiscard]] auto create(const std::string& name = "", const CreateParameters& parameters = {})
    {
        return await(ntpipe_create_at_send(nullptr, events_, get(), name.c_str(), &parameters),
                     ReceiveEnd<true>{events_});
    }
    [[nodiscard]] auto connect(const std::string& name, const OpenParameters& parameters = {})
    {
        return await(ntpipe_open_at_send(nullptr, events_, get(), name.c_str(), &parameters),
                     ReceiveEnd<false>{events_});
    }
    /// The next entries as their bytes; `flags`: NTPIPE_RESTART_SCAN, NTPIPE_SINGLE_ENTRY.
    [[nodiscard]] auto enumerate(std::uint32_t information_class, std::span<std::byte> buffer,
                                 const std::string& pattern = "", std::uint32_t flags = 0)
    {
        return await(ntpipe_directory_enumerate_send(nullptr, events_, get(), information_class,
                                                     pattern.empty() ? nullptr : pattern.c_str(), flags, buffer.data(),
                                                     buffer.size()),
                     ReceiveTransfer<ntpipe_directory_enumerate_recv>());
    }
    /// Until something has changed.
    [[nodiscard]] auto notify(std::uint32_t completion_filter)
    {
        return await(ntpipe_directory_notify_send(nullptr, events_, get(), completion_filter),
                     ReceiveStatus<ntpipe_directory_notify_recv>());
    }
    [[nodiscard]] auto control(std::uint32_t code, std::span<const std::byte> input = {})
    {
        return await(ntpipe_directory_control_send(nullptr, events_, get(), code, input.data(), input.size()),
                     ReceiveStatus<ntpipe_directory_control_recv>());
    }
    [[nodiscard]] std::string object_name() const { return ntpipe_directory_object_name(get()); }
    [[nodiscard]] ntpipe_directory* get() const { return directory_.get(); }

private:
    template <typename Receive>
    [[nodiscard]] Awaited<Receive> await(tevent_req* request, Receive receive)
    {
        return Awaited<Receive>(events_, request, std::move(receive));
    }

    Talloc<ntpipe_directory> directory_;
    tevent_context* events_;
};

/// Somebody asks a gateway. Letting go of it without an answer says "no". May outlive the gateway and the session.
class Question {
public:
    /// Takes the question over.
    explicit Question(ntpipe_question* question) : question_(question) {}
    Question(Question&& other) noexcept : question_(std::move(other.question_)), over_(std::move(other.over_))
    {
        listen();
    }
    Question& operator=(Question&& other) noexcept
    {
        question_ = std::move(other.question_);
        over_ = std::move(other.over_);
        listen();
        return *this;
    }
    Question(const Question&) = delete;
    Question& operator=(const Question&) = delete;
    ~Question() = default;

    [[nodiscard]] const ntpipe_question_info& info() const { return *ntpipe_question_get_info(get()); }
    /// Calls `over`, once, when no answer is needed any more. It may destroy the question.
    void on_over(std::function<void()> over)
    {
        over_ = std::move(over);
        listen();
    }
    [[nodiscard]] bool is_over() const { return ntpipe_question_is_over(get()); }
    Status answer(Status status) { return static_cast<Status>(ntpipe_question_answer(get(), raw(status))); }
    Status hold() { return static_cast<Status>(ntpipe_question_hold(get())); }
    /// An instance for exactly that client. `name`: another spelling.
    [[nodiscard]] auto serve(const CreateParameters& parameters = {}, const std::string& name = "")
    {
        tevent_context* events = ntpipe_question_event_context(get());
        tevent_req* request =
            ntpipe_question_serve_send(nullptr, events, get(), name.empty() ? nullptr : name.c_str(), &parameters);
        return Awaited<ReceiveEnd<true>>(events, request, ReceiveEnd<true>{events});
    }
    [[nodiscard]] ntpipe_question* get() const { return question_.get(); }

private:
    void listen()
    {
        if (question_ != nullptr && over_) {
            ntpipe_question_set_over(
                get(),
                [](void* self, ntpipe_question*) {
                    const auto over = std::move(static_cast<Question*>(self)->over_);
                    over();
                },
                this);
        }
    }

    Talloc<ntpipe_question> question_;
    std::function<void()> over_;
};

/// What a gateway is told: see struct ntpipe_gateway_handlers.
class GatewayHandlers {
public:
    GatewayHandlers() = default;
    GatewayHandlers(const GatewayHandlers&) = delete;
    GatewayHandlers& operator=(const GatewayHandlers&) = delete;
    virtual ~GatewayHandlers() = default;
    virtual void registered() {}
    virtual void refused(Status /*status*/) {}
    virtual void reset() {}
    virtual void published(const ntpipe_published& /*pipe*/) {}
    virtual void gone(std::uint64_t /*pipe*/) {}
    virtual void complete() {}
    virtual void asked(Question /*question*/) {}
    virtual void not_offered(const std::string& /*name*/, Status /*status*/) {}
};

struct GatewayParameters : ntpipe_gateway_params {
    GatewayParameters() : ntpipe_gateway_params(NTPIPE_GATEWAY_PARAMS_INIT) {}
};

/// This process as a gateway.
class Gateway {
public:
    Gateway(ntpipe_gateway* gateway, tevent_context* events) : gateway_(gateway), events_(events) {}

    Status offer(const std::string& name) { return static_cast<Status>(ntpipe_gateway_offer(get(), name.c_str())); }
    Status withdraw(const std::string& name)
    {
        return static_cast<Status>(ntpipe_gateway_withdraw(get(), name.c_str()));
    }
    /// An instance for any client, whose pipe comes from this gateway.
    [[nodiscard]] auto create(const std::string& name, const CreateParameters& parameters = {})
    {
        return Awaited<ReceiveEnd<true>>(events_,
                                         ntpipe_gateway_create_send(nullptr, events_, get(), name.c_str(), &parameters),
                                         ReceiveEnd<true>{events_});
    }
    [[nodiscard]] ntpipe_gateway* get() const { return gateway_.get(); }

private:
    Talloc<ntpipe_gateway> gateway_;
    tevent_context* events_;
};

/// A way into a namespace of pipes. Ends may live longer than it.
class Session {
public:
    /// `events`: nullptr for an event context of its own.
    [[nodiscard]] static Result<Session> open(const SessionParameters& parameters = {},
                                              tevent_context* events = nullptr)
    {
        ntpipe_session* session = nullptr;
        const auto status = static_cast<Status>(ntpipe_session_open(nullptr, events, &parameters, &session));
        return made(status, session);
    }
    /// A namespace within this process.
    [[nodiscard]] static Result<Session> local(tevent_context* events = nullptr)
    {
        ntpipe_session* session = nullptr;
        const auto status = static_cast<Status>(ntpipe_namespace_create_local(nullptr, events, &session));
        return made(status, session);
    }

    [[nodiscard]] auto create(const std::string& name, const CreateParameters& parameters = {})
    {
        return await(ntpipe_create_send(nullptr, events(), get(), name.c_str(), &parameters),
                     ReceiveEnd<true>{events()});
    }
    [[nodiscard]] auto connect(const std::string& name, const OpenParameters& parameters = {})
    {
        return await(ntpipe_open_send(nullptr, events(), get(), name.c_str(), &parameters),
                     ReceiveEnd<false>{events()});
    }
    /// The client end of that very instance, which a server end of this session is.
    [[nodiscard]] auto connect_to(End& server, const OpenParameters& parameters = {})
    {
        return await(ntpipe_open_relative_send(nullptr, events(), server.get(), "", &parameters),
                     ReceiveEnd<false>{events()});
    }
    /// What CreatePipe() makes; `size` is the quota, 0: 4096.
    [[nodiscard]] auto create_pair(std::uint32_t size = 0)
    {
        return await(ntpipe_create_pair_send(nullptr, events(), get(), size), ReceivePair{events()});
    }
    /// The directory of all pipes, or another name of ntpipe_open_directory().
    [[nodiscard]] Result<Directory>
    open_directory(const std::string& name = R"(\\.\pipe\)",
                   std::uint32_t desired_access = NTPIPE_GENERIC_READ | NTPIPE_GENERIC_WRITE, std::uint32_t options = 0)
    {
        ntpipe_directory* directory = nullptr;
        const auto status = static_cast<Status>(
            ntpipe_open_directory(nullptr, get(), name.c_str(), desired_access, options, &directory));
        if (status != Status::success) {
            return status;
        }
        return Directory(directory, events());
    }
    /// Another name for clients of a pipe; without `name` the alias goes.
    [[nodiscard]] auto alias(const std::string& alias, const std::string& name = "")
    {
        return await(ntpipe_alias_send(nullptr, events(), get(), alias.c_str(), name.empty() ? nullptr : name.c_str()),
                     ReceiveStatus<ntpipe_alias_recv>());
    }
    /// Until an instance of the pipe listens. `timeout`: zero is the pipe's default.
    [[nodiscard]] auto wait(const std::string& name, std::chrono::milliseconds timeout = std::chrono::milliseconds(0))
    {
        return await(ntpipe_wait_send(nullptr, events(), get(), name.c_str(), timeout.count(), nullptr),
                     ReceiveStatus<ntpipe_wait_recv>());
    }
    [[nodiscard]] auto list(const std::string& pattern = "*")
    {
        return await(ntpipe_list_send(nullptr, events(), get(), pattern.c_str()), ReceiveListings());
    }
    /// Makes this process a gateway; `handlers` must live as long as that.
    [[nodiscard]] Result<Gateway> gateway(const GatewayParameters& parameters, GatewayHandlers& handlers)
    {
        ntpipe_gateway_handlers table{};
        table.size = sizeof(table);
        table.registered = [](void* data) { static_cast<GatewayHandlers*>(data)->registered(); };
        table.refused = [](void* data, ntpipe_status status) {
            static_cast<GatewayHandlers*>(data)->refused(static_cast<Status>(status));
        };
        table.reset = [](void* data) { static_cast<GatewayHandlers*>(data)->reset(); };
        table.published = [](void* data, const ntpipe_published* pipe) {
            static_cast<GatewayHandlers*>(data)->published(*pipe);
        };
        table.gone = [](void* data, std::uint64_t pipe) { static_cast<GatewayHandlers*>(data)->gone(pipe); };
        table.complete = [](void* data) { static_cast<GatewayHandlers*>(data)->complete(); };
        table.asked = [](void* data, ntpipe_question* question) {
            static_cast<GatewayHandlers*>(data)->asked(Question(question));
        };
        table.not_offered = [](void* data, const char* name, ntpipe_status status) {
            static_cast<GatewayHandlers*>(data)->not_offered(name, static_cast<Status>(status));
        };
        ntpipe_gateway* gateway = nullptr;
        const auto status =
            static_cast<Status>(ntpipe_gateway_open(nullptr, get(), &parameters, &table, &handlers, &gateway));
        if (status != Status::success) {
            return status;
        }
        return Gateway(gateway, events());
    }
    [[nodiscard]] auto ping()
    {
        return await(ntpipe_ping_send(nullptr, events(), get()), ReceiveStatus<ntpipe_ping_recv>());
    }

    /// Runs a coroutine to its end.
    template <typename T>
    T run(Task<T> task)
    {
        return task.run(events());
    }
    void set_spin(std::chrono::microseconds time)
    {
        ntpipe_session_set_spin(get(), static_cast<std::uint32_t>(time.count()));
    }
    [[nodiscard]] tevent_context* events() const { return ntpipe_session_event_context(session_.get()); }
    /// For other event loops; see ntpipe_session_fd().
    [[nodiscard]] int fd() const { return ntpipe_session_fd(session_.get()); }
    void dispatch() { ntpipe_session_dispatch(session_.get()); }
    [[nodiscard]] std::string directory() const { return ntpipe_session_directory(session_.get()); }
    [[nodiscard]] ntpipe_session* get() const { return session_.get(); }

private:
    explicit Session(ntpipe_session* session) : session_(session) {}
    static Result<Session> made(Status status, ntpipe_session* session)
    {
        if (status != Status::success) {
            return status;
        }
        return Session(session);
    }

    struct ReceivePair {
        tevent_context* events;
        Result<Pair> operator()(tevent_req* request) const
        {
            ntpipe_end* read_end = nullptr;
            ntpipe_end* write_end = nullptr;
            const auto status = static_cast<Status>(ntpipe_create_pair_recv(request, nullptr, &read_end, &write_end));
            if (status != Status::success) {
                return status;
            }
            return Pair{End(read_end, events), End(write_end, events)};
        }
    };
    struct ReceiveListings {
        Result<std::vector<Listing>> operator()(tevent_req* request) const
        {
            ntpipe_listing* listings = nullptr;
            std::size_t count = 0;
            const auto status = static_cast<Status>(ntpipe_list_recv(request, nullptr, &listings, &count));
            if (status != Status::success) {
                return status;
            }
            const Talloc<ntpipe_listing> owner(listings);
            std::vector<Listing> out;
            for (const ntpipe_listing& in : std::span(listings, count)) {
                out.push_back({in.name, in.global, in.owner, in.process_id, in.type, in.configuration,
                               in.maximum_instances, in.listening, in.connected, in.closing, in.disconnected, in.origin,
                               in.offered});
            }
            return out;
        }
    };
    template <typename Receive>
    [[nodiscard]] Awaited<Receive> await(tevent_req* request, Receive receive)
    {
        return Awaited<Receive>(events(), request, std::move(receive));
    }

    Talloc<ntpipe_session> session_;
};

} // namespace ntpipe

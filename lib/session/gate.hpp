// SPDX-License-Identifier: LGPL-2.1-or-later
// gate.hpp: a process's way into a namespace, whoever keeps it: the broker (session.hpp) or this process itself (local.hpp).
#pragma once

#include "end/end.hpp"
#include "glue/completion.hpp"
#include "glue/loop.hpp"
#include "namespace/types.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace ntpipe::session {

/// Fires completions from the event loop.
class Dispatcher final : public glue::Completions {
public:
    explicit Dispatcher(glue::Loop& loop) : soon_(loop, [this] { run(); }) {}
    ~Dispatcher() override
    {
        if (destroyed_ != nullptr) {
            *destroyed_ = true;
        }
    }
    /// For handlers of the event loop: does `work`, then fires what has completed. `without_memory` is called when there was not
    /// enough, and brings what was half done to an end; it should not need any.
    template <typename Work, typename WithoutMemory>
    void handle(Work&& work, WithoutMemory&& without_memory)
    {
        const bool outermost = !std::exchange(handling_, true);
        try {
            work();
        } catch (const std::bad_alloc&) {
            without_memory();
        }
        if (outermost) {
            handling_ = false;
            run();
        }
    }

private:
    void wanted() override
    {
        if (!handling_ && destroyed_ == nullptr) {
            soon_.schedule();
        }
    }
    // A callback may destroy the dispatcher with everything around it.
    void run()
    {
        if (destroyed_ != nullptr) {
            return; // called from a callback; the run that called it goes on
        }
        bool destroyed = false;
        destroyed_ = &destroyed;
        while (!destroyed && fire_one()) {}
        if (!destroyed) {
            destroyed_ = nullptr;
        }
    }

    glue::Loop::Soon soon_;
    bool handling_ = false;
    bool* destroyed_ = nullptr;
};

/// An end together with what connects it to the world.
class PipeEnd : public end::Host {
public:
    [[nodiscard]] end::End& end() { return *end_; }
    /// A server end's number in its session; 0 for a client end.
    [[nodiscard]] virtual space::InstanceHandle instance() const = 0;
    /// Closes the end; for a server end the namespace hears of it now and not when the object goes.
    virtual void close() = 0;

protected:
    std::unique_ptr<end::End> end_;
};

class Gate;

/// A request to the namespace. Owned by whoever starts it; destroying a pending one cancels it.
class Request : public glue::Completion {
public:
    ~Request() override;
    [[nodiscard]] Status status() const { return status_; }
    [[nodiscard]] bool pending() const { return gate_ != nullptr; }
    /// If pending: takes it out of its gate without a completion.
    void abandon();

protected:
    friend class Gate;
    Gate* gate_ = nullptr; ///< while pending
    Status status_ = Status::pending;
    space::RequestId id_ = 0;
};

class CreateRequest : public Request {
public:
    space::CreateParameters parameters;
    std::unique_ptr<PipeEnd> pipe; ///< on success
    std::uint32_t information = 0;
};

class OpenRequest : public Request {
public:
    name::Name name;
    std::optional<space::InstanceHandle> instance; ///< open relative to it
    std::uint32_t desired_access = 0;
    std::uint32_t disposition = 1;
    std::uint32_t options = 0;
    std::uint32_t impersonation_level = 2;
    bool dynamic_tracking = true;
    bool effective_only = true;
    bool message_mode = false; ///< the end begins to read by message, on a message pipe
    std::optional<std::uint32_t> process_id;
    std::optional<std::uint32_t> session_id;
    std::shared_ptr<const security::Identity> identity; ///< stated by a trusted front
    std::unique_ptr<PipeEnd> pipe;                      ///< on success
};

class WaitRequest : public Request {
public:
    name::Name name;
    std::optional<space::Nanoseconds> deadline; ///< of Loop::now(); none: the pipe's default timeout
    bool for_ever = false;
    std::shared_ptr<const security::Identity> identity;
};

class ListRequest : public Request {
public:
    std::string pattern;    ///< empty: all
    bool reachable = false; ///< only what an open of this session finds
    bool one_page = false;  ///< do not ask on until all is there
    /// Begin behind this name of that scope.
    std::optional<std::pair<std::string, space::Scope>> after;
    std::vector<space::PipeListing> pipes; ///< all of them, or the page, on success
    bool more = false;                     ///< with one_page: there are further ones
};

/// Over at the next change that this session sees.
class NotifyRequest : public Request {
public:
    bool names_only = false;
};

/// Adds an alias, or removes it.
class AliasRequest : public Request {
public:
    name::Name alias;
    std::optional<name::Name> real; ///< none: remove
};

/// Sets parts of the security descriptor of an end's pipe.
class SetSecurityRequest : public Request {
public:
    PipeEnd* pipe = nullptr;
    std::uint32_t information = 0;
    glue::ByteVector descriptor; ///< self-relative
};

/// Gives a client end a further security context, for what it writes afterwards.
class SetContextRequest : public Request {
public:
    PipeEnd* pipe = nullptr;
    std::shared_ptr<const security::Identity>
        identity; ///< stated by a trusted front; nullptr: this process, as it is now
};

/// How much there is of what the broker limits.
class UsageRequest : public Request {
public:
    std::optional<std::uint32_t> user; ///< none: all together
    struct Line {
        std::string resource;
        std::uint64_t used = 0;
        std::uint64_t limit = 0;
        std::uint64_t refused = 0;
    };
    std::vector<Line> lines; ///< on success
    std::vector<std::uint32_t> users;
};

/// Over when all that was asked before has been carried out.
class PingRequest : public Request {};

/// This process as a gateway, for as long as it lives and its session does. What it is told of comes through the dispatcher,
/// never from within another call.
class Gateway : public glue::ListNode {
public:
    struct Parameters {
        std::string label;
        std::uint32_t flags = 0;    ///< space::gateway_flag
        std::uint64_t deadline = 0; ///< nanoseconds
    };
    Gateway() = default;
    Gateway(const Gateway&) = delete;
    Gateway& operator=(const Gateway&) = delete;
    virtual ~Gateway() = default;
    [[nodiscard]] virtual const Parameters& parameters() const = 0;
    virtual void registered() = 0;
    virtual void refused(Status status) = 0;
    /// The broker is lost, and with it what was told and asked.
    virtual void reset() = 0;
    virtual void published(const space::PublishedPipe& pipe) = 0;
    virtual void gone(space::PipeId pipe) = 0;
    virtual void complete() = 0;
    virtual void asked(space::Ask ask) = 0;
    virtual void over(space::QuestionId question) = 0;
    /// The broker does not show this name; it is none of `offers` any more.
    virtual void not_offered(const std::string& name, Status status) = 0;

    space::GatewayHandle handle = 0; ///< in its session; 0: none yet
    space::Secret number{};
    bool is_registered = false;
    std::map<std::u16string, std::string> offers; ///< folded name -> spelling
};

/// Hears of names for as long as it lives.
class NameWatcher : public glue::ListNode {
public:
    struct Name {
        space::PipeId pipe = 0;
        std::string name;
        space::Scope scope = 0;
        std::uint32_t owner = 0;
        bool offered = false; ///< no pipe: a gateway offers the name
    };
    NameWatcher() = default;
    NameWatcher(const NameWatcher&) = delete;
    NameWatcher& operator=(const NameWatcher&) = delete;
    virtual ~NameWatcher() = default;
    virtual void appeared(const Name& name) = 0;
    virtual void gone(const Name& name) = 0;
    /// All names that are there have been told.
    virtual void complete() = 0;
    /// The broker is lost: what was told may no longer be true. When it is back all names are told anew.
    virtual void reset() = 0;
};

class Gate {
public:
    explicit Gate(std::unique_ptr<glue::Loop> loop) : loop_(std::move(loop)), dispatcher_(*loop_) {}
    Gate(const Gate&) = delete;
    Gate& operator=(const Gate&) = delete;
    virtual ~Gate() = default;

    [[nodiscard]] glue::Loop& loop() { return *loop_; }
    [[nodiscard]] Dispatcher& dispatcher() { return dispatcher_; }

    /// Each completes through the dispatcher, never from within.
    virtual void start(CreateRequest& request) = 0;
    virtual void start(OpenRequest& request) = 0;
    virtual void start(WaitRequest& request) = 0;
    virtual void start(ListRequest& request) = 0;
    virtual void start(PingRequest& request) = 0;
    virtual void start(NotifyRequest& request) = 0;
    virtual void start(AliasRequest& request) = 0;
    virtual void start(SetSecurityRequest& request) = 0;
    virtual void start(SetContextRequest& request) = 0;
    /// STATUS_NOT_SUPPORTED: there is no broker, or it is too old to say.
    virtual void start(UsageRequest& request)
    {
        begin(request, 0);
        complete(request, Status::not_supported);
    }
    /// Completes with STATUS_CANCELLED, or with what has come of it meanwhile.
    virtual void cancel(Request& request) = 0;
    virtual void watch(NameWatcher& watcher) = 0;
    /// STATUS_NOT_SUPPORTED: a namespace within one process has no gateways.
    [[nodiscard]] virtual Status add(Gateway& /*gateway*/) { return Status::not_supported; }
    virtual void remove(Gateway& /*gateway*/) {}
    virtual void offer(Gateway& /*gateway*/, const name::Name& /*name*/, bool /*present*/) {}
    /// False: there is no broker to hear it.
    virtual bool answer(space::QuestionId /*question*/, Status /*status*/) { return false; }
    /// Takes in what has arrived, without waiting.
    virtual void take_in() = 0;

protected:
    friend class Request;
    /// The request is destroyed while pending.
    virtual void abandon(Request& request) = 0;
    [[nodiscard]] static space::RequestId id_of(const Request& request) { return request.id_; }
    void begin(Request& request, space::RequestId id)
    {
        request.gate_ = this;
        request.id_ = id;
        request.status_ = Status::pending;
    }
    void complete(Request& request, Status status)
    {
        request.gate_ = nullptr;
        request.status_ = status;
        dispatcher_.add(request);
    }
    static void forget(Request& request) { request.gate_ = nullptr; }

private:
    std::unique_ptr<glue::Loop> loop_;
    Dispatcher dispatcher_;
};

inline Request::~Request()
{
    abandon();
}

inline void Request::abandon()
{
    if (gate_ != nullptr) {
        gate_->abandon(*this);
        gate_ = nullptr;
    }
}

} // namespace ntpipe::session

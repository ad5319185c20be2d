// SPDX-License-Identifier: GPL-3.0-or-later
// gateway.cc: the session with the broker, and the names that it tells.
#include "gateway.hpp"

#include "request.hpp"

namespace ntpipe::samba {
namespace {

Complain to_log(const char* option)
{
    return [option](const std::string& fault) { smbd::log_error(std::string(option) + ": " + fault); };
}

// What the system may have again the next time.
bool is_shortage(Status status)
{
    return status == Status::no_memory || status == Status::insufficient_resources ||
           status == Status::too_many_opened_files;
}

} // namespace

Gateway::~Gateway()
{
    disconnect();
}

void Gateway::use(const smbd::Settings& settings)
{
    if (known_settings_ == settings) {
        return;
    }
    unusable_ = complained_ = false;
    if (settings_.directory != settings.directory) {
        disconnect();
    }
    settings_ = settings;
    exports_ = Exports::parse(settings_.exports, to_log("ntpipe:export"));
    samba_names_ = SambaNames::except(settings_.overrides, to_log("ntpipe:override"));
    null_session_pipes_ = NullSessionPipes::parse(settings_.null_session_pipes, to_log("ntpipe:null session pipes"));
    known_settings_ = settings; // now that all of them are in use
}

bool Gateway::concerns(const std::string& name) const
{
    return !name.empty() && exports_.names(name) && !samba_names_.contain(name);
}

Place Gateway::place_of(const std::string& name, std::uint32_t user)
{
    if (!connect()) {
        return Place::samba;
    }
    ntpipe_session_take_in(session_);
    if (!names_.complete()) {
        return Place::unknown;
    }
    const Names::Pipe* pipe = names_.find(name, user);
    return pipe != nullptr && exports_.allow(pipe->name, pipe->owner) ? Place::broker : Place::samba;
}

// S 6.3: a rule of Windows' SMB server, not of its pipes.
bool Gateway::admits(const ntpipe_identity& identity, const std::string& name) const
{
    return (identity.flags & NTPIPE_IDENTITY_ANONYMOUS) == 0 || null_session_pipes_.contain(name);
}

bool Gateway::shows(const std::string& name, std::uint32_t owner, bool offered) const
{
    return samba_names_.contain(name) ? offered : exports_.allow(name, owner);
}

timeval Gateway::open_deadline() const
{
    constexpr std::uint32_t per_second = 1000;
    return tevent_timeval_current_ofs(open_timeout() / per_second, open_timeout() % per_second * per_second);
}

// ---- the session ----

bool Gateway::connect()
{
    if (session_ != nullptr) {
        return true;
    }
    if (unusable_) {
        return false;
    }
    const Status status = open_session();
    if (status != Status::success) {
        disconnect();
        unusable_ = !is_shortage(status); // until smb.conf changes
        complain(status);
    }
    return status == Status::success;
}

Status Gateway::open_session()
{
    ntpipe_session_params parameters = NTPIPE_SESSION_PARAMS_INIT;
    parameters.directory = settings_.directory.c_str();
    parameters.never_start_broker = true;
    parameters.root_only = true;
    parameters.before_connect = [](void*) { smbd::become_root(); };
    parameters.after_connect = [](void*) { smbd::unbecome_root(); };
    const auto opened = static_cast<Status>(ntpipe_session_open(this, events_, &parameters, &session_));
    if (opened != Status::success) {
        return opened;
    }
    ntpipe_watch_handlers handlers{};
    handlers.size = sizeof(handlers);
    handlers.appeared = [](void* data, std::uint64_t id, const char* name, std::uint64_t scope, std::uint32_t owner,
                           bool offered) {
        const Names::Pipe pipe{name, scope, owner, offered};
        static_cast<Gateway*>(data)->names_.appeared(id, pipe);
        static_cast<Gateway*>(data)->tell_observers(pipe);
    };
    handlers.gone = [](void* data, std::uint64_t id) {
        Gateway& self = *static_cast<Gateway*>(data);
        const std::optional<Names::Pipe> pipe = self.names_.gone(id);
        if (pipe) {
            self.tell_observers(*pipe);
        }
    };
    handlers.complete = [](void* data) { static_cast<Gateway*>(data)->names_complete(); };
    handlers.reset = [](void* data) {
        Gateway& self = *static_cast<Gateway*>(data);
        self.names_.reset();
        while (Observer* observer = self.observers_.pop_front()) { // what has changed until it is back, nobody can tell
            finish_later(observer->request, self.events_, Status::success);
        }
    };
    return static_cast<Status>(ntpipe_watch_names(this, session_, &handlers, this, &watch_));
}

void Gateway::disconnect()
{
    while (Waiter* waiter = waiters_.pop_front()) {
        finish_later(waiter->request, events_, Status::connection_disconnected);
    }
    talloc_free(watch_);
    talloc_free(session_);
    watch_ = nullptr;
    session_ = nullptr;
    names_.reset();
}

// Clients may ask again and again: once is enough.
void Gateway::complain(Status status)
{
    if (!complained_) {
        complained_ = true;
        smbd::log_error("no broker for pipes in '" + settings_.directory + "': " + ntpipe_status_name(raw(status)));
    }
}

void Gateway::names_complete()
{
    complained_ = false;
    names_.set_complete();
    while (Waiter* waiter = waiters_.pop_front()) {
        finish_later(waiter->request, events_, Status::success);
    }
}

// ---- waiting for changes ----

void Gateway::tell_observers(const Names::Pipe& pipe)
{
    if (!names_.complete() || !shows(pipe.name, pipe.owner, pipe.offered)) {
        return;
    }
    for (Observer* observer = observers_.front(); observer != nullptr;) {
        Observer* next = observers_.after(*observer);
        if (pipe.scope == NTPIPE_WATCH_GLOBAL || pipe.scope == observer->user) {
            observer->unlink();
            finish_later(observer->request, events_, Status::success);
        }
        observer = next;
    }
}

tevent_req* Gateway::change_send(TALLOC_CTX* memory, std::uint32_t user)
{
    Observer* observer = nullptr;
    tevent_req* request = make_request(memory, observer);
    if (request == nullptr) {
        return nullptr;
    }
    observer->events = events_;
    observer->user = user;
    tevent_req_set_cancel_fn(request, [](tevent_req* cancelled) {
        auto& state = *state_of<Observer>(cancelled);
        state.unlink();
        finish_later(cancelled, state.events, Status::cancelled);
        return true;
    });
    observers_.push_back(*observer);
    return request;
}

Status Gateway::change_recv(tevent_req* request)
{
    const Status status = status_of(request);
    tevent_req_received(request);
    return status;
}

// ---- waiting for the list of names ----

// The ping makes the session connect if it has given up, and is how one hears that it cannot.
tevent_req* Gateway::names_send(TALLOC_CTX* memory)
{
    Waiter* waiter = nullptr;
    tevent_req* request = make_request(memory, waiter);
    if (request == nullptr) {
        return nullptr;
    }
    if (!connect() || names_.complete()) {
        finish_later(request, events_, session_ == nullptr ? Status::connection_refused : Status::success);
        return request;
    }
    waiter->ping = ntpipe_ping_send(waiter, events_, session_);
    if (waiter->ping == nullptr) {
        finish_later(request, events_, Status::no_memory);
        return request;
    }
    waiter->gateway = this;
    waiters_.push_back(*waiter);
    tevent_req_set_callback(waiter->ping, ping_done, waiter);
    return request;
}

void Gateway::ping_done(tevent_req* ping)
{
    auto& waiter = *static_cast<Waiter*>(tevent_req_callback_data_void(ping));
    const auto status = static_cast<Status>(ntpipe_ping_recv(ping));
    if (is_error(status) && waiter.linked()) {
        waiter.gateway->complain(status);
        waiter.unlink();
        tevent_req_error(waiter.request, raw(status));
    }
}

Status Gateway::names_recv(tevent_req* request)
{
    const Status status = status_of(request);
    tevent_req_received(request);
    return status;
}

} // namespace ntpipe::samba

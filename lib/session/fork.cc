// SPDX-License-Identifier: LGPL-2.1-or-later
// fork.cc: nothing of a session survives fork() by accident.
#include "session/fork.hpp"

#include "session/session.hpp"

#include <pthread.h>

#include <mutex>
#include <set>

namespace ntpipe::session {
namespace {

// The one piece of global state of the library: fork() is global, too.
struct Registry {
    std::mutex mutex;
    std::set<Session*> sessions;
};

Registry& registry()
{
    static auto* const instance = new Registry(); // never destroyed: fork() may come after exit handlers have run
    return *instance;
}

void before_fork()
{
    registry().mutex.lock();
}

void after_fork_in_parent()
{
    registry().mutex.unlock();
}

void after_fork_in_child()
{
    for (Session* session : registry().sessions) {
        session->disown();
    }
    registry().mutex.unlock();
}

} // namespace

void add_to_fork_registry(Session& session)
{
    static std::once_flag once;
    std::call_once(once, [] { ::pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child); });
    const std::lock_guard<std::mutex> lock(registry().mutex);
    registry().sessions.insert(&session);
}

void remove_from_fork_registry(Session& session)
{
    const std::lock_guard<std::mutex> lock(registry().mutex);
    registry().sessions.erase(&session);
}

void Session::disown()
{
    loop().leave_parent();
    for (RemoteEnd* end = ends_.front(); end != nullptr; end = ends_.front()) {
        end->detach_from_session(true);
        static_cast<glue::ListNode*>(end)->unlink();
    }
    servers_.clear();
    served_.clear();
    departed_.clear();
    confirming_ = false;
    recent_views_.clear();
    views_.clear();
    recent_peers_.clear();
    peers_.clear();
    watch_.reset();
    socket_.reset();
    retry_.clear();
    state_ = State::idle;
    was_open_ = false;
    watching_.reset();
    names_complete_ = false;
    names_.clear();
    refuse_gateways(Status::invalid_handle);
    end_errands(Status::invalid_handle);
    auto requests = std::move(requests_);
    requests_.clear();
    for (auto& [id, pending] : requests) {
        if (pending.request != nullptr) {
            complete(*pending.request, Status::invalid_handle);
        }
    }
    loop().renew_after_fork();
}

} // namespace ntpipe::session

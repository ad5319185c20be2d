// SPDX-License-Identifier: LGPL-2.1-or-later
// wait.cc: waiting until an instance of a pipe listens (SEMANTICS 4.3).
#include "namespace/doubt.hpp"
#include "namespace/objects.hpp"

#include <algorithm>
#include <limits>

namespace ntpipe::space {
namespace {

constexpr Nanoseconds nanoseconds_per_unit = 100;

// A relative NT time as nanoseconds. It was checked to be negative.
Nanoseconds duration_of(std::int64_t relative)
{
    const auto units = ~static_cast<std::uint64_t>(relative) + 1;
    constexpr Nanoseconds most = std::numeric_limits<Nanoseconds>::max();
    return units > most / nanoseconds_per_unit ? most : units * nanoseconds_per_unit;
}

// nullopt when that is beyond the end of time.
std::optional<Nanoseconds> add(Nanoseconds now, Nanoseconds duration)
{
    if (duration > std::numeric_limits<Nanoseconds>::max() - now) {
        return std::nullopt;
    }
    return now + duration;
}

} // namespace

void Namespace::wait(SessionId session, RequestId request, const name::Name& name,
                     const std::shared_ptr<const security::Identity>& identity, std::optional<Nanoseconds> timeout,
                     Nanoseconds now, bool stated)
{
    now_ = now;
    const name::Name& real = doubt::wait_resolves_aliases ? translated(name) : name;
    Pipe* pipe = find_for_client(real, *identity, stated);
    Session* asking = find_session(session);
    if (asking == nullptr) {
        return;
    }
    if (pipe != nullptr && !pipe->listening.empty()) {
        answer(session, request, Status::success);
        return;
    }
    Question question;
    question.session = session;
    question.request = request;
    question.name = real;
    question.identity = identity;
    question.stated = stated;
    question.process = asking->party.identity.process_id;
    question.timeout = timeout;
    question.began = now;
    if (ask(std::move(question), pipe)) {
        return;
    }
    if (pipe == nullptr) {
        answer(session, request, Status::object_name_not_found);
        return;
    }
    wait_for(*pipe, *asking, request, stated ? identity.get() : nullptr, timeout, now);
}

void Namespace::wait_for(Pipe& pipe, Session& session, RequestId request, const security::Identity* stated,
                         std::optional<Nanoseconds> timeout, Nanoseconds began)
{
    Waiter waiter;
    waiter.session = session.id;
    waiter.request = request;
    waiter.pipe = pipe.id;
    if (timeout) {
        waiter.deadline = add(began, *timeout);
    } else if (doubt::wait_uses_default_timeout) {
        waiter.deadline = add(began, duration_of(pipe.default_timeout));
    }
    if (waiter.deadline && *waiter.deadline <= now_) {
        answer(session.id, request, Status::io_timeout);
        return;
    }
    Result<Charge> charge = charge_request(session, stated);
    if (!charge) {
        answer(session.id, request, charge.status());
        return;
    }
    waiter.charge = *std::move(charge);
    if (waiter.deadline) {
        waiters_until_ = std::min(*waiter.deadline, waiters_until_.value_or(*waiter.deadline));
    }
    ++pipe.waiters;
    waiters_.push_back(std::move(waiter));
}

// All who wait for the pipe hear of it; who opens first gets the instance.
void Namespace::wake_waiters(Pipe& pipe, Status status)
{
    for (auto waiter = waiters_.begin(); pipe.waiters != 0 && waiter != waiters_.end();) {
        waiter = waiter->pipe == pipe.id ? end_wait(waiter, status) : std::next(waiter);
    }
}

std::list<Namespace::Waiter>::iterator Namespace::end_wait(std::list<Waiter>::iterator waiter, Status status)
{
    answer(waiter->session, waiter->request, status);
    end_waiting(*waiter);
    return waiters_.erase(waiter);
}

void Namespace::end_waiting(const Waiter& waiter)
{
    if (Pipe* pipe = find_pipe(waiter.pipe)) {
        --pipe->waiters;
    }
}

} // namespace ntpipe::space

// SPDX-License-Identifier: GPL-3.0-or-later
// open_pipe.cc: two steps: wait until it is known where the name is, then ask the broker.
#include "open_pipe.hpp"

#include "request.hpp"

#include <algorithm>
#include <new>
#include <utility>

namespace ntpipe::samba {
namespace {

constexpr std::uint64_t milliseconds_per_second = 1000;
/// Longer than any client waits; keeps the sum below from overflowing.
constexpr std::uint64_t longest_wait = std::uint64_t{365} * 24 * 3600 * milliseconds_per_second;

timeval from_now(std::uint64_t milliseconds)
{
    return tevent_timeval_current_ofs(static_cast<std::uint32_t>(milliseconds / milliseconds_per_second),
                                      static_cast<std::uint32_t>(milliseconds % milliseconds_per_second * 1000));
}

/// A question for the broker about a name. What it is, the derived classes know.
struct Question {
    Question() = default;
    Question(const Question&) = delete;
    Question& operator=(const Question&) = delete;
    virtual ~Question() = default;
    /// Asks the broker.
    [[nodiscard]] virtual tevent_req* ask() = 0;
    /// Takes in its answer.
    [[nodiscard]] virtual Status take(tevent_req* asked) = 0;

    tevent_req* request = nullptr;
    Gateway* gateway = nullptr;
    Wanted wanted;
    tevent_req* inner = nullptr; ///< what it waits for
    bool asked = false;          ///< the second step is under way
    bool is_sambas = false;
    std::uint64_t appearances = 0; ///< when the name was found
};

void continue_question(Question& question);

// Its callback comes from within.
void end_question(const Question& question, Status status)
{
    if (is_error(status)) {
        tevent_req_error(question.request, raw(status));
    } else {
        tevent_req_done(question.request);
    }
}

void take_step(Question& question, tevent_req* inner)
{
    Status status = Status::success;
    if (question.asked) {
        status = question.take(inner);
    } else {
        status = Gateway::names_recv(inner);
        question.is_sambas = is_error(status) && status != Status::cancelled;
    }
    talloc_free(inner);
    question.inner = nullptr;
    if (question.asked || is_error(status)) {
        end_question(question, question.is_sambas ? Status::success : status);
        return;
    }
    continue_question(question);
}

// As a callback of either step.
void step_done(tevent_req* inner)
{
    auto& question = *static_cast<Question*>(tevent_req_callback_data_void(inner));
    try {
        take_step(question, inner);
    } catch (const std::bad_alloc&) {
        end_question(question, Status::no_memory);
    }
}

void wait_for(Question& question, tevent_req* inner)
{
    question.inner = inner;
    if (inner == nullptr) {
        finish_later(question.request, question.gateway->events(), Status::no_memory);
        return;
    }
    tevent_req_set_callback(inner, step_done, &question);
}

tevent_req* names_in_time_send(Question& question)
{
    Gateway& gateway = *question.gateway;
    tevent_req* names = gateway.names_send(question.request);
    if (names != nullptr) {
        (void)tevent_req_set_endtime(names, gateway.events(), from_now(gateway.open_timeout()));
    }
    return names;
}

void continue_question(Question& question)
{
    Gateway& gateway = *question.gateway;
    switch (gateway.place_of(question.wanted.name, question.wanted.identity->uid)) {
    case Place::unknown:
        wait_for(question, names_in_time_send(question));
        break;
    case Place::broker:
        if (!gateway.admits(*question.wanted.identity, question.wanted.name)) {
            finish_later(question.request, gateway.events(), Status::access_denied);
            break;
        }
        question.asked = true;
        question.appearances = gateway.appearances();
        wait_for(question, question.ask());
        break;
    case Place::samba:
        if (!question.wanted.otherwise.empty()) {
            question.wanted.name = std::exchange(question.wanted.otherwise, {});
            continue_question(question);
            break;
        }
        question.is_sambas = true;
        finish_later(question.request, gateway.events(), Status::success);
        break;
    }
}

// The broker may be slow: it is told, but not waited for.
bool cancel(tevent_req* request)
{
    auto& question = *state_of<Question>(request);
    talloc_free(question.inner);
    question.inner = nullptr;
    finish_later(request, question.gateway->events(), Status::cancelled);
    return true;
}

// Whatever has ended it, nothing of it may call back any more.
void clean_up(tevent_req* request, tevent_req_state /*state*/)
{
    auto& question = *state_of<Question>(request);
    talloc_free(question.inner);
    question.inner = nullptr;
}

tevent_req* start(Question& question, Gateway& gateway, const Wanted& wanted, std::optional<std::uint64_t> milliseconds)
{
    question.gateway = &gateway;
    question.wanted = wanted;
    tevent_req_set_cancel_fn(question.request, cancel);
    tevent_req_set_cleanup_fn(question.request, clean_up);
    if (milliseconds && !tevent_req_set_endtime(question.request, gateway.events(), from_now(*milliseconds))) {
        return tevent_req_post(question.request, gateway.events());
    }
    continue_question(question);
    return question.request;
}

// The library takes several forms of names. With the prefix, what the client sent is the name, whatever it looks like.
std::string path_of(const std::string& name)
{
    return "\\\\.\\pipe\\" + name;
}

// ---- opening ----

struct OpenState final : Question {
    tevent_req* ask() override
    {
        ntpipe_open_params parameters = NTPIPE_OPEN_PARAMS_INIT;
        parameters.desired_access = open.desired_access;
        parameters.disposition = open.disposition;
        parameters.options = open.options;
        parameters.impersonation_level = open.impersonation_level;
        parameters.identity = wanted.identity;
        parameters.message_mode = open.message_mode;
        return ntpipe_open_send(request, gateway->events(), gateway->session(), path_of(wanted.name).c_str(),
                                &parameters);
    }
    // If pipes have appeared meanwhile, this may be another one than the one that was looked at: then that one counts.
    Status take(tevent_req* answered) override
    {
        const auto status = static_cast<Status>(ntpipe_open_recv(answered, request, &end));
        if (status != Status::success || appearances == gateway->appearances() ||
            gateway->place_of(wanted.name, wanted.identity->uid) == Place::broker) {
            return status;
        }
        talloc_free(end);
        end = nullptr;
        return Status::object_name_not_found;
    }

    OpenParameters open;
    ntpipe_end* end = nullptr;
};

// ---- waiting ----

struct WaitState final : Question {
    tevent_req* ask() override
    {
        return ntpipe_wait_control_send(request, gateway->events(), gateway->session(), input.data(), input.size(),
                                        wanted.identity);
    }
    Status take(tevent_req* answered) override { return static_cast<Status>(ntpipe_wait_control_recv(answered)); }

    std::span<const std::uint8_t> input;
};

} // namespace

bool may_be_ours(Gateway& gateway, Wanted& wanted, std::uint32_t user)
{
    const auto may_be = [&](const std::string& name) {
        return gateway.concerns(name) && gateway.place_of(name, user) != Place::samba;
    };
    if (!may_be(wanted.otherwise)) {
        wanted.otherwise.clear();
    }
    if (!may_be(wanted.name)) {
        wanted.name = std::exchange(wanted.otherwise, {});
    }
    return !wanted.name.empty();
}

tevent_req* open_pipe_send(TALLOC_CTX* memory, Gateway& gateway, const OpenParameters& parameters)
{
    OpenState* state = nullptr;
    if (make_request(memory, state) == nullptr) {
        return nullptr;
    }
    state->open = parameters;
    return start(*state, gateway, parameters, gateway.open_timeout());
}

Opened open_pipe_recv(tevent_req* request, TALLOC_CTX* memory)
{
    auto& state = *state_of<OpenState>(request);
    Opened opened;
    opened.status = status_of(request);
    opened.is_sambas = state.is_sambas || (opened.status == Status::io_timeout && !state.asked);
    if (opened.is_sambas) {
        opened.status = Status::success;
    }
    opened.end = talloc_move(memory, &state.end);
    tevent_req_received(request);
    return opened;
}

tevent_req* wait_pipe_send(TALLOC_CTX* memory, Gateway& gateway, const Wanted& wanted,
                           std::span<const std::uint8_t> input, std::optional<std::uint64_t> milliseconds)
{
    WaitState* state = nullptr;
    if (make_request(memory, state) == nullptr) {
        return nullptr;
    }
    state->input = input;
    // The broker minds the time. This is for when there is none.
    if (milliseconds) {
        milliseconds = std::min(*milliseconds, longest_wait) + gateway.open_timeout();
    }
    return start(*state, gateway, wanted, milliseconds);
}

Status wait_pipe_recv(tevent_req* request)
{
    const auto& state = *state_of<WaitState>(request);
    const Status status = status_of(request);
    const bool is_unknown = state.is_sambas || (status == Status::io_timeout && !state.asked);
    tevent_req_received(request);
    return is_unknown ? Status::object_name_not_found : status;
}

} // namespace ntpipe::samba

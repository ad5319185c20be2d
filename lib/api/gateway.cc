// SPDX-License-Identifier: LGPL-2.1-or-later
// gateway.cc: the C API: gateways and what they are asked.
#include "api/objects_internal.hpp"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <deque>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <utility>

using namespace ntpipe;
using namespace ntpipe::api;

namespace {

constexpr std::uint64_t nanoseconds_per_millisecond = 1'000'000;
constexpr std::uint32_t default_deadline_ms = 5000;
constexpr std::size_t most_names = 16384;

std::int64_t milliseconds_of(const std::optional<space::Nanoseconds>& timeout)
{
    if (!timeout) {
        return NTPIPE_WAIT_DEFAULT;
    }
    if (*timeout == std::numeric_limits<space::Nanoseconds>::max()) {
        return NTPIPE_WAIT_FOREVER;
    }
    // What is nearly over is not a default.
    return static_cast<std::int64_t>(std::max(*timeout / nanoseconds_per_millisecond, std::uint64_t{1}));
}

// Programs that were built when there were fewer go on.
std::optional<ntpipe_gateway_handlers> known_handlers(const ntpipe_gateway_handlers& given)
{
    ntpipe_gateway_handlers known{};
    if (given.size != sizeof(known) && given.size != offsetof(ntpipe_gateway_handlers, not_offered)) {
        return std::nullopt;
    }
    std::memcpy(&known, &given, given.size);
    return known;
}

} // namespace

/// A question, from asking until who was asked frees it.
struct ntpipe_question {
    ntpipe_question(std::shared_ptr<session::Gate> gate_, ntpipe_gateway* gateway_, const space::Ask& ask);
    ntpipe_question(const ntpipe_question&) = delete;
    ntpipe_question& operator=(const ntpipe_question&) = delete;
    ~ntpipe_question();

    /// No answer is needed any more: who was asked hears of it, from the event loop.
    void end();
    void leave_gateway();

    struct Telling final : glue::Completion {
        explicit Telling(ntpipe_question& owner) : question(owner) {}
        void completed() override
        {
            if (question.over != nullptr) {
                std::exchange(question.over, nullptr)(question.private_data, &question); // may free it
            }
        }
        ntpipe_question& question;
    };

    std::shared_ptr<session::Gate> gate;
    ntpipe_gateway* gateway; ///< nullptr: it is over, answered, or its gateway has gone
    space::GatewayHandle handle;
    space::QuestionId id;
    bool is_over = false;
    std::string name;
    struct ntpipe_question_info info{};
    glue::TallocPtr<ntpipe_identity> identity;
    void (*over)(void*, ntpipe_question*) = nullptr;
    void* private_data = nullptr;
    Telling telling{*this};
};

/// What a gateway is told goes through a queue: a broker's message may be taken in while the caller is in the middle of another
/// call.
struct ntpipe_gateway final : session::Gateway {
    ntpipe_gateway(std::shared_ptr<session::Gate> gate_, const ntpipe_gateway_params& params,
                   const ntpipe_gateway_handlers& handlers_, void* private_data_)
        : gate(std::move(gate_)), handlers(handlers_), private_data(private_data_)
    {
        given.label = params.label;
        given.flags = params.what;
        const std::uint32_t deadline = params.deadline_ms == 0 ? default_deadline_ms : params.deadline_ms;
        given.deadline = deadline * nanoseconds_per_millisecond;
    }
    ntpipe_gateway(const ntpipe_gateway&) = delete;
    ntpipe_gateway& operator=(const ntpipe_gateway&) = delete;
    ~ntpipe_gateway() override
    {
        end_questions();
        gate->remove(*this);
        if (freed != nullptr) {
            *freed = true;
        }
    }

    [[nodiscard]] const Parameters& parameters() const override { return given; }
    void registered() override
    {
        tell([this] { call(handlers.registered); });
    }
    void refused(Status status) override
    {
        end_questions();
        tell([this, status] { call(handlers.refused, raw(status)); });
    }
    void reset() override
    {
        events.clear(); // of a broker that has gone
        end_questions();
        tell([this] { call(handlers.reset); });
    }
    void published(const space::PublishedPipe& pipe) override
    {
        tell([this, pipe] { tell_published(pipe); });
    }
    void gone(space::PipeId pipe) override
    {
        tell([this, pipe] { call(handlers.gone, std::uint64_t{pipe}); });
    }
    void complete() override
    {
        tell([this] { call(handlers.complete); });
    }
    void asked(space::Ask ask) override
    {
        unborn.push_back(ask.question);
        tell([this, ask = std::move(ask)] { tell_asked(ask); });
    }
    void over(space::QuestionId id) override
    {
        std::erase(unborn, id);
        if (const auto found = questions.find(id); found != questions.end()) {
            found->second->end();
        }
    }
    void not_offered(const std::string& name, Status status) override
    {
        tell([this, name, status] { call(handlers.not_offered, name.c_str(), raw(status)); });
    }

    template <typename... Arguments>
    void call(void (*handler)(void*, Arguments...), Arguments... arguments)
    {
        if (handler != nullptr) {
            handler(private_data, arguments...);
        }
    }
    void tell(std::function<void()> event)
    {
        events.push_back(std::move(event));
        if (!turn.linked()) {
            gate->dispatcher().add(turn);
        }
    }
    // A handler may free the gateway, whatever the contract says.
    void run()
    {
        bool is_freed = false;
        freed = &is_freed;
        const std::shared_ptr<session::Gate> keep = gate;
        while (!is_freed && !events.empty()) {
            const std::function<void()> event = std::move(events.front());
            events.pop_front();
            event();
        }
        if (!is_freed) {
            freed = nullptr;
        }
    }
    void tell_published(const space::PublishedPipe& pipe)
    {
        ntpipe_published out{};
        out.size = sizeof(out);
        out.pipe = pipe.id;
        out.name = pipe.name.c_str();
        out.origin = pipe.origin.c_str();
        out.offered = pipe.offered;
        out.reject_remote = pipe.reject_remote;
        out.scope_uid = pipe.scope == space::global_scope ? NTPIPE_WATCH_GLOBAL : pipe.scope - 1;
        out.owner = pipe.owner;
        out.type = pipe.type;
        out.configuration = pipe.configuration;
        out.maximum_instances = pipe.maximum_instances;
        out.inbound_quota = pipe.inbound_quota;
        out.outbound_quota = pipe.outbound_quota;
        out.default_timeout = pipe.default_timeout;
        out.current_instances = pipe.current_instances;
        out.listening_instances = pipe.listening_instances;
        call(handlers.published, static_cast<const ntpipe_published*>(&out));
    }
    void tell_asked(const space::Ask& ask)
    {
        if (std::erase(unborn, ask.question) == 0) {
            return; // it was over before anybody heard of it
        }
        ntpipe_question* question = nullptr;
        try {
            question = glue::make_talloc<ntpipe_question>(nullptr, "struct ntpipe_question", gate, this, ask);
        } catch (const std::bad_alloc&) { // nobody calls that could be told
            question = nullptr;
        }
        if (question == nullptr || handlers.asked == nullptr) {
            talloc_free(question);
            (void)gate->answer(ask.question, Status::object_name_not_found);
            return;
        }
        handlers.asked(private_data, question);
    }
    void end_questions()
    {
        unborn.clear();
        while (!questions.empty()) {
            questions.begin()->second->end();
        }
    }

    struct Turn final : glue::Completion {
        explicit Turn(ntpipe_gateway& gateway) : owner(gateway) {}
        void completed() override { owner.run(); }
        ntpipe_gateway& owner;
    };

    std::shared_ptr<session::Gate> gate;
    ntpipe_gateway_handlers handlers;
    void* private_data;
    Parameters given;
    std::deque<std::function<void()>> events;
    std::vector<space::QuestionId> unborn; ///< asked, and nobody has heard of it yet
    std::map<space::QuestionId, ntpipe_question*> questions;
    Turn turn{*this};
    bool* freed = nullptr; ///< while handlers run
};

ntpipe_question::ntpipe_question(std::shared_ptr<session::Gate> gate_, ntpipe_gateway* gateway_, const space::Ask& ask)
    : gate(std::move(gate_)),
      gateway(gateway_),
      handle(gateway_->handle),
      id(ask.question),
      name(ask.name),
      identity(make_identity(nullptr, *ask.identity))
{
    if (!identity) {
        throw std::bad_alloc();
    }
    info.size = sizeof(info);
    info.name = name.c_str();
    info.wait = ask.is_wait;
    info.global = ask.global;
    info.desired_access = ask.desired_access;
    info.impersonation_level = ask.level;
    info.timeout_ms = ask.is_wait ? milliseconds_of(ask.timeout) : NTPIPE_WAIT_DEFAULT;
    info.deadline_ms = static_cast<std::uint32_t>(ask.deadline / nanoseconds_per_millisecond);
    info.identity = identity.get();
    gateway->questions[id] = this;
}

ntpipe_question::~ntpipe_question()
{
    if (gateway != nullptr) {
        leave_gateway();
        (void)gate->answer(id, Status::object_name_not_found);
    }
}

void ntpipe_question::leave_gateway()
{
    gateway->questions.erase(id);
    gateway = nullptr;
}

void ntpipe_question::end()
{
    leave_gateway();
    is_over = true;
    gate->dispatcher().add(telling);
}

extern "C" {

// ---- gateways ----

ntpipe_status ntpipe_gateway_open(TALLOC_CTX* mem_ctx, ntpipe_session* session, const ntpipe_gateway_params* params,
                                  const ntpipe_gateway_handlers* handlers, void* private_data, ntpipe_gateway** gateway)
{
    return guarded([&] {
        constexpr std::uint32_t longest_deadline_ms = space::longest_gateway_deadline / nanoseconds_per_millisecond;
        const auto known = handlers == nullptr ? std::nullopt : known_handlers(*handlers);
        if (params == nullptr || !known || params->size != sizeof(*params) || params->label == nullptr ||
            params->deadline_ms > longest_deadline_ms) {
            return Status::invalid_parameter;
        }
        auto* made = glue::make_talloc<ntpipe_gateway>(mem_ctx, "struct ntpipe_gateway", session->gate, *params, *known,
                                                       private_data);
        if (made == nullptr) {
            return Status::no_memory;
        }
        const Status status = session->gate->add(*made);
        if (status != Status::success) {
            talloc_free(made);
            return status;
        }
        *gateway = made;
        return Status::success;
    });
}

ntpipe_status ntpipe_gateway_offer(ntpipe_gateway* gateway, const char* name)
{
    return guarded([&] {
        const auto parsed = name::parse(name);
        if (!parsed) {
            return parsed.status();
        }
        if (!(gateway->given.flags & space::gateway_flag::resolve)) {
            return Status::access_denied;
        }
        if (gateway->offers.contains(parsed->folded)) {
            return Status::success;
        }
        if (gateway->offers.size() >= most_names) {
            return Status::quota_exceeded;
        }
        gateway->offers.emplace(parsed->folded, parsed->spelling);
        gateway->gate->offer(*gateway, *parsed, true);
        return Status::success;
    });
}

ntpipe_status ntpipe_gateway_withdraw(ntpipe_gateway* gateway, const char* name)
{
    return guarded([&] {
        const auto parsed = name::parse(name);
        if (!parsed) {
            return parsed.status();
        }
        if (gateway->offers.erase(parsed->folded) == 0) {
            return Status::object_name_not_found;
        }
        gateway->gate->offer(*gateway, *parsed, false);
        return Status::success;
    });
}

tevent_req* ntpipe_gateway_create_send(TALLOC_CTX* mem_ctx, tevent_context* ev, ntpipe_gateway* gateway,
                                       const char* name, const ntpipe_create_params* params)
{
    return send_create(
        mem_ctx, ev, gateway->gate,
        [gateway, name]() -> Result<name::Name> {
            if (!gateway->is_registered) {
                return Status::file_closed;
            }
            return name::parse(name);
        },
        params, gateway->handle);
}

// ---- questions ----

const struct ntpipe_question_info* ntpipe_question_get_info(ntpipe_question* question)
{
    return &question->info;
}

void ntpipe_question_set_over(ntpipe_question* question, void (*over)(void* private_data, ntpipe_question* question),
                              void* private_data)
{
    question->over = over;
    question->private_data = private_data;
    if (question->is_over && over != nullptr && !question->telling.linked()) {
        question->gate->dispatcher().add(question->telling);
    }
}

bool ntpipe_question_is_over(ntpipe_question* question)
{
    return question->is_over;
}

tevent_context* ntpipe_question_event_context(ntpipe_question* question)
{
    return question->gate->loop().events();
}

ntpipe_status ntpipe_question_answer(ntpipe_question* question, ntpipe_status status)
{
    return guarded([&] {
        if (question->gateway == nullptr) {
            return Status::not_found;
        }
        if (!is_error(static_cast<Status>(status)) && !(question->info.wait && status == NTPIPE_STATUS_SUCCESS)) {
            return Status::invalid_parameter;
        }
        question->leave_gateway();
        (void)question->gate->answer(question->id, static_cast<Status>(status));
        return Status::success;
    });
}

ntpipe_status ntpipe_question_hold(ntpipe_question* question)
{
    return guarded([&] {
        if (question->gateway == nullptr) {
            return Status::not_found;
        }
        if (!question->info.wait) {
            return Status::invalid_parameter;
        }
        (void)question->gate->answer(question->id, Status::pending);
        return Status::success;
    });
}

tevent_req* ntpipe_question_serve_send(TALLOC_CTX* mem_ctx, tevent_context* ev, ntpipe_question* question,
                                       const char* name, const ntpipe_create_params* params)
{
    const auto name_it = [question, name]() -> Result<name::Name> {
        if (question->gateway == nullptr) {
            return Status::not_found;
        }
        const auto asked = name::parse_bare(question->name);
        auto given = name == nullptr ? asked : name::parse(name);
        if (question->info.wait || !asked || !given || given->folded != asked->folded) {
            return Status::invalid_parameter;
        }
        return given;
    };
    tevent_req* req = send_create(mem_ctx, ev, question->gate, name_it, params, question->handle, question->id);
    if (req != nullptr && question->gateway != nullptr && tevent_req_is_in_progress(req)) {
        question->leave_gateway(); // this is the answer
    }
    return req;
}
}

// SPDX-License-Identifier: GPL-3.0-or-later
// resolver.cc: opens of Samba's pipes by programs here, each as the user that it runs as.
#include "resolver.hpp"

#include "relay.hpp"
#include "services.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace ntpipe::samba::npa {
namespace {

/// To start samba-dcerpcd takes a second or two, and more when the machine is busy.
constexpr std::uint32_t time_to_answer_ms = 30000;
/// Until a program that did not say what it serves is asked again: at first, and at most.
constexpr std::chrono::milliseconds first_delay(1000);
constexpr std::chrono::milliseconds longest_delay(60000);

Status status_of(int error)
{
    switch (error) {
    case ENOENT:
    case ECONNREFUSED:
        return Status::object_name_not_found;
    case EACCES:
    case EPERM:
        return Status::access_denied;
    case ENOMEM:
        return Status::no_memory;
    default:
        return Status::pipe_not_available;
    }
}

/// As smbd shows Samba's pipes. Whoever may connect is Samba's to decide.
CreateParameters parameters_of_sambas_pipes(std::vector<std::uint8_t>& descriptor)
{
    CreateParameters parameters;
    parameters.type = NTPIPE_TYPE_MESSAGE;
    parameters.read_mode = NTPIPE_READ_MESSAGE;
    std::uint8_t* bytes = nullptr;
    std::size_t length = 0;
    if (ntpipe_sddl_to_descriptor(nullptr, "D:(A;;FA;;;WD)(A;;FA;;;AN)", &bytes, &length, nullptr) ==
        NTPIPE_STATUS_SUCCESS) {
        descriptor.assign(bytes, bytes + length);
        talloc_free(bytes);
    }
    parameters.security_descriptor = descriptor.data();
    parameters.security_descriptor_length = descriptor.size();
    return parameters;
}

} // namespace

Status Resolver::begin()
{
    GatewayParameters parameters;
    parameters.label = "samba";
    parameters.what = NTPIPE_GATEWAY_PUBLISH | NTPIPE_GATEWAY_RESOLVE | NTPIPE_GATEWAY_OFFERED_ONLY;
    parameters.deadline_ms = time_to_answer_ms;
    auto gateway = session_.gateway(parameters, *this);
    if (!gateway) {
        return gateway.status();
    }
    gateway_ = *std::move(gateway);
    return Status::success;
}

void Resolver::look_for_services()
{
    if (!gateway_) {
        return; // it begins with that
    }
    if (unanswered_ != 0) {
        look_again_ = true;
        return;
    }
    look_again_timer_.reset();
    offer("", publisher_.sockets().others());
    const std::vector<std::string> programs = service_programs();
    const auto is_gone = [&](const std::string& program) {
        return std::ranges::find(programs, program) == programs.end();
    };
    std::erase_if(services_, [&](const auto& entry) { return !entry.first.empty() && is_gone(entry.first); });
    std::erase_if(silent_, is_gone);
    unanswered_ = programs.size() + 1; // nobody is the last one before all are asked
    for (const std::string& program : programs) {
        try {
            tasks_.add(ask(program));
        } catch (const std::bad_alloc&) {
            silent_.insert(program);
            --unanswered_;
        }
    }
    if (--unanswered_ == 0) {
        all_asked();
    }
}

void Resolver::offer(const std::string& program, std::set<std::string> services)
{
    for (const std::string& name : services) {
        if (gateway_ && offered_.insert(name).second) {
            if (const Status status = gateway_->offer(name); status != Status::success) {
                log("'" + name + "' cannot be offered: " + text_of(status));
            }
        }
    }
    services_[program] = std::move(services);
}

// In the event loop, which knows no exceptions.
Task<> Resolver::ask(std::string program)
{
    bool has_answered = false;
    try {
        std::string complaint;
        if (auto services = co_await pipes_of(session_.events(), program, complaint)) {
            offer(program, *std::move(services));
            has_answered = true;
            if (silent_.erase(program) != 0) {
                log(program + " says again which pipes it serves");
            }
        } else if (!silent_.contains(program)) {
            log(complaint); // once
        }
    } catch (const std::bad_alloc&) {
        is_incomplete_ = true;
    }
    if (!has_answered) {
        take_in([&] { silent_.insert(program); });
    }
    if (--unanswered_ == 0) {
        take_in([&] { all_asked(); });
    }
}

void Resolver::all_asked()
{
    std::set<std::string> services;
    for (const auto& [program, names] : services_) {
        services.insert(names.begin(), names.end());
    }
    std::erase_if(offered_, [&](const std::string& name) {
        const bool is_served = services.contains(name);
        if (!is_served && gateway_) {
            (void)gateway_->withdraw(name);
        }
        return !is_served;
    });
    found_();
    if (std::exchange(look_again_, false)) {
        look_again_in(std::chrono::milliseconds(0));
    } else if (silent_.empty()) {
        delay_ = first_delay;
    } else {
        look_again_in(delay_);
        delay_ = std::min(2 * delay_, longest_delay);
    }
}

void Resolver::look_again_in(std::chrono::milliseconds delay)
{
    constexpr std::uint32_t thousand = 1000;
    const auto milliseconds = static_cast<std::uint32_t>(delay.count());
    look_again_timer_.reset(tevent_add_timer(
        session_.events(), nullptr,
        tevent_timeval_current_ofs(milliseconds / thousand, milliseconds % thousand * thousand),
        [](tevent_context*, tevent_timer*, timeval, void* data) {
            auto* self = static_cast<Resolver*>(data);
            [[maybe_unused]] const tevent_timer* over = self->look_again_timer_.release(); // it goes by itself
            self->take_in([self] { self->look_for_services(); });
        },
        this));
    if (look_again_timer_ == nullptr) {
        throw std::bad_alloc();
    }
}

void Resolver::configure()
{
    take_in([&] {
        publisher_.configure();
        look_for_services();
    });
}

void Resolver::heal()
{
    take_in([&] { publisher_.fill_gaps(); });
    if (!std::exchange(is_incomplete_, false)) {
        return;
    }
    log("there was no memory for something; the broker is asked for all again");
    take_in([&] {
        publisher_.reset();
        offered_.clear();
        services_.clear();
        gateway_.reset();
        if (begin() != Status::success) {
            is_incomplete_ = true;
            return;
        }
        look_for_services();
    });
}

void Resolver::registered()
{
    log("Samba's pipes can be opened by programs of " + session_.directory());
}

void Resolver::refused(Status status)
{
    log(std::string("the broker refuses the gateway: ") + text_of(status));
}

// It is offered again when the services are looked for the next time.
void Resolver::not_offered(const std::string& name, Status status)
{
    log("'" + name + "' cannot be offered: " + text_of(status));
    offered_.erase(name);
}

void Resolver::asked(Question question)
{
    if (question.info().wait) { // Samba makes an instance for each client
        (void)question.answer(Status::success);
        return;
    }
    try {
        tasks_.add(answer(std::move(question)));
    } catch (const std::bad_alloc&) {
        log("there is no memory for who opens one of Samba's pipes"); // and letting go of the question says no
    }
}

Task<> Resolver::answer(Question question)
{
    const std::string name = question.info().name;
    const std::uint32_t user = question.info().identity->uid;
    Stream stream;
    const int error = co_await connect_to_samba(session_.events(), name, user, stream);
    if (error != 0) {
        const Status status = status_of(error);
        log("'" + name + "' for user " + std::to_string(user) + ": " + text_of(status));
        (void)question.answer(status);
        co_return;
    }
    std::vector<std::uint8_t> descriptor;
    auto end = co_await question.serve(parameters_of_sambas_pipes(descriptor));
    if (!end) {
        co_return; // the client has gone
    }
    const Status connected = co_await end->listen();
    if (connected == Status::success || connected == Status::pipe_connected) {
        co_await relay(*std::move(end), std::move(stream), name, session_.events());
    }
}

} // namespace ntpipe::samba::npa

// SPDX-License-Identifier: GPL-3.0-or-later
// resolver.cc: opens of Samba's pipes by programs here, each as the user that it runs as.
#include "resolver.hpp"

#include "relay.hpp"
#include "services.hpp"

#include <cerrno>
#include <utility>

namespace ntpipe::samba::npa {
namespace {

/// To start samba-dcerpcd takes a second or two, and more when the machine is busy.
constexpr std::uint32_t time_to_answer_ms = 30000;

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

Task<> Resolver::offer_services()
{
    if (std::exchange(looking_, true)) {
        look_again_ = true;
        co_return;
    }
    try {
        co_await find_and_offer();
    } catch (const std::bad_alloc&) {
        is_incomplete_ = true;
    }
    looking_ = false;
}

Task<> Resolver::find_and_offer()
{
    do {
        look_again_ = false;
        const std::set<std::string> services = co_await find_services(session_.events(), publisher_.sockets());
        for (const std::string& name : offered_) {
            if (!services.contains(name)) {
                (void)gateway_->withdraw(name);
            }
        }
        for (const std::string& name : services) {
            if (const Status status = gateway_->offer(name); status != Status::success) {
                log("'" + name + "' cannot be offered: " + text_of(status));
            }
        }
        offered_ = services;
    } while (look_again_);
}

void Resolver::configure()
{
    take_in([&] {
        publisher_.configure();
        tasks_.add(offer_services());
    });
}

void Resolver::heal()
{
    if (!std::exchange(is_incomplete_, false)) {
        return;
    }
    log("there was no memory for something that the broker had said; it is asked again");
    take_in([&] {
        publisher_.reset();
        offered_.clear();
        gateway_.reset();
        if (begin() != Status::success) {
            is_incomplete_ = true;
            return;
        }
        tasks_.add(offer_services());
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

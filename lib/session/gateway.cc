// SPDX-License-Identifier: LGPL-2.1-or-later
// gateway.cc: this process as a gateway: registered with each broker anew, told and asked.
#include "session/convert.hpp"
#include "session/random.hpp"
#include "session/session.hpp"

#include <utility>

namespace ntpipe::session {
namespace {

/// In one message; far below what a packet takes.
constexpr std::size_t names_at_once = 1024;
constexpr std::size_t bytes_at_once = std::size_t{64} * 1024;

} // namespace

// ---- what this process says ----

Status Session::add(Gateway& gateway)
{
    gateway.handle = next_gateway_++;
    gateway.number = random_id();
    gateways_.push_back(gateway);
    if (state_ == State::open) {
        register_gateway(gateway);
    } else if (state_ == State::idle) {
        connect_soon_.schedule();
    }
    return Status::success;
}

void Session::remove(Gateway& gateway)
{
    if (!gateway.linked()) {
        return; // the broker does not want it, or it belongs to the parent of a fork
    }
    static_cast<glue::ListNode&>(gateway).unlink();
    wire::GatewayGone message;
    message.gateway = gateway.handle;
    tell(std::move(message));
}

void Session::register_gateways()
{
    for (Gateway* gateway = gateways_.front(); gateway != nullptr; gateway = gateways_.after(*gateway)) {
        register_gateway(*gateway);
    }
}

void Session::register_gateway(Gateway& gateway)
{
    wire::GatewayHere message;
    message.request = next_request_++;
    message.gateway = gateway.handle;
    message.number = gateway.number;
    message.label = gateway.parameters().label;
    message.flags = gateway.parameters().flags;
    message.deadline = gateway.parameters().deadline;
    Pending pending;
    pending.sent = true;
    pending.answered = [this, handle = gateway.handle](wire::Message& answer) {
        const auto* done = std::get_if<wire::Done>(&answer);
        gateway_answered(handle, done == nullptr ? Status::internal_error : static_cast<Status>(done->status));
    };
    requests_.emplace(message.request, std::move(pending));
    if (send(std::move(message))) {
        (void)send_offers(gateway);
    }
}

bool Session::send_offers(Gateway& gateway)
{
    for (auto next = gateway.offers.begin(); next != gateway.offers.end();) {
        std::vector<std::u16string> folded;
        for (std::size_t bytes = 0;
             next != gateway.offers.end() && folded.size() < names_at_once && bytes < bytes_at_once; ++next) {
            bytes += next->second.size();
            folded.push_back(next->first);
        }
        if (!send_offer(gateway, std::move(folded))) {
            return false;
        }
    }
    return true;
}

bool Session::send_offer(Gateway& gateway, std::vector<std::u16string> folded)
{
    wire::Offer message;
    message.request = next_request_++;
    message.gateway = gateway.handle;
    message.present = true;
    for (const std::u16string& name : folded) {
        message.names.push_back(gateway.offers.at(name));
    }
    Pending pending;
    pending.sent = true;
    pending.answered = [this, handle = gateway.handle, names = std::move(folded)](wire::Message& answer) {
        const auto* done = std::get_if<wire::Done>(&answer);
        offer_answered(handle, names, done == nullptr ? Status::internal_error : static_cast<Status>(done->status));
    };
    requests_.emplace(message.request, std::move(pending));
    return send(std::move(message));
}

// One name that may not be offered keeps those after it in the message from being offered: so each is tried on its own then.
void Session::offer_answered(space::GatewayHandle handle, const std::vector<std::u16string>& folded, Status status)
{
    Gateway* gateway = find_gateway(handle);
    if (gateway == nullptr || status == Status::success) {
        return;
    }
    for (const std::u16string& name : folded) {
        const auto offered = gateway->offers.find(name);
        if (offered == gateway->offers.end()) {
            continue; // taken back meanwhile
        }
        if (folded.size() > 1) {
            (void)send_offer(*gateway, {name});
            continue;
        }
        gateway->not_offered(offered->second, status);
        gateway->offers.erase(offered);
    }
}

// When there is no broker it is told when there is one.
void Session::offer(Gateway& gateway, const name::Name& name, bool present)
{
    if (!gateway.linked() || state_ != State::open) {
        return;
    }
    if (!present) {
        wire::Offer message;
        message.request = next_request_++;
        message.gateway = gateway.handle;
        message.names.push_back(name.spelling);
        tell(std::move(message));
        return;
    }
    try {
        (void)send_offer(gateway, {name.folded});
    } catch (const std::bad_alloc&) {
        socket_->hang_up(); // and all is told anew
    }
}

bool Session::answer(space::QuestionId question, Status status)
{
    wire::Answered message;
    message.question = question;
    message.status = raw(status);
    return tell(std::move(message));
}

// ---- what it is told ----

Gateway* Session::find_gateway(space::GatewayHandle handle)
{
    for (Gateway* gateway = gateways_.front(); gateway != nullptr; gateway = gateways_.after(*gateway)) {
        if (gateway->handle == handle) {
            return gateway;
        }
    }
    return nullptr;
}

void Session::gateway_answered(space::GatewayHandle handle, Status status)
{
    Gateway* gateway = find_gateway(handle);
    if (gateway == nullptr) {
        return;
    }
    if (status != Status::success) {
        static_cast<glue::ListNode*>(gateway)->unlink();
        gateway->refused(status);
        return;
    }
    gateway->is_registered = true;
    gateway->registered();
    gateway->complete();
}

void Session::reset_gateways()
{
    for (Gateway* gateway = gateways_.front(); gateway != nullptr; gateway = gateways_.after(*gateway)) {
        gateway->is_registered = false;
        gateway->reset();
    }
}

void Session::refuse_gateways(Status status)
{
    while (Gateway* gateway = gateways_.pop_front()) {
        gateway->is_registered = false;
        gateway->refused(status);
    }
}

void Session::handle_published(wire::Published message)
{
    Gateway* gateway = find_gateway(message.gateway);
    if (gateway == nullptr) {
        return;
    }
    space::PublishedPipe pipe;
    pipe.id = message.pipe;
    pipe.name = std::move(message.name);
    pipe.origin = std::move(message.origin);
    pipe.offered = message.offered;
    pipe.reject_remote = message.reject_remote;
    pipe.scope = message.scope;
    pipe.owner = message.owner;
    pipe.type = message.type;
    pipe.configuration = message.configuration;
    pipe.maximum_instances = message.maximum_instances;
    pipe.inbound_quota = message.inbound_quota;
    pipe.outbound_quota = message.outbound_quota;
    pipe.default_timeout = message.default_timeout;
    pipe.current_instances = message.current_instances;
    pipe.listening_instances = message.listening_instances;
    gateway->published(pipe);
}

void Session::handle_asked(wire::Asked message)
{
    Gateway* gateway = find_gateway(message.gateway);
    if (gateway == nullptr) {
        return; // it has gone, and the broker knows by now
    }
    space::Ask ask;
    ask.gateway = message.gateway;
    ask.question = message.question;
    ask.name = std::move(message.name);
    ask.is_wait = message.wait;
    ask.global = message.global;
    ask.desired_access = message.desired_access;
    ask.level = message.level;
    ask.timeout = message.timeout;
    ask.deadline = message.deadline;
    ask.identity = std::make_shared<security::Identity>(identity_from(std::move(message.identity)));
    gateway->asked(std::move(ask));
}

} // namespace ntpipe::session

// SPDX-License-Identifier: LGPL-2.1-or-later
// gateway.cc: gateways: what they say, and what they are told and asked.
#include "broker.hpp"

#include <spdlog/spdlog.h>

namespace ntpipe::broker {
namespace {

Result<std::vector<name::Name>> names_from(const std::vector<std::string>& texts)
{
    std::vector<name::Name> names;
    for (const std::string& text : texts) {
        auto name = name::parse_bare(text);
        if (!name) {
            return name.status();
        }
        names.push_back(*std::move(name));
    }
    return names;
}

} // namespace

// ---- what gateways say ----

bool Broker::on(Client& client, wire::GatewayHere& message)
{
    space::GatewayParameters parameters;
    parameters.handle = message.gateway;
    parameters.number = message.number;
    parameters.label = message.label;
    parameters.flags = message.flags;
    parameters.deadline = message.deadline;
    const Status status = namespace_.add_gateway(client.id, parameters);
    if (status == Status::success) {
        spdlog::info("process {} of user {} is the gateway '{}'", client.peer.process_id, client.peer.credentials.uid,
                     message.label);
    }
    carry_out_effects(); // what is there is told before the answer
    answer(client, message.request, status);
    return true;
}

bool Broker::on(Client& client, wire::GatewayGone& message)
{
    return namespace_.remove_gateway(client.id, message.gateway);
}

bool Broker::on(Client& client, wire::Offer& message)
{
    const auto names = names_from(message.names);
    Status status = names.status();
    if (names && message.present) {
        status = namespace_.offer(client.id, message.gateway, *names);
    } else if (names) {
        namespace_.withdraw(client.id, message.gateway, *names);
    }
    carry_out_effects();
    answer(client, message.request, status);
    return true;
}

bool Broker::on(Client& client, wire::Answered& message)
{
    return namespace_.answer_question(client.id, message.question, static_cast<Status>(message.status));
}

// ---- what they are told ----

void Broker::carry_out(space::Ask& ask)
{
    const Client* gateway = find(ask.session);
    if (gateway == nullptr) {
        return;
    }
    wire::Asked message;
    message.gateway = ask.gateway;
    message.question = ask.question;
    message.name = ask.name;
    message.wait = ask.is_wait;
    message.global = ask.global;
    message.desired_access = ask.desired_access;
    message.level = ask.level;
    message.timeout = ask.timeout;
    message.deadline = ask.deadline;
    message.identity = told_to(*gateway, *ask.identity, ask.level);
    if (ask.is_wait) { // nothing is served for it
        message.identity.authorization.clear();
        message.identity.secret_authorization.clear();
    }
    send(ask.session, std::move(message));
}

void Broker::carry_out(space::Unask& unask)
{
    wire::Over message;
    message.question = unask.question;
    send(unask.session, std::move(message));
}

void Broker::carry_out(space::Publish& publish)
{
    wire::Published message;
    message.gateway = publish.gateway;
    message.pipe = publish.pipe.id;
    message.name = publish.pipe.name;
    message.origin = publish.pipe.origin;
    message.offered = publish.pipe.offered;
    message.reject_remote = publish.pipe.reject_remote;
    message.scope = publish.pipe.scope;
    message.owner = publish.pipe.owner;
    message.type = publish.pipe.type;
    message.configuration = publish.pipe.configuration;
    message.maximum_instances = publish.pipe.maximum_instances;
    message.inbound_quota = publish.pipe.inbound_quota;
    message.outbound_quota = publish.pipe.outbound_quota;
    message.default_timeout = publish.pipe.default_timeout;
    message.current_instances = publish.pipe.current_instances;
    message.listening_instances = publish.pipe.listening_instances;
    send(publish.session, std::move(message));
}

void Broker::carry_out(space::Unpublish& unpublish)
{
    wire::Unpublished message;
    message.gateway = unpublish.gateway;
    message.pipe = unpublish.pipe;
    send(unpublish.session, std::move(message));
}

void Broker::carry_out(space::OfferChanged& changed)
{
    tell_watchers(name_message(changed.name, changed.present));
}

void Broker::carry_out(space::Unserved& unserved)
{
    wire::Unserved message;
    message.handle = unserved.instance;
    send(unserved.session, std::move(message));
}

// ---- over a restart of the broker ----

void Broker::carry_out(space::GatewayChanged& changed)
{
    if (changed.present) {
        journal_.put(changed.record);
    } else {
        journal_.remove(changed.record);
        spdlog::info("the gateway '{}' of user {} has gone", changed.record.label, changed.record.user);
    }
}

void Broker::expect_gateways()
{
    for (const space::GatewayRecord& record : journal_.take_gateways()) {
        namespace_.expect_gateway(record, glue::Loop::now() + options_.grace);
        const std::uint32_t process = record.process;
        glue::UniqueFd descriptor = open_process(process);
        if (!descriptor) {
            namespace_.gateway_gone(process);
            continue;
        }
        auto watch = std::make_unique<glue::Loop::Watch>(loop_, descriptor.get(), [this, process] {
            within_memory(0, [&] {
                namespace_.gateway_gone(process);
                carry_out_effects();
                expected_gateways_.erase(process);
            });
        });
        expected_gateways_[process] = {std::move(descriptor), std::move(watch)};
    }
}

} // namespace ntpipe::broker

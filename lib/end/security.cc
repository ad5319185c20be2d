// SPDX-License-Identifier: LGPL-2.1-or-later
// security.cc: the pipe's security descriptor, and acting for the client (SEMANTICS 6.2, 6.4).
#include "end/doubt.hpp"
#include "end/end.hpp"
#include "security/descriptor.hpp"

#include <algorithm>

namespace ntpipe::end {
namespace {

/// Contexts that a server keeps for records that it has not read. A client that makes more without writing loses the oldest.
constexpr std::size_t maximum_contexts = 256;
constexpr std::uint32_t context_of_open = 1;

} // namespace

// ---- the descriptor ----

Status End::query_security(std::uint32_t information, glue::ByteVector& descriptor)
{
    if (const Status status = check(security::access_to_query(information)); status != Status::success) {
        return status;
    }
    const auto bytes = attributes_.pipe ? attributes_.pipe->descriptor() : std::nullopt;
    if (!bytes) {
        return Status::unsuccessful; // the broker died while it wrote; the next one writes it anew
    }
    const auto whole = security::Descriptor::parse(*bytes);
    if (!whole) {
        return whole.status();
    }
    descriptor = security::parts_of(*whole, information).self_relative();
    return Status::success;
}

Status End::check_set_security(std::uint32_t information)
{
    return check(security::access_to_set(information));
}

// ---- a client's contexts ----

Status End::check_set_context()
{
    if (side_ == Side::server) {
        const Status status = check_handle(0);
        return status != Status::success ? status : Status::illegal_function;
    }
    return check(0);
}

bool End::context_matters() const
{
    return has_channel() && connection_->dynamic_tracking && connection_->context != no_context;
}

void End::set_context(std::uint32_t context)
{
    if (context_matters()) {
        connection_->context = std::max(connection_->context, context); // answers may overtake each other
    }
}

Status End::disable_impersonation()
{
    if (side_ == Side::server) {
        return doubt::disable_impersonation_by_server;
    }
    if (const Status status = check(0); status != Status::success) {
        return status;
    }
    connection_->context = no_context;
    return Status::success;
}

// ---- what a server does with them ----

void End::add_context(ClientContext context)
{
    Connection* connection = connection_ ? &*connection_ : offer_ ? &*offer_ : nullptr;
    if (connection == nullptr) {
        return;
    }
    auto& contexts = connection->contexts;
    // Records come in order, and numbers go up: those below the one in force are over.
    std::erase_if(contexts, [this](const ClientContext& known) { return known.id < read_context_; });
    if (contexts.size() >= maximum_contexts) {
        contexts.erase(contexts.begin());
    }
    connection->last_context = std::max(connection->last_context, context.id);
    contexts.push_back(std::move(context));
}

std::uint32_t End::last_context() const
{
    if (!connection_) {
        return context_of_open;
    }
    return side_ == Side::client ? connection_->context : connection_->last_context;
}

// The record says a number, which the client could have made up. Only numbers that the broker has told stand for somebody.
const ClientContext* End::find_context(std::uint32_t id)
{
    Connection& connection = *connection_;
    if (id == context_of_open || !connection.dynamic_tracking) {
        return &connection.opened_as;
    }
    const auto find = [&] {
        return std::find_if(connection.contexts.begin(), connection.contexts.end(),
                            [id](const ClientContext& context) { return context.id == id; });
    };
    auto found = find();
    if (found == connection.contexts.end()) {
        host_.take_in(); // the broker has told it before the client could use it
        found = find();
    }
    return found == connection.contexts.end() ? nullptr : &*found;
}

Status End::impersonate(Impersonation& impersonation)
{
    if (side_ == Side::client) {
        const Status status = check_handle(0);
        return status != Status::success ? status : Status::illegal_function;
    }
    if (const Status status = check(0); status != Status::success) {
        return status;
    }
    if (!has_channel() || read_context_ == no_context) {
        return doubt::impersonate_before_read;
    }
    const ClientContext* context = find_context(read_context_);
    if (context == nullptr) {
        return Status::cannot_impersonate;
    }
    impersonation.level = context->level;
    if (context->level == 0) {
        impersonation.identity = std::make_shared<const security::Identity>(security::anonymous_identity());
    } else if (connection_->effective_only && context->identity->token.disabled != 0) {
        auto effective = std::make_shared<security::Identity>(*context->identity);
        effective->token.privileges &= ~effective->token.disabled;
        effective->token.disabled = 0;
        impersonation.identity = std::move(effective);
    } else {
        impersonation.identity = context->identity;
    }
    return Status::success;
}

} // namespace ntpipe::end

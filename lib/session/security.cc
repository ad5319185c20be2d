// SPDX-License-Identifier: LGPL-2.1-or-later
// security.cc: a session's requests about security descriptors and contexts.
#include "session/convert.hpp"
#include "session/session.hpp"

#include <utility>

namespace ntpipe::session {

RemoteEnd* Session::find_connection(const wire::Id16& connection, channel::Side side)
{
    for (RemoteEnd* end = ends_.front(); end != nullptr; end = ends_.after(*end)) {
        if (end->has_connection() && end->connection() == connection && end->end().side() == side) {
            return end;
        }
    }
    return nullptr;
}

// ---- descriptors ----

void Session::start(SetSecurityRequest& request)
{
    const auto& pipe = static_cast<const RemoteEnd&>(*request.pipe); // ends of a session are of its kind
    const space::InstanceHandle handle = pipe.handle();
    const wire::Id16 connection = handle == 0 ? pipe.connection() : wire::Id16();
    SetSecurityRequest* owner = &request;
    add_request(
        request,
        [owner, handle, connection] {
            wire::SetSecurity message;
            message.request = id_of(*owner);
            message.handle = handle;
            message.connection = connection;
            message.information = owner->information;
            message.descriptor = owner->descriptor;
            return wire::Message(std::move(message));
        },
        nullptr);
}

// ---- contexts ----

void Session::handle_context(wire::Context context)
{
    if (RemoteEnd* end = find_connection(context.connection, channel::Side::server)) {
        end->take_context(std::move(context));
    }
}

void Session::start(SetContextRequest& request)
{
    const wire::Id16 connection = static_cast<const RemoteEnd&>(*request.pipe).connection();
    if (request.identity == nullptr) {
        start_errand(request, connection);
        return;
    }
    SetContextRequest* owner = &request;
    add_request(
        request,
        [owner, connection] {
            wire::SetContext message;
            message.request = id_of(*owner);
            message.connection = connection;
            message.identity = identity_to(*owner->identity);
            return wire::Message(std::move(message));
        },
        [this, owner, connection](wire::Message& message) {
            if (const auto* set = std::get_if<wire::ContextSet>(&message)) {
                answer_context(*owner, connection, *set);
            } else {
                complete(*owner, Status::internal_error);
            }
        });
}

void Session::answer_context(SetContextRequest& request, const wire::Id16& connection, const wire::ContextSet& answer)
{
    const auto status = static_cast<Status>(answer.status);
    RemoteEnd* end = find_connection(connection, channel::Side::client);
    if (status == Status::success && end != nullptr) {
        end->end().set_context(answer.context);
    }
    complete(request, status);
}

/// The kernel says of a socket who had connected it when it was connected. So a process that has changed its user asks with
/// a fresh one.
class Session::Errand {
public:
    Errand(Session& session, SetContextRequest& request, const wire::Id16& connection, glue::UniqueFd socket)
        : session_(session), request_(request), connection_(connection), socket_(std::in_place, std::move(socket))
    {
        watch_.emplace(session.loop(), socket_->descriptor(), [this] {
            session_.dispatcher().handle(
                [this] { receive(); },
                [this] { session_.errand_over(id_of(request_), Status::no_memory, end::no_context); });
        });
        wire::Hello hello;
        hello.layout = channel::layout_version;
        wire::SetContext set;
        set.request = id_of(request);
        set.connection = connection;
        send(std::move(hello));
        send(std::move(set));
    }
    [[nodiscard]] SetContextRequest& request() const { return request_; }
    [[nodiscard]] const wire::Id16& connection() const { return connection_; }

private:
    // What the socket does not take is nothing that a fresh one would not take.
    void send(wire::Message message)
    {
        auto packet = wire::encode(std::move(message));
        if (packet) {
            (void)socket_->send(*std::move(packet));
        }
    }
    void receive()
    {
        for (;;) {
            wire::Packet packet;
            const PacketSocket::Received received = socket_->receive(packet);
            if (received == PacketSocket::Received::none) {
                return;
            }
            auto message = received == PacketSocket::Received::packet ? wire::decode(std::move(packet))
                                                                      : Result<wire::Message>(Status::unsuccessful);
            const auto* set = message ? std::get_if<wire::ContextSet>(&*message) : nullptr;
            if (set != nullptr) {
                over(static_cast<Status>(set->status), set->context);
                return;
            }
            const auto* welcome = message ? std::get_if<wire::Welcome>(&*message) : nullptr;
            if (welcome == nullptr || welcome->status != raw(Status::success)) {
                over(welcome == nullptr ? Status::connection_disconnected : static_cast<Status>(welcome->status),
                     end::no_context);
                return;
            }
        }
    }
    // Hangs up; what is left of this object goes later.
    void over(Status status, std::uint32_t context)
    {
        watch_.reset();
        socket_.reset();
        session_.errand_over(id_of(request_), status, context);
    }

    Session& session_;
    SetContextRequest& request_;
    wire::Id16 connection_;
    std::optional<PacketSocket> socket_;
    std::optional<glue::Loop::Watch> watch_;
};

void Session::start_errand(SetContextRequest& request, const wire::Id16& connection)
{
    const space::RequestId id = next_request_++;
    begin(request, id);
    ended_errands_.clear();
    auto socket = try_to_connect();
    if (!socket) {
        complete(request, socket.status() == Status::pending ? Status::connection_disconnected : socket.status());
        return;
    }
    errands_[id] = std::make_shared<Errand>(*this, request, connection, *std::move(socket));
}

void Session::errand_over(space::RequestId id, Status status, std::uint32_t context)
{
    const auto found = errands_.find(id);
    if (found == errands_.end()) {
        return;
    }
    ended_errands_.push_back(std::move(found->second));
    errands_.erase(found);
    const Errand& errand = *ended_errands_.back();
    RemoteEnd* end = find_connection(errand.connection(), channel::Side::client);
    if (status == Status::success && end != nullptr) {
        end->end().set_context(context);
    }
    complete(errand.request(), status);
}

// `status` success: without a completion.
void Session::end_errands(Status status)
{
    auto errands = std::move(errands_);
    errands_.clear();
    for (auto& [id, errand] : errands) {
        if (status == Status::success) {
            forget(errand->request());
        } else {
            complete(errand->request(), status);
        }
    }
}

} // namespace ntpipe::session

// SPDX-License-Identifier: LGPL-2.1-or-later
// local.cc: a namespace within one process.
#include "session/local.hpp"

#include "session/convert.hpp"
#include "session/process.hpp"
#include "session/random.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <new>
#include <utility>

namespace ntpipe::session {
namespace {

constexpr space::SessionId the_session = 1;
constexpr space::PipeId first_pipe = 1;
constexpr std::size_t ring_size = std::size_t{64} * 1024;
constexpr std::size_t maximum_overflow = std::size_t{1} << 20;
/// Nanoseconds. What there was no memory for is tried again.
constexpr std::uint64_t soon = 100'000'000;

/// Plain memory, zeroed, shared by the two ends.
class Block {
public:
    explicit Block(std::size_t size) : bytes_(static_cast<std::byte*>(std::aligned_alloc(64, size)), size)
    {
        if (bytes_.data() == nullptr) {
            throw std::bad_alloc();
        }
        std::fill(bytes_.begin(), bytes_.end(), std::byte{0});
    }
    Block(const Block&) = delete;
    Block& operator=(const Block&) = delete;
    ~Block() { std::free(bytes_.data()); }
    [[nodiscard]] std::span<std::byte> bytes() const { return bytes_; }

private:
    std::span<std::byte> bytes_;
};

class SharedBlock final : public channel::Memory {
public:
    explicit SharedBlock(std::shared_ptr<Block> block) : block_(std::move(block)) {}
    [[nodiscard]] std::span<std::byte> bytes() const override { return block_->bytes(); }
    [[nodiscard]] bool commit(std::size_t /*size*/) override { return true; }

private:
    std::shared_ptr<Block> block_;
};

std::unique_ptr<channel::Memory> share(const std::shared_ptr<Block>& block)
{
    return std::make_unique<SharedBlock>(block);
}

std::shared_ptr<const security::Identity> own_identity()
{
    security::UnixCredentials credentials;
    credentials.uid = ::geteuid();
    credentials.gid = ::getegid();
    const int count = ::getgroups(0, nullptr);
    std::vector<gid_t> groups(count > 0 ? static_cast<std::size_t>(count) : 0);
    if (::getgroups(static_cast<int>(groups.size()), groups.data()) >= 0) {
        credentials.groups.assign(groups.begin(), groups.end());
    }
    const auto process = static_cast<std::uint32_t>(::getpid());
    auto identity = std::make_shared<security::Identity>(security::unix_identity(credentials, process));
    identity->session_id = login_session_of(process);
    return identity;
}

/// The two ends of a connection, as far as they are there.
struct Link {
    std::array<LocalEnd*, 2> ends{}; ///< by channel::Side
    std::uint64_t period = 0;
    std::uint32_t last_context = 1;
};

class LocalDoorbell final : public end::Doorbell {
public:
    LocalDoorbell(std::shared_ptr<Link> link, channel::Side other) : link_(std::move(link)), other_(other) {}
    void ring() override;

private:
    std::shared_ptr<Link> link_;
    channel::Side other_;
};

} // namespace

class LocalEnd final : public PipeEnd, public glue::ListNode {
public:
    LocalEnd(LocalGate& gate, space::InstanceHandle handle)
        : gate_(&gate), handle_(handle), waking_(*this), granting_(*this)
    {
        gate.add_end(*this);
    }
    ~LocalEnd() override // NOLINT(bugprone-exception-escape): it sees through the try
    {
        try {
            close();
        } catch (const std::bad_alloc&) { // NOLINT(bugprone-empty-catch)
            // The namespace keeps an instance that is none; there is nobody to tell.
        }
        if (gate_ != nullptr) {
            gate_->remove_end(*this);
        }
    }

    [[nodiscard]] space::InstanceHandle instance() const override { return handle_; }
    void close() override
    {
        if (end_ != nullptr) {
            end_->close();
        }
        leave_link();
        if (gate_ != nullptr && handle_ != 0 && !closed_) {
            closed_ = true;
            gate_->closed(handle_);
        }
    }
    void begin_server(end::Attributes attributes, security::AccessMask granted, end::PipeInformation modes)
    {
        attributes.server_process_id = static_cast<std::uint32_t>(::getpid());
        attributes.server_session_id = login_session_of(attributes.server_process_id);
        end_ = end::End::server(*this, gate_->dispatcher(), std::move(attributes), granted, modes, maximum_overflow);
    }
    void begin_client(end::Attributes attributes, security::AccessMask granted, end::Connection connection,
                      std::shared_ptr<Link> link, space::ClientEndId client_end)
    {
        client_end_ = client_end;
        end_ = end::End::client(*this, gate_->dispatcher(), std::move(attributes), granted, maximum_overflow,
                                std::move(connection));
        join(std::move(link), channel::Side::client);
    }
    void join(std::shared_ptr<Link> link, channel::Side side)
    {
        leave_link();
        link_ = std::move(link);
        link_->ends[static_cast<std::size_t>(side)] = this;
    }
    void wake_soon()
    {
        if (gate_ != nullptr && !waking_.linked()) {
            gate_->dispatcher().add(waking_);
        }
    }
    void detach_from_gate()
    {
        end_->close();
        gate_ = nullptr;
    }
    [[nodiscard]] space::InstanceHandle handle() const { return handle_; }
    [[nodiscard]] space::ClientEndId client_end() const { return client_end_; }
    [[nodiscard]] std::shared_ptr<Link> link() const { return link_; }

    // end::Host
    void take_in() override {}
    void listening(std::uint64_t period) override
    {
        if (gate_ != nullptr) {
            gate_->listening(handle_, period);
        }
    }
    void disconnected() override
    {
        if (gate_ != nullptr) {
            gate_->disconnected(handle_);
        }
    }
    void released() override
    {
        if (link_ != nullptr && end_->side() == channel::Side::client && gate_ != nullptr) {
            if (LocalEnd* server = link_->ends[static_cast<std::size_t>(channel::Side::server)]) {
                gate_->client_closed(server->handle_, link_->period);
            }
            gate_->client_end_closed(std::exchange(client_end_, 0));
        }
        leave_link();
    }
    [[nodiscard]] bool request_overflow(std::size_t size) override
    {
        granting_.size = size;
        gate_->dispatcher().add(granting_);
        return true;
    }

private:
    struct Waking final : glue::Completion {
        explicit Waking(LocalEnd& end) : owner(end) {}
        void completed() override { owner.end_->wake(); }
        LocalEnd& owner;
    };
    struct Granting final : glue::Completion {
        explicit Granting(LocalEnd& end) : owner(end) {}
        void completed() override { owner.grant_overflow(size); }
        LocalEnd& owner;
        std::size_t size = 0;
    };

    void grant_overflow(std::size_t size)
    {
        if (link_ == nullptr) {
            return;
        }
        const auto block = std::make_shared<Block>(size);
        const channel::Direction direction = channel::outgoing_direction(end_->side());
        LocalEnd* other = link_->ends[static_cast<std::size_t>(channel::other(end_->side()))];
        if (other != nullptr) {
            (void)other->end_->add_overflow(direction, share(block));
        }
        if (end_->add_overflow(direction, share(block)) != Status::success) {
            end_->refuse_overflow();
        }
    }
    void leave_link()
    {
        if (link_ == nullptr) {
            return;
        }
        for (LocalEnd*& end : link_->ends) {
            end = end == this ? nullptr : end;
        }
        link_.reset();
    }

    LocalGate* gate_;
    space::InstanceHandle handle_;
    space::ClientEndId client_end_ = 0;
    bool closed_ = false; ///< and the namespace was told
    Waking waking_;
    Granting granting_;
    std::shared_ptr<Link> link_;
};

namespace {

void LocalDoorbell::ring()
{
    if (LocalEnd* end = link_->ends[static_cast<std::size_t>(other_)]) {
        end->wake_soon();
    }
}

} // namespace

LocalGate::LocalGate(std::unique_ptr<glue::Loop> loop)
    : Gate(std::move(loop)),
      namespace_(space::Policy(), first_pipe),
      identity_(own_identity()),
      timer_(this->loop(), [this] {
          dispatcher().handle(
              [this] {
                  namespace_.expire(glue::Loop::now());
                  carry_out_effects();
              },
              [this] { timer_.set(glue::Loop::now() + soon); });
      })
{
    space::Party party;
    party.identity = *identity_;
    party.privileged = party.trusted_front = party.may_create_global = party.may_alias = true;
    namespace_.add_session(the_session, std::move(party));
}

LocalGate::~LocalGate()
{
    while (LocalEnd* end = ends_.front()) {
        end->detach_from_gate();
        static_cast<glue::ListNode*>(end)->unlink();
    }
    for (auto& [id, request] : requests_) {
        forget(*request);
    }
}

// ---- requests ----

void LocalGate::begin_request(Request& request)
{
    const space::RequestId id = next_request_++;
    begin(request, id);
    requests_[id] = &request;
}

void LocalGate::start(CreateRequest& request)
{
    begin_request(request);
    const space::RequestId id = id_of(request);
    requests_.erase(id);
    request.parameters.secret = random_id();
    const space::CreateParameters& parameters = request.parameters;
    const auto created = namespace_.create(the_session, id, id, parameters);
    carry_out_effects();
    if (!created) {
        complete(request, created.status());
        return;
    }
    auto pipe = std::make_unique<LocalEnd>(*this, id);
    const end::PipeInformation modes{static_cast<end::ReadMode>(parameters.read_mode),
                                     static_cast<end::CompletionMode>(parameters.completion_mode)};
    pipe->begin_server(attributes_from(attributes_to(created->attributes), parameters.options,
                                       pages_.at(created->attributes.pipe).view),
                       created->attributes.granted_access, modes);
    request.pipe = std::move(pipe);
    request.information = created->information;
    complete(request, Status::success);
}

void LocalGate::start(OpenRequest& request)
{
    begin_request(request);
    space::OpenParameters parameters;
    parameters.name = request.name;
    parameters.instance = request.instance;
    parameters.desired_access = request.desired_access;
    parameters.disposition = request.disposition;
    parameters.impersonation_level = request.impersonation_level;
    parameters.dynamic_tracking = request.dynamic_tracking;
    parameters.effective_only = request.effective_only;
    auto identity = std::make_shared<security::Identity>(request.identity == nullptr ? *identity_ : *request.identity);
    identity->process_id = request.process_id.value_or(identity->process_id);
    identity->session_id = request.session_id.value_or(identity->session_id);
    parameters.identity = std::move(identity);
    namespace_.open(the_session, id_of(request), parameters);
    carry_out_effects();
}

void LocalGate::start(WaitRequest& request)
{
    begin_request(request);
    const std::uint64_t now = glue::Loop::now();
    std::optional<space::Nanoseconds> timeout;
    if (request.for_ever) {
        timeout = std::numeric_limits<space::Nanoseconds>::max();
    } else if (request.deadline) {
        timeout = *request.deadline > now ? *request.deadline - now : 0;
    }
    namespace_.wait(the_session, id_of(request), request.name,
                    request.identity == nullptr ? identity_ : request.identity, timeout, now);
    carry_out_effects();
}

void LocalGate::start(ListRequest& request)
{
    begin_request(request);
    requests_.erase(id_of(request));
    std::u16string pattern;
    if (!name::to_utf16(request.pattern.empty() ? "*" : request.pattern, pattern)) {
        complete(request, Status::object_name_invalid);
        return;
    }
    std::optional<space::Namespace::Key> behind;
    if (request.after) {
        std::u16string after;
        (void)name::to_utf16(request.after->first, after);
        behind = {name::fold(after), request.after->second};
    }
    request.pipes = namespace_.list(the_session, name::fold(pattern), request.reachable, behind,
                                    std::numeric_limits<std::size_t>::max(), request.more);
    complete(request, Status::success);
}

void LocalGate::start(PingRequest& request)
{
    begin_request(request);
    requests_.erase(id_of(request));
    complete(request, Status::success);
}

void LocalGate::start(NotifyRequest& request)
{
    begin_request(request);
    namespace_.notify(the_session, id_of(request), request.names_only);
}

void LocalGate::start(AliasRequest& request)
{
    begin_request(request);
    requests_.erase(id_of(request));
    complete(request, request.real ? namespace_.add_alias(the_session, request.alias, *request.real)
                                   : namespace_.remove_alias(the_session, request.alias));
}

void LocalGate::start(SetSecurityRequest& request)
{
    begin_request(request);
    requests_.erase(id_of(request));
    const auto& pipe = static_cast<const LocalEnd&>(*request.pipe);
    const auto descriptor = security::Descriptor::parse(request.descriptor);
    Status status = descriptor.status();
    if (descriptor) {
        status = pipe.handle() != 0
                     ? namespace_.set_security(the_session, pipe.handle(), request.information, *descriptor)
                     : namespace_.set_security(pipe.client_end(), request.information, *descriptor);
    }
    carry_out_effects();
    complete(request, status);
}

void LocalGate::start(SetContextRequest& request)
{
    begin_request(request);
    requests_.erase(id_of(request));
    auto& pipe = static_cast<LocalEnd&>(*request.pipe);
    if (const std::shared_ptr<Link> link = pipe.link()) {
        const std::uint32_t context = ++link->last_context;
        if (LocalEnd* server = link->ends[static_cast<std::size_t>(channel::Side::server)]) {
            server->end().add_context(
                {context, pipe.end().allowed_level(), request.identity == nullptr ? own_identity() : request.identity});
        }
        pipe.end().set_context(context);
    }
    complete(request, Status::success);
}

void LocalGate::cancel(Request& request)
{
    namespace_.cancel(the_session, id_of(request));
    carry_out_effects();
}

void LocalGate::abandon(Request& request)
{
    requests_.erase(id_of(request));
    namespace_.cancel(the_session, id_of(request));
    carry_out_effects();
}

void LocalGate::watch(NameWatcher& watcher)
{
    watchers_.push_back(watcher);
    for (const auto& [id, page] : pages_) {
        if (page.has_name && !page.name.name.empty()) {
            watcher.appeared(page.name);
        }
    }
    watcher.complete();
}

// ---- ends ----

void LocalGate::add_end(LocalEnd& end)
{
    ends_.push_back(end);
    if (end.handle() != 0) {
        servers_.emplace(end.handle(), &end);
    }
}

void LocalGate::remove_end(LocalEnd& end)
{
    static_cast<glue::ListNode&>(end).unlink();
    servers_.erase(end.handle());
}

void LocalGate::listening(space::InstanceHandle handle, std::uint64_t period)
{
    (void)namespace_.listening(the_session, handle, period);
    carry_out_effects();
}

void LocalGate::disconnected(space::InstanceHandle handle)
{
    (void)namespace_.disconnected(the_session, handle);
    carry_out_effects();
}

void LocalGate::closed(space::InstanceHandle handle)
{
    (void)namespace_.closed(the_session, handle);
    carry_out_effects();
}

void LocalGate::client_end_closed(space::ClientEndId client_end)
{
    namespace_.client_end_closed(client_end);
    carry_out_effects();
}

void LocalGate::client_closed(space::InstanceHandle handle, std::uint64_t period)
{
    namespace_.client_closed(the_session, handle, period);
    carry_out_effects();
}

// ---- what the namespace wants done ----

void LocalGate::carry_out_effects()
{
    for (auto effects = namespace_.take_effects(); !effects.empty(); effects = namespace_.take_effects()) {
        for (space::Effect& effect : effects) {
            std::visit([this](auto& what) { carry_out(what); }, effect);
        }
    }
    const auto deadline = namespace_.next_deadline();
    if (deadline) {
        timer_.set(*deadline);
    } else {
        timer_.clear();
    }
}

void LocalGate::carry_out(space::Answer& answer)
{
    const auto found = requests_.find(answer.request);
    if (found == requests_.end()) {
        return;
    }
    Request& request = *found->second;
    requests_.erase(found);
    complete(request, answer.status);
}

void LocalGate::carry_out(space::Connect& connect)
{
    const auto found = requests_.find(connect.request);
    const auto server = servers_.find(connect.instance);
    namespace_.handover_taken(the_session);
    if (found == requests_.end() || server == servers_.end()) {
        namespace_.client_end_closed(connect.client_end);
        return;
    }
    auto& request = static_cast<OpenRequest&>(*found->second);
    requests_.erase(found);

    const auto page = std::make_shared<Block>(channel::connection_page_size);
    const auto link = std::make_shared<Link>();
    link->period = connect.period;
    std::array<end::Connection, 2> halves;
    for (const channel::Side side : {channel::Side::client, channel::Side::server}) {
        end::Connection& half = halves[static_cast<std::size_t>(side)];
        half.page = std::make_unique<channel::ConnectionView>(share(page), side);
        half.doorbell = std::make_unique<LocalDoorbell>(link, channel::other(side));
        half.opened_as.identity = connect.identity;
        half.opened_as.level = connect.impersonation_level; // server and client are one user
        half.dynamic_tracking = connect.dynamic_tracking;
        half.effective_only = connect.effective_only;
        half.server_process_id = connect.server_process;
        half.server_session_id = connect.server_login_session;
    }
    for (const channel::Direction direction : {channel::Direction::inbound, channel::Direction::outbound}) {
        const bool inbound = direction == channel::Direction::inbound;
        const space::DirectionUse use = space::use_of(direction, connect);
        if (!use.written && !use.read) {
            continue;
        }
        const auto ring = std::make_shared<Block>(ring_size);
        end::Connection& writer_half =
            halves[static_cast<std::size_t>(inbound ? channel::Side::client : channel::Side::server)];
        end::Connection& reader_half =
            halves[static_cast<std::size_t>(inbound ? channel::Side::server : channel::Side::client)];
        writer_half.peer_maps_outgoing = use.read;
        reader_half.peer_maps_incoming = use.written;
        if (use.written) {
            writer_half.outgoing.emplace(share(ring));
        }
        if (use.read) {
            reader_half.incoming.emplace(share(ring));
        }
    }
    end::Connection& client_half = halves[static_cast<std::size_t>(channel::Side::client)];
    (void)client_half.page->attach();
    auto pipe = std::make_unique<LocalEnd>(*this, 0);
    pipe->begin_client(
        attributes_from(attributes_to(connect.attributes), request.options, pages_.at(connect.attributes.pipe).view),
        connect.attributes.granted_access, std::move(client_half), link, connect.client_end);
    server->second->join(link, channel::Side::server);
    (void)server->second->end().offer(std::move(halves[static_cast<std::size_t>(channel::Side::server)]),
                                      connect.period);
    request.pipe = std::move(pipe);
    complete(request, Status::success);
}

void LocalGate::carry_out(space::Retry& /*retry*/) {} // nothing outlives this namespace, so nothing is ever reserved

void LocalGate::carry_out(space::PipeAppeared& appeared)
{
    const auto block = std::make_shared<Block>(channel::pipe_page_size);
    Page& page = pages_[appeared.record.id];
    page.writer = channel::PipePageWriter(share(block), appeared.record.id);
    page.writer.set_attributes(appeared.record.default_timeout, appeared.record.descriptor);
    page.view = std::make_shared<const channel::PipeView>(std::shared_ptr<const channel::Memory>(share(block)));
    page.name = {appeared.record.id, appeared.record.name, appeared.record.scope, appeared.record.owner};
    if (page.name.name.empty()) {
        return;
    }
    for (NameWatcher* watcher = watchers_.front(); watcher != nullptr; watcher = watchers_.after(*watcher)) {
        watcher->appeared(page.name);
    }
}

void LocalGate::carry_out(space::ServersChanged& /*changed*/) {}

void LocalGate::carry_out(space::PipeChanged& changed)
{
    pages_.at(changed.pipe).writer.set_current_instances(changed.current_instances);
}

void LocalGate::carry_out(space::PipeGone& gone)
{
    const auto found = pages_.find(gone.record.id);
    const bool told = !found->second.name.name.empty();
    for (NameWatcher* watcher = watchers_.front(); told && watcher != nullptr; watcher = watchers_.after(*watcher)) {
        watcher->gone(found->second.name);
    }
    found->second.has_name = false;
}

void LocalGate::carry_out(space::PipeForgotten& forgotten)
{
    pages_.erase(forgotten.pipe);
}

void LocalGate::carry_out(space::DescriptorChanged& changed)
{
    pages_.at(changed.record.id).writer.set_attributes(changed.record.default_timeout, changed.record.descriptor);
}

} // namespace ntpipe::session

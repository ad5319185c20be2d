// SPDX-License-Identifier: LGPL-2.1-or-later
// session.cc: connecting with the broker, losing it, returning with what is held; messages in and out.
#include "session/session.hpp"

#include "session/directory.hpp"
#include "session/fork.hpp"

#include <algorithm>

namespace ntpipe::session {
namespace {

constexpr std::uint64_t millisecond = 1'000'000;
constexpr std::uint64_t first_delay = 2 * millisecond;
constexpr std::uint64_t longest_delay = 250 * millisecond;
/// How long a broker that was started on demand may take to listen.
constexpr std::uint64_t starting_time = 10'000 * millisecond;
/// A broker that hangs up sooner than that after its welcome has something against us, and would do so again.
constexpr std::uint64_t proving_time = 1'000 * millisecond;

} // namespace

Session::Session(std::unique_ptr<glue::Loop> loop, SessionOptions options)
    : Gate(std::move(loop)),
      options_(std::move(options)),
      retry_(this->loop(), [this] { connect_or_retry(); }),
      connect_soon_(this->loop(), [this] { connect_or_retry(); })
{
    if (options_.directory.empty()) {
        options_.directory = default_directory();
    }
    if (!options_.start_broker) {
        options_.start_broker = may_start_broker_in(options_.directory);
    }
    add_to_fork_registry(*this);
}

Session::~Session()
{
    remove_from_fork_registry(*this);
    while (RemoteEnd* end = ends_.front()) {
        end->detach_from_session(false);
        static_cast<glue::ListNode*>(end)->unlink();
    }
    for (auto& [id, pending] : requests_) {
        if (pending.request != nullptr) {
            forget(*pending.request);
        }
    }
    end_errands(Status::success);
}

// ---- connecting ----

Result<glue::UniqueFd> Session::try_to_connect()
{
    struct AsOneself { // whatever happens, it is over afterwards
        explicit AsOneself(const SessionOptions& options_) : options(options_)
        {
            if (options.before_connect) {
                options.before_connect();
            }
        }
        ~AsOneself()
        {
            if (options.after_connect) {
                options.after_connect();
            }
        }
        AsOneself(const AsOneself&) = delete;
        AsOneself& operator=(const AsOneself&) = delete;
        const SessionOptions& options;
    };
    const AsOneself oneself(options_);
    return connect_to_broker(options_.directory, options_.root_only);
}

void Session::connect_or_retry()
{
    dispatcher().handle([this] { connect(); },
                        [this] {
                            watch_.reset();
                            socket_.reset();
                            state_ = State::connecting;
                            retry_later(Status::no_memory);
                        });
}

void Session::connect()
{
    if (state_ == State::greeting || state_ == State::open) {
        return;
    }
    state_ = State::connecting;
    if (!give_up_at_) {
        give_up_at_ = glue::Loop::now() + starting_time;
    }
    auto socket = try_to_connect();
    if (socket) {
        opened(*std::move(socket));
        return;
    }
    if (socket.status() == Status::connection_refused && *options_.start_broker && !options_.directory.empty()) {
        if (!broker_started_) {
            const Status started = start_broker(options_.directory);
            broker_started_ = started == Status::success;
            if (!broker_started_) {
                retry_later(started);
                return;
            }
            auto again = try_to_connect();
            if (again) {
                opened(*std::move(again));
                return;
            }
        }
        retry_later(Status::pending);
        return;
    }
    retry_later(socket.status());
}

// Statuses other than PENDING end the first connect at once. Who has been connected before waits for the broker to return.
void Session::retry_later(Status reason)
{
    if (!was_open_ && (reason != Status::pending || glue::Loop::now() >= *give_up_at_)) {
        give_up(reason == Status::pending ? Status::connection_refused : reason);
        return;
    }
    if (glue::Loop::now() >= *give_up_at_) {
        broker_started_ = false; // whatever came of it: try to start one again
        give_up_at_ = glue::Loop::now() + starting_time;
    }
    retry_delay_ = std::clamp(2 * retry_delay_, first_delay, longest_delay);
    retry_.set(glue::Loop::now() + retry_delay_);
}

void Session::give_up(Status status)
{
    state_ = State::idle;
    give_up_at_.reset();
    retry_delay_ = 0;
    broker_started_ = false;
    auto requests = std::move(requests_);
    requests_.clear();
    for (auto& [id, pending] : requests) {
        if (pending.request != nullptr) {
            complete(*pending.request, status);
        }
    }
    watching_.reset();
    refuse_gateways(status);
}

void Session::opened(glue::UniqueFd socket)
{
    state_ = State::greeting;
    socket_ = std::make_unique<PacketSocket>(std::move(socket));
    watch_ = std::make_unique<glue::Loop::Watch>(loop(), socket_->descriptor(), [this] {
        dispatcher().handle([this] { receive(); }, [this] { lost_in_the_middle(); });
    });
    wire::Hello hello;
    hello.layout = channel::layout_version;
    if (!send(std::move(hello))) {
        lost(true);
    }
}

bool Session::holds_anything() const
{
    return !ends_.empty() || !requests_.empty() || !watchers_.empty() || !aliases_.empty() || !gateways_.empty() ||
           !departed_.empty();
}

void Session::lost(bool drained)
{
    const std::uint64_t now = glue::Loop::now();
    const bool proven = state_ == State::open && now - welcomed_at_ >= proving_time;
    watch_.reset();
    socket_.reset();
    state_ = State::idle;
    broker_started_ = false;
    names_complete_ = false;
    names_.clear();
    confirming_ = false;
    recent_views_.clear(); // another broker may have made a new page
    if (watching_) {
        watching_.reset();
        for (NameWatcher* watcher = watchers_.front(); watcher != nullptr; watcher = watchers_.after(*watcher)) {
            watcher->reset();
        }
    }
    reset_gateways();
    for (RemoteEnd* end = ends_.front(); end != nullptr; end = ends_.after(*end)) {
        end->broker_lost(drained);
    }
    for (auto it = requests_.begin(); it != requests_.end();) {
        if (it->second.over_when_lost && it->second.sent && it->second.request != nullptr) {
            complete(*std::exchange(it->second.request, nullptr), Status::success);
        }
        if (it->second.cancelled && it->second.request != nullptr) { // the next broker would not hear of that
            complete(*std::exchange(it->second.request, nullptr), Status::cancelled);
        }
        it->second.sent = false;
        it = it->second.request == nullptr ? requests_.erase(it) : std::next(it); // nobody waits for it any more
    }
    if (!holds_anything()) {
        return;
    }
    if (!proven) { // do not come back at once, again and again
        give_up_at_ = give_up_at_.value_or(now + starting_time);
        retry_later(Status::pending);
        return;
    }
    give_up_at_.reset();
    retry_delay_ = 0;
    connect_soon_.schedule();
}

// There was no memory to take in what the broker says. Whoever comes back has said what it holds, and hears all again.
void Session::lost_in_the_middle()
{
    receiving_ = false;
    if (socket_ != nullptr) {
        lost(false);
    }
}

// ---- returning ----

void Session::handle_welcome(const wire::Welcome& welcome)
{
    if (state_ != State::greeting) {
        return;
    }
    if (welcome.status != raw(Status::success)) {
        watch_.reset();
        socket_.reset();
        was_open_ = false;
        give_up(static_cast<Status>(welcome.status));
        return;
    }
    state_ = State::open;
    was_open_ = true;
    welcomed_at_ = glue::Loop::now();
    give_up_at_.reset();
    maximum_overflow_ = welcome.maximum_overflow;
    version_ = welcome.version;
    come_back();
    send_requests();
}

// Brings back what an earlier broker knew: instances with their proof, then connections.
void Session::come_back()
{
    std::map<ServedPipe*, wire::ComeBack> pipes;
    for (RemoteEnd* end = ends_.front(); end != nullptr; end = ends_.after(*end)) {
        if (end->served() != nullptr) {
            pipes[end->served().get()].instances.push_back(end->returned());
        }
    }
    for (auto& [served, message] : pipes) {
        message.request = next_request_++;
        message.pipe = served->id;
        message.secret = served->secret;
        message.descriptors[0].reset(::dup(served->page_descriptor.get()));
        Pending pending;
        pending.sent = true;
        pending.answered = [this, id = served->id](wire::Message& answer) {
            const auto* done = std::get_if<wire::Done>(&answer);
            if (done == nullptr || done->status == raw(Status::success)) {
                return;
            }
            for (RemoteEnd* end = ends_.front(); end != nullptr; end = ends_.after(*end)) {
                if (end->served() != nullptr && end->served()->id == id) {
                    end->end().orphan(); // the name is no longer ours
                }
            }
        };
        requests_.emplace(message.request, std::move(pending));
        if (!send(std::move(message))) {
            return;
        }
    }
    if (!come_back_without()) {
        return;
    }
    for (RemoteEnd* end = ends_.front(); end != nullptr; end = ends_.after(*end)) {
        if (end->has_connection() && !send(end->held())) {
            return;
        }
    }
    (void)bring_back_aliases();
    register_gateways();
    confirm_departures();
}

// The broker would keep the names of pipes that were closed while there was none, or in its last moment, for this process.
bool Session::come_back_without()
{
    for (const std::shared_ptr<ServedPipe>& served : departed_) {
        wire::ComeBack message;
        message.request = next_request_++; // whatever the answer is, it is over
        message.pipe = served->id;
        message.secret = served->secret;
        message.descriptors[0].reset(::dup(served->page_descriptor.get()));
        if (!send(std::move(message))) {
            return false;
        }
    }
    return true;
}

void Session::give_back(const std::shared_ptr<ServedPipe>& served) noexcept
{
    try {
        departed_.push_back(served);
        confirm_departures();
    } catch (const std::bad_alloc&) { // if this broker dies before it knows, the next one keeps the name for a while
        return;
    }
}

// Messages are taken in one after the other: who answers this one has heard those before.
void Session::confirm_departures()
{
    if (state_ != State::open || confirming_ || departed_.empty()) {
        return;
    }
    wire::Ping message;
    message.request = next_request_++;
    Pending pending;
    pending.sent = true;
    pending.answered = [this, count = departed_.size()](const wire::Message& /*answer*/) {
        departed_.erase(departed_.begin(), departed_.begin() + static_cast<std::ptrdiff_t>(count));
        confirming_ = false;
        confirm_departures();
    };
    const auto asked = requests_.emplace(message.request, std::move(pending)).first;
    confirming_ = true;
    try {
        (void)send(std::move(message));
    } catch (const std::bad_alloc&) { // it is asked again when the next one is given back
        requests_.erase(asked);
        confirming_ = false;
        throw;
    }
}

// ---- messages ----

bool Session::send(wire::Message message)
{
    if (socket_ == nullptr) {
        return false;
    }
    auto packet = wire::encode(std::move(message));
    if (!packet) {
        return false;
    }
    const PacketSocket::Sent sent = socket_->send(*std::move(packet));
    if (sent == PacketSocket::Sent::queued) {
        watch_->want_writable(true);
    }
    return sent != PacketSocket::Sent::broken;
}

// Who has no memory to say what must be said hangs up, and tells the broker all that is so when it is back.
bool Session::tell(wire::Message message) noexcept
{
    try {
        return state_ == State::open && send(std::move(message));
    } catch (const std::bad_alloc&) {
        socket_->hang_up();
        return false;
    }
}

void Session::take_in()
{
    if (socket_ == nullptr || receiving_) {
        return;
    }
    try {
        receive();
    } catch (const std::bad_alloc&) {
        lost_in_the_middle();
    }
}

void Session::receive()
{
    if (socket_->queued() != 0) {
        const PacketSocket::Sent sent = socket_->flush();
        // If it is broken, what the broker said before comes first, and then its end.
        watch_->want_writable(sent == PacketSocket::Sent::queued);
    }
    receiving_ = true;
    while (socket_ != nullptr) {
        wire::Packet packet;
        const PacketSocket::Received received = socket_->receive(packet);
        if (received == PacketSocket::Received::none) {
            break;
        }
        if (received != PacketSocket::Received::packet) {
            lost(received == PacketSocket::Received::closed);
            break;
        }
        auto message = wire::decode(std::move(packet));
        if (!message) {
            lost(false); // no broker of ours says such things
            break;
        }
        handle(*std::move(message));
    }
    receiving_ = false;
}

void Session::handle(wire::Message message)
{
    if (auto* welcome = std::get_if<wire::Welcome>(&message)) {
        handle_welcome(*welcome);
    } else if (auto* connected = std::get_if<wire::Connected>(&message)) {
        handle_connected(std::move(*connected));
    } else if (auto* segment = std::get_if<wire::Segment>(&message)) {
        handle_segment(std::move(*segment));
    } else if (auto* context = std::get_if<wire::Context>(&message)) {
        handle_context(std::move(*context));
    } else if (auto* name = std::get_if<wire::Name>(&message)) {
        handle_name(*name);
    } else if (auto* published = std::get_if<wire::Published>(&message)) {
        handle_published(std::move(*published));
    } else if (const auto* unpublished = std::get_if<wire::Unpublished>(&message)) {
        if (Gateway* gateway = find_gateway(unpublished->gateway)) {
            gateway->gone(unpublished->pipe);
        }
    } else if (auto* asked = std::get_if<wire::Asked>(&message)) {
        handle_asked(std::move(*asked));
    } else if (const auto* over = std::get_if<wire::Over>(&message)) {
        for (Gateway* gateway = gateways_.front(); gateway != nullptr; gateway = gateways_.after(*gateway)) {
            gateway->over(over->question);
        }
    } else if (const auto* unserved = std::get_if<wire::Unserved>(&message)) {
        if (const auto found = servers_.find(unserved->handle); found != servers_.end()) {
            found->second->end().orphan();
        }
    } else {
        space::RequestId id = 0;
        if (const auto* created = std::get_if<wire::Created>(&message)) {
            id = created->request;
        } else if (const auto* open = std::get_if<wire::Opened>(&message)) {
            id = open->request;
        } else if (const auto* done = std::get_if<wire::Done>(&message)) {
            id = done->request;
        } else if (const auto* listed = std::get_if<wire::Listed>(&message)) {
            id = listed->request;
        } else if (const auto* set = std::get_if<wire::ContextSet>(&message)) {
            id = set->request;
        } else if (const auto* used = std::get_if<wire::Used>(&message)) {
            id = used->request;
        }
        Pending pending = take_pending(id);
        if (pending.answered) {
            take_answer(pending, message);
        } else if (const auto* done = std::get_if<wire::Done>(&message);
                   done != nullptr && pending.request != nullptr) {
            complete(*pending.request, static_cast<Status>(done->status));
        }
    }
}

// Without memory the request fails, and what it has brought about is undone.
void Session::take_answer(Pending& pending, wire::Message& message)
{
    try {
        pending.answered(message);
    } catch (const std::bad_alloc&) {
        if (pending.request == nullptr) {
            throw;
        }
        complete(*pending.request, Status::no_memory);
        undo(message);
    }
}

// ---- ends ----

void Session::add_end(RemoteEnd& end)
{
    ends_.push_back(end);
    if (end.handle() != 0) {
        servers_.emplace(end.handle(), &end);
    }
}

void Session::remove_end(RemoteEnd& end)
{
    static_cast<glue::ListNode&>(end).unlink();
    servers_.erase(end.handle());
}

std::shared_ptr<PeerProcess> Session::peer_process(std::uint64_t session, glue::UniqueFd descriptor)
{
    std::weak_ptr<PeerProcess>& known = peers_[session];
    if (auto process = known.lock()) {
        recent_peers_.use(process);
        return process;
    }
    auto process = std::make_shared<PeerProcess>(*this, session, std::move(descriptor));
    known = process;
    recent_peers_.use(process);
    std::erase_if(peers_, [](const auto& entry) { return entry.second.expired(); });
    return process;
}

void Session::peer_process_gone(std::uint64_t session)
{
    // An end lets go of its peer when it hears of it, and the last one takes the process with it.
    const std::shared_ptr<PeerProcess> process = peers_[session].lock();
    recent_peers_.forget(process.get());
    for (RemoteEnd* end = ends_.front(); process != nullptr && end != nullptr;) {
        RemoteEnd* next = ends_.after(*end);
        if (end->peer() == process.get()) {
            end->forget_peer();
            end->peer_gone();
        }
        end = next;
    }
}

void Session::handle_connected(wire::Connected connected)
{
    const auto found = servers_.find(connected.handle);
    if (found != servers_.end()) {
        found->second->take_handover(std::move(connected));
    }
    // Else the instance was closed while this was on its way: the client's doorbell closes with the message.
    tell(wire::Taken());
}

void Session::handle_segment(wire::Segment segment)
{
    if (RemoteEnd* end = find_connection(segment.connection, static_cast<channel::Side>(segment.side))) {
        end->take_segment(std::move(segment));
    }
}

} // namespace ntpipe::session

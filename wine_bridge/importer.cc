// SPDX-License-Identifier: LGPL-2.1-or-later
// importer.cc: instances in the prefix for native pipes.
#include "importer.hpp"

#include "log.hpp"

#include <algorithm>
#include <new>
#include <utility>

namespace wine_bridge {
namespace {

constexpr std::size_t fewest_ahead = 4;
constexpr std::size_t most_ahead = 64;
constexpr std::chrono::seconds shrink_delay(10);
constexpr unsigned retry_delay = 5'000; // milliseconds
// How long a program that was let in waits for a native instance that others were faster to take.
constexpr std::chrono::milliseconds native_patience(30'000);

} // namespace

Import::Import(Importer& importer, NativePipe pipe)
    : importer_(importer), pipe_(std::move(pipe)), wide_(to_utf16(pipe_.name)), ahead_(fewest_ahead)
{
}

Import::~Import()
{
    for (const Held& instance : instances_) {
        if (instance->relay) {
            instance->relay->stop();
        }
        instance->close();
    }
}

void Import::Instance::close()
{
    if (handle != nullptr) {
        (void)nt_close(std::exchange(handle, nullptr));
    }
}

void Import::Instance::fail()
{
    if (const auto still = import.lock()) {
        still->abandon(shared_from_this());
    }
}

void Import::Listening::fail()
{
    if (const Held one = instance.lock()) {
        one->fail();
    }
}

// With the next second there may be what is missing now.
void Import::fail()
{
    importer_.is_behind_ = true;
}

std::size_t Import::count(State state) const
{
    return static_cast<std::size_t>(
        std::count_if(instances_.begin(), instances_.end(), [state](const Held& one) { return one->state == state; }));
}

std::size_t Import::listening() const
{
    const std::size_t all = count(State::listening);
    return all - std::min(all, leaving_.size());
}

std::string Import::describe() const
{
    if (!refused_.empty()) {
        return "refused " + pipe_.name + ": " + refused_;
    }
    const std::size_t free = listening();
    return "imported " + pipe_.name + (free == 0 ? " busy" : " listening " + std::to_string(free)) + " connected " +
           std::to_string(count(State::relaying) + count(State::opening));
}

void Import::update(NativePipe pipe)
{
    const bool back = std::exchange(withdrawn_, false);
    pipe_ = std::move(pipe);
    if (back) {
        wide_ = to_utf16(pipe_.name);
        refused_.clear();
    }
    if (back || instances_.empty()) {
        adjust();
    } else {
        adjust_in_time();
    }
}

// A busy native server changes all the time what it has listening, and to follow each time takes longer than that. Who waits for Wine
// must not wait for it: beyond some changes at once it is followed so often.
void Import::adjust_in_time()
{
    constexpr std::chrono::milliseconds interval(50);
    constexpr unsigned at_once = 32;
    const auto now = std::chrono::steady_clock::now();
    adjusts_at_ = std::max(adjusts_at_, now - at_once * interval) + interval;
    if (adjusts_at_ <= now) {
        adjust();
        return;
    }
    adjusts_at_ -= interval;
    if (!adjusts_soon_) {
        importer_.engine_.after(interval.count(), weak_from_this(), [this] {
            adjusts_soon_ = false;
            adjust();
        });
        adjusts_soon_ = true;
    }
}

void Import::withdraw() noexcept
{
    withdrawn_ = true;
    adjust();
}

// Whatever else is thrown is a fault of ours, with which nothing goes on. NOLINTNEXTLINE(bugprone-exception-escape)
void Import::adjust() noexcept
{
    try {
        adjust_instances();
    } catch (const std::bad_alloc&) {
        fail();
    }
}

void Import::adjust_instances()
{
    const auto self = shared_from_this();
    if (importer_.closing_ || (!refused_.empty() && !withdrawn_)) {
        return;
    }
    const std::size_t busy = count(State::opening) + count(State::relaying);
    const std::size_t opening = count(State::opening);
    std::size_t wanted = pipe_.listening > opening ? pipe_.listening - opening : 0;
    wanted = std::min({wanted, ahead_, pipe_.maximum_instances > busy ? pipe_.maximum_instances - busy : 0});
    wanted = withdrawn_ ? 0 : wanted;
    for (const Held& instance : std::set<Held>(instances_)) {
        if (instance->state == State::parked && listening() < wanted) {
            do_for(instance, [&] { listen(instance); });
        }
    }
    while (listening() < wanted && add()) {}
    while (listening() > wanted && take_one_away()) {}
    for (const Held& instance : std::set<Held>(instances_)) {
        if (instance->state == State::parked && (instances_.size() > 1 || withdrawn_)) {
            drop(instance);
        }
    }
    if (instances_.empty() && !withdrawn_ && refused_.empty()) {
        if (add()) {
            (void)take_one_away(); // the name stays, busy
        }
    }
    importer_.changed_();
    if (withdrawn_) {
        importer_.forget_unused(folded(pipe_.name));
    }
}

// One more instance. False: it could not be made.
bool Import::add()
{
    const auto instance = std::make_shared<Instance>(weak_from_this());
    const nt_pipe_information information{pipe_.type & 1U,
                                          pipe_.configuration,
                                          pipe_.maximum_instances,
                                          0,
                                          pipe_.inbound_quota,
                                          pipe_.outbound_quota,
                                          false,
                                          false};
    const bool first = instances_.empty();
    const std::uint32_t status =
        nt_create_pipe(units(wide_), wide_.size(), &information, pipe_.default_timeout, first, &instance->handle);
    nt_pipe_information seen{};
    if (status == NTPIPE_STATUS_NO_MEMORY) {
        throw std::bad_alloc();
    }
    if (is_error(status)) {
        instance->handle = nullptr;
        if (first) {
            refuse(status == NTPIPE_STATUS_ACCESS_DENIED ? "a Windows program serves a pipe of that name"
                                                         : ntpipe_status_name(status));
        } else if (status != last_failure_) {
            log_line(pipe_.name + ": no further instance: " + ntpipe_status_name(status));
            last_failure_ = status;
        }
        return false;
    }
    if (!is_error(nt_query(instance->handle, &seen)) && seen.current_instances > instances_.size() + 1) {
        if (first) {
            instance->close();
            refuse("a Windows program serves a pipe of that name");
            return false;
        }
        if (!std::exchange(told_of_intruder_, true)) {
            log_line(pipe_.name +
                     ": a Windows program has made an instance of its own; some clients will meet that one");
        }
    }
    if (first) {
        log_line("imported " + pipe_.name);
    }
    instances_.insert(instance);
    do_for(instance, [&] { listen(instance); });
    return instance->state != State::closed;
}

void Import::refuse(const std::string& reason)
{
    log_line("refused " + pipe_.name + ": " + reason);
    importer_.engine_.after(retry_delay, weak_from_this(), [this] {
        if (!withdrawn_) {
            refused_.clear();
            adjust();
        }
    });
    refused_ = reason;
}

void Import::listen(const Held& instance)
{
    instance->state = State::listening;
    const auto listening = std::make_shared<Listening>(); // an earlier one may not have come back yet
    listening->instance = instance;
    const std::uint32_t status = listening->operation.start(
        listening,
        [weak = weak_from_this(), held = std::weak_ptr(instance), number = ++instance->listens](std::uint32_t over,
                                                                                                std::size_t) {
            const auto self = weak.lock();
            const Held one = held.lock();
            const bool current = self && one && one->state == State::listening && one->listens == number;
            if (current && (!is_error(over) || over == NTPIPE_STATUS_PIPE_CONNECTED)) {
                self->connected(one);
            }
        },
        [&](nt_operation* started) { return nt_listen(instance->handle, started); });
    if (status == NTPIPE_STATUS_PIPE_CONNECTED || status == NTPIPE_STATUS_SUCCESS) {
        connected(instance); // it was faster
    } else if (status == NTPIPE_STATUS_PIPE_CLOSING) {
        (void)nt_disconnect(instance->handle); // and gone again
        listen(instance);
    } else if (status != NTPIPE_STATUS_PENDING) {
        log_line(pipe_.name + ": cannot listen: " + ntpipe_status_name(status));
        drop(instance);
    }
}

// Makes one instance that listens one that does not: it is connected with us, and not any more then. So no program is on it.
bool Import::take_one_away()
{
    leaving_.reserve(leaving_.size() + 1);
    nt_handle client = nullptr;
    const bool read = pipe_.configuration != NT_INBOUND;
    const bool write = pipe_.configuration != NT_OUTBOUND;
    const std::uint32_t status = nt_open_pipe(units(wide_), wide_.size(), read, write, &client);
    if (status == NTPIPE_STATUS_NO_MEMORY) {
        throw std::bad_alloc();
    }
    if (is_error(status)) {
        return false; // programs have taken them all
    }
    leaving_.push_back(client);
    return true;
}

void Import::drop(const Held& instance)
{
    const Held still = instance; // NOLINT(performance-unnecessary-copy-initialization): that one may be the set's own
    instance->state = State::closed;
    instance->close();
    instances_.erase(still);
}

// Nothing can be relied on about it. Whoever is connected finds the pipe broken.
void Import::abandon(const Held& instance)
{
    instance->request.reset();
    if (const auto relay = std::exchange(instance->relay, nullptr)) {
        relay->stop();
    }
    if (instances_.contains(instance)) {
        drop(instance);
    }
    fail();
}

// A program has opened it.
void Import::connected(const Held& instance)
{
    instance->state = State::opening;
    instance->deadline = std::chrono::steady_clock::now() + native_patience;
    if (is_error(nt_client_process(instance->handle, &instance->process_id))) {
        instance->process_id = 0;
    }
    if (!leaving_.empty() && instance->process_id == nt_own_process()) {
        (void)nt_disconnect(instance->handle);
        (void)nt_close(leaving_.back());
        leaving_.pop_back();
        instance->state = State::parked;
        adjust();
        return;
    }
    if (listening() <= ahead_ / 2 && ahead_ < most_ahead) {
        shrinks_at_ = ahead_ == fewest_ahead ? std::chrono::steady_clock::now() + shrink_delay : shrinks_at_;
        ahead_ = std::min(2 * ahead_, most_ahead);
    }
    open_native(instance);
    adjust();
}

// Every second.
void Import::look_after(std::chrono::steady_clock::time_point now)
{
    if (ahead_ > fewest_ahead && shrinks_at_ <= now) {
        ahead_ = std::max(ahead_ / 2, fewest_ahead);
        shrinks_at_ = now + shrink_delay;
        adjust();
    }
}

void Import::open_native(const Held& instance)
{
    ntpipe_open_params params = NTPIPE_OPEN_PARAMS_INIT;
    params.desired_access = NTPIPE_SYNCHRONIZE | (pipe_.configuration != NT_INBOUND ? NTPIPE_GENERIC_READ : 0) |
                            (pipe_.configuration != NT_OUTBOUND ? NTPIPE_GENERIC_WRITE : 0);
    params.process_id = instance->process_id;
    const std::string path = R"(\\.\pipe\)" + pipe_.name;
    const auto make = [&] {
        return ntpipe_open_send(nullptr, importer_.engine_.events(), importer_.session_, path.c_str(), &params);
    };
    const auto opened = [self = shared_from_this(), instance] { self->native_opened(instance); };
    if (instance->request.start(instance, opened, make)) {
        native_opened(instance);
    }
}

void Import::native_opened(const Held& instance)
{
    const auto self = shared_from_this();
    ntpipe_end* end = nullptr;
    const std::uint32_t status = ntpipe_open_recv(instance->request.get(), nullptr, &end);
    NativeEnd owned(end);
    instance->request.reset();
    if (status == NTPIPE_STATUS_PIPE_NOT_AVAILABLE && std::chrono::steady_clock::now() < instance->deadline) {
        // Another client was faster. To this one the pipe was there, so it waits.
        const std::string path = R"(\\.\pipe\)" + pipe_.name;
        const auto make = [&] {
            return ntpipe_wait_send(nullptr, importer_.engine_.events(), importer_.session_, path.c_str(),
                                    native_patience.count(), nullptr);
        };
        const auto waited = [self, instance] {
            const std::uint32_t over = ntpipe_wait_recv(instance->request.get());
            instance->request.reset();
            if (is_error(over) && over != NTPIPE_STATUS_IO_TIMEOUT) {
                self->give_up(instance, over);
            } else {
                self->open_native(instance);
            }
        };
        if (instance->request.start(instance, waited, make)) {
            waited();
        }
        return;
    }
    if (is_error(status)) {
        give_up(instance, status);
        return;
    }
    instance->state = State::relaying;
    Relay::Parameters parameters;
    parameters.handle = instance->handle;
    parameters.native = end;
    parameters.message = (pipe_.type & 1U) != 0;
    parameters.to_native = pipe_.configuration != NT_OUTBOUND;
    parameters.to_prefix = pipe_.configuration != NT_INBOUND;
    ntpipe_local_info info{};
    const bool known = !is_error(ntpipe_query_local_info(end, &info));
    parameters.native_quota = known ? info.inbound_quota : pipe_.inbound_quota;
    parameters.prefix_quota = pipe_.outbound_quota;
    const std::weak_ptr<Instance> held = instance;
    instance->relay =
        std::make_shared<Relay>(importer_.engine_, parameters, [weak = weak_from_this(), held](Relay::Over over) {
            const auto still = weak.lock();
            const Held one = held.lock();
            if (still && one) {
                still->relay_over(one, over);
            }
        });
    (void)owned.release();
    instance->relay->start();
    adjust(); // it does not count on an instance any more
}

// What the native server would have told the program at its open, it learns now.
void Import::give_up(const Held& instance, std::uint32_t status)
{
    const auto self = shared_from_this();
    log_line("refused a client of " + pipe_.name + ", process " + std::to_string(instance->process_id) + ": " +
             ntpipe_status_name(status));
    (void)nt_disconnect(instance->handle);
    instance->state = State::parked;
    adjust();
}

void Import::relay_over(const Held& instance, Relay::Over over)
{
    const auto self = shared_from_this();
    instance->relay.reset();
    if (over == Relay::Over::native_closed) {
        drop(instance); // what was written can still be read there
    } else {
        (void)nt_disconnect(instance->handle);
        instance->state = State::parked;
    }
    adjust();
}

// ---- all names ----

Importer::Importer(Engine& engine, ntpipe_session* session, std::function<bool(const std::string&)> allowed,
                   std::function<void()> changed)
    : engine_(engine), session_(session), allowed_(std::move(allowed)), changed_(std::move(changed))
{
}

Importer::~Importer()
{
    closing_ = true;
}

void Importer::published(std::uint64_t id, const NativePipe& pipe)
{
    stale_.erase(id);
    known_[id] = pipe;
    numbers_[folded(pipe.name)].insert(id);
    consider(pipe);
}

void Importer::consider(const NativePipe& pipe)
{
    const std::string key = folded(pipe.name);
    const auto found = imports_.find(key);
    if (!allowed_(pipe.name)) {
        if (found != imports_.end() && !found->second->withdrawn()) {
            log_line("not imported any more: " + pipe.name);
            const auto import = found->second;
            import->withdraw();
        }
        return;
    }
    if (to_utf16(pipe.name).empty()) {
        log_line("refused " + pipe.name + ": not a name");
        return;
    }
    if (found != imports_.end()) {
        const auto import = found->second;
        import->update(pipe);
        return;
    }
    const auto import = std::make_shared<Import>(*this, pipe);
    imports_[key] = import;
    import->update(pipe);
}

void Importer::gone(std::uint64_t id)
{
    const auto found = known_.find(id);
    if (found == known_.end()) {
        return;
    }
    const std::string key = folded(found->second.name);
    known_.erase(found);
    stale_.erase(id);
    auto& numbers = numbers_[key];
    numbers.erase(id);
    if (!numbers.empty()) {
        consider(known_[*numbers.begin()]); // a user's pipe may have hidden a global one of the same name
        return;
    }
    numbers_.erase(key);
    if (const auto import = imports_.find(key); import != imports_.end()) {
        const auto held = import->second;
        held->withdraw();
        log_line("gone: " + held->pipe().name);
    }
}

void Importer::forget_unused(const std::string& key)
{
    const auto found = imports_.find(key);
    if (found != imports_.end() && found->second->withdrawn() && found->second->unused()) {
        imports_.erase(found);
        changed_();
    }
}

void Importer::reset()
{
    for (const auto& [id, pipe] : known_) {
        stale_.insert(id);
    }
}

void Importer::complete()
{
    std::set<std::string> fresh;
    for (const auto& [id, pipe] : known_) {
        if (!stale_.contains(id)) {
            fresh.insert(folded(pipe.name));
        }
    }
    for (const std::uint64_t id : std::set<std::uint64_t>(stale_)) {
        if (fresh.contains(folded(known_[id].name))) {
            numbers_[folded(known_[id].name)].erase(id);
            known_.erase(id); // it has another number now
        } else {
            gone(id);
        }
    }
    stale_.clear();
    withdraw_unknown();
}

// Those of which it could not be taken in that their pipes have gone.
void Importer::withdraw_unknown()
{
    const auto imports = imports_;
    for (const auto& [key, import] : imports) {
        if (!numbers_.contains(key) && !import->withdrawn()) {
            import->withdraw();
        }
    }
}

void Importer::look_after() noexcept
{
    const auto now = std::chrono::steady_clock::now();
    const bool was_behind = std::exchange(is_behind_, false);
    for (auto next = imports_.begin(); next != imports_.end();) {
        const auto import = (next++)->second; // it may go
        if (was_behind) {
            import->adjust();
        }
        import->look_after(now);
    }
}

void Importer::reconsider()
{
    const std::map<std::uint64_t, NativePipe> known = known_;
    for (const auto& [id, pipe] : known) {
        consider(pipe);
    }
}

bool Importer::has(const std::string& name) const
{
    const auto found = imports_.find(folded(name));
    return found != imports_.end() && !found->second->unused();
}

std::vector<std::string> Importer::describe() const
{
    std::vector<std::string> lines;
    for (const auto& [key, import] : imports_) {
        if (!import->withdrawn() || !import->unused()) {
            lines.push_back(import->describe());
        }
    }
    return lines;
}

} // namespace wine_bridge

// SPDX-License-Identifier: LGPL-2.1-or-later
// scheduler.cc: runs two fibers over shared memory in every order that matters.
#include "scheduler.hpp"

#include "instrumented.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace ntpipe::explore {
namespace {

constexpr std::size_t stack_size = std::size_t{256} * 1024;
constexpr std::size_t granule = 32;      ///< of the search for data races: records begin at multiples of it
constexpr std::uint64_t longest = 20000; ///< steps of a schedule; more is a livelock

Scheduler* active = nullptr;

std::uint64_t raw_load(const void* where, std::size_t size)
{
    std::uint64_t value = 0;
    std::memcpy(&value, where, size);
    return value;
}

void raw_store(void* where, std::size_t size, std::uint64_t value)
{
    std::memcpy(where, &value, size);
}

bool acquires(std::memory_order order)
{
    return order != std::memory_order_relaxed && order != std::memory_order_release;
}

bool releases(std::memory_order order)
{
    return order == std::memory_order_release || order == std::memory_order_acq_rel ||
           order == std::memory_order_seq_cst;
}

} // namespace

Scheduler::Scheduler()
{
    for (Fiber& fiber : fibers_) {
        fiber.stack = std::make_unique<std::byte[]>(stack_size);
    }
}

Scheduler::~Scheduler() = default;

Scheduler* Scheduler::running()
{
    return active;
}

// ---- a schedule ----

void Scheduler::run(const Bounds& bounds, const std::vector<std::uint8_t>& plan, const std::array<Body, fibers>& bodies)
{
    bounds_ = bounds;
    plan_ = &plan;
    taken_.clear();
    options_.clear();
    failure_.clear();
    stopping_ = pruned_ = false;
    preemptions_ = delays_ = 0;
    steps_ = 0;
    released_.clear();
    plain_.clear();
    for (std::size_t i = 0; i < fibers; ++i) {
        Fiber& fiber = fibers_[i];
        fiber.body = bodies[i];
        fiber.ready = nullptr;
        fiber.over = fiber.asleep = false;
        fiber.buffer.clear();
        fiber.clock = {};
        fiber.clock[i] = 1;
        start(i);
    }
    active = this;
    go_into(choose(fibers));
    stopping_ = true;
    for (std::size_t i = 0; i < fibers; ++i) {
        drain(i, fibers_[i].buffer.size());
    }
    for (std::size_t i = 0; i < fibers; ++i) {
        if (!fibers_[i].over) {
            go_into(i);
        }
    }
    active = nullptr;
}

bool Scheduler::next_plan(std::vector<std::uint8_t>& plan) const
{
    plan = taken_;
    while (!plan.empty() && plan.back() + 1 >= options_[plan.size() - 1]) {
        plan.pop_back();
    }
    if (plan.empty()) {
        return false;
    }
    ++plan.back();
    return true;
}

std::size_t Scheduler::next_random(std::size_t options)
{
    random_ ^= random_ << 13;
    random_ ^= random_ >> 7;
    random_ ^= random_ << 17;
    // Most often the fiber goes on, else it would get nowhere before the bound on preemptions is reached.
    return random_ % 8 == 0 ? random_ / 8 % options : 0;
}

std::size_t Scheduler::choose(std::size_t options)
{
    if (options <= 1 || pruned_ || stopping_) {
        return 0;
    }
    std::size_t choice = 0;
    if (taken_.size() < plan_->size()) {
        choice = std::min<std::size_t>((*plan_)[taken_.size()], options - 1);
    } else if (random_ != 0) {
        choice = next_random(options);
    }
    taken_.push_back(static_cast<std::uint8_t>(choice));
    options_.push_back(static_cast<std::uint8_t>(options));
    return choice;
}

void Scheduler::fail(const std::string& what)
{
    if (failure_.empty()) {
        failure_ = what;
    }
}

void Scheduler::give_up(const std::string& what)
{
    fail(what);
    stopping_ = true; // what is destroyed on the way out is not scheduled any more
    throw Failure(what);
}

// ---- fibers ----

void Scheduler::enter(unsigned high, unsigned low)
{
    auto* scheduler = std::bit_cast<Scheduler*>(static_cast<std::uintptr_t>(std::uint64_t{high} << 32 | low));
    Fiber& fiber = scheduler->self();
    try {
        fiber.body();
    } catch (const Failure& failure) {
        scheduler->fail(failure.what());
        scheduler->stopping_ = true;
    }
    fiber.over = true;
    setcontext(&scheduler->home_);
}

void Scheduler::start(std::size_t index)
{
    Fiber& fiber = fibers_[index];
    (void)getcontext(&fiber.context); // cannot fail
    fiber.context.uc_stack.ss_sp = fiber.stack.get();
    fiber.context.uc_stack.ss_size = stack_size;
    fiber.context.uc_link = nullptr;
    const auto place = std::bit_cast<std::uintptr_t>(this);
    makecontext(&fiber.context, reinterpret_cast<void (*)()>(&Scheduler::enter), 2,
                static_cast<unsigned>(std::uint64_t{place} >> 32), static_cast<unsigned>(place));
    fiber.next = {};
}

// From a fiber to the other one. Returns when that, or run(), comes back to this one.
void Scheduler::switch_to(std::size_t index)
{
    ucontext_t* from = &self().context;
    current_ = index;
    self().asleep = false;
    swapcontext(from, &self().context);
}

// From run() into a fiber.
void Scheduler::go_into(std::size_t index)
{
    current_ = index;
    swapcontext(&home_, &self().context);
}

// Nothing can happen any more: back to run().
void Scheduler::leave()
{
    swapcontext(&self().context, &home_);
}

bool Scheduler::wait(const void* word, const std::function<bool()>& ready)
{
    before({word, true});
    Fiber& me = self();
    me.ready = &ready;
    while (!stopping_ && !ready()) {
        if (peer().runnable()) {
            if (peer().asleep) {
                pruned_ = true;
            }
            flush_at_switch();
            switch_to(1 - current_);
        } else {
            leave();
        }
    }
    me.ready = nullptr;
    if (stopping_) {
        return false;
    }
    acquire(word);
    done({word, true});
    return true;
}

void Scheduler::touch(const void* word)
{
    before({word, true});
    if (stopping_) {
        return;
    }
    drain(current_, self().buffer.size());
    acquire(word);
    release(const_cast<void*>(word), self().clock, true);
    ++self().clock[current_];
    done({word, true});
}

// ---- choices ----

bool Scheduler::buffered() const
{
    return std::any_of(fibers_.begin(), fibers_.end(), [](const Fiber& fiber) { return !fiber.buffer.empty(); });
}

void Scheduler::before(const Step& step)
{
    if (stopping_) {
        return;
    }
    if (++steps_ > longest) {
        give_up("livelock: the schedule does not end");
    }
    preempt_or_go_on(step);
}

void Scheduler::preempt_or_go_on(const Step& step)
{
    for (;;) {
        const bool may_switch = preemptions_ < bounds_.preemptions && !peer().asleep && peer().runnable();
        const bool may_flush = !peer().buffer.empty();
        const std::size_t choice = choose(1U + (may_switch ? 1 : 0) + (may_flush ? 1 : 0));
        if (choice == 0) {
            return;
        }
        if (choice == 2 || !may_switch) {
            drain(1 - current_, peer().buffer.size());
            continue;
        }
        ++preemptions_;
        self().next = step;
        self().asleep = random_ == 0 && !buffered();
        flush_at_switch();
        switch_to(1 - current_);
        return;
    }
}

// After a step of the current fiber: what depends on it wakes the other one.
void Scheduler::done(const Step& step)
{
    if (peer().asleep && peer().next.word == step.word && (step.write || peer().next.write)) {
        peer().asleep = false;
    }
}

// Some of the stores in the buffer are seen by the other fiber while this one waits; the first alternative is: all.
void Scheduler::flush_at_switch()
{
    const std::size_t count = self().buffer.size();
    drain(current_, count - choose(count + 1));
}

void Scheduler::drain(std::size_t index, std::size_t count)
{
    Fiber& fiber = fibers_[index];
    for (; count > 0; --count) {
        const Delayed& store = fiber.buffer.front();
        raw_store(store.where, store.size, store.value);
        release(store.where, store.clock, store.release);
        Fiber& other = fibers_[1 - index];
        if (other.next.word == store.where) {
            other.asleep = false;
        }
        fiber.buffer.pop_front();
    }
}

// ---- accesses ----

void Scheduler::acquire(const void* where)
{
    const Clock& clock = released_[std::bit_cast<std::uintptr_t>(where)];
    for (std::size_t i = 0; i < fibers; ++i) {
        self().clock[i] = std::max(self().clock[i], clock[i]);
    }
}

void Scheduler::release(void* where, const Clock& clock, bool release)
{
    released_[std::bit_cast<std::uintptr_t>(where)] = release ? clock : Clock{};
}

std::uint64_t Scheduler::load(const void* where, std::size_t size, std::memory_order order)
{
    before({where, false});
    const auto own = std::find_if(self().buffer.rbegin(), self().buffer.rend(),
                                  [where](const Delayed& store) { return store.where == where; });
    const std::uint64_t value = own != self().buffer.rend() ? own->value : raw_load(where, size);
    if (acquires(order) && own == self().buffer.rend()) {
        acquire(where);
    }
    note("load", where, value);
    done({where, false});
    return value;
}

void Scheduler::store(void* where, std::size_t size, std::uint64_t value, std::memory_order order)
{
    before({where, true});
    Fiber& me = self();
    const Delayed delayed{where, size, value, me.clock, releases(order)};
    if (releases(order)) {
        ++me.clock[current_];
    }
    bool delay = false;
    if (order == std::memory_order_seq_cst) {
        drain(current_, me.buffer.size());
    } else {
        const bool may_begin = delays_ < bounds_.delays && me.buffer.empty();
        delay = !stopping_ && (!me.buffer.empty() || (may_begin && choose(2) == 1));
    }
    note(delay ? "store, delayed," : "store", where, value);
    if (delay) {
        delays_ += me.buffer.empty() ? 1 : 0;
        me.buffer.push_back(delayed);
        peer().asleep = false;
        return;
    }
    raw_store(where, size, value);
    release(where, delayed.clock, delayed.release);
    done({where, true});
}

std::uint64_t Scheduler::update(void* where, std::size_t size, const std::function<bool(std::uint64_t&)>& change,
                                std::memory_order order)
{
    before({where, true});
    Fiber& me = self();
    drain(current_, me.buffer.size());
    const std::uint64_t old = raw_load(where, size);
    std::uint64_t value = old;
    if (acquires(order)) {
        acquire(where);
    }
    if (change(value)) {
        raw_store(where, size, value);
        if (releases(order)) {
            // A read-modify-write goes on with what the stores before it released.
            Clock& clock = released_[std::bit_cast<std::uintptr_t>(where)];
            for (std::size_t i = 0; i < fibers; ++i) {
                clock[i] = std::max(clock[i], me.clock[i]);
            }
            ++me.clock[current_];
        }
    }
    note("update", where, value);
    done({where, true});
    return old;
}

void Scheduler::plain(const void* where, std::size_t size, bool write)
{
    if (stopping_ || size == 0) {
        return;
    }
    const std::size_t other = 1 - current_;
    const std::uint32_t known = self().clock[other];
    const std::uint32_t now = self().clock[current_];
    const auto first = std::bit_cast<std::uintptr_t>(where) / granule;
    const auto last = (std::bit_cast<std::uintptr_t>(where) + size - 1) / granule;
    for (auto at = first; at <= last; ++at) {
        Plain& plain = plain_[at];
        if (plain.written[other] > known || (write && plain.read[other] > known)) {
            const std::string name = names_ ? names_(where) : "shared memory";
            give_up(std::string("data race: a ") + (write ? "write" : "read") + " of " + name + " is not ordered");
        }
        (write ? plain.written : plain.read)[current_] = now;
    }
}

// ---- the log ----

void Scheduler::trace(std::vector<std::string>* into, std::function<std::string(const void*)> names)
{
    trace_ = into;
    names_ = std::move(names);
}

void Scheduler::note(const std::string& text)
{
    if (trace_ != nullptr && !stopping_) {
        trace_->push_back((current_ == 0 ? "client  " : "                                        server  ") + text);
    }
}

void Scheduler::note(const char* what, const void* where, std::uint64_t value)
{
    if (trace_ != nullptr && !stopping_) {
        note(std::string(what) + " " + names_(where) + " = " + std::to_string(value));
    }
}

// ---- what channel/shared.hpp calls ----

std::uint64_t load(const void* where, std::size_t size, std::memory_order order)
{
    return active != nullptr ? active->load(where, size, order) : raw_load(where, size);
}

void store(void* where, std::size_t size, std::uint64_t value, std::memory_order order)
{
    if (active != nullptr) {
        active->store(where, size, value, order);
    } else {
        raw_store(where, size, value);
    }
}

std::uint64_t update(void* where, std::size_t size, Update how, std::uint64_t operand, std::memory_order order)
{
    const auto change = [how, operand](std::uint64_t& value) {
        value = how == Update::add ? value + operand : value | operand;
        return true;
    };
    if (active != nullptr) {
        return active->update(where, size, change, order);
    }
    std::uint64_t value = raw_load(where, size);
    const std::uint64_t old = value;
    (void)change(value);
    raw_store(where, size, value);
    return old;
}

bool compare_exchange(void* where, std::size_t size, std::uint64_t& expected, std::uint64_t desired,
                      std::memory_order order)
{
    bool same = false;
    const auto change = [&](std::uint64_t& value) {
        same = value == expected;
        value = same ? desired : value;
        return same;
    };
    if (active != nullptr) {
        const std::uint64_t old = active->update(where, size, change, order);
        expected = old;
        return same;
    }
    std::uint64_t value = raw_load(where, size);
    const std::uint64_t old = value;
    if (change(value)) {
        raw_store(where, size, value);
    }
    expected = old;
    return same;
}

void plain_read(const void* where, std::size_t size)
{
    if (active != nullptr) {
        active->plain(where, size, false);
    }
}

void plain_write(const void* where, std::size_t size)
{
    if (active != nullptr) {
        active->plain(where, size, true);
    }
}

} // namespace ntpipe::explore

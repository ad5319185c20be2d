// SPDX-License-Identifier: LGPL-2.1-or-later
// scheduler.hpp: runs two fibers over shared memory in every order that matters, one schedule after the other.
//
// A fiber runs until it touches a shared word. There the scheduler chooses who goes on. A schedule is the list of its choices,
// so it can be run again; the search goes through them depth first:
//   * at most `preemptions` times a fiber that could go on is made to wait (a fiber that waits for its bell costs nothing);
//   * a fiber that was made to wait stays asleep until the other one has touched the same word, one of them writing: the order
//     of independent steps does not matter (sleep sets). What is pruned by that costs no more preemptions than what is kept;
//   * at most `delays` times, a store that is not sequentially consistent stays in the fiber's store buffer, and all stores
//     after it, while its fiber goes on: x86-TSO. A read-modify-write and a sequentially consistent store empty the buffer; so
//     does the scheduler at any time.
// Accesses that are not atomic are no steps of their own. They are checked for data races instead, with vector clocks and the
// rules of C++ for release and acquire, so an order that is too weak shows even where x86 would hide it: without a race, only the
// order of atomic steps can be observed.
#pragma once

#include <ucontext.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "table.hpp"

namespace ntpipe::explore {

struct Bounds {
    unsigned preemptions = 2;
    unsigned delays = 0;
};

/// What is wrong with a schedule.
struct Failure : std::runtime_error {
    using std::runtime_error::runtime_error;
};

class Scheduler {
public:
    static constexpr std::size_t fibers = 2;
    using Body = std::function<void()>;

    Scheduler();
    Scheduler(const Scheduler&) = delete;
    Scheduler& operator=(const Scheduler&) = delete;
    ~Scheduler();

    /// The one whose schedule runs; nullptr: none does.
    static Scheduler* running();

    /// Runs one schedule: the choices of `plan`, then the first alternative everywhere. Returns when both fibers wait for what
    /// will not come.
    void run(const Bounds& bounds, const std::vector<std::uint8_t>& plan, const std::array<Body, fibers>& bodies);
    /// Changes the plan to the next one. False: there is none.
    [[nodiscard]] bool next_plan(std::vector<std::uint8_t>& plan) const;
    /// The schedule was given up, for another one shows the same.
    [[nodiscard]] bool pruned() const { return pruned_; }
    /// What was wrong, or "".
    [[nodiscard]] const std::string& failure() const { return failure_; }
    void fail(const std::string& what);
    [[nodiscard]] const std::vector<std::uint8_t>& choices() const { return taken_; }
    [[nodiscard]] std::uint64_t steps() const { return steps_; }
    /// Random choices instead of the first alternatives, from now on; 0: no longer.
    void randomize(std::uint64_t seed) { random_ = seed; }
    /// The first choice of all does not belong to the scheduler but to the one who asks: `options` alternatives.
    [[nodiscard]] std::size_t choose(std::size_t options);

    // ---- for a fiber ----

    [[nodiscard]] std::size_t current() const { return current_; }
    /// Until `ready` says so. False: it never will; the fiber must end. `word` is what the other fiber changes to make it so.
    [[nodiscard]] bool wait(const void* word, const std::function<bool()>& ready);
    /// A step on something that is not shared memory but is seen by both fibers: a bell, a letter box. Empties the store buffer.
    void touch(const void* word);

    std::uint64_t load(const void* where, std::size_t size, std::memory_order order);
    void store(void* where, std::size_t size, std::uint64_t value, std::memory_order order);
    std::uint64_t update(void* where, std::size_t size, const std::function<bool(std::uint64_t&)>& change,
                         std::memory_order order);
    void plain(const void* where, std::size_t size, bool write);

    /// For the log of a failing schedule: every step, with the names that these words have.
    void trace(std::vector<std::string>* into, std::function<std::string(const void*)> names);
    void note(const std::string& text);

private:
    using Clock = std::array<std::uint32_t, fibers>;
    struct Step {
        const void* word = nullptr;
        bool write = false;
    };
    struct Delayed {
        void* where;
        std::size_t size;
        std::uint64_t value;
        Clock clock; ///< what it releases
        bool release;
    };
    struct Fiber {
        ucontext_t context{};
        std::unique_ptr<std::byte[]> stack;
        Body body;
        const std::function<bool()>* ready = nullptr; ///< while it waits
        bool over = false;
        bool asleep = false;
        Step next; ///< what it was about to do when it was made to wait
        std::deque<Delayed> buffer;
        Clock clock{};
        [[nodiscard]] bool runnable() const { return !over && (ready == nullptr || (*ready)()); }
    };
    struct Plain {
        Clock read{};
        Clock written{};
    };

    static void enter(unsigned high, unsigned low);
    void start(std::size_t index);
    void switch_to(std::size_t index);
    void go_into(std::size_t index);
    void leave();
    [[noreturn]] void give_up(const std::string& what);
    void note(const char* what, const void* where, std::uint64_t value);
    void before(const Step& step);
    void preempt_or_go_on(const Step& step);
    void done(const Step& step);
    void drain(std::size_t index, std::size_t count);
    void flush_at_switch();
    void acquire(const void* where);
    void release(void* where, const Clock& clock, bool release);
    [[nodiscard]] bool buffered() const;
    [[nodiscard]] std::size_t next_random(std::size_t options);
    [[nodiscard]] Fiber& self() { return fibers_[current_]; }
    [[nodiscard]] Fiber& peer() { return fibers_[1 - current_]; }

    Bounds bounds_;
    std::array<Fiber, fibers> fibers_;
    ucontext_t home_{};
    std::size_t current_ = 0;
    bool stopping_ = false;
    bool pruned_ = false;
    unsigned preemptions_ = 0;
    unsigned delays_ = 0;
    std::uint64_t steps_ = 0;
    std::uint64_t random_ = 0;
    std::string failure_;
    const std::vector<std::uint8_t>* plan_ = nullptr;
    std::vector<std::uint8_t> taken_;
    std::vector<std::uint8_t> options_;
    Table<Clock> released_;
    Table<Plain> plain_;
    std::vector<std::string>* trace_ = nullptr;
    std::function<std::string(const void*)> names_;
};

} // namespace ntpipe::explore

// SPDX-License-Identifier: LGPL-2.1-or-later
// harness.hpp: how the benchmarks measure: contenders that do the same work take turns, each with its far side in a process of its
// own, pinned alike, so that all meet the same noise; and what is counted are ratios within a round.
#pragma once

#include <popt.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <sched.h>
#include <string>
#include <sys/types.h>
#include <vector>

namespace bench {

/// Ends the program.
[[noreturn]] void fail(const std::string& what);

/// Where that is not allowed, all run where they like.
void pin(int processor);

[[nodiscard]] double nanoseconds_now();

enum class Kind : std::uint8_t {
    transact, ///< a message there and one back, then the next
    stream,   ///< messages one way; the far side says when it has them all
    both,     ///< messages both ways at once
    bytes,    ///< as stream, but as bytes that have no bounds
};

struct Workload {
    Kind kind = Kind::transact;
    std::size_t size = 64; ///< bytes of a message
    int count = 1000;      ///< of them in a round
};

/// One way to do the work of a Workload.
class Contender {
public:
    Contender(std::string name, Workload workload) : workload_(workload), name_(std::move(name)) {}
    Contender(const Contender&) = delete;
    Contender& operator=(const Contender&) = delete;
    virtual ~Contender() = default;

    [[nodiscard]] const std::string& name() const { return name_; }
    /// In the far process, for ever: it is killed in the end. `ready` must be called when connect() may be.
    virtual void serve(const std::function<void()>& ready) = 0;
    /// In the near process, once the far one is ready.
    virtual void connect() = 0;
    /// In the near process. Of a transact, `latencies` gets the nanoseconds of each call.
    virtual void round(std::vector<double>& latencies) = 0;
    /// False: all happens in the near process.
    [[nodiscard]] virtual bool has_far_side() const { return true; }

protected:
    const Workload workload_;

private:
    std::string name_;
};

using Contenders = std::vector<std::unique_ptr<Contender>>;

/// What all programs can be told.
struct CommonOptions {
    int rounds = 15;
    int part = 100; ///< percent of the messages
    int seed = 1;   ///< of the order of the contenders in each round

    /// Also those of `more`. Ends the program if they are wrong.
    void parse(const char* program, int argc, const char** argv, const poptOption* more);
};

struct Plan {
    int rounds = 15;
    unsigned seed = 1;
    int near_processor = 0;
    int far_processor = 0;
};

struct Result {
    std::string name;
    std::vector<double> rounds; ///< nanoseconds per message (there and back counts as one)
    double p99 = 0;             ///< nanoseconds: of all calls of a transact, else of the rounds
};

/// Runs a round that warms up and those of the plan; gives the results to `report` while all processes are still there.
void compare(const Contenders& contenders, const Plan& plan,
             const std::function<void(const std::vector<Result>&)>& report);

/// One line of JSON.
void print(const std::string& workload, const Plan& plan, const Workload& work, const std::vector<Result>& results);

[[nodiscard]] double quantile(std::vector<double> values, double which);

/// While it lives this process is not pinned.
class WithAllProcessors {
public:
    WithAllProcessors();
    WithAllProcessors(const WithAllProcessors&) = delete;
    WithAllProcessors& operator=(const WithAllProcessors&) = delete;
    ~WithAllProcessors();

private:
    cpu_set_t before_;
};

/// A child that ends when this process does, and when this is destroyed.
class Child {
public:
    /// `body` in a process pinned to `processor`.
    Child(int processor, const std::function<void()>& body);
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    ~Child();
    [[nodiscard]] pid_t id() const { return id_; }

private:
    pid_t id_ = -1;
};

/// One byte from one process to another.
class Signal {
public:
    Signal();
    Signal(const Signal&) = delete;
    Signal& operator=(const Signal&) = delete;
    ~Signal();
    void give() const;
    void await() const;

private:
    int ends_[2];
};

/// Calls `call` for each of the workload's messages and notes how long each took.
template <typename Call>
void time_each(int count, std::vector<double>& latencies, Call&& call)
{
    double before = nanoseconds_now();
    for (int i = 0; i < count; ++i) {
        call();
        const double after = nanoseconds_now();
        latencies.push_back(after - before);
        before = after;
    }
}

// ---- who there is; each adds what it can do of the workload ----

void add_sockets(Contenders& contenders, Workload workload);
void add_memory(Contenders& contenders, Workload workload);
void add_pipes(Contenders& contenders, Workload workload, bool may_spin);
void add_libuv(Contenders& contenders, Workload workload);
void add_iceoryx(Contenders& contenders, Workload workload);
[[nodiscard]] std::unique_ptr<Contender> make_opening_floor(Workload workload);
[[nodiscard]] std::unique_ptr<Contender> make_turns_alone(Workload workload);

} // namespace bench

// SPDX-License-Identifier: LGPL-2.1-or-later
// loop.hpp: descriptors, timers and deferred work on a tevent context; and, for programs with another event loop, the same
// behind one descriptor.
//
// Everything that the library waits for goes through a Loop. If somebody asks for it, a Loop on a context of its own mirrors each
// descriptor in an epoll set, which is readable whenever dispatch() has something to do.
#pragma once

#include "glue/completion.hpp"
#include "glue/list.hpp"
#include "glue/unique_fd.hpp"
#include "status/status.hpp"

extern "C" {
#include <tevent.h>
}

#include <cstdint>
#include <functional>
#include <map>
#include <memory>

namespace ntpipe::glue {

class Loop {
public:
    /// On the caller's context, which must outlive it.
    static Result<std::unique_ptr<Loop>> on(tevent_context* events);
    /// On a context of its own.
    static Result<std::unique_ptr<Loop>> own();
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;
    ~Loop();

    [[nodiscard]] tevent_context* events() const { return events_; }
    [[nodiscard]] bool is_own() const { return own_context_ != nullptr; }
    /// Of an own loop: readable when dispatch() has work. -1 otherwise, and, with errno, where that takes more memory than there is.
    [[nodiscard]] int descriptor();
    /// Of an own loop: does what can be done without waiting.
    void dispatch();
    /// Runs until `done`. For blocking calls, so not from within a handler. False: the event context failed.
    [[nodiscard]] bool run_until(const std::function<bool()>& done);
    /// tevent_req_post(), in a way that an own loop's descriptor shows.
    tevent_req* post(tevent_req* request);
    /// Whoever finds everything done at once never waits, and tevent serves what is done before it looks at descriptors: other
    /// descriptors would never have their turn. True: too much was done at once in a row; use complete_in_turn().
    [[nodiscard]] bool is_hogged() { return ++in_a_row_ > most_in_a_row; }
    /// Completes it when the descriptors that are ready have been served.
    void complete_in_turn(Completion& completion);
    /// In the child of a fork, around the destruction of watches: the epoll set, timers and wakeups of the parent are left alone,
    /// and replaced by new ones.
    void leave_parent();
    void renew_after_fork();
    /// Makes descriptor(), if somebody has asked for it, readable: something was scheduled on events() without a Loop's help.
    void poke();

    /// Who waits for something that can be seen without a descriptor.
    class Looker : public ListNode {
    public:
        Looker() = default;
        Looker(const Looker&) = delete;
        Looker& operator=(const Looker&) = delete;
        virtual ~Looker() = default;
        /// Takes in what is there. What that completes is told from the event loop.
        virtual void look() = 0;
        /// The same, when the loop is going to wait: sees to it that a descriptor tells from now on.
        virtual void arm() = 0;
    };
    /// How long to look before waiting, in nanoseconds; 0, as at first: not at all. Without effect where there is one processor only.
    void set_spin(std::uint64_t time);
    [[nodiscard]] std::uint64_t spin() const { return spin_; }
    /// Whether add() has an effect: within a turn, and on an own loop that nobody waits for with a loop of his own.
    [[nodiscard]] bool looks_before_waiting() const { return in_turn_ || (spin_ != 0 && is_own() && !is_watched_); }
    /// It is called until it has been told to arm().
    void add(Looker& looker) { lookers_.push_back(looker); }

    /// Of an own loop that another thread waits for by its descriptor: until end_turn() nothing makes that readable.
    void begin_turn() { in_turn_ = is_own(); }
    /// Within a turn: does what was scheduled; if nothing was, looks for so many nanoseconds, and does what that has brought. False:
    /// there was nothing to do.
    bool work(std::uint64_t time);
    /// What is left the descriptor tells.
    void end_turn();

    /// Calls `ready` while `fd` is readable, until it is destroyed. Does not own the descriptor, which must outlive it.
    class Watch : public ListNode {
    public:
        Watch(Loop& loop, int fd, std::function<void()> ready);
        Watch(const Watch&) = delete;
        Watch& operator=(const Watch&) = delete;
        ~Watch();
        /// Also calls `ready` when the descriptor is writable; for connecting and full sockets.
        void want_writable(bool wanted);

    private:
        [[nodiscard]] bool wants_writable() const;
        friend class Loop;
        static void handler(tevent_context* events, tevent_fd* event, uint16_t flags, void* data) noexcept;
        Loop& loop_;
        int fd_;
        std::function<void()> ready_;
        tevent_fd* event_ = nullptr;
    };

    /// Calls `due` once, at a time of CLOCK_MONOTONIC in nanoseconds. Setting it needs no memory once one was set.
    class Timer {
    public:
        Timer(Loop& loop, std::function<void()> due);
        Timer(const Timer&) = delete;
        Timer& operator=(const Timer&) = delete;
        ~Timer();
        void set(std::uint64_t when);
        void clear();
        [[nodiscard]] bool is_set() const { return set_; }

    private:
        friend class Loop;
        Loop& loop_;
        std::function<void()> due_;
        bool set_ = false;
        std::multimap<std::uint64_t, Timer*>::iterator place_;
        std::multimap<std::uint64_t, Timer*>::node_type node_; ///< while it is not set
    };

    /// Calls `due` once, soon, but not from within the caller.
    class Soon {
    public:
        Soon(Loop& loop, std::function<void()> due);
        Soon(const Soon&) = delete;
        Soon& operator=(const Soon&) = delete;
        ~Soon();
        void schedule();

    private:
        Loop& loop_;
        std::function<void()> due_;
        tevent_immediate* immediate_;
        bool scheduled_ = false;
    };

    [[nodiscard]] static std::uint64_t now();

private:
    Loop() = default;
    [[nodiscard]] Status make_mirror();
    [[nodiscard]] bool fill_mirror();
    [[nodiscard]] bool mirror(int fd, int operation, bool writable) const;
    void wake_up();
    void timers_changed();
    void timers_due();
    void ask_for_turn();
    void have_turn();
    void before_wait();
    [[nodiscard]] bool look_at_all();
    bool do_what_was_scheduled();

    static constexpr unsigned most_in_a_row = 64;

    tevent_context* own_context_ = nullptr;
    tevent_context* events_ = nullptr;
    UniqueFd mirror_; ///< empty until it is watched: each descriptor in it costs two system calls
    UniqueFd wakeup_;
    bool is_watched_ = false; ///< somebody has asked for the descriptor
    List<Watch> watches_;
    bool was_poked_ = false; ///< before that
    bool is_awake_ = false;  ///< the wakeup is readable
    bool wakeup_seen_ = false;
    std::unique_ptr<Watch> wakeup_watch_;
    std::multimap<std::uint64_t, Timer*> timers_;
    UniqueFd timer_fd_;
    std::unique_ptr<Watch> timer_watch_;
    unsigned in_a_row_ = 0; ///< done at once since a descriptor was served
    List<Completion> turns_;
    UniqueFd turn_fd_; ///< readable while turns_ is not empty
    std::unique_ptr<Watch> turn_watch_;
    std::uint64_t spin_ = 0;
    List<Looker> lookers_;
    bool was_scheduled_ = false; ///< something, since before_wait() began, or in a turn
    bool in_turn_ = false;
};

/// Calls `look` again and again until it says true, or the time in nanoseconds is over. What it has said. Where there is one
/// processor only it would keep others from what is looked for.
[[nodiscard]] bool spin(std::uint64_t time, const std::function<bool()>& look);

} // namespace ntpipe::glue

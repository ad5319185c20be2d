// SPDX-License-Identifier: LGPL-2.1-or-later
// world.hpp: a connection whose two ends are driven by two fibers, and what must hold when nothing happens any more.
#pragma once

#include "scheduler.hpp"

#include "unit/end_pair.hpp"

#include <array>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace ntpipe::explore {

class World;

/// Ends a script that waits for what will not come.
struct Stuck {};

/// An operation, for as long as its world lives. The bytes of a write say which write it is and where in it they stand.
struct Op : end::Operation {
    /// The last ones are over at once.
    enum class Kind : std::uint8_t { read, write, transceive, flush, listen, cancel, peek, close, disconnect, look };
    void completed() override;

    Kind kind = Kind::read;
    std::size_t actor = 0;
    std::size_t size = 0;          ///< of the write, or of the buffer
    std::vector<std::byte> data;   ///< of the write
    std::vector<std::byte> buffer; ///< of the read
    bool by_message = false;
    bool without_queueing = false;
    bool tried = false; ///< without an operation: over at once in any mode
    bool cancel_requested = false;
    bool over = false;
    Status result = Status::pending;
    std::size_t count = 0; ///< bytes transferred
    World* world = nullptr;
    std::uint64_t id = 0;
    std::size_t earlier_writes = 0; ///< of a flush
    const Op* target = nullptr;     ///< of a cancel
    end::PeekInformation seen;      ///< by a peek

    // When it was started, when that returned, and when it was over, on the world's clock.
    std::uint64_t began = 0;
    std::uint64_t returned = 0;
    std::uint64_t ended = 0;
};

/// Which of its end's writes, of up to eight, a byte is from.
[[nodiscard]] std::size_t number_of_write(std::byte byte);

struct Setup {
    end::PipeType type = end::PipeType::message;
    std::uint32_t quota = 100;
    std::size_t ring_size = channel::minimum_segment_size;
    std::size_t maximum_overflow = 0; ///< 0: there is none to be had
    bool attached = true;             ///< false: the server has been offered a client that has not attached
    bool listening = false;           ///< with `attached`: the server has not looked at the offer yet
    bool arms_later =
        false; ///< ends say what to be woken for when they are about to sleep, not when they begin to wait
};

/// One end, its process and its script. What it waits for are its bell and its letters from the broker.
class Actor : public end::Host {
public:
    Actor(World& world, std::size_t index) : world_(world), index_(index) {}

    // ---- for scripts ----

    Op& write(std::size_t size);
    Op& read(std::size_t size);
    Op& transceive(std::size_t size, std::size_t room);
    Op& flush();
    Op& listen();
    Op& cancel(Op& op);
    /// As if its owner had destroyed it.
    void abandon(Op& op);
    void await(Op& op); ///< may throw Stuck
    Op& peek(std::size_t room = 4096);
    Op& close();
    Op& disconnect();
    /// As one who hands on what it looks at: a look that was waited for, and its answer. `deliver` is a read of somebody else.
    Op& look(std::size_t size);
    void deliver(const Op& look);
    void settle(bool given_back);
    /// From then on a third may be told that what it writes was read, until release() or a write.
    bool claim_read();
    void release_read();
    [[nodiscard]] bool counts_on_read() const { return counts_on_read_; }
    [[nodiscard]] Actor& peer();
    /// The client attaches. False: the server has withdrawn its offer.
    bool attach();
    void set_modes(end::ReadMode read, end::CompletionMode completion);
    /// Tries, and tries again when told to, until it is done. Never told is a failure: what it waits for must come in the scenario.
    void keep_writing(std::size_t size);
    void keep_reading(std::size_t size);
    bool try_to_write(std::size_t size); ///< false: not now
    bool try_to_read(std::size_t size);
    [[nodiscard]] const end::PipeInformation& modes() const { return modes_; }

    // ---- for the world ----

    /// Serves bell and letters until nothing comes any more.
    void serve();
    /// Handles what is there now. True: there was something.
    bool handle();
    void ring();
    void take_in() override;
    void listening(std::uint64_t at) override { period_ = at; }
    void disconnected() override {}
    void released() override {}
    [[nodiscard]] bool request_overflow(std::size_t size) override;
    [[nodiscard]] bool arms_later() override;
    [[nodiscard]] bool pause();

    struct Told : end::Readiness {
        void completed() override { told |= std::exchange(ready, 0); }
        std::uint32_t told = 0;
    };
    Told readiness; // goes after the end
    std::unique_ptr<end::End> end;

private:
    friend class World;
    struct Letter {
        channel::Direction direction;
        std::shared_ptr<unit::HeapMemory> memory;
    };
    Op& start(Op::Kind kind, std::size_t size);
    Op& started(Op& op, Status status);
    void await_readiness(std::uint32_t what);
    void fire();

    World& world_;
    std::size_t index_;
    unit::Queue queue_;
    bool bell_ = false;
    std::deque<Letter> letters_;
    std::uint64_t period_ = 1;
    end::PipeInformation modes_;
    bool counts_on_read_ = false;
};

class World {
public:
    explicit World(const Setup& setup);
    World(const World&) = delete;
    World& operator=(const World&) = delete;
    ~World();

    Actor client;
    Actor server;
    [[nodiscard]] Actor& actor(std::size_t index) { return index == 0 ? client : server; }
    [[nodiscard]] const Setup& setup() const { return setup_; }

    /// To be called when no schedule runs. "": all is as it must be.
    [[nodiscard]] std::string judge();
    [[nodiscard]] std::string name_of(const void* word) const;
    [[nodiscard]] std::string describe(const Op& op) const;
    [[nodiscard]] const std::list<Op>& ops() const { return ops_; }
    [[nodiscard]] std::uint64_t tick() { return ++clock_; }

private:
    friend class Actor;
    struct Position {
        std::size_t write = 0;
        std::size_t byte = 0;
    };
    end::Connection half(channel::Side side);
    std::shared_ptr<unit::HeapMemory> memory(const std::string& name, std::size_t size);
    void attach_client();
    void run_until_idle();
    void check_wakeups();
    void check_statuses();
    void check_direction(channel::Direction direction);
    void follow(const std::vector<Op*>& writes, const Op& read, Position& at) const;
    [[nodiscard]] bool may_be_lost(const Op& write) const;
    [[nodiscard]] bool went_with_its_end(const Op& write) const;
    [[nodiscard]] std::vector<Op*> of(std::size_t actor, bool writing);

    Setup setup_;
    end::Attributes attributes_;
    std::map<std::string, std::shared_ptr<unit::HeapMemory>> memories_;
    std::list<Op> ops_;
    std::array<bool, 2> closed_{};
    std::uint64_t clock_ = 0;
    bool disconnected_ = false;
    std::array<bool, 2> excess_{}; ///< by reader: writes that were not to wait may be there beyond the quota
};

} // namespace ntpipe::explore

// SPDX-License-Identifier: LGPL-2.1-or-later
// importer.hpp: native pipes that appear in the prefix: instances that listen there, and what becomes of who connects.
//
// As many instances listen as are used up soon, but never more than the native server has listening: so an open finds the pipe busy
// when it is busy. A name whose server has none keeps one instance that does not listen.
#pragma once

#include "relay.hpp"

#include <chrono>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace wine_bridge {

/// What there is to know of a native pipe.
struct NativePipe {
    std::string name;
    std::uint32_t owner = 0;
    std::uint32_t type = 0;          ///< enum ntpipe_type
    std::uint32_t configuration = 2; ///< as enum nt_direction
    std::uint32_t maximum_instances = 0;
    std::uint32_t inbound_quota = 0;
    std::uint32_t outbound_quota = 0;
    std::int64_t default_timeout = 0; ///< 100 ns units, negative
    std::uint32_t listening = 0;      ///< instances in that state
};

class Importer;

/// One name.
class Import : public Owner, public std::enable_shared_from_this<Import> {
public:
    Import(Importer& importer, NativePipe pipe);
    Import(const Import&) = delete;
    Import& operator=(const Import&) = delete;
    ~Import();

    void update(NativePipe pipe);
    /// The native pipe has gone, or must not be seen any more. Connections live on.
    void withdraw() noexcept;
    /// Makes the instances what they should be. What there is no memory for is done a second later.
    void adjust() noexcept;
    void look_after(std::chrono::steady_clock::time_point now);
    void fail() override;
    [[nodiscard]] bool withdrawn() const { return withdrawn_; }
    [[nodiscard]] bool unused() const { return instances_.empty(); }
    [[nodiscard]] const NativePipe& pipe() const { return pipe_; }
    /// For the status: "imported NAME listening 4 connected 1", or "refused NAME REASON".
    [[nodiscard]] std::string describe() const;

private:
    enum class State { listening, opening, relaying, parked, closed };
    struct Instance : Owner, std::enable_shared_from_this<Instance> {
        explicit Instance(std::weak_ptr<Import> whose) : import(std::move(whose)) {}
        Instance(const Instance&) = delete;
        Instance& operator=(const Instance&) = delete;
        ~Instance() { close(); }
        void close();
        void fail() override;

        std::weak_ptr<Import> import;
        nt_handle handle = nullptr;
        State state = State::closed;
        unsigned listens = 0; ///< how often it has begun to listen
        NativeRequest request;
        std::shared_ptr<Relay> relay;
        std::uint32_t process_id = 0;
        std::chrono::steady_clock::time_point deadline; ///< until which it waits for a native instance
    };
    using Held = std::shared_ptr<Instance>;
    /// That an instance waits for a client.
    struct Listening : Owner {
        void fail() override;
        WineOperation operation;
        std::weak_ptr<Instance> instance;
    };

    [[nodiscard]] std::size_t count(State state) const;
    void adjust_instances();
    void adjust_in_time();
    [[nodiscard]] std::size_t listening() const;
    [[nodiscard]] bool add();
    [[nodiscard]] bool take_one_away();
    void listen(const Held& instance);
    void drop(const Held& instance);
    void abandon(const Held& instance);
    void connected(const Held& instance);
    void open_native(const Held& instance);
    void native_opened(const Held& instance);
    void give_up(const Held& instance, std::uint32_t status);
    void relay_over(const Held& instance, Relay::Over over);
    void refuse(const std::string& reason);

    Importer& importer_;
    NativePipe pipe_;
    std::u16string wide_;
    std::set<Held> instances_;
    std::vector<nt_handle> leaving_; ///< our connections with instances that are to listen no more
    std::size_t ahead_;
    bool withdrawn_ = false;
    std::chrono::steady_clock::time_point shrinks_at_; ///< if more are ahead than the fewest
    std::chrono::steady_clock::time_point adjusts_at_; ///< after the last change that was followed at once
    bool adjusts_soon_ = false;
    bool told_of_intruder_ = false;
    std::string refused_; ///< why; empty: it is not
    std::uint32_t last_failure_ = 0;
};

class Importer {
public:
    /// `allowed` says which names may be seen; `changed` is called when describe() says something else.
    Importer(Engine& engine, ntpipe_session* session, std::function<bool(const std::string&)> allowed,
             std::function<void()> changed);
    Importer(const Importer&) = delete;
    Importer& operator=(const Importer&) = delete;
    ~Importer();

    void published(std::uint64_t id, const NativePipe& pipe);
    void gone(std::uint64_t id);
    /// The broker is lost: names stay until complete() has shown which ones are left.
    void reset();
    void complete();
    /// Every second: does what could not be done for lack of memory, and what is due.
    void look_after() noexcept;
    /// The lists have changed.
    void reconsider();
    /// A name of that kind is here because of a native pipe.
    [[nodiscard]] bool has(const std::string& name) const;
    [[nodiscard]] std::vector<std::string> describe() const;

private:
    friend class Import;
    void consider(const NativePipe& pipe);
    void withdraw_unknown();
    void forget_unused(const std::string& key);

    Engine& engine_;
    ntpipe_session* session_;
    std::function<bool(const std::string&)> allowed_;
    std::function<void()> changed_;
    std::map<std::uint64_t, NativePipe> known_;
    std::map<std::string, std::set<std::uint64_t>> numbers_; ///< of the pipes of a folded name
    std::set<std::uint64_t> stale_;
    std::map<std::string, std::shared_ptr<Import>> imports_; ///< by folded name
    bool closing_ = false;
    bool is_behind_ = false;
};

} // namespace wine_bridge

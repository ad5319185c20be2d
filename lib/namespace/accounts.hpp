// SPDX-License-Identifier: LGPL-2.1-or-later
// accounts.hpp: how much each Unix user, and all of them together, have of what there is not without end, and how much they may
// have. Whoever makes something that is limited keeps a Charge beside it, which gives it back when it goes.
#pragma once

#include "status/status.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

namespace ntpipe::space {

enum class Resource : std::uint8_t {
    sessions,
    pipes,
    instances,
    connections,
    requests,
    watches,
    memory,
    descriptors,
    messages,
};
inline constexpr std::size_t resource_count = 9;

/// By Resource: what it is called in a configuration file and in reports, and what is counted.
struct ResourceTraits {
    std::string_view name;
    std::string_view meaning;
};
inline constexpr std::array<ResourceTraits, resource_count> resource_traits = {{
    {"sessions", "connections of processes with the broker"},
    {"pipes", "names, and pipes without one"},
    {"instances", "server ends"},
    {"connections", "clients and servers that were brought together"},
    {"requests", "opens, creates, waits and notifications that are not over"},
    {"watches", "sessions that hear of names that come and go"},
    {"memory", "bytes of shared memory, and what pipes take in the broker"},
    {"descriptors", "descriptors handed over and not yet taken"},
    {"messages", "messages to the broker in a second"},
}};

inline constexpr std::uint64_t unlimited = std::numeric_limits<std::uint64_t>::max();
using Amounts = std::array<std::uint64_t, resource_count>;

struct Limits {
    Amounts per_user{};
    Amounts total{};                         ///< of all users but root; that of messages has no meaning
    std::map<std::uint32_t, Amounts> others; ///< of users who have limits of their own
};

class Accounts;

/// Something of a limited resource that a user has. Goes with what it was for.
class Charge {
public:
    Charge() = default;
    Charge(Charge&& other) noexcept { *this = std::move(other); }
    Charge& operator=(Charge&& other) noexcept;
    Charge(const Charge&) = delete;
    Charge& operator=(const Charge&) = delete;
    ~Charge() { release(); }
    void release();
    /// Makes it another user's, even beyond that user's limit.
    void move_to(std::uint32_t user);
    /// Makes it larger or smaller, even beyond the limit.
    void set(std::uint64_t amount);
    [[nodiscard]] std::uint64_t amount() const { return amount_; }

private:
    friend class Accounts;
    Accounts* accounts_ = nullptr;
    std::uint32_t user_ = 0;
    Resource resource_{};
    std::uint64_t amount_ = 0;
};

/// Root has what it wants, which is counted, but is no part of the total. Outlives all its charges.
class Accounts {
public:
    struct Line {
        Resource resource{};
        std::uint64_t used = 0;
        std::uint64_t limit = unlimited;
        std::uint64_t refused = 0; ///< how often somebody wanted more
    };

    explicit Accounts(Limits limits) : limits_(std::move(limits)) {}
    Accounts(const Accounts&) = delete;
    Accounts& operator=(const Accounts&) = delete;
    ~Accounts() = default;

    /// What is had already stays, also beyond the new limits.
    void set_limits(Limits limits) { limits_ = std::move(limits); }
    /// STATUS_QUOTA_EXCEEDED: the user has enough. STATUS_INSUFFICIENT_RESOURCES: all users together have.
    [[nodiscard]] Result<Charge> charge(std::uint32_t user, Resource resource, std::uint64_t amount = 1);
    /// Never refused: for what was there before.
    [[nodiscard]] Charge charge_anyway(std::uint32_t user, Resource resource, std::uint64_t amount = 1);
    /// Whether the user could have so much more, as charge() would say.
    [[nodiscard]] Status allows(std::uint32_t user, Resource resource, std::uint64_t amount) const;
    /// How many of that many messages may be read now; the rest has to wait.
    [[nodiscard]] std::size_t take_messages(std::uint32_t user, std::size_t wanted, std::uint64_t now);
    /// One of those that could be read was not there.
    void give_back_message(std::uint32_t user);

    [[nodiscard]] std::vector<Line> lines_of(std::uint32_t user) const;
    [[nodiscard]] std::vector<Line> lines_of_all() const;
    [[nodiscard]] std::vector<std::uint32_t> users() const;

private:
    friend class Charge;
    struct Account {
        Amounts used{};
        Amounts refused{};
        std::uint64_t messages_at = 0; ///< when what is left of messages was counted
        std::uint64_t messages_left = 0;
    };
    void add(std::uint32_t user, Resource resource, std::uint64_t amount);
    void subtract(std::uint32_t user, Resource resource, std::uint64_t amount);
    [[nodiscard]] const Amounts& limits_of(std::uint32_t user) const;

    Limits limits_;
    Account total_;
    std::map<std::uint32_t, Account> users_;
};

} // namespace ntpipe::space

// SPDX-License-Identifier: LGPL-2.1-or-later
// accounts.cc: who has how much of what is limited.
#include "namespace/accounts.hpp"

#include <algorithm>

namespace ntpipe::space {
namespace {

constexpr std::uint32_t root = 0;
constexpr std::uint64_t second = 1'000'000'000;

constexpr std::size_t index(Resource resource)
{
    return static_cast<std::size_t>(resource);
}

bool fits(std::uint64_t used, std::uint64_t more, std::uint64_t limit)
{
    return used <= limit && more <= limit - used;
}

} // namespace

// ---- charges ----

Charge& Charge::operator=(Charge&& other) noexcept
{
    if (this != &other) {
        release();
        accounts_ = std::exchange(other.accounts_, nullptr);
        user_ = other.user_;
        resource_ = other.resource_;
        amount_ = std::exchange(other.amount_, 0);
    }
    return *this;
}

void Charge::release()
{
    if (accounts_ != nullptr) {
        std::exchange(accounts_, nullptr)->subtract(user_, resource_, std::exchange(amount_, 0));
    }
}

void Charge::move_to(std::uint32_t user)
{
    if (accounts_ != nullptr && user != user_) {
        accounts_->add(user, resource_, amount_);
        accounts_->subtract(std::exchange(user_, user), resource_, amount_);
    }
}

void Charge::set(std::uint64_t amount)
{
    if (accounts_ != nullptr && amount != amount_) {
        accounts_->add(user_, resource_, amount);
        accounts_->subtract(user_, resource_, std::exchange(amount_, amount));
    }
}

// ---- accounts ----

const Amounts& Accounts::limits_of(std::uint32_t user) const
{
    const auto found = limits_.others.find(user);
    return found == limits_.others.end() ? limits_.per_user : found->second;
}

Status Accounts::allows(std::uint32_t user, Resource resource, std::uint64_t amount) const
{
    if (user == root) {
        return Status::success;
    }
    const std::size_t i = index(resource);
    const auto found = users_.find(user);
    if (!fits(found == users_.end() ? 0 : found->second.used[i], amount, limits_of(user)[i])) {
        return Status::quota_exceeded;
    }
    return fits(total_.used[i], amount, limits_.total[i]) ? Status::success : Status::insufficient_resources;
}

Result<Charge> Accounts::charge(std::uint32_t user, Resource resource, std::uint64_t amount)
{
    const Status status = allows(user, resource, amount);
    if (status != Status::success) {
        Account& refusing = status == Status::quota_exceeded ? users_[user] : total_;
        ++refusing.refused[index(resource)];
        return status;
    }
    return charge_anyway(user, resource, amount);
}

Charge Accounts::charge_anyway(std::uint32_t user, Resource resource, std::uint64_t amount)
{
    add(user, resource, amount);
    Charge charge;
    charge.accounts_ = this;
    charge.user_ = user;
    charge.resource_ = resource;
    charge.amount_ = amount;
    return charge;
}

void Accounts::add(std::uint32_t user, Resource resource, std::uint64_t amount)
{
    users_[user].used[index(resource)] += amount;
    if (user != root) {
        total_.used[index(resource)] += amount;
    }
}

// An account is kept for as long as there is something to tell of it.
void Accounts::subtract(std::uint32_t user, Resource resource, std::uint64_t amount)
{
    const auto found = users_.find(user);
    found->second.used[index(resource)] -= amount;
    if (user != root) {
        total_.used[index(resource)] -= amount;
    }
    const auto is_zero = [](std::uint64_t number) { return number == 0; };
    if (std::ranges::all_of(found->second.used, is_zero) && std::ranges::all_of(found->second.refused, is_zero)) {
        users_.erase(found);
    }
}

// What a user has not used for a tenth of a second is not saved up for later.
std::size_t Accounts::take_messages(std::uint32_t user, std::size_t wanted, std::uint64_t now)
{
    const std::uint64_t rate = limits_of(user)[index(Resource::messages)];
    if (user == root || rate == unlimited) {
        return wanted;
    }
    const std::uint64_t most = std::max<std::uint64_t>(rate / 10, 1);
    Account& account = users_[user];
    const std::uint64_t passed = std::min(now - account.messages_at, second);
    const auto earned = static_cast<std::uint64_t>(static_cast<long double>(passed) * rate / second);
    if (account.messages_at == 0 || earned >= most) {
        account.messages_left = most;
        account.messages_at = now;
    } else if (earned > 0) {
        account.messages_left = std::min(most, account.messages_left + earned);
        account.messages_at = now;
    }
    const std::uint64_t taken = std::min<std::uint64_t>(wanted, account.messages_left);
    account.messages_left -= taken;
    if (taken < wanted) {
        ++account.refused[index(Resource::messages)];
    }
    return taken;
}

void Accounts::give_back_message(std::uint32_t user)
{
    if (user != root && limits_of(user)[index(Resource::messages)] != unlimited) {
        ++users_[user].messages_left;
    }
}

// ---- looking ----

std::vector<Accounts::Line> Accounts::lines_of(std::uint32_t user) const
{
    const auto found = users_.find(user);
    const Account none;
    const Account& account = found == users_.end() ? none : found->second;
    std::vector<Line> lines;
    lines.reserve(resource_count);
    for (std::size_t i = 0; i < resource_count; ++i) {
        lines.push_back({static_cast<Resource>(i), account.used[i], user == root ? unlimited : limits_of(user)[i],
                         account.refused[i]});
    }
    return lines;
}

std::vector<Accounts::Line> Accounts::lines_of_all() const
{
    std::vector<Line> lines;
    lines.reserve(resource_count);
    for (std::size_t i = 0; i < resource_count; ++i) {
        lines.push_back({static_cast<Resource>(i), total_.used[i], limits_.total[i], total_.refused[i]});
    }
    return lines;
}

std::vector<std::uint32_t> Accounts::users() const
{
    std::vector<std::uint32_t> users;
    users.reserve(users_.size());
    for (const auto& [user, account] : users_) {
        users.push_back(user);
    }
    return users;
}

} // namespace ntpipe::space

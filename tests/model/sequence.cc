// SPDX-License-Identifier: LGPL-2.1-or-later
// sequence.cc: sequences printed, made smaller, and played on the model and the real thing.
#include "sequence.hpp"

#include <algorithm>
#include <array>
#include <sstream>
#include <string_view>
#include <tuple>

namespace ntpipe::model {
namespace {

constexpr std::array<std::string_view, 19> kind_names = {
    "create",         "open",       "wait",    "listen",   "disconnect", "close",       "read",
    "write",          "transceive", "flush",   "peek",     "set_modes",  "query_modes", "query_local",
    "query_standard", "cancel",     "abandon", "try_read", "try_write"};

// Every byte of a sequence's writes can be told from those near it.
Bytes pattern(Id id, std::uint32_t length)
{
    Bytes bytes(length);
    std::uint32_t value = id * 0x9E3779B1U;
    for (std::uint8_t& byte : bytes) {
        value = value * 1664525U + 1013904223U;
        byte = static_cast<std::uint8_t>(value >> 24);
    }
    return bytes;
}

std::string print_bytes(const Bytes& bytes)
{
    std::ostringstream text;
    text << bytes.size() << " bytes";
    for (std::size_t i = 0; i < bytes.size() && i < 8; ++i) {
        text << (i == 0 ? " " : ".") << static_cast<unsigned>(bytes[i]);
    }
    return text.str();
}

// Reads and transceives of one end are over in order, and so are its writes (model.hpp).
int group_of(Kind kind)
{
    return kind == Kind::read || kind == Kind::transceive ? 1 : kind == Kind::write ? 2 : 0;
}

} // namespace

Operation operation_of(const Step& step)
{
    Operation operation;
    operation.kind = step.kind;
    operation.id = step.id;
    operation.end = step.end;
    operation.target = step.target;
    operation.name = std::string(1, static_cast<char>('p' + step.name));
    operation.parameters = step.parameters;
    operation.access = step.access;
    operation.data = pattern(step.id, step.length);
    operation.room = step.room;
    operation.read_mode = step.read_mode;
    operation.completion_mode = step.completion_mode;
    return operation;
}

std::string describe(const Step& step)
{
    std::ostringstream text;
    text << step.id << ": " << kind_names.at(static_cast<std::size_t>(step.kind));
    const CreateParameters& p = step.parameters;
    switch (step.kind) {
    case Kind::create:
        text << " end " << step.end << " of " << char('p' + step.name) << (p.type % 2 == 1 ? ", message" : ", byte")
             << " type " << p.type << ", share " << p.share << ", in " << p.inbound_quota << ", out "
             << p.outbound_quota << ", max " << p.max_instances << ", read mode " << p.read_mode << ", completion mode "
             << p.completion_mode << ", disposition " << p.disposition << ", timeout " << p.default_timeout
             << ", access 0x" << std::hex << p.access;
        break;
    case Kind::open:
        text << " end " << step.end << " of " << char('p' + step.name) << ", access 0x" << std::hex << step.access;
        break;
    case Kind::wait:
        text << " for " << char('p' + step.name);
        break;
    case Kind::cancel:
    case Kind::abandon:
        text << " " << step.target;
        break;
    case Kind::write:
    case Kind::try_write:
        text << " on " << step.end << ", " << step.length << " bytes";
        break;
    case Kind::transceive:
        text << " on " << step.end << ", " << step.length << " bytes, room " << step.room;
        break;
    case Kind::read:
    case Kind::try_read:
    case Kind::peek:
        text << " on " << step.end << ", room " << step.room;
        break;
    case Kind::set_modes:
        text << " on " << step.end << ", read mode " << step.read_mode << ", completion mode " << step.completion_mode;
        break;
    default:
        text << " on " << step.end;
    }
    return text.str();
}

std::string describe(const Completion& completion)
{
    std::ostringstream text;
    text << completion.operation << ": " << ntpipe_status_name(completion.status) << ", information "
         << completion.information;
    if (!completion.data.empty()) {
        text << ", " << print_bytes(completion.data);
    }
    if (!completion.values.empty()) {
        text << ", values";
        for (const std::uint64_t value : completion.values) {
            text << " " << value;
        }
    }
    return text.str();
}

// ---- playing ----

bool Player::possible(const Step& step) const
{
    if (step.kind == Kind::cancel || step.kind == Kind::abandon) {
        return pending_.contains(step.target);
    }
    if (step.kind == Kind::create || step.kind == Kind::open || step.kind == Kind::wait) {
        return true;
    }
    const auto end = model_.ends().find(step.end);
    return end != model_.ends().end() && !end->second.closed;
}

const Operation* Player::next()
{
    for (; at_ < sequence_.size(); ++at_) {
        if (possible(sequence_[at_])) {
            operation_ = operation_of(sequence_[at_++]);
            return &operation_;
        }
    }
    return nullptr;
}

// What is over on the same end and in the same order with `completion`, as text.
std::string Player::order_of(const Effects& effects, const Completion& completion) const
{
    const auto origin = pending_.find(completion.operation);
    if (origin == pending_.end() || group_of(origin->second.kind) == 0) {
        return "";
    }
    std::string order;
    for (const Completion& one : effects) {
        const auto other = pending_.find(one.operation);
        if (other != pending_.end() && other->second.end == origin->second.end &&
            group_of(other->second.kind) == group_of(origin->second.kind)) {
            order += " " + std::to_string(one.operation);
        }
    }
    return order;
}

std::string Player::compare(const Effects& real)
{
    const Effects expected = model_.apply(operation_);
    pending_[operation_.id] = {operation_.end, operation_.kind};

    const auto sorted = [](Effects effects) {
        std::stable_sort(effects.begin(), effects.end(),
                         [](const Completion& a, const Completion& b) { return a.operation < b.operation; });
        return effects;
    };
    bool same = sorted(real) == sorted(expected);
    std::string order;
    for (const Completion& one : expected) {
        const std::string before = order_of(expected, one);
        if (same && before != order_of(real, one)) {
            same = false;
            order = "\n  (the order on one end differs)";
        }
    }
    for (const Completion& one : expected) {
        ++outcomes_[{pending_.at(one.operation).kind, one.status}];
        pending_.erase(one.operation);
    }
    if (operation_.kind == Kind::abandon) {
        pending_.erase(operation_.target);
    }
    if (same) {
        return "";
    }
    std::string text = "after " + describe(sequence_[at_ - 1]) + order + "\n  the model says";
    for (const Completion& one : expected) {
        text += "\n    " + describe(one);
    }
    text += "\n  the real thing did";
    for (const Completion& one : real) {
        text += "\n    " + describe(one);
    }
    return text;
}

std::string play(System& system, const Batch& batch, Outcomes& outcomes)
{
    std::vector<Player> players;
    for (const Sequence& sequence : batch) {
        players.emplace_back(sequence, outcomes);
    }
    std::string trouble;
    system.begin(batch.size());
    for (std::vector<Task> tasks(1); !tasks.empty() && trouble.empty();) {
        tasks.clear();
        for (std::size_t world = 0; world < players.size(); ++world) {
            if (const Operation* operation = players[world].next()) {
                tasks.push_back({world, operation});
            }
        }
        if (tasks.empty()) {
            break;
        }
        const std::vector<Effects> effects = system.carry_out(tasks);
        for (const Task& task : tasks) {
            const std::string wrong = players[task.world].compare(effects.at(task.world));
            if (!wrong.empty() && trouble.empty()) {
                trouble = "sequence " + std::to_string(task.world) + ", " + wrong;
            }
        }
    }
    system.finish();
    return trouble;
}

std::string describe(const Outcomes& outcomes)
{
    std::ostringstream text;
    for (const auto& [outcome, count] : outcomes) {
        text << "  " << kind_names.at(static_cast<std::size_t>(outcome.first)) << " "
             << ntpipe_status_name(outcome.second) << " " << count << "\n";
    }
    return text.str();
}

void showValue(const Batch& batch, std::ostream& stream)
{
    for (std::size_t i = 0; i < batch.size(); ++i) {
        stream << "\nsequence " << i;
        for (const Step& step : batch[i]) {
            stream << "\n  " << describe(step);
        }
    }
}

} // namespace ntpipe::model

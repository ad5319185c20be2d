// SPDX-License-Identifier: LGPL-2.1-or-later
// linear.cc: looks for an order of the operations of two ends in which the model does what happened.
//
// The search of Wing and Gong: an operation may be the next one if no other that is left had returned before it began. Each is tried
// on a copy of the model. What the model says is over then must be over in truth, with the same outcome, and not before the operation
// that brings it about began; what was over in truth when an operation began must be over in the model before that one is tried.
#include "linear.hpp"

#include "model/model.hpp"

#include <algorithm>
#include <cstring>
#include <sstream>

namespace ntpipe::explore {
namespace {

constexpr model::Id server_end = 100;
constexpr model::Id client_end = 200;
constexpr model::Id preparation = 1000; ///< ids of the model's operations that make the pipe

model::Kind kind_of(Op::Kind kind)
{
    switch (kind) {
    case Op::Kind::read:
        return model::Kind::read;
    case Op::Kind::write:
        return model::Kind::write;
    case Op::Kind::transceive:
        return model::Kind::transceive;
    case Op::Kind::flush:
        return model::Kind::flush;
    case Op::Kind::listen:
        return model::Kind::listen;
    case Op::Kind::cancel:
        return model::Kind::cancel;
    case Op::Kind::peek:
        return model::Kind::peek;
    case Op::Kind::close:
        return model::Kind::close;
    case Op::Kind::disconnect:
    case Op::Kind::look: // of which the model knows nothing
        break;
    }
    return model::Kind::disconnect;
}

model::Bytes bytes_of(std::span<const std::byte> bytes)
{
    model::Bytes copy(bytes.size());
    if (!bytes.empty()) {
        std::memcpy(copy.data(), bytes.data(), bytes.size());
    }
    return copy;
}

model::Operation operation_of(const Op& op)
{
    model::Operation operation;
    operation.kind = kind_of(op.kind);
    if (op.tried) {
        operation.kind = op.kind == Op::Kind::read ? model::Kind::try_read : model::Kind::try_write;
    }
    operation.id = static_cast<model::Id>(op.id);
    operation.end = op.actor == 0 ? client_end : server_end;
    operation.target = op.target != nullptr ? static_cast<model::Id>(op.target->id) : 0;
    operation.data = bytes_of(op.data);
    operation.room = static_cast<std::uint32_t>(op.buffer.size());
    return operation;
}

bool same(const Op& op, const model::Completion& expected)
{
    if (!op.over || raw(op.result) != expected.status) {
        return false;
    }
    const bool carries = op.result == Status::success || op.result == Status::buffer_overflow;
    const bool counts = op.kind == Op::Kind::read || op.kind == Op::Kind::write || op.kind == Op::Kind::peek;
    if (!carries || !counts) {
        return true;
    }
    if (op.count != expected.information) {
        return false;
    }
    if (op.kind != Op::Kind::write && bytes_of(std::span(op.buffer).first(op.count)) != expected.data) {
        return false;
    }
    const end::PeekInformation& seen = op.seen;
    return op.kind != Op::Kind::peek ||
           expected.values == std::vector<std::uint64_t>{seen.named_pipe_state, seen.read_data_available,
                                                         seen.number_of_messages, seen.message_length};
}

/// Something to be put into order: an operation, or a part of a close. An end that closes takes its pending writes back one by one, the
/// last one first, before it says that it has closed (docs/SPEC.md, 11), and its peer may look in between.
struct Item {
    const Op* op;
    const Op* taken_back; ///< the write, if this is the part of a close
    model::Operation operation;

    /// `part` is one of the same close.
    [[nodiscard]] bool follows(const Item& part) const
    {
        return taken_back == nullptr || taken_back->id < part.taken_back->id;
    }
};

class Search {
public:
    explicit Search(World& world)
    {
        for (const Op& op : world.ops()) {
            items_.push_back({&op, nullptr, operation_of(op)});
        }
        for (const Op& close : world.ops()) {
            for (const Op& write : world.ops()) {
                if (close.kind == Op::Kind::close && write.actor == close.actor &&
                    write.result == Status::pipe_broken) {
                    add_part(close, write);
                }
            }
        }
    }

    bool from(const model::Model& model, std::uint64_t ordered, std::uint64_t over, std::uint64_t now)
    {
        if (ordered + 1 == std::uint64_t{1} << items_.size()) {
            return std::all_of(items_.begin(), items_.end(), [&](const Item& item) {
                return item.taken_back != nullptr || item.op->over == is_in(*item.op, over);
            });
        }
        for (const Item& item : items_) {
            if (is_in(item, ordered) || !may_be_next(item, ordered, over)) {
                continue;
            }
            model::Model next = model;
            std::uint64_t then_over = over;
            const std::uint64_t then = std::max(now, item.op->began);
            if (agrees(item, next.apply(item.operation), then, then_over) &&
                from(next, ordered | bit(item), then_over, then)) {
                return true;
            }
            if (item.taken_back == nullptr && (may_be_unseen(*item.op) || refused_in_the_middle(*item.op)) &&
                from(model, ordered | bit(item), over | bit(item), then)) {
                return true;
            }
        }
        return false;
    }

private:
    /// Ring and state word are each in order, but not together: a write whose peer leaves meanwhile may not have seen that yet,
    /// and the peer need not have seen the write, which is lost with the connection (docs/SPEC.md, 9.2).
    bool may_be_unseen(const Op& op) const
    {
        const bool fitting = op.over && (op.kind == Op::Kind::write || op.kind == Op::Kind::flush) &&
                             (op.result == Status::success || op.result == Status::pipe_broken ||
                              op.result == Status::pipe_disconnected);
        return fitting && std::any_of(items_.begin(), items_.end(), [&](const Item& item) {
                   const bool leaves = item.op->kind == Op::Kind::close || item.op->kind == Op::Kind::disconnect;
                   return leaves && item.op->actor != op.actor && item.op->began < op.returned &&
                          op.began < item.op->returned;
               });
    }

    /// A reader takes a read out of the ledger and shows a moment later what it has consumed (docs/SPEC.md, 9.3). Who may not wait, and
    /// writes in between, sees less room than there is.
    bool refused_in_the_middle(const Op& op) const
    {
        const bool refused =
            op.kind == Op::Kind::write && op.without_queueing && op.result == Status::success && op.count == 0;
        return refused && std::any_of(items_.begin(), items_.end(), [&](const Item& item) {
                   const Op& read = *item.op;
                   return read.kind == Op::Kind::read && read.actor != op.actor && read.over && read.count > 0 &&
                          read.began < op.returned && op.began < read.ended && was_written_before(read.buffer[0], op);
               });
    }

    bool was_written_before(std::byte byte, const Op& op) const
    {
        const auto writes = std::count_if(items_.begin(), items_.end(), [&](const Item& item) {
            return item.taken_back == nullptr && item.op->kind == Op::Kind::write && item.op->actor == op.actor &&
                   item.op->id < op.id;
        });
        return number_of_write(byte) < static_cast<std::size_t>(writes);
    }

    static std::uint64_t bit(model::Id id) { return std::uint64_t{1} << (id - 1); }
    static std::uint64_t bit(const Item& item) { return bit(item.operation.id); }
    static bool is_in(const Item& item, std::uint64_t set) { return (set & bit(item)) != 0; }
    static bool is_in(const Op& op, std::uint64_t set) { return (set & bit(static_cast<model::Id>(op.id))) != 0; }

    static bool says_that_one_left(const Op& op)
    {
        return op.over && (op.result == Status::pipe_broken || op.result == Status::pipe_disconnected);
    }

    bool is_over_after_leaving(const Op& op, std::size_t actor) const
    {
        return std::any_of(items_.begin(), items_.end(), [&](const Item& item) {
            const bool leaves = item.op->kind == Op::Kind::close || item.op->kind == Op::Kind::disconnect;
            return leaves && item.op->actor == actor && item.op->began < op.ended;
        });
    }

    /// An end that leaves need not look whether something has come for its own pending operations. What its reads have not taken then
    /// was not flushed.
    bool left_behind(const Op& op) const
    {
        if (!says_that_one_left(op)) {
            return false;
        }
        const bool left_by_a_read =
            op.kind == Op::Kind::flush && std::any_of(items_.begin(), items_.end(), [&](const Item& item) {
                const Op& read = *item.op;
                return read.kind == Op::Kind::read && read.actor != op.actor && says_that_one_left(read) &&
                       is_over_after_leaving(read, read.actor);
            });
        return is_over_after_leaving(op, op.actor) || (left_by_a_read && is_over_after_leaving(op, 1 - op.actor));
    }

    void add_part(const Op& close, const Op& write)
    {
        model::Operation operation;
        operation.kind = model::Kind::abandon;
        operation.id = static_cast<model::Id>(items_.size() + 1);
        operation.target = static_cast<model::Id>(write.id);
        items_.push_back({&close, &write, operation});
    }

    bool may_be_next(const Item& next, std::uint64_t ordered, std::uint64_t over) const
    {
        return std::none_of(items_.begin(), items_.end(), [&](const Item& other) {
            const bool left = !is_in(other, ordered);
            const bool part = left && other.op == next.op && other.taken_back != nullptr && next.follows(other);
            const bool earlier = left && other.op->returned < next.op->began;
            const bool known = other.taken_back == nullptr && other.op->over && other.op->ended < next.op->began &&
                               !is_in(*other.op, over);
            return &other != &next && (part || earlier || known);
        });
    }

    bool agrees(const Item& item, const model::Effects& effects, std::uint64_t now, std::uint64_t& over) const
    {
        for (const model::Completion& completion : effects) {
            if (item.taken_back != nullptr && completion.operation == item.operation.id) {
                over |= completion.status == NTPIPE_STATUS_SUCCESS ? bit(item.operation.target) : 0;
                continue;
            }
            const Op& op = *items_.at(completion.operation - 1).op;
            if ((!same(op, completion) && !left_behind(op)) || op.ended < now) {
                return false;
            }
            over |= bit(completion.operation);
        }
        return true;
    }

    std::vector<Item> items_;
};

model::Model prepared(World& world)
{
    model::Model model;
    model::Operation create;
    create.kind = model::Kind::create;
    create.id = preparation;
    create.end = server_end;
    create.name = "p";
    create.parameters.type = static_cast<std::uint32_t>(world.setup().type);
    create.parameters.read_mode = static_cast<std::uint32_t>(world.server.modes().read_mode);
    create.parameters.inbound_quota = create.parameters.outbound_quota = world.setup().quota;
    (void)model.apply(create);
    model::Operation open;
    open.kind = model::Kind::open;
    open.id = preparation + 1;
    open.end = client_end;
    open.name = "p";
    (void)model.apply(open);
    model::Id id = preparation + 2;
    for (const std::size_t index : {0U, 1U}) {
        model::Operation modes;
        modes.kind = model::Kind::set_modes;
        modes.id = id++;
        modes.end = index == 0 ? client_end : server_end;
        modes.read_mode = static_cast<std::uint32_t>(world.actor(index).modes().read_mode);
        modes.completion_mode = static_cast<std::uint32_t>(world.actor(index).modes().completion_mode);
        (void)model.apply(modes);
    }
    return model;
}

} // namespace

std::string history_of(const World& world)
{
    std::ostringstream text;
    for (const Op& op : world.ops()) {
        text << world.describe(op) << " from " << op.began << " to " << op.returned;
        if (op.ended != op.returned && op.over) {
            text << ", over at " << op.ended;
        }
        if (op.target != nullptr) {
            text << ", of #" << op.target->id;
        }
        if (op.kind == Op::Kind::peek) {
            text << ", sees " << op.seen.read_data_available << " in " << op.seen.number_of_messages;
        }
        if (op.kind == Op::Kind::read && op.over) {
            text << ", gets";
            for (std::size_t i = 0; i < op.count && i < op.buffer.size(); ++i) {
                text << ' ' << std::to_integer<unsigned>(op.buffer[i]);
            }
        }
        text << '\n';
    }
    return text.str();
}

std::string explain(World& world)
{
    Search search(world);
    if (search.from(prepared(world), 0, 0, 0)) {
        return "";
    }
    return "no order of these operations explains what happened:\n" + history_of(world);
}

} // namespace ntpipe::explore

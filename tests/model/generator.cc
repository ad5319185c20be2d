// SPDX-License-Identifier: LGPL-2.1-or-later
// generator.cc: how random sequences are chosen, so that interesting states are common, and how they are made smaller.
//
// A sequence is chosen with the model at hand: an operation that would only say "not connected" is chosen seldom, sizes lie around
// those that decide something. Each sequence has a mood, which makes some operations frequent and leaves others out, so that there
// are sequences of pure back-pressure as well as sequences of comings and goings.
#include "sequence.hpp"

#include <algorithm>
#include <array>
#include <random>

namespace ntpipe::model {
namespace {

constexpr std::size_t kinds = 19;
// How often, as long as nothing speaks for or against it.
constexpr std::array<unsigned, kinds> usual = {
    6, 12, 2, 6, 3, 3, 26, 30, 9, 6, 8, 6, 1, 6, 2, 10, 2, 12, 14,
};

class Chooser {
public:
    Chooser(std::uint64_t seed, const Variety& variety) : random_(seed), variety_(variety)
    {
        for (std::size_t kind = 0; kind < kinds; ++kind) {
            static constexpr std::array<unsigned, 8> factors = {0, 1, 1, 1, 1, 2, 2, 5};
            mood_.at(kind) = usual.at(kind) * factors.at(below(factors.size()));
        }
        for (const Kind kind : {Kind::create, Kind::open, Kind::listen, Kind::read, Kind::write}) {
            auto& weight = mood_.at(static_cast<std::size_t>(kind));
            weight = std::max(weight, usual.at(static_cast<std::size_t>(kind)) / 3);
        }
        if (variety_.one_instance) {
            mood_.at(static_cast<std::size_t>(Kind::wait)) = 0;
        }
        large_ = one_in(8);
        for (CreateParameters& pipe : pipes_) {
            pipe = some_pipe();
        }
    }

    Sequence sequence()
    {
        Sequence steps;
        const std::size_t length = variety_.shortest + below(variety_.longest - variety_.shortest + 1);
        while (steps.size() < length) {
            steps.push_back(step());
            follow(steps.back());
        }
        return steps;
    }

private:
    std::uint64_t below(std::uint64_t bound) { return bound == 0 ? 0 : random_() % bound; }
    bool one_in(std::uint64_t n) { return below(n) == 0; }
    template <typename List>
    auto one_of(const List& list)
    {
        return *(std::begin(list) + static_cast<std::ptrdiff_t>(below(static_cast<std::uint64_t>(std::size(list)))));
    }

    std::uint32_t some_quota()
    {
        static constexpr std::array<std::uint32_t, 8> quotas = {0, 1, 5, 16, 16, 100, 1000, 4096};
        return one_of(quotas);
    }

    CreateParameters some_pipe()
    {
        CreateParameters pipe;
        static constexpr std::array<std::uint32_t, 12> shares = {3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 1, 2};
        static constexpr std::array<std::uint32_t, 6> maxima = {0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 1, 2, 3};
        pipe.share = one_of(shares);
        pipe.type = one_in(3) ? 0 : 1;
        pipe.read_mode = pipe.type == 1 && !one_in(3) ? 1 : 0;
        pipe.completion_mode = one_in(10) ? 1 : 0;
        pipe.max_instances = variety_.one_instance ? 1 : one_of(maxima);
        pipe.inbound_quota = some_quota();
        pipe.outbound_quota = some_quota();
        return pipe;
    }

    // As the pipe was, or with something different that may be refused.
    CreateParameters some_parameters(std::uint32_t name)
    {
        CreateParameters parameters = pipes_.at(name);
        if (variety_.one_instance || !one_in(8)) {
            return parameters;
        }
        static constexpr std::array<std::uint32_t, 4> access = {0x80000000, 0x40000000, 0x80, 0x100180};
        switch (below(9)) {
        case 0:
            parameters.disposition = static_cast<std::uint32_t>(below(6));
            break;
        case 1:
            parameters.share = static_cast<std::uint32_t>(below(5));
            break;
        case 2:
            parameters.type = static_cast<std::uint32_t>(below(5));
            break;
        case 3:
            parameters.read_mode = static_cast<std::uint32_t>(below(3));
            break;
        case 4:
            parameters.completion_mode = static_cast<std::uint32_t>(below(3));
            break;
        case 5:
            parameters.max_instances = static_cast<std::uint32_t>(below(3));
            break;
        case 6:
            parameters.default_timeout = static_cast<std::int64_t>(below(2));
            break;
        case 7:
            parameters.access = one_of(access);
            break;
        default:
            parameters.inbound_quota = some_quota();
        }
        return parameters;
    }

    std::uint32_t some_access(std::uint32_t name)
    {
        const std::uint32_t share = pipes_.at(name).share;
        if (!variety_.full_access && one_in(10)) {
            static constexpr std::array<std::uint32_t, 5> access = {0x80000000, 0x40000000, 0xC0000000, 0, 0x80};
            return one_of(access);
        }
        return share == 1 ? 0x80000100 : share == 2 ? 0x40000080 : 0xC0000000;
    }

    // ---- ends ----

    bool connected(const End& end) const
    {
        return end.instance != 0 && model_.instances().at(end.instance).state == State::connected;
    }
    bool has_data(const End& end) const
    {
        if (end.instance == 0) {
            return false;
        }
        const Instance& instance = model_.instances().at(end.instance);
        return !(end.server ? instance.inbound : instance.outbound).entries.empty();
    }

    bool useful(const End& end) const { return connected(end) || has_data(end); }
    bool may_transceive(const End& end) const { return connected(end) && end.read_mode == 1 && !has_data(end); }

    // Mostly one that is connected, or has something left to read; for a transceive, one that may.
    Id some_end(Kind kind)
    {
        std::vector<Id> all;
        std::vector<Id> good;
        for (const auto& [id, end] : model_.ends()) {
            if (end.closed) {
                continue;
            }
            all.push_back(id);
            if (kind == Kind::transceive ? may_transceive(end) : useful(end)) {
                good.push_back(id);
            }
        }
        if (!good.empty() && !one_in(12)) {
            return one_of(good);
        }
        return all.empty() ? 0 : one_of(all);
    }
    Id some_server()
    {
        std::vector<Id> servers;
        for (const auto& [id, end] : model_.ends()) {
            if (!end.closed && end.server) {
                servers.push_back(id);
            }
        }
        return servers.empty() || one_in(20) ? some_end(Kind::listen) : one_of(servers);
    }

    // ---- sizes ----

    // Around the sizes that decide something in this queue.
    std::uint32_t some_size(const Queue* queue)
    {
        std::vector<std::uint64_t> sizes = {0, 0, 1, 2, 3, below(40), below(40)};
        if (queue != nullptr) {
            std::uint64_t unread = 0;
            for (const Entry& entry : queue->entries) {
                unread += entry.unread.size();
            }
            std::uint64_t wanted = 0;
            for (const PendingRead& read : queue->reads) {
                wanted += read.room;
            }
            const std::uint64_t quota = queue->quota;
            sizes.insert(sizes.end(),
                         {quota, quota + 1, quota == 0 ? 0 : quota - 1, quota + wanted, quota + wanted + 1});
            sizes.push_back(quota > unread ? quota - unread : 1);
            sizes.push_back(quota > unread ? quota - unread + 1 : 2);
            if (unread > 0) {
                sizes.insert(sizes.end(), {unread, unread + 1, unread - 1, queue->entries.front().unread.size(),
                                           queue->entries.front().unread.size() + 1});
            }
        }
        if (large_ && one_in(4)) {
            sizes = {4096, 4095, 5000, 10000, below(variety_.largest + 1), variety_.largest};
        }
        return static_cast<std::uint32_t>(std::min<std::uint64_t>(one_of(sizes), variety_.largest));
    }

    std::uint32_t some_room(const Queue* queue)
    {
        if (queue != nullptr && !queue->entries.empty() && one_in(3)) {
            return one_in(2) ? 65536 : static_cast<std::uint32_t>(queue->entries.front().unread.size());
        }
        return some_size(queue);
    }

    // ---- steps ----

    static bool on_data(Kind kind)
    {
        return kind == Kind::read || kind == Kind::write || kind == Kind::try_read || kind == Kind::try_write ||
               kind == Kind::transceive || kind == Kind::flush || kind == Kind::peek || kind == Kind::query_local ||
               kind == Kind::query_standard;
    }

    Kind some_kind()
    {
        std::array<unsigned, kinds> weights = mood_;
        std::size_t servers = 0;
        bool listening = false;
        for (const auto& [id, instance] : model_.instances()) {
            servers += instance.server != 0 ? 1 : 0;
            listening = listening || instance.state == State::listening;
        }
        auto& create = weights.at(static_cast<std::size_t>(Kind::create));
        auto& open = weights.at(static_cast<std::size_t>(Kind::open));
        create = servers == 0 ? 1000 : servers < 3 ? create : 1;
        open = listening ? 3 * open : 2;
        const auto any = [this](const auto& what) {
            return std::any_of(model_.ends().begin(), model_.ends().end(),
                               [&what](const auto& end) { return !end.second.closed && what(end.second); });
        };
        for (std::size_t kind = 0; kind < kinds; ++kind) {
            const bool good = static_cast<Kind>(kind) == Kind::transceive
                                  ? any([this](const End& end) { return may_transceive(end); })
                                  : any([this](const End& end) { return useful(end); });
            if (!good && on_data(static_cast<Kind>(kind))) {
                weights.at(kind) = (weights.at(kind) + 7) / 8; // it would only say that there is no connection
            }
        }
        if (pending_.empty()) {
            weights.at(static_cast<std::size_t>(Kind::cancel)) = 0;
            weights.at(static_cast<std::size_t>(Kind::abandon)) = 0;
        }
        unsigned total = 0;
        for (const unsigned weight : weights) {
            total += weight;
        }
        std::uint64_t at = below(total);
        std::size_t kind = 0;
        while (at >= weights.at(kind)) {
            at -= weights.at(kind++);
        }
        return static_cast<Kind>(kind);
    }

    Step step()
    {
        Step step;
        step.kind = some_kind();
        step.id = next_id_++;
        switch (step.kind) {
        case Kind::create:
        case Kind::open:
        case Kind::wait:
            choose_name(step);
            break;
        case Kind::cancel:
        case Kind::abandon:
            step.target = one_of(pending_);
            break;
        case Kind::listen:
        case Kind::disconnect:
            step.end = some_server();
            break;
        default:
            choose_end(step);
        }
        return step;
    }

    void choose_name(Step& step)
    {
        step.name = !variety_.one_instance && one_in(6) ? 1 : 0;
        step.parameters = some_parameters(step.name);
        step.access = some_access(step.name);
        step.end = step.kind == Kind::wait ? 0 : step.id;
    }

    void choose_end(Step& step)
    {
        step.end = some_end(step.kind);
        const auto end = model_.ends().find(step.end);
        const Queue* in = nullptr;
        const Queue* out = nullptr;
        if (end != model_.ends().end() && end->second.instance != 0) {
            const Instance& instance = model_.instances().at(end->second.instance);
            in = end->second.server ? &instance.inbound : &instance.outbound;
            out = end->second.server ? &instance.outbound : &instance.inbound;
        }
        step.room = some_room(in);
        const bool writes = step.kind == Kind::write || step.kind == Kind::try_write || step.kind == Kind::transceive;
        step.length = writes ? some_size(out) : 0;
        step.read_mode = static_cast<std::uint32_t>(one_in(30) ? 2 : one_in(3) ? 0 : 1);
        step.completion_mode = static_cast<std::uint32_t>(one_in(30) ? 2 : one_in(3) ? 1 : 0);
    }

    void follow(const Step& step)
    {
        const Effects effects = model_.apply(operation_of(step));
        pending_.push_back(step.id);
        for (const Completion& one : effects) {
            std::erase(pending_, one.operation);
        }
        if (step.kind == Kind::abandon) {
            std::erase(pending_, step.target);
        }
    }

    std::mt19937_64 random_;
    const Variety& variety_;
    std::array<unsigned, kinds> mood_{};
    bool large_ = false;
    std::array<CreateParameters, 2> pipes_;
    Model model_;
    std::vector<Id> pending_;
    Id next_id_ = 1;
};

// ---- smaller ones ----

// Towards nothing, in steps that halve.
template <typename Change>
void smaller_numbers(std::vector<Step>& candidates, const Step& step, std::uint32_t value, Change change)
{
    for (std::uint32_t left = value; left > 0; left /= 2) {
        Step candidate = step;
        change(candidate, value - left);
        candidates.push_back(candidate);
    }
}

rc::Seq<Step> smaller_steps(const Step& step)
{
    std::vector<Step> candidates;
    if (step.kind == Kind::create) {
        const CreateParameters plain;
        Step candidate = step;
        candidate.parameters.share = plain.share;
        candidate.parameters.access = plain.access;
        candidate.parameters.disposition = plain.disposition;
        candidate.parameters.max_instances = plain.max_instances;
        candidate.parameters.default_timeout = plain.default_timeout;
        const CreateParameters& now = step.parameters;
        if (now.share != plain.share || now.access != plain.access || now.disposition != plain.disposition ||
            now.max_instances != plain.max_instances || now.default_timeout != plain.default_timeout) {
            candidates.push_back(candidate);
        }
        smaller_numbers(candidates, step, now.inbound_quota,
                        [](Step& to, std::uint32_t value) { to.parameters.inbound_quota = value; });
        smaller_numbers(candidates, step, now.outbound_quota,
                        [](Step& to, std::uint32_t value) { to.parameters.outbound_quota = value; });
        smaller_numbers(candidates, step, now.completion_mode,
                        [](Step& to, std::uint32_t value) { to.parameters.completion_mode = value; });
        smaller_numbers(candidates, step, now.read_mode,
                        [](Step& to, std::uint32_t value) { to.parameters.read_mode = value; });
    }
    smaller_numbers(candidates, step, step.name, [](Step& to, std::uint32_t value) { to.name = value; });
    smaller_numbers(candidates, step, step.length, [](Step& to, std::uint32_t value) { to.length = value; });
    smaller_numbers(candidates, step, step.room, [](Step& to, std::uint32_t value) { to.room = value; });
    return rc::seq::fromContainer(std::move(candidates));
}

rc::Seq<Sequence> smaller_sequences(const Sequence& sequence)
{
    return rc::seq::concat(rc::shrink::removeChunks(sequence), rc::shrink::eachElement(sequence, smaller_steps));
}

rc::Seq<Batch> smaller_batches(const Batch& batch)
{
    if (batch.size() > 1) {
        // First the one sequence that fails.
        return rc::seq::concat(rc::shrink::removeChunks(batch), rc::shrink::eachElement(batch, smaller_sequences));
    }
    return rc::shrink::eachElement(batch, smaller_sequences);
}

} // namespace

rc::Gen<Batch> batches(std::size_t worlds, const Variety& variety)
{
    return rc::Gen<Batch>([worlds, variety](const rc::Random& random, int /*size*/) {
        rc::Random source = random;
        Batch batch;
        for (std::size_t world = 0; world < worlds; ++world) {
            batch.push_back(Chooser(source.next(), variety).sequence());
        }
        return rc::shrinkable::shrinkRecur(std::move(batch),
                                           [](const Batch& larger) { return smaller_batches(larger); });
    });
}

} // namespace ntpipe::model

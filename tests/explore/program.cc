// SPDX-License-Identifier: LGPL-2.1-or-later
// program.cc: random programs of a few operations for the two ends.
#include "scenarios.hpp"

#include <array>

namespace ntpipe::explore {
namespace {

class Random {
public:
    explicit Random(std::uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15ULL + 1) {}
    std::size_t below(std::size_t limit)
    {
        std::uint64_t value = state_ += 0x9E3779B97F4A7C15ULL;
        value = (value ^ value >> 30) * 0xBF58476D1CE4E5B9ULL;
        value = (value ^ value >> 27) * 0x94D049BB133111EBULL;
        return (value ^ value >> 31) % limit;
    }
    template <typename T, std::size_t size>
    T one_of(const std::array<T, size>& values)
    {
        return values.at(below(size));
    }

private:
    std::uint64_t state_;
};

enum class Act : std::uint8_t { read, write, cancel, flush, peek, await, close, disconnect };

struct Line {
    Act act;
    std::size_t size;
};

constexpr std::array<std::size_t, 5> sizes = {0, 3, 7, 12, 20};
constexpr std::array<std::uint32_t, 3> quotas = {0, 10, 100};

/// What this end does most: the client writes, the server reads.
Act usual(Random& random, bool client)
{
    static constexpr std::array writer = {Act::write, Act::write, Act::write, Act::cancel,
                                          Act::flush, Act::await, Act::read};
    static constexpr std::array reader = {Act::read, Act::read,  Act::read, Act::cancel,
                                          Act::peek, Act::await, Act::write};
    return random.one_of(client ? writer : reader);
}

struct Limits {
    std::size_t writes = 8;
    std::size_t reads = 8;
    std::size_t cancels = 8;
};

std::vector<Line> lines(Random& random, bool client, Limits limits)
{
    std::vector<Line> made;
    for (std::size_t left = 2 + random.below(3); left > 0; --left) {
        const Line line{usual(random, client), random.one_of(sizes)};
        std::size_t unlimited = 1;
        std::size_t& more = line.act == Act::write    ? limits.writes
                            : line.act == Act::read   ? limits.reads
                            : line.act == Act::cancel ? limits.cancels
                                                      : unlimited;
        if (more > 0) {
            made.push_back(line);
            --more;
        }
    }
    return made;
}

void carry_out(Actor& actor, const std::vector<Line>& script)
{
    Op* last = nullptr;
    for (const Line& line : script) {
        switch (line.act) {
        case Act::read:
            last = &actor.read(line.size);
            break;
        case Act::write:
            last = &actor.write(line.size);
            break;
        case Act::flush:
            last = &actor.flush();
            break;
        case Act::peek:
            (void)actor.peek(line.size);
            break;
        case Act::close:
            (void)actor.close();
            break;
        case Act::disconnect:
            (void)actor.disconnect();
            break;
        case Act::cancel:
        case Act::await:
            if (last != nullptr && line.act == Act::cancel) {
                (void)actor.cancel(*last);
            } else if (last != nullptr) {
                actor.await(*last);
            }
            break;
        }
    }
}

end::PipeInformation modes(Random& random, end::PipeType type)
{
    const bool message = type == end::PipeType::message && random.below(4) != 0;
    return {message ? end::ReadMode::message : end::ReadMode::byte,
            random.below(4) == 0 ? end::CompletionMode::complete : end::CompletionMode::queue};
}

} // namespace

Scenario program(std::uint64_t number)
{
    Random random(number);
    Setup setup;
    setup.type = random.below(2) == 0 ? end::PipeType::message : end::PipeType::byte;
    setup.quota = random.one_of(quotas);
    const end::PipeInformation of_client = modes(random, setup.type);
    const end::PipeInformation of_server = modes(random, setup.type);
    const auto prepare = [of_client, of_server](World& world) {
        world.client.set_modes(of_client.read_mode, of_client.completion_mode);
        world.server.set_modes(of_server.read_mode, of_server.completion_mode);
    };
    // What is known to be in no order that NT has, and harmless, is left out:
    // - a read that waits for bytes may take those of several writes together when its end wakes up, where NT gives it the first;
    // - a write that waits may be taken back before a read that waits for it has woken up, where NT has given it its part;
    // - while a reader serves one posted read, a writer may for a moment not see that the next one will take what is beyond the
    //   quota, so its write waits for no reason.
    // - a cancel does not look what the other end has done; scenarios.cc has the cancels that matter.
    // So a small quota is for a client that does not wait with its writes.
    const bool tight = of_client.completion_mode == end::CompletionMode::complete;
    setup.quota = tight ? setup.quota : quotas.back();
    const auto of_bytes = [](const end::PipeInformation& peer) { return peer.read_mode == end::ReadMode::byte; };
    const std::size_t reads = tight ? 1 : 8;
    const std::size_t leaves = random.below(4);
    const std::size_t cancels = 0;
    std::vector<Line> client = lines(random, true, {of_bytes(of_server) ? 1U : 8U, reads, cancels});
    std::vector<Line> server = lines(random, false, {tight ? 0U : of_bytes(of_client) ? 1U : 8U, reads, cancels});
    if (leaves == 0) {
        client.push_back({Act::close, 0});
    } else if (leaves == 1) {
        server.push_back({random.below(2) == 0 ? Act::close : Act::disconnect, 0});
    }
    return {"program-" + std::to_string(number),
            setup,
            prepare,
            [client](Actor& actor) { carry_out(actor, client); },
            [server](Actor& actor) { carry_out(actor, server); },
            {2, 0},
            {1, 1},
            true};
}

} // namespace ntpipe::explore

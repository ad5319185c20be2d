// SPDX-License-Identifier: LGPL-2.1-or-later
// fuzz_channel.cc: two ends at work while somebody writes into all that they share: between operations, and between any two accesses
// within one. The channel and the ends are compiled with NTPIPE_EXPLORE, so each access to shared memory comes by here.
//
// The first two bytes are how many bytes follow for the scribbles within operations: at each access one is taken, and few values mean
// that something is written. The rest are operations and the scribbles between them.
#include "input.hpp"

#include "end/control_codes.hpp"
#include "end/volume.hpp"
#include "unit/end_pair.hpp"

#include <array>
#include <cstdlib>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

using namespace ntpipe;
using namespace ntpipe::fuzz;
using unit::TestOperation;

namespace {

/// Exactly as large as it says, so that what lies beyond is not ours.
class ExactMemory {
public:
    explicit ExactMemory(std::size_t size)
        : bytes_(static_cast<std::byte*>(std::aligned_alloc(alignment, size)), std::free), size_(size)
    {
        std::memset(bytes_.get(), 0, size);
    }
    struct View final : channel::Memory {
        View(std::shared_ptr<std::byte> bytes, std::size_t size) : memory(std::move(bytes)), length(size) {}
        [[nodiscard]] std::span<std::byte> bytes() const override { return {memory.get(), length}; }
        [[nodiscard]] bool commit(std::size_t size) override
        {
            require(size <= length, "no more is committed than there is");
            return true;
        }
        std::shared_ptr<std::byte> memory;
        std::size_t length;
    };
    [[nodiscard]] std::unique_ptr<channel::Memory> share() const { return std::make_unique<View>(bytes_, size_); }
    [[nodiscard]] std::span<std::byte> bytes() const { return {bytes_.get(), size_}; }

private:
    static constexpr std::size_t alignment = 64;
    std::shared_ptr<std::byte> bytes_;
    std::size_t size_;
};

/// Tries again when it likes.
struct Retry final : end::Readiness {
    void completed() override { ready = 0; }
};

struct World;
World* world = nullptr; ///< whose accesses are scribbled at

struct World {
    World(Input within_operations, const unit::PairParameters& pair, bool tracks)
        : within(within_operations), parameters(pair), dynamic_tracking(tracks)
    {
        server = end::End::server(server_host, queue, attributes(), security::access::file_all, pair.server_modes,
                                  pair.maximum_overflow);
        world = this;
    }
    World(const World&) = delete;
    World& operator=(const World&) = delete;
    ~World()
    {
        world = nullptr;
        operations.clear();
        client.reset();
        server.reset();
    }

    [[nodiscard]] end::Attributes attributes() const
    {
        end::Attributes attributes;
        attributes.type = parameters.type;
        attributes.configuration = end::Configuration::full_duplex;
        attributes.maximum_instances = 1;
        attributes.inbound_quota = parameters.inbound_quota;
        attributes.outbound_quota = parameters.outbound_quota;
        attributes.path = u"\\fuzz";
        return attributes;
    }

    void connect()
    {
        client.reset();
        pieces.clear();
        for (const std::size_t size : {channel::connection_page_size, parameters.ring_size, parameters.ring_size}) {
            pieces.emplace_back(size);
        }
        server_bell = std::make_shared<bool>(false);
        client_bell = std::make_shared<bool>(false);
        if (!server->offer(half(channel::Side::server), server_host.period)) {
            return;
        }
        end::Connection own = half(channel::Side::client);
        if (own.page->attach()) {
            client = end::End::client(client_host, queue, attributes(), parameters.client_access,
                                      parameters.maximum_overflow, std::move(own));
            *server_bell = true;
        }
    }

    [[nodiscard]] end::Connection half(channel::Side side) const
    {
        const bool is_server = side == channel::Side::server;
        end::Connection half;
        half.page = std::make_unique<channel::ConnectionView>(pieces[0].share(), side);
        half.incoming.emplace(pieces[is_server ? 1 : 2].share());
        half.outgoing.emplace(pieces[is_server ? 2 : 1].share());
        half.doorbell = std::make_unique<unit::TestDoorbell>(is_server ? client_bell : server_bell);
        half.opened_as.identity = std::make_shared<security::Identity>();
        half.dynamic_tracking = dynamic_tracking;
        half.effective_only = !dynamic_tracking;
        return half;
    }

    void grant(unit::TestHost& host, channel::Direction direction)
    {
        if (const std::size_t size = std::exchange(host.overflow_wanted, 0); size != 0) {
            pieces.emplace_back(size);
            for (end::End* end : {server.get(), client.get()}) {
                if (end != nullptr) {
                    (void)end->add_overflow(direction, pieces.back().share());
                }
            }
        }
    }

    /// A process that writes nonsense can make both ends ring for ever, but not within one of these.
    void pump()
    {
        constexpr int enough = 64;
        for (int round = 0; round < enough; ++round) {
            while (queue.fire_one()) {}
            const bool rung = *server_bell || *client_bell;
            if (std::exchange(*server_bell, false)) {
                server->wake();
            }
            if (std::exchange(*client_bell, false) && client) {
                client->wake();
            }
            grant(server_host, channel::Direction::outbound);
            grant(client_host, channel::Direction::inbound);
            if (!rung) {
                return;
            }
        }
    }

    void scribble(Input& input)
    {
        if (pieces.empty()) {
            return;
        }
        const std::uint8_t how = input.byte();
        fuzz::scribble(input, how / 4, pieces[how % pieces.size()].bytes());
    }

    void access()
    {
        constexpr std::uint8_t rarely = 0xE0;
        if (!within.empty() && within.byte() >= rarely) {
            scribble(within);
        }
    }

    Input within;
    unit::PairParameters parameters;
    bool dynamic_tracking;
    unit::Queue queue;
    std::array<Retry, 2> retries; ///< of the server and the client
    unit::TestHost server_host;
    unit::TestHost client_host;
    std::vector<ExactMemory> pieces;
    std::shared_ptr<bool> server_bell = std::make_shared<bool>(false);
    std::shared_ptr<bool> client_bell = std::make_shared<bool>(false);
    std::unique_ptr<end::End> server;
    std::unique_ptr<end::End> client;
    std::vector<std::unique_ptr<TestOperation>> operations;
};

void accessed()
{
    if (world != nullptr) {
        world->access();
    }
}

void check_count(const TestOperation& operation)
{
    require(operation.pending() || operation.information() <= operation.buffer.size(), "no more is read than has room");
}

std::uint32_t control_code(std::uint8_t choice)
{
    constexpr std::array codes{end::fsctl_pipe_disconnect,
                               end::fsctl_pipe_listen,
                               end::fsctl_pipe_peek,
                               end::fsctl_pipe_transceive,
                               end::fsctl_pipe_impersonate,
                               end::fsctl_pipe_query_client_process,
                               end::fsctl_pipe_get_pipe_attribute,
                               end::fsctl_pipe_get_connection_attribute,
                               end::fsctl_pipe_get_handle_attribute,
                               end::fsctl_pipe_flush,
                               end::fsctl_pipe_disable_impersonate,
                               end::fsctl_pipe_internal_read,
                               end::fsctl_pipe_internal_write,
                               end::fsctl_pipe_internal_transceive,
                               end::fsctl_pipe_internal_read_ovflow,
                               end::fsctl_pipe_query_client_process_v2};
    return codes[choice % codes.size()];
}

void query_attribute(end::End& end, std::uint8_t choice, std::span<std::byte> room)
{
    constexpr std::array<std::string_view, 6> names{"ClientProcessId", "ServerProcessId",    "ClientSessionId",
                                                    "ServerSessionId", "ClientComputerName", ""};
    std::string name(names[choice % names.size()]);
    std::size_t information = 0;
    name += choice < 128 ? std::string(1, '\0') : std::string();
    (void)end.query_connection_attribute(std::as_bytes(std::span(name)), room, information);
    require(information <= room.size(), "no more is told than has room");
}

void settle(World& on, end::End& end, Input& input)
{
    const std::uint8_t how = input.byte();
    unit::TestHost& host = &end == on.server.get() ? on.server_host : on.client_host;
    switch (how % 8) {
    case 0:
        end.look();
        break;
    case 1:
        end.arm();
        break;
    case 2:
        host.looks = !host.looks;
        break;
    case 3:
        end.refuse_overflow();
        break;
    case 4:
        end.miss_overflow();
        break;
    case 5:
        end.forget_overflow_request();
        break;
    case 6:
        host.overflow_available = !host.overflow_available;
        break;
    default:
        end.set_readiness((how & 0x80U) != 0 ? nullptr : &on.retries[&end == on.server.get() ? 0 : 1]);
        break;
    }
}

// What relays, loops and threads of other event loops use; and what else an end may be asked.
void act_otherwise(World& on, end::End& end, std::span<std::byte> room, Input& input)
{
    std::size_t information = 0;
    std::uint32_t length = 0;
    end::Impersonation acts_as;
    const std::uint8_t choice = input.byte();
    switch (choice % 16) {
    case 0:
        (void)end.try_read(room, information);
        break;
    case 1:
        (void)end.try_write(room, information);
        break;
    case 2:
    case 3:
        settle(on, end, input);
        break;
    case 4:
    case 5:
        (void)end.posted_read(length);
        break;
    case 6:
        (void)end.release_posted_read();
        break;
    case 7:
    case 8:
        (void)end.settle_revoked(input.word(), input.word(), (choice & 0x80U) != 0);
        break;
    case 9:
        (void)end.set_information(choice / 16 == 0 ? 23 : input.byte(), room);
        break;
    case 10:
        (void)end::query_volume_information(input.byte(), room, information);
        break;
    case 11:
        query_attribute(end, input.byte(), room);
        break;
    case 12:
        (void)end.impersonate(acts_as);
        break;
    case 13:
        on.server->add_context({input.byte(), choice / 16U % 4, std::make_shared<security::Identity>()});
        break;
    case 14:
        end.set_context(input.byte());
        break;
    default:
        (void)end.disable_impersonation();
        break;
    }
    require(information <= room.size(), "no more is read or written than there is");
}

void act(World& on, Input& input)
{
    const std::uint8_t choice = input.byte();
    end::End& end = (choice & 0x80U) != 0 && on.client ? *on.client : *on.server;
    auto operation = std::make_unique<TestOperation>();
    operation->buffer.resize(input.word() % 9000);
    std::vector<std::byte> room(operation->buffer.size());
    end::PeekInformation peek;
    end::PipeInformation modes;
    end::PipeLocalInformation local;
    std::size_t information = 0;
    switch (choice % 32) {
    case 0:
    case 1:
        (void)end.read(*operation, operation->buffer);
        break;
    case 2:
    case 3:
        (void)end.write(*operation, operation->buffer);
        break;
    case 4:
        (void)end.transceive(*operation, room, operation->buffer);
        break;
    case 5:
        (void)end.flush(*operation);
        break;
    case 6:
        (void)end.peek(room, peek);
        break;
    case 7:
        (void)end.query(local);
        break;
    case 8:
        (void)end.look(*operation, operation->buffer);
        break;
    case 9:
        (void)end.take((choice & 0x20U) != 0 ? SIZE_MAX : operation->buffer.size());
        break;
    case 10:
        (void)end.read_whole(*operation, operation->buffer);
        break;
    case 11:
        modes.read_mode = (choice & 0x20U) != 0 ? end::ReadMode::message : end::ReadMode::byte;
        modes.completion_mode = (choice & 0x40U) != 0 ? end::CompletionMode::complete : end::CompletionMode::queue;
        (void)end.set(modes);
        break;
    case 12:
        (void)end.query_information(input.byte(), room, information);
        require(information <= room.size(), "no more is told than has room");
        break;
    case 13:
        (void)end.listen(*operation);
        break;
    case 14:
        (void)end.disconnect();
        break;
    case 15:
        on.connect();
        break;
    case 16:
        if (on.client) {
            on.client->close();
        }
        break;
    case 17:
        end.peer_gone();
        break;
    case 18:
        end.wake();
        break;
    case 19:
        (void)end.control(*operation, control_code(input.byte()), room, operation->buffer);
        break;
    case 20:
        (void)end.state();
        break;
    case 21:
    case 22:
    case 23:
        if (!on.operations.empty()) {
            auto& old = on.operations[operation->buffer.size() % on.operations.size()];
            if (choice % 32 == 21) {
                (void)end.cancel(*old);
            } else if (choice % 32 == 22) {
                old->abandon();
            } else {
                old.reset();
                on.operations.erase(on.operations.begin() +
                                    static_cast<std::ptrdiff_t>(operation->buffer.size() % on.operations.size()));
            }
        }
        break;
    case 24:
    case 25:
    case 26:
        act_otherwise(on, end, room, input);
        break;
    default:
        on.scribble(input);
        break;
    }
    check_count(*operation);
    if (operation->pending()) {
        on.operations.push_back(std::move(operation));
    }
    if ((choice & 0x40U) == 0) {
        on.pump();
    }
}

} // namespace

// ---- what channel/shared.hpp calls ----

namespace ntpipe::explore {

namespace {

template <typename Do>
std::uint64_t on_word(const void* where, std::size_t size, Do&& change)
{
    accessed();
    const auto go = [&](auto* word) {
        using T = std::remove_pointer_t<decltype(word)>;
        const T before = *word;
        *word = static_cast<T>(change(before));
        return std::uint64_t{before};
    };
    auto* writable = const_cast<void*>(where);
    return size == sizeof(std::uint32_t) ? go(static_cast<std::uint32_t*>(writable))
                                         : go(static_cast<std::uint64_t*>(writable));
}

} // namespace

std::uint64_t load(const void* where, std::size_t size, std::memory_order /*order*/)
{
    return on_word(where, size, [](std::uint64_t value) { return value; });
}

void store(void* where, std::size_t size, std::uint64_t value, std::memory_order /*order*/)
{
    (void)on_word(where, size, [value](std::uint64_t) { return value; });
}

std::uint64_t update(void* where, std::size_t size, Update how, std::uint64_t operand, std::memory_order /*order*/)
{
    return on_word(where, size,
                   [=](std::uint64_t value) { return how == Update::add ? value + operand : value | operand; });
}

bool compare_exchange(void* where, std::size_t size, std::uint64_t& expected, std::uint64_t desired,
                      std::memory_order /*order*/)
{
    const std::uint64_t wanted = expected;
    expected = on_word(where, size, [=](std::uint64_t value) { return value == wanted ? desired : value; });
    return expected == wanted;
}

void plain_read(const void* /*where*/, std::size_t /*size*/)
{
    accessed();
}

void plain_write(const void* /*where*/, std::size_t /*size*/)
{
    accessed();
}

} // namespace ntpipe::explore

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    Input input(data, size);
    const std::size_t for_within = input.word();
    const std::uint8_t kind = input.byte();
    unit::PairParameters parameters;
    parameters.type = (kind & 1U) != 0 ? end::PipeType::byte : end::PipeType::message;
    parameters.server_modes.read_mode = (kind & 3U) == 0 ? end::ReadMode::message : end::ReadMode::byte;
    parameters.server_modes.completion_mode =
        (kind & 4U) != 0 ? end::CompletionMode::complete : end::CompletionMode::queue;
    parameters.ring_size = (kind & 8U) != 0 ? 65536 : channel::minimum_segment_size;
    parameters.maximum_overflow = (kind & 16U) != 0 ? 0 : 65536;
    parameters.inbound_quota = (kind & 32U) != 0 ? 0 : 6000;
    parameters.outbound_quota = (kind & 64U) != 0 ? 100 : 5000;
    World on(Input(input.take(for_within)), parameters, (kind & 128U) != 0);
    on.connect();
    on.pump();
    constexpr int longest = 200;
    for (int step = 0; step < longest && !input.empty(); ++step) {
        act(on, input);
    }
    return 0;
}

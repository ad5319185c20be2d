// SPDX-License-Identifier: LGPL-2.1-or-later
// fuzz_relay.cc: a connection of the bridge to Wine, between a prefix that answers anything that the facade (wine_bridge/nt.h) may answer,
// and a native program that does anything in any order and writes nonsense into the memory that it shares with us.
//
// The relay, its operations and the library are the real ones. The facade and the engine stand here: nothing runs at the same time, and
// the input says who is next. At the end the prefix closes; then nothing of the relay may be left.
#include "input.hpp"

#include "log.hpp"
#include "relay.hpp"

#include "channel/layout.hpp"

#include <array>
#include <cstring>
#include <list>
#include <utility>

using namespace ntpipe::fuzz;
using namespace wine_bridge;

namespace {

constexpr std::array<std::uint32_t, 8> errors{NTPIPE_STATUS_PIPE_BROKEN,    NTPIPE_STATUS_PIPE_DISCONNECTED,
                                              NTPIPE_STATUS_PIPE_CLOSING,   NTPIPE_STATUS_CANCELLED,
                                              NTPIPE_STATUS_INVALID_HANDLE, NTPIPE_STATUS_NO_MEMORY,
                                              NTPIPE_STATUS_PIPE_LISTENING, NTPIPE_STATUS_INVALID_PIPE_STATE};
constexpr std::size_t most_memory = std::size_t{1} << 21; // of one buffer

/// What the prefix has been asked for and not answered yet.
struct Asked {
    nt_operation* operation = nullptr;
    void* buffer = nullptr; ///< a read's
    std::uint32_t length = 0;
    bool cancelled = false;
};

/// A request of the native program's, with what it needs.
struct Request {
    explicit Request(std::size_t size) : bytes(size) {}
    Request(const Request&) = delete;
    Request& operator=(const Request&) = delete;
    ~Request() { talloc_free(req); }
    std::vector<std::uint8_t> bytes;
    tevent_req* req = nullptr;
};

ntpipe_session* the_session()
{
    static ntpipe_session* session = [] {
        ntpipe_session* made = nullptr;
        require(ntpipe_namespace_create_local(nullptr, nullptr, &made) == NTPIPE_STATUS_SUCCESS, "there is a session");
        return made;
    }();
    return session;
}

Engine& the_engine()
{
    static Engine* engine = new Engine(the_session());
    return *engine;
}

bool on_wine_thread = false;
bool shares_memory = false;                     ///< what is allocated now is shared with the native program
std::vector<std::span<std::uint8_t>> shared_by; ///< with it

struct World;
World* world = nullptr;

struct World {
    explicit World(Input& all) : input(all)
    {
        world = this;
        const std::uint8_t kind = input.byte();
        message = (kind & 1U) != 0;
        quota = (kind & 2U) != 0 ? 100 : 4096;
        connect((kind & 4U) != 0);
        Relay::Parameters parameters;
        parameters.handle = this;
        parameters.native = ours;
        parameters.message = message;
        parameters.to_native = (kind & 0x18U) != 0x08;
        parameters.to_prefix = (kind & 0x18U) != 0x10;
        parameters.native_quota = (kind & 0x20U) != 0 ? 0 : quota;
        parameters.prefix_quota = (kind & 0x40U) != 0 ? 0 : quota;
        on_wine_thread = (kind & 0x80U) != 0;
        relay = std::make_shared<Relay>(the_engine(), parameters, [this](Relay::Over) {
            require(!is_over, "the end is told of once");
            is_over = true;
        });
        do_for(relay, [this] { relay->start(); });
    }
    World(const World&) = delete;
    World& operator=(const World&) = delete;

    // The prefix closes: what is under way there is over, whatever happens meanwhile.
    ~World()
    {
        requests.clear();
        talloc_free(std::exchange(theirs, nullptr));
        pump();
        relay->stop();
        const std::weak_ptr<Relay> gone = std::exchange(relay, nullptr);
        for (int round = 0; round < 100 && (!asked.empty() || !gone.expired()); ++round) {
            if (!asked.empty()) {
                answer(NTPIPE_STATUS_PIPE_BROKEN, 0, 0);
            }
            the_engine().run();
            pump();
        }
        require(asked.empty() && gone.expired(), "nothing of the relay is left");
        the_engine().stop();
        shared_by.clear();
        world = nullptr;
    }

    /// Ours is a client's end, or a server's.
    void connect(bool serves)
    {
        ntpipe_create_params create = NTPIPE_CREATE_PARAMS_INIT;
        create.type = message ? NTPIPE_TYPE_MESSAGE : NTPIPE_TYPE_BYTE;
        create.read_mode = message ? NTPIPE_READ_MESSAGE : NTPIPE_READ_BYTE;
        create.inbound_quota = create.outbound_quota = quota;
        ntpipe_open_params open = NTPIPE_OPEN_PARAMS_INIT;
        ntpipe_end* server = nullptr;
        ntpipe_end* client = nullptr;
        require(ntpipe_create(nullptr, the_session(), "fuzz", &create, &server, nullptr) == NTPIPE_STATUS_SUCCESS,
                "there is a pipe");
        shares_memory = true;
        require(ntpipe_open(nullptr, the_session(), "fuzz", &open, &client) == NTPIPE_STATUS_SUCCESS,
                "there is a client");
        shares_memory = false;
        ours = serves ? server : client;
        theirs = serves ? client : server;
    }

    static void pump()
    {
        constexpr int enough = 16;
        ntpipe_session_begin_turn(the_session());
        for (int round = 0; round < enough && ntpipe_session_work(the_session(), 0); ++round) {}
        ntpipe_session_end_turn(the_session());
        ntpipe_session_dispatch(the_session());
    }

    void fill(void* buffer, std::size_t length) { std::memset(buffer, input.byte(), length); }

    // ---- the prefix ----

    std::uint32_t begin(nt_operation* operation, void* buffer, std::uint32_t length)
    {
        const std::uint8_t how = input.byte();
        if (how % 4 < 2) {
            asked.push_back({operation, buffer, length});
            return NTPIPE_STATUS_PENDING;
        }
        if (how % 32 == 3) {
            operation->information = 0;
            return errors[how / 32];
        }
        const std::size_t done = buffer == nullptr ? length : input.word() % (length + std::size_t{1});
        if (buffer != nullptr) {
            fill(buffer, length); // it may use all of it
        }
        operation->information = done;
        operation->status = (how & 0x40U) != 0 && buffer != nullptr ? NTPIPE_STATUS_BUFFER_OVERFLOW : 0;
        return operation->status;
    }

    void answer(std::uint32_t status, std::size_t which, std::size_t done)
    {
        const auto found = std::next(asked.begin(), static_cast<std::ptrdiff_t>(which % asked.size()));
        const Asked over = *found;
        asked.erase(found);
        if (over.buffer != nullptr) {
            fill(over.buffer, over.length);
        }
        over.operation->status = over.cancelled && is_error(status) ? NTPIPE_STATUS_CANCELLED : status;
        over.operation->information = is_error(status) ? 0 : done % (over.length + std::size_t{1});
        over.operation->done(over.operation);
    }

    std::uint32_t peek(void* buffer, std::uint32_t length, nt_peek& seen)
    {
        const std::uint8_t how = input.byte();
        fill(buffer, length);
        if (how % 16 == 1) {
            return errors[how / 32];
        }
        constexpr std::uint32_t header = 16;
        seen.closing = how % 16 == 2;
        seen.available = (how & 0x40U) != 0 ? input.double_word() : input.word();
        seen.message_length = (how & 0x80U) != 0 ? input.word() : (how & 0x20U) != 0 ? seen.available : 0;
        const std::uint32_t room = length - header;
        seen.copied = (how & 0x10U) != 0 ? input.word() % (room + 1) : std::min(room, seen.available);
        return 0;
    }

    // ---- the native program ----

    template <typename Make>
    void request(std::size_t size, Make&& make)
    {
        requests.push_back(std::make_unique<Request>(size));
        std::ranges::fill(requests.back()->bytes, input.byte());
        requests.back()->req = make(*requests.back());
        constexpr std::size_t most = 32;
        if (requests.size() > most) {
            requests.erase(requests.begin());
        }
    }

    void act(std::uint8_t choice)
    {
        tevent_context* events = ntpipe_session_event_context(the_session());
        const std::size_t size = input.word() % 9000;
        switch (choice) {
        case 0:
            request(size, [&](Request& it) {
                return ntpipe_write_send(nullptr, events, theirs, it.bytes.data(), it.bytes.size());
            });
            break;
        case 1:
            request(size, [&](Request& it) {
                return ntpipe_read_send(nullptr, events, theirs, it.bytes.data(), it.bytes.size());
            });
            break;
        case 2:
            request(0, [&](Request&) { return ntpipe_flush_send(nullptr, events, theirs); });
            break;
        case 3:
            (void)ntpipe_disconnect(theirs);
            break;
        default:
            requests.clear();
            talloc_free(std::exchange(theirs, nullptr));
            break;
        }
    }

    void scribble()
    {
        if (shared_by.empty()) {
            return;
        }
        const std::uint8_t how = input.byte();
        ntpipe::fuzz::scribble(input, how / 8, std::as_writable_bytes(shared_by[how % shared_by.size()]));
    }

    void step()
    {
        const std::uint8_t choice = input.byte();
        switch (choice % 16) {
        case 0:
        case 1:
        case 2:
        case 3:
        case 4:
            if (theirs != nullptr) {
                act(choice % 16);
            }
            break;
        case 5:
            if (!requests.empty()) {
                (void)tevent_req_cancel(requests[input.byte() % requests.size()]->req);
            }
            break;
        case 6:
        case 7:
        case 8:
            if (!asked.empty()) {
                const std::uint8_t how = input.byte();
                answer(how % 16 == 1   ? errors[how / 32]
                       : how % 16 == 2 ? std::uint32_t{NTPIPE_STATUS_BUFFER_OVERFLOW}
                                       : 0,
                       input.byte(), input.word());
            }
            break;
        case 9:
        case 10:
            the_engine().run();
            break;
        case 11:
            on_wine_thread = !on_wine_thread;
            break;
        default:
            scribble();
            break;
        }
        if ((choice & 0x40U) == 0) {
            pump();
        }
        if ((choice & 0x80U) == 0) {
            the_engine().leave();
        }
    }

    Input& input;
    bool message = false;
    std::uint32_t quota = 0;
    ntpipe_end* ours = nullptr; ///< the relay's
    ntpipe_end* theirs = nullptr;
    std::vector<std::unique_ptr<Request>> requests;
    std::list<Asked> asked;
    std::shared_ptr<Relay> relay;
    bool is_over = false;
};

} // namespace

// ---- memory that is shared, as lib/session/local.cc allocates it (wscript: --wrap) ----

extern "C" {
// The names are the linker's. NOLINTBEGIN(bugprone-reserved-identifier)
void* __real_aligned_alloc(std::size_t alignment, std::size_t size);
void __real_free(void* memory);
void* __wrap_aligned_alloc(std::size_t alignment, std::size_t size);
void __wrap_free(void* memory);
// NOLINTEND(bugprone-reserved-identifier)

void* __wrap_aligned_alloc(std::size_t alignment, std::size_t size)
{
    void* memory = __real_aligned_alloc(alignment, size);
    if (shares_memory && memory != nullptr) {
        shared_by.emplace_back(static_cast<std::uint8_t*>(memory), size);
    }
    return memory;
}

void __wrap_free(void* memory)
{
    std::erase_if(shared_by, [memory](const auto& piece) { return piece.data() == memory; });
    __real_free(memory);
}
}

// ---- the engine: what is put off happens when the input says so ----

namespace wine_bridge {

Engine::Engine(ntpipe_session* session) : session_(session), descriptors_(-1), wakeup_(-1) {}

// One timer and one job, which are due.
void Engine::run()
{
    if (!timers_.empty()) {
        const Timer timer = std::move(timers_.extract(timers_.begin()).mapped());
        if (const auto owner = timer.owner.lock()) {
            do_for(owner, timer.due);
        }
    }
    if (!jobs_.empty()) {
        const Job job = std::move(jobs_.front());
        jobs_.pop_front();
        job.block();
        do_for(job.owner, job.after);
    }
    leave();
}

void Engine::leave()
{
    while (!last_.empty()) {
        const Work last = std::move(last_.front());
        last_.pop_front();
        do_for(last.owner, last.work);
    }
}

void Engine::stop()
{
    timers_.clear();
    jobs_.clear();
    last_.clear();
}

void Engine::run_blocking(std::function<void()> block, std::shared_ptr<Owner> owner, std::function<void()> after)
{
    jobs_.push_back({std::move(block), std::move(owner), std::move(after)});
}

void Engine::after(unsigned milliseconds, std::weak_ptr<Owner> owner, std::function<void()> due)
{
    timers_.emplace(Clock::time_point(std::chrono::milliseconds(milliseconds)),
                    Timer{std::move(owner), std::move(due)});
}

bool Engine::do_last(std::shared_ptr<Owner> owner, std::function<void()> work)
{
    if (on_wine_thread) {
        last_.push_back({std::move(owner), std::move(work)});
    }
    return on_wine_thread;
}

void Engine::expect(const std::shared_ptr<Answer>& /*answer*/) {}

void log_line(std::string_view /*text*/) noexcept {}

} // namespace wine_bridge

// ---- the facade ----

uint32_t nt_post(struct nt_operation* operation)
{
    world->asked.push_back({operation, nullptr, 0});
    return NTPIPE_STATUS_SUCCESS;
}

void* nt_buffer(size_t size)
{
    return size > most_memory ? nullptr : std::malloc(size);
}

void nt_buffer_free(void* buffer)
{
    std::free(buffer);
}

uint32_t nt_query(nt_handle /*handle*/, struct nt_pipe_information* information)
{
    const std::uint8_t how = world->input.byte();
    information->connected = how % 4 != 1;
    information->closing = how % 4 == 2;
    return how % 8 == 3 ? errors[how / 32] : 0;
}

uint32_t nt_read(nt_handle /*handle*/, struct nt_operation* operation, void* buffer, uint32_t length)
{
    return world->begin(operation, buffer, length);
}

uint32_t nt_await_data(nt_handle /*handle*/, struct nt_operation* operation, void* buffer, uint32_t length)
{
    return world->begin(operation, buffer, length);
}

uint32_t nt_write(nt_handle /*handle*/, struct nt_operation* operation, const void* data, uint32_t length)
{
    // All of it is looked at.
    unsigned sum = 0;
    for (const std::uint8_t byte : std::span(static_cast<const std::uint8_t*>(data), length)) {
        sum += byte;
    }
    require(sum <= 255 * std::uint64_t{length}, "bytes are bytes");
    return world->begin(operation, nullptr, length);
}

uint32_t nt_cancel(nt_handle /*handle*/, struct nt_operation* operation)
{
    for (Asked& each : world->asked) {
        each.cancelled = each.cancelled || each.operation == operation;
    }
    return 0;
}

uint32_t nt_cancel_wait(struct nt_operation* /*operation*/)
{
    return 0;
}

uint32_t nt_peek_pipe(nt_handle /*handle*/, void* buffer, uint32_t length, struct nt_peek* peek)
{
    return world->peek(buffer, length, *peek);
}

uint32_t nt_flush(nt_handle /*handle*/)
{
    const std::uint8_t how = world->input.byte();
    return how % 8 == 1 ? errors[how / 32] : 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    Input input(data, size);
    World on(input);
    constexpr int longest = 200;
    for (int step = 0; step < longest && !input.empty(); ++step) {
        on.step();
    }
    return 0;
}

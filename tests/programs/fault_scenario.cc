// SPDX-License-Identifier: LGPL-2.1-or-later
// fault_scenario.cc: does with pipes what can be done, again and again; each time another call of this process, or of the broker, fails
// (tests/fault/interpose.c). What then does not succeed must say why with a status that fits; data that arrives must be right; and
// the round after it, in which nothing fails, must succeed. Nothing may be left behind.
//
// usage: fault_scenario DIRECTORY FIRST LAST STEP LOG [BROKER]
//   FIRST, LAST, STEP  which calls fail, each in a round of its own; it ends early when a round has fewer
//   LOG                NTPIPE_FAULT_LOG: it grows when a call failed
//   BROKER             its process: the calls are the broker's
#include <ntpipe.hpp>

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>

extern "C" {
[[gnu::weak]] void ntpipe_fault_arm(long number);
[[gnu::weak]] long ntpipe_fault_live();
}

namespace {

constexpr ntpipe_status success = 0;
constexpr ntpipe_status pending = 0x00000103;
constexpr ntpipe_status buffer_overflow = 0x80000005;
constexpr ntpipe_status name_not_found = 0xC0000034;
constexpr ntpipe_status pipe_disconnected = 0xC00000B0;
constexpr ntpipe_status pipe_broken = 0xC000014B;
constexpr ntpipe_status cancelled = 0xC0000120;
constexpr unsigned patience = 60; // seconds; a hang is a failure

const char* step = "";
long number = 0;

/// Something failed that may, in this round.
struct Stopped {
    ntpipe_status status;
};

[[noreturn]] void fail(const std::string& what)
{
    std::printf("WRONG call %ld, at %s: %s\n", number, step, what.c_str());
    (void)std::fflush(stdout);
    std::_Exit(1);
}

void timed_out(int /*signal*/)
{
    constexpr char text[] = "WRONG it hangs\n";
    (void)!::write(STDOUT_FILENO, text, sizeof(text) - 1);
    const char* where = step;
    (void)!::write(STDOUT_FILENO, where, std::strlen(where));
    (void)!::write(STDOUT_FILENO, "\n", 1);
    ::_exit(1);
}

/// What there is to say when the system has nothing left, or when a connection or the broker was lost by that.
bool fits(ntpipe_status status)
{
    constexpr std::array fitting{
        0xC0000017U, // NO_MEMORY
        0xC000009AU, // INSUFFICIENT_RESOURCES
        0xC000011FU, // TOO_MANY_OPENED_FILES
        0xC0000236U, // CONNECTION_REFUSED
        0xC000020CU, // CONNECTION_DISCONNECTED
        0xC000014BU, // PIPE_BROKEN
        0xC00000B1U, // PIPE_CLOSING
        0xC00000B0U, // PIPE_DISCONNECTED
        0xC0000034U, // OBJECT_NAME_NOT_FOUND: whose session is away for a moment
        0xC0000008U, // INVALID_HANDLE: likewise
        0xC00000ACU, // PIPE_NOT_AVAILABLE: an open that was lost with its session had the only instance
        0xC0000001U, // UNSUCCESSFUL: an errno without a name
    };
    for (const std::uint32_t each : fitting) {
        if (status == each) {
            return true;
        }
    }
    return false;
}

class Round {
public:
    Round(const std::string& directory, bool may_fail)
        : may_fail_(may_fail), owner_(talloc_new(nullptr), [](void* memory) { return talloc_free(memory); })
    {
        memory_ = need(owner_.get(), "memory");
        events_ = tevent_context_init(memory_);
        need(events_, "an event context");
        ntpipe_session_params parameters = NTPIPE_SESSION_PARAMS_INIT;
        parameters.directory = directory.c_str();
        parameters.never_start_broker = true;
        check(ntpipe_session_open(memory_, events_, &parameters, &servers_), "open a session");
        check(ntpipe_session_open(memory_, events_, &parameters, &clients_), "open another session");
    }
    Round(const Round&) = delete;
    Round& operator=(const Round&) = delete;
    ~Round() = default;

    void play()
    {
        names();
        connect();
        messages();
        looks();
        exchange();
        people();
        ends();
    }

private:
    void check(ntpipe_status status, const char* what)
    {
        step = what;
        if (status == success) {
            return;
        }
        if (may_fail_ && fits(status)) {
            throw Stopped{status};
        }
        fail(ntpipe_status_name(status));
    }
    void expect(ntpipe_status status, ntpipe_status expected, const char* what)
    {
        check(status == expected ? success : status == success ? pending : status, what);
    }
    template <typename T>
    T* need(T* object, const char* what)
    {
        check(object == nullptr ? 0xC0000017U : success, what);
        return object;
    }
    void must(bool condition, const char* what)
    {
        step = what;
        if (!condition) {
            fail("is not so");
        }
    }
    /// Runs until it is over.
    template <typename Receive>
    ntpipe_status await(tevent_req* request, const char* what, Receive&& receive)
    {
        return await(request, what, receive, [] {});
    }
    template <typename Receive, typename Look>
    ntpipe_status await(tevent_req* request, const char* what, Receive&& receive, Look look)
    {
        step = what;
        need(request, what);
        while (tevent_req_is_in_progress(request)) {
            look();
            must(tevent_loop_once(events_) == 0, "the event loop runs");
        }
        const ntpipe_status status = receive(request);
        talloc_free(request);
        return status;
    }

    // Of a server that could not take its half of the connection: the instance listens on, as it should, and only the client that it was
    // is gone.
    void await_client(tevent_req* listen, const char* what)
    {
        const auto look = [&] {
            ntpipe_local_info local{};
            check(ntpipe_query_local_info(client_, &local), what);
            check(local.state == NTPIPE_STATE_CONNECTED ? success : pipe_broken, what);
        };
        check(await(listen, what, ntpipe_listen_recv, look), what);
    }

    // What failed at once will not happen; nobody should wait for what follows from it.
    template <typename Receive>
    void stop_if_over(tevent_req* request, Receive receive)
    {
        std::size_t count = 0;
        if (!tevent_req_is_in_progress(request)) {
            check(receive(request, &count), step);
        }
    }

    static std::vector<char> pattern(std::size_t size, char first)
    {
        std::vector<char> bytes(size);
        for (std::size_t i = 0; i < size; ++i) {
            bytes[i] = static_cast<char>(static_cast<std::size_t>(first) + i % 251);
        }
        return bytes;
    }

    void names()
    {
        step = "ping";
        check(ntpipe_ping(clients_), "ping");
        expect(ntpipe_wait(clients_, "nothing", 1), name_not_found, "wait for nothing");
        check(ntpipe_alias(servers_, "another", "fault"), "add an alias");
    }

    void connect()
    {
        ntpipe_create_params create = NTPIPE_CREATE_PARAMS_INIT;
        create.inbound_quota = create.outbound_quota = 4096;
        create.desired_access |= NTPIPE_WRITE_DAC;
        create.type = NTPIPE_TYPE_MESSAGE;
        create.read_mode = NTPIPE_READ_MESSAGE;
        check(ntpipe_create(memory_, servers_, "fault", &create, &server_, nullptr), "create");
        ntpipe_open_params open = NTPIPE_OPEN_PARAMS_INIT;
        open.message_mode = true;
        tevent_req* listen = need(ntpipe_listen_send(memory_, events_, server_), "listen");
        check(ntpipe_open(memory_, clients_, "another", &open, &client_), "open");
        await_client(listen, "listen");
        ntpipe_listing* listing = nullptr;
        std::size_t count = 0;
        list(listing, count);
    }
    void list(ntpipe_listing*& listing, std::size_t& count)
    {
        check(ntpipe_list(memory_, clients_, "F*", &listing, &count), "list");
        must(count == 1 || may_fail_, "one pipe is listed"); // its server may be on the way back
    }

    // From one end to the other, written first; of what size ever.
    void send(ntpipe_end* from, ntpipe_end* to, std::size_t size)
    {
        const std::vector<char> sent = pattern(size, static_cast<char>(size));
        std::vector<char> got(size + 1);
        step = "write";
        tevent_req* write = need(ntpipe_write_send(memory_, events_, from, sent.data(), size), "write");
        std::size_t count = 0;
        if (!tevent_req_is_in_progress(write)) {
            check(await(write, "write", [&](tevent_req* request) { return ntpipe_write_recv(request, &count); }),
                  "write");
            write = nullptr;
        }
        check(await(ntpipe_read_send(memory_, events_, to, got.data(), got.size()), "read",
                    [&](tevent_req* request) { return ntpipe_read_recv(request, &count); }),
              "read");
        must(count == size && std::equal(sent.begin(), sent.end(), got.begin()), "what is read is what was written");
        if (write != nullptr) {
            check(await(write, "write", [&](tevent_req* request) { return ntpipe_write_recv(request, &count); }),
                  "write");
        }
    }

    void messages()
    {
        for (const std::size_t size : {std::size_t{0}, std::size_t{10}, std::size_t{5000}, std::size_t{400000}}) {
            send(client_, server_, size);
            send(server_, client_, size);
        }
        std::array<char, 10> bytes{};
        ntpipe_peek_info peek{};
        ntpipe_local_info local{};
        std::size_t count = 0;
        check(ntpipe_write(client_, bytes.data(), bytes.size(), &count), "write what is peeked at");
        tevent_req* flush = need(ntpipe_flush_send(memory_, events_, client_), "flush");
        expect(ntpipe_peek(server_, bytes.data(), 4, &peek), buffer_overflow, "peek");
        must(peek.read_data_available == bytes.size(), "a peek sees all");
        check(ntpipe_query_local_info(client_, &local), "query");
        expect(ntpipe_read(server_, bytes.data(), 4, &count), buffer_overflow, "read a part");
        check(ntpipe_read(server_, bytes.data(), 6, &count), "read the rest");
        check(await(flush, "flush", ntpipe_flush_recv), "flush");
        tevent_req* read =
            need(ntpipe_read_send(memory_, events_, client_, bytes.data(), bytes.size()), "read nothing");
        stop_if_over(read, ntpipe_read_recv);
        tevent_req_cancel(read);
        expect(await(read, "cancel", [&](tevent_req* request) { return ntpipe_read_recv(request, &count); }), cancelled,
               "cancel");
    }

    void looks()
    {
        const std::vector<char> sent = pattern(100, 'l');
        std::vector<char> got(100);
        std::size_t count = 0;
        check(ntpipe_write(client_, sent.data(), sent.size(), &count), "write what is looked at");
        ntpipe_look_info info{};
        expect(ntpipe_look(server_, got.data(), 60, &info), buffer_overflow, "look");
        check(ntpipe_look(server_, got.data() + 60, 40, &info), "look again");
        must(got == sent, "what is seen is what was written");
        check(ntpipe_take(server_, NTPIPE_TAKE_ALL), "take");
    }

    void exchange()
    {
        std::array<char, 20> question{"a question"};
        std::array<char, 20> answer{};
        std::size_t count = 0;
        tevent_req* transceive = need(ntpipe_transceive_send(memory_, events_, client_, question.data(),
                                                             question.size(), answer.data(), answer.size()),
                                      "transceive");
        std::array<char, 20> got{};
        stop_if_over(transceive, ntpipe_transceive_recv);
        check(ntpipe_read(server_, got.data(), got.size(), &count), "read a question");
        must(got == question, "the question is right");
        check(ntpipe_write(server_, "an answer", 10, &count), "answer");
        check(await(transceive, "transceive",
                    [&](tevent_req* request) { return ntpipe_transceive_recv(request, &count); }),
              "transceive");
        must(count == 10 && std::strcmp(answer.data(), "an answer") == 0, "the answer is right");
    }

    void people()
    {
        ntpipe_identity* identity = nullptr;
        std::uint32_t level = 0;
        check(ntpipe_get_client_info(server_, memory_, &identity), "ask for the client");
        must(identity->uid == ::getuid(), "the client is we");
        check(ntpipe_impersonate(server_, memory_, &identity, &level), "impersonate");
        std::uint8_t* descriptor = nullptr;
        std::size_t size = 0;
        constexpr std::uint32_t dacl = 4;
        check(ntpipe_query_security(server_, memory_, dacl, &descriptor, &size), "query security");
        check(ntpipe_set_security(server_, dacl, descriptor, size), "set security");
    }

    void ends()
    {
        std::array<char, 10> bytes{};
        std::size_t count = 0;
        tevent_req* read = need(ntpipe_read_send(memory_, events_, client_, bytes.data(), bytes.size()), "read");
        check(ntpipe_disconnect(server_), "disconnect");
        const ntpipe_status status =
            await(read, "read", [&](tevent_req* request) { return ntpipe_read_recv(request, &count); });
        if (!may_fail_ || status != pipe_broken) {
            expect(status, pipe_disconnected, "a read of the disconnected end");
        }
        talloc_free(client_);
        tevent_req* listen = need(ntpipe_listen_send(memory_, events_, server_), "listen again");
        check(ntpipe_open(memory_, clients_, "fault", nullptr, &client_), "open again");
        await_client(listen, "listen again");
        send(client_, server_, 10);
        talloc_free(server_);
        expect(ntpipe_read(client_, bytes.data(), bytes.size(), &count), pipe_broken, "read of a closed pipe");
    }

    bool may_fail_;
    std::unique_ptr<void, int (*)(void*)> owner_{nullptr, nullptr};
    TALLOC_CTX* memory_ = nullptr;
    tevent_context* events_ = nullptr;
    ntpipe_session* servers_ = nullptr;
    ntpipe_session* clients_ = nullptr;
    ntpipe_end* server_ = nullptr;
    ntpipe_end* client_ = nullptr;
};

ntpipe_status play(const std::string& directory, bool may_fail)
{
    ::alarm(patience);
    ntpipe_status result = success;
    try {
        Round round(directory, may_fail);
        round.play();
    } catch (const Stopped& stopped) {
        result = stopped.status;
    } catch (const std::bad_alloc&) {
        result = 0xC0000017U; // ours
    }
    ::alarm(0);
    return result;
}

std::size_t descriptors()
{
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
        count += entry.path().empty() ? 0 : 1;
    }
    return count;
}

off_t size_of(const char* file)
{
    struct stat status{};
    return ::stat(file, &status) == 0 ? status.st_size : 0;
}

class Outcomes {
public:
    void add(ntpipe_status status)
    {
        for (auto& [seen, times] : all_) {
            if (times == 0 || seen == status) {
                seen = status;
                ++times;
                return;
            }
        }
    }
    void print() const
    {
        for (const auto& [status, times] : all_) {
            if (times != 0) {
                std::printf(", %s %d", ntpipe_status_name(status), times);
            }
        }
        std::printf("\n");
    }

private:
    std::array<std::pair<ntpipe_status, int>, 32> all_{};
};

void arm(int broker, long call)
{
    if (broker == 0) {
        ntpipe_fault_arm(call);
        return;
    }
    sigval value{};
    value.sival_int = static_cast<int>(call);
    ::sigqueue(broker, SIGRTMIN + 7, value);
}

long number_of(const char* text)
{
    return std::strtol(text, nullptr, 10);
}

} // namespace

int main(int argc, char** argv)
{
    if (argc < 6) {
        return 2;
    }
    const std::string directory = argv[1];
    const long last = number_of(argv[3]);
    const long every = number_of(argv[4]);
    const char* log = argv[5];
    const int broker = argc > 6 ? static_cast<int>(number_of(argv[6])) : 0;
    (void)::signal(SIGALRM, timed_out);
    (void)::signal(SIGPIPE, SIG_IGN);
    Outcomes outcomes; // needs no memory, which is counted
    arm(broker, 0);
    for (int i = 0; i < 3; ++i) {
        (void)play(directory, false);
    }
    const auto live = [] { return ntpipe_fault_live == nullptr ? 0 : ntpipe_fault_live(); };
    const std::size_t descriptors_before = descriptors();
    const long live_before = live();
    long count = 0;
    for (number = number_of(argv[2]); number <= last; number += every) {
        const off_t before = size_of(log);
        arm(broker, number);
        const ntpipe_status status = play(directory, true);
        arm(broker, 0);
        if (size_of(log) == before) {
            break;
        }
        outcomes.add(status);
        ++count;
        (void)play(directory, false);
        step = "afterwards";
        if (descriptors() != descriptors_before) {
            fail("descriptors: " + std::to_string(descriptors()) + ", before " + std::to_string(descriptors_before));
        }
        if (live() > live_before) {
            fail("blocks of memory: " + std::to_string(live()) + ", before " + std::to_string(live_before));
        }
    }
    std::printf("%ld faults", count);
    outcomes.print();
    return 0;
}

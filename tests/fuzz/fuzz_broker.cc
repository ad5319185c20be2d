// SPDX-License-Identifier: LGPL-2.1-or-later
// fuzz_broker.cc: a broker in this process, and processes that send it anything, with any descriptors, in any order, and hang up. It may
// end their sessions; a bystander's must go on, also over a restart, and nothing may be left behind or stay charged.
//
// Clients 0 to 2 have said HELLO, 3 has not; as root, 1 and 2 are other users, who may have little. The broker goes on over many inputs, for
// making one takes longer than most of them: after each nothing of the hostile may be left. broker_steps.hpp says how steps are written.
// Clients 0 and 1 and the bystander are other processes, for a process is never asked for what it opens itself, and its end is seen. Time
// passes when the input says so.
#include "broker_steps.hpp"
#include "clock.hpp"
#include "input.hpp"
#include "processes.hpp"

#include "broker.hpp"
#include "limits.hpp"
#include "session/mapping.hpp"

#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace ntpipe;
using namespace ntpipe::fuzz;

namespace {

constexpr std::size_t clients = hostile_clients + 2;
constexpr std::size_t bystander = hostile_clients;
constexpr std::size_t administrator = hostile_clients + 1; ///< looks at what is charged
constexpr std::array<uid_t, clients> users{0, 1000, 1001, 0, 1002, 0};
/// Which are processes of their own; the others are this one.
constexpr std::array<bool, clients> is_other_process{true, true, false, false, true, false};
constexpr std::size_t remembered = 64;
constexpr int inputs_of_a_broker = 100;
constexpr std::uint64_t second = 1'000'000'000;
constexpr std::uint64_t grace = 10 * second;
/// That may pass at once: what the broker waits for is due after one of them.
constexpr std::array<std::uint64_t, 8> times{5'000'000, 100'000'000, second,      5 * second,
                                             grace,     30 * second, 90 * second, 86'400 * second};

/// A directory of this process with a listening socket in it.
class Place {
public:
    Place()
    {
        std::string name = std::filesystem::temp_directory_path() / "ntpipe-fuzz.XXXXXX";
        require(::mkdtemp(name.data()) != nullptr && ::chmod(name.c_str(), 0755) == 0, "there is a directory");
        path_ = name;
        spdlog::set_level(spdlog::level::off);
    }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    ~Place() { std::filesystem::remove_all(path_); }

    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] sockaddr_un address() const
    {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        const std::string name = path_ + "/socket";
        std::memcpy(address.sun_path, name.c_str(), name.size() + 1);
        return address;
    }
    [[nodiscard]] glue::UniqueFd listen() const
    {
        const sockaddr_un where = address();
        (void)::unlink(where.sun_path);
        glue::UniqueFd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
        require(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&where), sizeof(where)) == 0 &&
                    ::chmod(where.sun_path, 0666) == 0 && ::listen(socket.get(), 16) == 0,
                "there is a socket");
        return socket;
    }

private:
    std::string path_;
};

std::size_t open_descriptors()
{
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
        count += entry.path().empty() ? 0 : 1;
    }
    return count;
}

/// What clients have been told and may use in what they say.
struct Learned {
    void look_at(const wire::Message& message)
    {
        std::visit([this](const auto& part) { look_at_fields(part); }, message);
    }
    template <typename T>
    void look_at_fields(const T& part)
    {
        std::apply([&](const auto&... field) { (look_at_value(field.name, part.*(field.member)), ...); }, T::fields());
    }
    template <typename T>
    void look_at_value(std::string_view name, const T& value)
    {
        if constexpr (std::is_same_v<T, std::uint64_t>) {
            // What else there is of numbers it has said itself, or is none that it could say.
            if (value != 0 && (name == "pipe" || name == "question" || name.ends_with("_session"))) {
                keep(numbers, value);
            }
        } else if constexpr (std::is_same_v<T, wire::Id16>) {
            keep(ids, value);
        } else if constexpr (requires { T::fields(); }) {
            look_at_fields(value);
        } else if constexpr (requires { value.has_value(); }) {
            if (value) {
                look_at_value(name, *value);
            }
        }
    }
    template <typename T>
    static void keep(std::vector<T>& all, const T& value)
    {
        if (all.size() < remembered && std::find(all.begin(), all.end(), value) == all.end()) {
            all.push_back(value);
        }
    }
    /// From the beginning, or from the end: newest_mark is the last one.
    [[nodiscard]] static std::size_t place_of(std::uint8_t index, std::size_t count)
    {
        return index <= newest_mark / 2 ? index % count : count - 1 - (newest_mark - index) % count;
    }
    void fill_in(std::vector<std::byte>& body) const
    {
        const auto fill = [&](std::byte mark, const auto& all) {
            using T = typename std::remove_cvref_t<decltype(all)>::value_type;
            for (std::size_t at = 0; !all.empty() && at + sizeof(T) <= body.size(); ++at) {
                const auto* from = body.data() + at;
                if (std::all_of(from + 1, from + sizeof(T), [mark](std::byte byte) { return byte == mark; })) {
                    std::memcpy(body.data() + at, &all[place_of(std::to_integer<std::uint8_t>(*from), all.size())],
                                sizeof(T));
                }
            }
        };
        fill(id_mark, ids);
        fill(number_mark, numbers);
    }
    std::vector<std::uint64_t> numbers;
    std::vector<wire::Id16> ids;
    std::vector<glue::UniqueFd> descriptors;
};

bool is_root()
{
    return ::getuid() == 0;
}

/// This thread only: libFuzzer has one of its own, and waiting for that takes most of the time.
void act_as(uid_t user)
{
    constexpr auto as_it_is = static_cast<uid_t>(-1);
    require(::syscall(SYS_setresuid, as_it_is, user, as_it_is) == 0, "root can be anybody");
}

/// Only where users differ, so that the bystander has enough.
space::Limits limits()
{
    space::Limits limits = broker::no_limits();
    if (is_root()) {
        const auto set = [&limits](space::Resource resource, std::uint64_t amount) {
            limits.per_user[static_cast<std::size_t>(resource)] = amount;
        };
        limits.others[users[bystander]] = limits.per_user;
        set(space::Resource::sessions, 3);
        set(space::Resource::pipes, 3);
        set(space::Resource::instances, 5);
        set(space::Resource::connections, 4);
        set(space::Resource::requests, 4);
        set(space::Resource::watches, 1);
        set(space::Resource::memory, std::uint64_t{1} << 20);
        set(space::Resource::descriptors, 24);
        set(space::Resource::messages, 300); // in a tenth of a second a tenth of that
    }
    return limits;
}

class World {
public:
    explicit World(const Place& place) : place_(place), loop_(*glue::Loop::own())
    {
        (void)::unlink((place.path() + "/registry").c_str());
        for (std::size_t i = 0; i < clients; ++i) {
            begin(i);
        }
        start();
        wire::Create create;
        create.request = create.handle = 1;
        create.name = "bystander";
        create.desired_access = 0xC0000000;
        create.share_access = 3;
        create.disposition = 2;
        create.maximum_instances = 1;
        create.default_timeout = -1;
        create.secret = {'n', 'o', 'b', 'o', 'd', 'y', ' ', 'k', 'n', 'o', 'w', 's', ' ', 'i', 't'};
        say(bystander, std::move(create));
        wire::Created* created = heard<wire::Created>(1);
        require(created != nullptr, "an honest process gets its pipe");
        secret_ = created->secret;
        page_ = std::move(created->descriptors[0]);
        pipe_ = created->attributes.pipe;
        heard_.clear();
    }

    [[nodiscard]] bool is_used_up() const { return inputs_ == inputs_of_a_broker; }

    void play(Input input)
    {
        constexpr int longest = 100;
        ++inputs_;
        pass(second); // those of the input before have had their turn
        greet();
        for (int step = 0; step < longest && !input.empty(); ++step) {
            this->step(input);
        }
        finish();
    }

private:
    void step(Input& input)
    {
        const std::uint8_t choice = input.byte();
        const std::size_t who = choice & client_mask;
        switch (kind_of(choice)) {
        case Kind::restart:
            restart();
            if ((input.byte() & 1U) != 0) {
                come_back();
            }
            break;
        case Kind::no_packet:
            send(who, std::as_bytes(std::span(input.take(input.word()))), {});
            break;
        case Kind::reconnect:
            connect(who);
            break;
        case Kind::deaf:
            deaf_[who] = !deaf_[who];
            break;
        case Kind::death:
            end(who);
            break;
        case Kind::later:
            pass(times[input.byte() % times.size()]);
            break;
        default:
            send_message(who, (choice & lies_mark) != 0, input);
            break;
        }
        listen();
    }

    void finish()
    {
        deaf_ = {};
        come_back();
        wire::Ping ping;
        ping.request = 3;
        say(bystander, std::move(ping));
        require(heard<wire::Done>(3) != nullptr, "a bystander's session goes on");
        wire::List list;
        list.request = 4;
        list.pattern = "BYSTANDER";
        say(bystander, std::move(list));
        const wire::Listed* listed = heard<wire::Listed>(4);
        const uid_t owner = is_root() ? users[bystander] : ::geteuid();
        require(listed != nullptr && std::ranges::any_of(listed->pipes,
                                                         [&](const wire::Listing& pipe) {
                                                             return pipe.name == "bystander" && pipe.owner == owner &&
                                                                    !pipe.offered;
                                                         }),
                "a bystander's pipe stays");
        for (std::size_t i = 0; i < hostile_clients; ++i) {
            sockets_[i].reset();
        }
        learned_ = {};
        heard_.clear();
        loop_->dispatch();
        if (std::exchange(was_restarted_, false)) {
            pass(grace); // names of the broker before have waited for their servers
        }
        require_nothing_charged();
        heard_.clear();
    }

    // A broker begins, and processes connect with it.
    void start()
    {
        broker::BrokerOptions options;
        options.directory = place_.path();
        options.user_scopes = true;
        options.reserved_names = {"reserved"};
        options.limits = limits();
        options.grace = grace;
        grace_over_ = Clock::the().now() + grace;
        broker_ = std::make_unique<broker::Broker>(*loop_, options, [] {});
        require(broker_->restore() == Status::success, "the broker starts");
        broker_->serve(place_.listen());
        for (const std::size_t who : {bystander, administrator}) {
            connect(who);
            say_hello(who);
        }
    }

    void greet()
    {
        for (std::size_t i = 0; i < hostile_clients; ++i) {
            begin_connect(i);
        }
        for (std::size_t i = 0; i < hostile_clients; ++i) {
            end_connect(i);
        }
        loop_->dispatch();
        for (const std::size_t who : {0, 1, 2}) {
            say_hello(who);
        }
    }

    void restart()
    {
        for (auto& socket : sockets_) {
            socket.reset();
        }
        broker_.reset();
        start();
        greet();
        is_back_ = false;
        was_restarted_ = true;
    }

    // As a server does whose broker has died: with the proof that it has, it gets its pipe again, whoever was quicker.
    void come_back()
    {
        if (std::exchange(is_back_, true)) {
            return;
        }
        heard_.clear();
        wire::ComeBack message;
        message.request = 5;
        message.pipe = pipe_;
        message.secret = secret_;
        message.descriptors[0].reset(::fcntl(page_.get(), F_DUPFD_CLOEXEC, 0));
        message.instances.emplace_back();
        message.instances.back().handle = message.instances.back().period = 1;
        message.instances.back().state = static_cast<std::uint8_t>(space::InstanceState::listening);
        message.instances.back().granted_access = 0x1F01FF;
        say(bystander, std::move(message));
        require(heard<wire::Done>(5) != nullptr, "a bystander gets its pipe back");
    }

    // The bystander is never late.
    void pass(std::uint64_t nanoseconds)
    {
        if (!is_back_ && Clock::the().now() + nanoseconds >= grace_over_) {
            come_back();
        }
        Clock::the().go_on(nanoseconds);
        loop_->dispatch();
    }

    // Of what the hostile users had.
    void require_nothing_charged()
    {
        if (!is_root()) {
            return;
        }
        // Who has said too much is heard out little by little, and only then has hung up.
        constexpr int longest = 20;
        bool nothing = is_nothing_charged();
        for (int turn = 0; turn < longest && !nothing; ++turn) {
            pass(second / 10);
            nothing = is_nothing_charged();
        }
        require(nothing, "who has left has nothing");
    }

    bool is_nothing_charged()
    {
        return std::ranges::all_of(std::array<std::size_t, 2>{1, 2}, [this](std::size_t who) {
            heard_.clear();
            wire::Usage usage;
            usage.request = 6;
            usage.user = users[who];
            say(administrator, std::move(usage));
            const wire::Used* used = heard<wire::Used>(6);
            return used != nullptr && std::ranges::all_of(used->lines, [](const wire::UsageLine& line) {
                       return line.used == 0 || line.resource == "messages";
                   });
        });
    }

    void say_hello(std::size_t who)
    {
        wire::Hello hello;
        hello.layout = channel::layout_version;
        say(who, std::move(hello));
    }

    void begin(std::size_t who)
    {
        if (is_other_process[who]) {
            processes_[who].emplace(is_root() ? std::optional(users[who]) : std::nullopt);
        }
    }

    // Whoever has its socket says no more in its name.
    void end(std::size_t who)
    {
        begin(who);
        listen();
        connect(who);
    }

    void connect(std::size_t who)
    {
        begin_connect(who);
        end_connect(who);
        loop_->dispatch();
    }

    void begin_connect(std::size_t who)
    {
        const sockaddr_un where = place_.address();
        sockets_[who].reset();
        glue::UniqueFd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
        if (is_other_process[who]) {
            require(processes_[who]->begin_connect(socket.get(), where), "there is that process");
        } else {
            if (is_root()) {
                act_as(users[who]);
            }
            const int result = ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&where), sizeof(where));
            if (is_root()) {
                act_as(0);
            }
            require(result == 0, "this process can connect");
        }
        sockets_[who] = std::make_unique<session::PacketSocket>(std::move(socket));
    }

    void end_connect(std::size_t who)
    {
        require(!is_other_process[who] || processes_[who]->end_connect(), "a process can connect");
    }

    void say(std::size_t who, wire::Message message)
    {
        auto packet = wire::encode(std::move(message));
        require(sockets_[who]->send(*std::move(packet)) == session::PacketSocket::Sent::all, "a message can be sent");
        listen();
    }

    static std::vector<std::byte> raw(Input& input)
    {
        const auto bytes = as_bytes(input.take(input.word()));
        return {bytes.begin(), bytes.end()};
    }

    glue::UniqueFd descriptor(std::uint8_t kind)
    {
        switch (kind % 8) {
        case 0:
            return session::make_memory("fuzz", channel::pipe_page_size) ? *session::make_memory("fuzz", 4096)
                                                                         : glue::UniqueFd();
        case 1:
            return glue::UniqueFd(::open("/dev/null", O_RDWR | O_CLOEXEC));
        case 2:
            return glue::UniqueFd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
        case 3:
            return glue::UniqueFd(::open("/proc/self/mem", O_RDWR | O_CLOEXEC));
        case 4:
            return *session::make_memory("fuzz", channel::pipe_page_size);
        default:
            return learned_.descriptors.empty()
                       ? glue::UniqueFd(::open("/", O_PATH | O_CLOEXEC))
                       : glue::UniqueFd(::fcntl(learned_.descriptors[kind % learned_.descriptors.size()].get(),
                                                F_DUPFD_CLOEXEC, 0));
        }
    }

    // The header is right, unless it is said that it lies.
    void send_message(std::size_t who, bool lies, Input& input)
    {
        const std::uint16_t code = input.byte();
        std::uint16_t mask = input.byte();
        std::vector<glue::UniqueFd> descriptors;
        for (unsigned bit = 0; bit < 8; ++bit) {
            if ((mask >> bit & 1U) != 0) {
                descriptors.push_back(descriptor(input.byte()));
            }
        }
        if (lies) {
            mask = input.word();
        }
        std::vector<std::byte> body = raw(input);
        learned_.fill_in(body);
        glue::ByteWriter writer;
        writer.put(static_cast<std::uint32_t>(wire::header_size + body.size() + (lies ? input.byte() : 0)));
        writer.put(code);
        writer.put(mask);
        writer.put_bytes(body);
        const auto packet = writer.take();
        send(who, packet, descriptors);
    }

    // Without the library, which sends nothing that is wrong.
    void send(std::size_t who, std::span<const std::byte> bytes, const std::vector<glue::UniqueFd>& descriptors)
    {
        iovec part{const_cast<std::byte*>(bytes.data()), bytes.size()};
        std::array<char, CMSG_SPACE(8 * sizeof(int))> control{};
        msghdr header{};
        header.msg_iov = &part;
        header.msg_iovlen = 1;
        if (!descriptors.empty()) {
            header.msg_control = control.data();
            header.msg_controllen = CMSG_SPACE(descriptors.size() * sizeof(int));
            cmsghdr* rights = CMSG_FIRSTHDR(&header);
            rights->cmsg_level = SOL_SOCKET;
            rights->cmsg_type = SCM_RIGHTS;
            rights->cmsg_len = CMSG_LEN(descriptors.size() * sizeof(int));
            auto* numbers = reinterpret_cast<int*>(CMSG_DATA(rights));
            std::ranges::transform(descriptors, numbers, &glue::UniqueFd::get);
        }
        if (::sendmsg(sockets_[who]->descriptor(), &header, MSG_NOSIGNAL | MSG_DONTWAIT) == -1 && errno == EPIPE) {
            connect(who);
        }
    }

    void listen()
    {
        loop_->dispatch();
        for (std::size_t i = 0; i < clients; ++i) {
            wire::Packet packet;
            while (!deaf_[i] && sockets_[i] &&
                   sockets_[i]->receive(packet) == session::PacketSocket::Received::packet) {
                for (const glue::UniqueFd& descriptor : packet.descriptors) {
                    if (i < hostile_clients && learned_.descriptors.size() < 16) {
                        learned_.descriptors.emplace_back(::fcntl(descriptor.get(), F_DUPFD_CLOEXEC, 0));
                    }
                }
                auto message = wire::decode(std::move(packet));
                require(message.status() == Status::success, "what the broker says is a message");
                if (i >= hostile_clients) {
                    heard_.push_back(*std::move(message));
                } else {
                    learned_.look_at(*message);
                }
                packet = {};
            }
        }
    }

    template <typename T>
    T* heard(std::uint64_t request)
    {
        for (wire::Message& message : heard_) {
            if (auto* answer = std::get_if<T>(&message); answer != nullptr && answer->request == request) {
                return answer->status == 0 ? answer : nullptr;
            }
        }
        return nullptr;
    }

    const Place& place_;
    std::unique_ptr<glue::Loop> loop_;
    std::unique_ptr<broker::Broker> broker_;
    std::array<std::optional<Process>, clients> processes_;
    std::array<std::unique_ptr<session::PacketSocket>, clients> sockets_;
    std::array<bool, clients> deaf_{};
    std::vector<wire::Message> heard_;
    Learned learned_;
    // The bystander's proof.
    std::uint64_t pipe_ = 0;
    wire::Id16 secret_{};
    glue::UniqueFd page_;
    bool is_back_ = true;
    bool was_restarted_ = false;
    std::uint64_t grace_over_ = 0;
    int inputs_ = 0;
};

} // namespace

// What the library asks for the time and for a timer with.
int __wrap_clock_gettime(clockid_t which, timespec* time)
{
    if (which != CLOCK_MONOTONIC) {
        return __real_clock_gettime(which, time);
    }
    *time = Clock::the().time();
    return 0;
}

int __wrap_timerfd_settime(int timer, int /*flags*/, const itimerspec* due, itimerspec* /*before*/)
{
    return Clock::the().set(timer, due->it_value);
}

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);

// libFuzzer looks for these names.
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t most, unsigned seed)
{
    Steps steps = steps_of({data, size});
    Maker make(seed);
    return change(steps, make) ? write(steps, data, most) : LLVMFuzzerMutate(data, size, most);
}

// The beginning of one, and the end of the other.
extern "C" std::size_t LLVMFuzzerCustomCrossOver(const std::uint8_t* first, std::size_t first_size,
                                                 const std::uint8_t* second, std::size_t second_size, std::uint8_t* out,
                                                 std::size_t most, unsigned seed)
{
    Maker make(seed);
    Steps steps = steps_of({first, first_size});
    const Steps others = steps_of({second, second_size});
    steps.resize(make.below(steps.size() + 1));
    steps.insert(steps.end(), others.begin() + static_cast<std::ptrdiff_t>(make.below(others.size() + 1)),
                 others.end());
    return write(steps, out, most);
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    static const Place place;
    static std::unique_ptr<World> world;
    if (!world || world->is_used_up()) {
        world.reset();
        world = std::make_unique<World>(place);
    }
    // What is made when it is needed first stays once; what an input leaves behind each time is lost.
    constexpr int more_than_once = 4;
    bool grows = true;
    for (int time = 0; time < more_than_once && grows && !world->is_used_up(); ++time) {
        const std::size_t before = open_descriptors();
        world->play(Input(data, size));
        grows = !world->is_used_up() && open_descriptors() > before;
    }
    require(!grows, "no descriptor is left");
    return 0;
}

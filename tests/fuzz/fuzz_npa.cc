// SPDX-License-Identifier: GPL-3.0-or-later
// fuzz_npa.cc: what ntpipe-samba hears on sockets: as one of Samba's, from whoever connects, and from Samba's, with which it connects
// itself. The hand-shake is read by Samba's own library; messages follow.
#include "input.hpp"

#include "samba_side.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>

using namespace ntpipe;
using namespace ntpipe::fuzz;

namespace {

/// A configuration of Samba's, and a socket where its pipes have theirs.
class Place {
public:
    Place() : path_(std::filesystem::temp_directory_path() / "ntpipe-fuzz.XXXXXX")
    {
        require(::mkdtemp(path_.data()) != nullptr, "there is a directory");
        std::ofstream configuration(path_ + "/smb.conf");
        configuration << "[global]\nrpc start on demand helpers = no\n";
        for (const char* what :
             {"ncalrpc dir", "lock directory", "state directory", "cache directory", "private dir", "pid directory"}) {
            configuration << what << " = " << path_ << '\n';
        }
        configuration.close();
        require(samba::npa::start(path_ + "/smb.conf", 0), "Samba's libraries have a configuration");
        const std::string folder = samba::npa::socket_directory();
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        require(folder.starts_with(path_) && folder.size() + sizeof("/fuzz") <= sizeof(address.sun_path),
                "its sockets are there");
        std::filesystem::create_directory(folder);
        require(::chmod(folder.c_str(), 0700) == 0, "nobody else may enter");
        std::strcpy(address.sun_path, (folder + "/fuzz").c_str());
        listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        require(::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 &&
                    ::listen(listener_, 5) == 0,
                "there is a socket");
    }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    ~Place()
    {
        ::close(listener_);
        std::filesystem::remove_all(path_);
    }
    [[nodiscard]] int listener() const { return listener_; }

private:
    std::string path_;
    int listener_;
};

/// Who is at the other side: says all it has to say at once, and no more.
struct Other {
    std::span<const std::uint8_t> bytes;
    int socket = -1;
    int listener = -1;
    explicit Other(std::span<const std::uint8_t> what) : bytes(what) {}
    Other(const Other&) = delete;
    Other& operator=(const Other&) = delete;
    ~Other() { ::close(socket); }
    void speak() const
    {
        require(::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size()),
                "it holds that much");
        ::shutdown(socket, SHUT_WR);
    }
};

void read_all(samba::npa::Stream& stream)
{
    std::vector<std::byte> message;
    while (stream.read(message).get() == 0) {
        require(!message.empty() && message.size() <= samba::npa::longest_message, "a message has its size");
    }
}

void be_connected_with(tevent_context* events, bool by_message, Other& other)
{
    std::array<int, 2> pair{};
    require(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair.data()) == 0,
            "there is a socket");
    other.socket = pair[1];
    other.speak();
    samba::npa::Accepted accepted;
    if (samba::npa::accept_from_samba(events, pair[0], by_message, accepted).get() == 0) {
        const ntpipe_identity& identity = *accepted.identity.get();
        require(identity.num_sids != 0 && identity.sids[0] != nullptr, "somebody has an identifier");
        for (const char* text : {identity.account, identity.domain, identity.computer, identity.address}) {
            require(text != nullptr, "no text is missing");
        }
        read_all(accepted.stream);
    }
}

void connect_with(tevent_context* events, Other& other)
{
    (void)tevent_add_fd(
        events, events, other.listener, TEVENT_FD_READ,
        [](tevent_context* /*events*/, tevent_fd* event, std::uint16_t /*flags*/, void* data) {
            auto& said = *static_cast<Other*>(data);
            said.socket = ::accept4(said.listener, nullptr, nullptr, SOCK_CLOEXEC);
            talloc_free(event);
            said.speak();
        },
        &other);
    samba::npa::Stream stream;
    if (samba::npa::connect_to_samba(events, "fuzz", ::getuid(), stream).get() == 0) {
        read_all(stream);
        std::array<std::byte, 10> message{};
        (void)stream.write(message).get();
    }
}

} // namespace

// What Samba's libraries keep for the life of the process. The name is the sanitizer's. NOLINTNEXTLINE(bugprone-reserved-identifier)
extern "C" const char* __lsan_default_suppressions()
{
    return "leak:libsecrets3\n";
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    static const Place place;
    Input input(data, size);
    const std::uint8_t kind = input.byte();
    Other other(input.take(std::size_t{1} << 16));
    tevent_context* events = tevent_context_init(nullptr);
    if ((kind & 2U) == 0) {
        be_connected_with(events, (kind & 1U) == 0, other);
    } else {
        other.listener = place.listener();
        connect_with(events, other);
    }
    talloc_free(events);
    return 0;
}

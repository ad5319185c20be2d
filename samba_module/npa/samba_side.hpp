// SPDX-License-Identifier: GPL-3.0-or-later
// samba_side.hpp: what the gateway needs of Samba, without Samba's headers: its configuration, its users, and streams of messages
// that begin with the hand-shake named_pipe_auth. samba_side.cc has the headers.
#pragma once

#include <ntpipe.hpp>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

struct tstream_context;

namespace ntpipe::samba::npa {

/// The longest message that named_pipe_auth carries; it carries no empty ones.
inline constexpr std::size_t longest_message = 65535;

/// Reads smb.conf. `configuration`: empty for Samba's own place. False: it cannot be read.
[[nodiscard]] bool start(const std::string& configuration, int log_level);
/// A file that Samba's configuration was read from has changed since.
[[nodiscard]] bool configuration_has_changed();
/// Reads it again. False: it cannot be read.
[[nodiscard]] bool read_configuration();
/// The value of an option ntpipe:NAME in [global].
[[nodiscard]] std::string option(const char* name, const char* otherwise);
/// Where Samba's pipes have their sockets.
[[nodiscard]] std::string socket_directory();
/// Where the programs of its RPC services are.
[[nodiscard]] std::string program_directory();
void log(const std::string& line);

/// A connection with a pipe on Samba's side.
class Stream {
public:
    Stream() = default;
    Stream(tstream_context* stream, tevent_context* events) : stream_(stream), events_(events) {}

    struct ReceiveMessage {
        std::vector<std::byte>* message;
        int operator()(tevent_req* request) const;
    };
    /// The next message, whole. errno; 0: success. EPIPE: the other side has closed.
    [[nodiscard]] Awaited<ReceiveMessage> read(std::vector<std::byte>& message);
    struct ReceiveNumber {
        int operator()(tevent_req* request) const;
    };
    /// Writes one message. `message` must stay until it is over. errno; 0: success.
    [[nodiscard]] Awaited<ReceiveNumber> write(std::span<const std::byte> message);
    [[nodiscard]] explicit operator bool() const { return stream_ != nullptr; }

private:
    Talloc<tstream_context> stream_;
    tevent_context* events_ = nullptr;
};

struct ReceiveStream {
    tevent_context* events;
    Stream* stream;
    int operator()(tevent_req* request) const;
};
/// Connects with a pipe of Samba's as this Unix user, whom Samba maps as it does for its own purposes. Starts samba-dcerpcd if Samba
/// would. errno; 0: success.
[[nodiscard]] Awaited<ReceiveStream> connect_to_samba(tevent_context* events, const std::string& name,
                                                      std::uint32_t user, Stream& stream);
struct ReceiveOutput {
    std::string* output;
    int operator()(tevent_req* request) const;
};
/// What one of Samba's RPC programs prints of its interfaces. errno; 0: success.
[[nodiscard]] Awaited<ReceiveOutput> list_interfaces(tevent_context* events, const std::string& program,
                                                     std::string& output);
/// Who an smbd says that its client is.
struct Accepted {
    Stream stream;
    Talloc<ntpipe_identity> identity;
};
struct ReceiveAccepted {
    tevent_context* events;
    Accepted* accepted;
    int operator()(tevent_req* request) const;
};
/// Answers the hand-shake of an smbd that has connected; the descriptor is the stream's from here on. errno; 0: success.
[[nodiscard]] Awaited<ReceiveAccepted> accept_from_samba(tevent_context* events, int descriptor, bool by_message,
                                                         Accepted& into);
/// As smbd spells the name of a socket.
[[nodiscard]] std::string lower_case(const std::string& name);

} // namespace ntpipe::samba::npa

// SPDX-License-Identifier: LGPL-2.1-or-later
// messages.hpp: the control protocol between a process and the broker, as one table. Encoding, decoding, checking and the
// tables of docs/SPEC.md come from here; what the messages mean is said there and in the broker and session layers.
//
// Each message is one packet of a SOCK_SEQPACKET socket: a header (u32 size of the packet, u16 code, u16 mask of descriptors)
// and its fields. Descriptor i of a message travels with it when bit i of the mask is set.
#pragma once

#include "glue/bytes.hpp"
#include "glue/unique_fd.hpp"
#include "status/status.hpp"
#include "wire/field.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

namespace ntpipe::wire {

/// Of the messages below. Both sides name the range that they speak; the broker chooses the highest common one.
inline constexpr std::uint16_t lowest_version = 1;
inline constexpr std::uint16_t highest_version = 2;
/// The version that a message came with, if it says none itself.
inline constexpr std::uint16_t first_version = 1;

inline constexpr std::size_t header_size = 8;
/// Of a packet. What the default socket buffer of Linux takes in one piece.
inline constexpr std::size_t maximum_message_size = std::size_t{192} * 1024;
/// Of a name in UTF-8: three bytes for each of the 32766 characters that a path may have.
inline constexpr std::size_t maximum_name_size = 98298;
inline constexpr std::size_t maximum_descriptor_size = 73664;
inline constexpr std::size_t maximum_authorization_size = 65536;
inline constexpr std::size_t maximum_sids = 1024;
inline constexpr std::size_t maximum_short_text = 1024;
inline constexpr std::size_t maximum_users = 16384;

using Id16 = std::array<std::uint8_t, 16>;

template <std::size_t N>
using DescriptorNames = std::array<const char*, N>;
template <std::size_t N>
using Descriptors = std::array<glue::UniqueFd, N>;

struct WithoutDescriptors {
    static constexpr DescriptorNames<0> descriptor_names{};
    Descriptors<0> descriptors;
};

// ---- parts of messages ----

/// Who somebody is (security::Identity).
struct Identity {
    static constexpr const char* title = "Identity";
    std::vector<security::Sid> sids;
    std::uint64_t privileges = 0;
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::uint32_t flags = 0;
    std::uint32_t process_id = 0;
    std::uint32_t session_id = 0;
    std::string account;
    std::string domain;
    std::string computer;
    std::string address;
    glue::ByteVector authorization;
    std::uint64_t disabled_privileges = 0;
    glue::ByteVector secret_authorization;
    static constexpr auto fields()
    {
        return std::tuple{
            field("sids", &Identity::sids, "the user, then the groups", maximum_sids),
            field("privileges", &Identity::privileges,
                  "held; bits as Samba counts them; a local user has none, root all"),
            field("uid", &Identity::uid, "Unix user"),
            field("gid", &Identity::gid, "Unix group"),
            field("flags", &Identity::flags, "1 remote, 2 anonymous, 4 guest, 8 signed, 16 encrypted"),
            field("process_id", &Identity::process_id, "of the client; 0 unknown"),
            field("session_id", &Identity::session_id, "of the client; 0 unknown"),
            field("account", &Identity::account, "account name", maximum_short_text),
            field("domain", &Identity::domain, "domain name", maximum_short_text),
            field("computer", &Identity::computer, "client's computer; empty for a local client", maximum_short_text),
            field("address", &Identity::address, "client's address; empty for a local client", maximum_short_text),
            field("authorization", &Identity::authorization, "opaque, from a trusted front",
                  maximum_authorization_size),
            field("disabled_privileges", &Identity::disabled_privileges,
                  "of the privileges those that are not enabled"),
            field("secret_authorization", &Identity::secret_authorization,
                  "the same with keys and credentials; from a trusted front, to trusted servers",
                  maximum_authorization_size),
        };
    }
};

/// What an end is told of its pipe and instance (space::InstanceAttributes).
struct Attributes {
    static constexpr const char* title = "Attributes";
    std::uint64_t pipe = 0;
    std::string path;
    std::uint32_t type = 0;
    std::uint32_t configuration = 0;
    std::uint32_t maximum_instances = 0;
    std::uint32_t inbound_quota = 0;
    std::uint32_t outbound_quota = 0;
    std::uint32_t granted_access = 0;
    static constexpr auto fields()
    {
        return std::tuple{
            field("pipe", &Attributes::pipe, "id of the pipe"),
            field("path", &Attributes::path, "name with a leading backslash, as its creator spelled it",
                  maximum_name_size + 1),
            field("type", &Attributes::type, "0 byte, 1 message"),
            field("configuration", &Attributes::configuration, "0 inbound, 1 outbound, 2 full duplex"),
            field("maximum_instances", &Attributes::maximum_instances, "0xFFFFFFFF: unlimited"),
            field("inbound_quota", &Attributes::inbound_quota, "bytes"),
            field("outbound_quota", &Attributes::outbound_quota, "bytes"),
            field("granted_access", &Attributes::granted_access, "of this end"),
        };
    }
};

struct ReturnedInstance {
    static constexpr const char* title = "ReturnedInstance";
    std::uint64_t handle = 0;
    std::uint8_t state = 0;
    std::uint64_t period = 0;
    std::uint32_t inbound_quota = 0;
    std::uint32_t outbound_quota = 0;
    std::uint32_t granted_access = 0;
    bool bound = false;
    static constexpr auto fields()
    {
        return std::tuple{
            field("handle", &ReturnedInstance::handle, "the session's name for the instance"),
            field("state", &ReturnedInstance::state, "1 disconnected, 2 listening, 3 connected, 4 closing"),
            field("period", &ReturnedInstance::period, "how often it has begun to listen"),
            field("inbound_quota", &ReturnedInstance::inbound_quota, "bytes"),
            field("outbound_quota", &ReturnedInstance::outbound_quota, "bytes"),
            field("granted_access", &ReturnedInstance::granted_access, "of the server end"),
            field("bound", &ReturnedInstance::bound, "1: it was made for one client, by CREATE with `question`"),
        };
    }
};

struct Listing {
    static constexpr const char* title = "Listing";
    std::string name;
    std::uint64_t scope = 0;
    std::uint32_t owner = 0;
    std::uint32_t process = 0;
    std::uint32_t type = 0;
    std::uint32_t configuration = 0;
    std::uint32_t maximum_instances = 0;
    std::uint32_t disconnected = 0;
    std::uint32_t listening = 0;
    std::uint32_t connected = 0;
    std::uint32_t closing = 0;
    std::string origin;
    bool offered = false;
    static constexpr auto fields()
    {
        return std::tuple{
            field("name", &Listing::name, "without prefix", maximum_name_size),
            field("scope", &Listing::scope, "0 global, else Unix user + 1"),
            field("owner", &Listing::owner, "Unix user of the creator"),
            field("process", &Listing::process, "of the oldest instance's server"),
            field("type", &Listing::type, "0 byte, 1 message"),
            field("configuration", &Listing::configuration, "0 inbound, 1 outbound, 2 full duplex"),
            field("maximum_instances", &Listing::maximum_instances, "0xFFFFFFFF: unlimited"),
            field("disconnected", &Listing::disconnected, "instances in that state"),
            field("listening", &Listing::listening, "instances in that state"),
            field("connected", &Listing::connected, "instances in that state"),
            field("closing", &Listing::closing, "instances in that state: the client has closed"),
            field("origin", &Listing::origin,
                  "label of the gateway that it comes from, or that offers it; empty: native", 64),
            field("offered", &Listing::offered, "1: there is no pipe, a gateway offers the name"),
        };
    }
};

// ---- opening a session ----

inline constexpr std::uint32_t hello_magic = 0x4250544E; // "NTPB"

struct Hello : WithoutDescriptors {
    static constexpr std::uint16_t code = 1;
    static constexpr const char* title = "HELLO";
    static constexpr const char* meaning = "Process to broker, first: opens the session.";
    std::uint32_t magic = hello_magic;
    std::uint16_t lowest = lowest_version;
    std::uint16_t highest = highest_version;
    std::uint32_t layout = 0;
    static constexpr auto fields()
    {
        return std::tuple{
            field("magic", &Hello::magic, "0x4250544E"),
            field("lowest", &Hello::lowest, "lowest protocol version that the process speaks"),
            field("highest", &Hello::highest, "highest"),
            field("layout", &Hello::layout, "version of the memory layout that it knows"),
        };
    }
};

struct Welcome : WithoutDescriptors {
    static constexpr std::uint16_t code = 2;
    static constexpr const char* title = "WELCOME";
    static constexpr const char* meaning = "Broker to process: the session is open, or why not.";
    std::uint32_t status = 0;
    std::uint16_t version = 0;
    std::uint32_t layout = 0;
    std::uint64_t broker = 0;
    std::uint64_t maximum_overflow = 0;
    bool user_scopes = false;
    bool trusted_front = false;
    static constexpr auto fields()
    {
        return std::tuple{
            field("status", &Welcome::status, "NTSTATUS; REVISION_MISMATCH: no common version"),
            field("version", &Welcome::version, "the protocol version from here on"),
            field("layout", &Welcome::layout, "version of the memory layout in use"),
            field("broker", &Welcome::broker, "differs for each start of a broker"),
            field("maximum_overflow", &Welcome::maximum_overflow, "bytes of overflow memory per direction"),
            field("user_scopes", &Welcome::user_scopes, "1: every Unix user has a scope of its own"),
            field("trusted_front", &Welcome::trusted_front, "1: this session may speak for others"),
        };
    }
};

// ---- requests and their answers ----

struct Create : WithoutDescriptors {
    static constexpr std::uint16_t code = 3;
    static constexpr const char* title = "CREATE";
    static constexpr const char* meaning = "Process to broker: NtCreateNamedPipeFile. Answer: CREATED.";
    std::uint64_t request = 0;
    std::uint64_t handle = 0;
    std::string name;
    std::uint32_t desired_access = 0;
    std::uint32_t share_access = 0;
    std::uint32_t disposition = 0;
    std::uint32_t options = 0;
    std::uint32_t type = 0;
    std::uint32_t read_mode = 0;
    std::uint32_t completion_mode = 0;
    std::uint32_t maximum_instances = 0;
    std::uint32_t inbound_quota = 0;
    std::uint32_t outbound_quota = 0;
    std::optional<std::int64_t> default_timeout;
    std::optional<glue::ByteVector> descriptor;
    std::uint8_t scope = 0;
    Id16 secret{};
    std::optional<std::uint64_t> gateway;
    std::optional<std::uint64_t> question;
    static constexpr auto fields()
    {
        return std::tuple{
            field("request", &Create::request, "the session's number for the request"),
            field("handle", &Create::handle, "the session's name for the new instance; not in use"),
            field("name", &Create::name, "without prefix; empty: an unnamed pipe", maximum_name_size),
            field("desired_access", &Create::desired_access, "access mask"),
            field("share_access", &Create::share_access, "1 outbound, 2 inbound, 3 full duplex"),
            field("disposition", &Create::disposition, "1 FILE_OPEN, 2 FILE_CREATE, 3 FILE_OPEN_IF"),
            field("options", &Create::options, "create options; without effect on the broker"),
            field("type", &Create::type, "bit 0 message type, bit 1 reject remote clients"),
            field("read_mode", &Create::read_mode, "of the server end: 0 byte, 1 message"),
            field("completion_mode", &Create::completion_mode, "of the server end: 0 queue, 1 complete"),
            field("maximum_instances", &Create::maximum_instances, "1 to 0xFFFFFFFE, 0xFFFFFFFF unlimited"),
            field("inbound_quota", &Create::inbound_quota, "bytes"),
            field("outbound_quota", &Create::outbound_quota, "bytes"),
            field("default_timeout", &Create::default_timeout, "100 ns units, negative"),
            field("descriptor", &Create::descriptor, "self-relative security descriptor", maximum_descriptor_size),
            field("scope", &Create::scope, "0 default, 1 the user's, 2 global"),
            field("secret", &Create::secret, "random; becomes the proof of ownership if this creates the pipe"),
            field("gateway", &Create::gateway, "of this session: where the pipe comes from"),
            field("question", &Create::question, "that this answers: the instance is for that client only"),
        };
    }
};

struct Created {
    static constexpr std::uint16_t code = 4;
    static constexpr const char* title = "CREATED";
    static constexpr const char* meaning =
        "Broker to process: answer to CREATE. The instance is listening, in period 1.";
    static constexpr DescriptorNames<1> descriptor_names{"page of the pipe, read-only"};
    Descriptors<1> descriptors;
    std::uint64_t request = 0;
    std::uint32_t status = 0;
    std::uint32_t information = 0;
    Attributes attributes;
    Id16 secret{};
    static constexpr auto fields()
    {
        return std::tuple{
            field("request", &Created::request, "of CREATE"),
            field("status", &Created::status, "NTSTATUS; when it is not 0 the rest is empty"),
            field("information", &Created::information, "2 FILE_CREATED, 1 FILE_OPENED"),
            field("attributes", &Created::attributes, "of the server end"),
            field("secret", &Created::secret, "proof for COME_BACK; tell nobody"),
        };
    }
};

struct Open : WithoutDescriptors {
    static constexpr std::uint16_t code = 5;
    static constexpr const char* title = "OPEN";
    static constexpr const char* meaning = "Process to broker: open a client end. Answer: OPENED.";
    std::uint64_t request = 0;
    std::string name;
    std::uint32_t desired_access = 0;
    std::uint32_t disposition = 0;
    std::uint32_t impersonation_level = 0;
    bool dynamic_tracking = false;
    bool effective_only = false;
    std::optional<std::uint32_t> process_id;
    std::optional<std::uint32_t> session_id;
    std::optional<Identity> identity;
    std::optional<std::uint64_t> instance;
    static constexpr auto fields()
    {
        return std::tuple{
            field("request", &Open::request, "the session's number for the request"),
            field("name", &Open::name, "without prefix", maximum_name_size),
            field("desired_access", &Open::desired_access, "access mask"),
            field("disposition", &Open::disposition, "create disposition; pipes are opened whatever it says"),
            field("impersonation_level", &Open::impersonation_level,
                  "0 anonymous, 1 identification, 2 impersonation, 3 delegation"),
            field("dynamic_tracking", &Open::dynamic_tracking, "0 static, 1 dynamic"),
            field("effective_only", &Open::effective_only, "1: disabled privileges are not handed on"),
            field("process_id", &Open::process_id, "of the client, where the session stands for another process"),
            field("session_id", &Open::session_id, "of the client, likewise"),
            field("identity", &Open::identity, "of the client; from a trusted front only"),
            field("instance", &Open::instance, "of this session: open relative to it, `name` is empty"),
        };
    }
};

/// Order of the descriptors of a hand-over, for both ends.
namespace handover {
inline constexpr std::size_t doorbell = 0;
inline constexpr std::size_t connection_memory = 1;
inline constexpr std::size_t inbound = 2;
inline constexpr std::size_t outbound = 3;
inline constexpr std::size_t peer_process = 4;
inline constexpr std::size_t pipe_page = 5; ///< for the client
} // namespace handover

struct Opened {
    static constexpr std::uint16_t code = 6;
    static constexpr const char* title = "OPENED";
    static constexpr const char* meaning =
        "Broker to process: answer to OPEN, with the client's half of the connection.";
    static constexpr DescriptorNames<6> descriptor_names{"doorbell socket",
                                                         "memory of the connection",
                                                         "inbound ring, if this end alone may use it",
                                                         "outbound ring, if this end alone may use it",
                                                         "process descriptor of the server",
                                                         "page of the pipe, read-only"};
    Descriptors<6> descriptors;
    std::uint64_t request = 0;
    std::uint32_t status = 0;
    Id16 connection{};
    Attributes attributes;
    std::uint32_t context = 0;
    std::uint32_t server_process = 0;
    std::uint64_t server_session = 0;
    bool peer_reads = false;
    bool peer_writes = false;
    std::optional<Identity> identity;
    std::uint32_t server_login_session = 0;
    std::uint32_t inbound_ring = 0;
    std::uint32_t outbound_ring = 0;
    static constexpr auto fields()
    {
        return std::tuple{
            field("request", &Opened::request, "of OPEN"),
            field("status", &Opened::status, "NTSTATUS; when it is not 0 the rest is empty"),
            field("connection", &Opened::connection, "id of the connection, known to its two ends only"),
            field("attributes", &Opened::attributes, "of the client end"),
            field("context", &Opened::context, "security context to stamp on records"),
            field("server_process", &Opened::server_process, "process id of the server"),
            field("server_session", &Opened::server_session, "the broker's number for the server's session"),
            field("peer_reads", &Opened::peer_reads, "the server maps the inbound ring"),
            field("peer_writes", &Opened::peer_writes, "the server maps the outbound ring"),
            field("identity", &Opened::identity, "as the server is told it"),
            field("server_login_session", &Opened::server_login_session, "ServerSessionId; 0: none"),
            field("inbound_ring", &Opened::inbound_ring,
                  "bytes of the inbound ring in the memory of the connection; 0: not there"),
            field("outbound_ring", &Opened::outbound_ring, "bytes of the outbound ring behind that; 0: not there"),
        };
    }
};

struct Wait : WithoutDescriptors {
    static constexpr std::uint16_t code = 7;
    static constexpr const char* title = "WAIT";
    static constexpr const char* meaning = "Process to broker: FSCTL_PIPE_WAIT. Answer: DONE.";
    std::uint64_t request = 0;
    std::string name;
    std::optional<std::uint64_t> timeout;
    std::optional<Identity> identity;
    static constexpr auto fields()
    {
        return std::tuple{
            field("request", &Wait::request, "the session's number for the request"),
            field("name", &Wait::name, "without prefix", maximum_name_size),
            field("timeout", &Wait::timeout, "nanoseconds from now; absent: the pipe's default; 2^64-1: for ever"),
            field("identity", &Wait::identity, "of the client; from a trusted front only"),
        };
    }
};

struct Done : WithoutDescriptors {
    static constexpr std::uint16_t code = 8;
    static constexpr const char* title = "DONE";
    static constexpr const char* meaning = "Broker to process: a request is over that has no answer of its own.";
    std::uint64_t request = 0;
    std::uint32_t status = 0;
    static constexpr auto fields()
    {
        return std::tuple{
            field("request", &Done::request, "of the request"),
            field("status", &Done::status, "NTSTATUS"),
        };
    }
};

struct Cancel {
    static constexpr std::uint16_t code = 9;
    static constexpr const char* title = "CANCEL";
    static constexpr const char* meaning =
        "Process to broker: ends a request with STATUS_CANCELLED, unless it is over; it is answered in any case.";
    static constexpr DescriptorNames<0> descriptor_names{};
    Descriptors<0> descriptors;
    std::uint64_t request = 0;
    static constexpr auto fields() { return std::tuple{field("request", &Cancel::request, "of the request")}; }
};

// ---- instances ----

struct Connected {
    static constexpr std::uint16_t code = 10;
    static constexpr const char* title = "CONNECTED";
    static constexpr const char* meaning =
        "Broker to server: a client was matched with an instance. Answer: TAKEN, always.";
    static constexpr DescriptorNames<5> descriptor_names{
        "doorbell socket", "memory of the connection", "inbound ring, if this end alone may use it",
        "outbound ring, if this end alone may use it", "process descriptor of the client"};
    Descriptors<5> descriptors;
    std::uint64_t handle = 0;
    std::uint64_t period = 0;
    Id16 connection{};
    std::uint64_t client_session = 0;
    std::uint32_t context = 0;
    bool peer_reads = false;
    bool peer_writes = false;
    Identity identity;
    std::uint32_t level = 0;
    bool dynamic_tracking = false;
    bool effective_only = false;
    std::uint32_t inbound_ring = 0;
    std::uint32_t outbound_ring = 0;
    static constexpr auto fields()
    {
        return std::tuple{
            field("handle", &Connected::handle, "of the instance"),
            field("period", &Connected::period, "the period of listening that the client was matched in"),
            field("connection", &Connected::connection, "id of the connection, known to its two ends only"),
            field("client_session", &Connected::client_session, "the broker's number for the client's session"),
            field("context", &Connected::context, "the client's security context at the open"),
            field("peer_reads", &Connected::peer_reads, "the client maps the outbound ring"),
            field("peer_writes", &Connected::peer_writes, "the client maps the inbound ring"),
            field("identity", &Connected::identity, "of the client"),
            field("level", &Connected::level, "impersonation level that the server gets: 0 to 3"),
            field("dynamic_tracking", &Connected::dynamic_tracking,
                  "1: the contexts of records count; 0: the open's alone"),
            field("effective_only", &Connected::effective_only, "1: without privileges that are not enabled"),
            field("inbound_ring", &Connected::inbound_ring,
                  "bytes of the inbound ring in the memory of the connection; 0: not there"),
            field("outbound_ring", &Connected::outbound_ring, "bytes of the outbound ring behind that; 0: not there"),
        };
    }
};

struct Taken : WithoutDescriptors {
    static constexpr std::uint16_t code = 11;
    static constexpr const char* title = "TAKEN";
    static constexpr const char* meaning = "Server to broker: a CONNECTED has been taken in, whatever came of it.";
    static constexpr auto fields() { return std::tuple<>{}; }
};

struct Listening : WithoutDescriptors {
    static constexpr std::uint16_t code = 12;
    static constexpr const char* title = "LISTENING";
    static constexpr const char* meaning = "Server to broker: an instance listens again.";
    std::uint64_t handle = 0;
    std::uint64_t period = 0;
    static constexpr auto fields()
    {
        return std::tuple{
            field("handle", &Listening::handle, "of the instance"),
            field("period", &Listening::period, "one more than in its period of listening before"),
        };
    }
};

struct Disconnected : WithoutDescriptors {
    static constexpr std::uint16_t code = 13;
    static constexpr const char* title = "DISCONNECTED";
    static constexpr const char* meaning = "Server to broker: an instance is disconnected.";
    std::uint64_t handle = 0;
    static constexpr auto fields() { return std::tuple{field("handle", &Disconnected::handle, "of the instance")}; }
};

struct Closed : WithoutDescriptors {
    static constexpr std::uint16_t code = 14;
    static constexpr const char* title = "CLOSED";
    static constexpr const char* meaning = "Server to broker: an instance is closed.";
    std::uint64_t handle = 0;
    static constexpr auto fields() { return std::tuple{field("handle", &Closed::handle, "of the instance")}; }
};

// ---- connections ----

struct Released : WithoutDescriptors {
    static constexpr std::uint16_t code = 15;
    static constexpr const char* title = "RELEASED";
    static constexpr const char* meaning = "Process to broker: an end has let go of its connection.";
    Id16 connection{};
    std::uint8_t side = 0;
    static constexpr auto fields()
    {
        return std::tuple{
            field("connection", &Released::connection, "id of the connection"),
            field("side", &Released::side, "0 client, 1 server"),
        };
    }
};

struct Overflow : WithoutDescriptors {
    static constexpr std::uint16_t code = 16;
    static constexpr const char* title = "OVERFLOW";
    static constexpr const char* meaning = "Process to broker: asks for an overflow segment for what this end writes. "
                                           "Answer: SEGMENT, to both ends if granted.";
    Id16 connection{};
    std::uint8_t side = 0;
    std::uint64_t size = 0;
    static constexpr auto fields()
    {
        return std::tuple{
            field("connection", &Overflow::connection, "id of the connection"),
            field("side", &Overflow::side, "of the writer: 0 client, 1 server"),
            field("size", &Overflow::size, "bytes of the segment, header included: a power of two"),
        };
    }
};

struct Segment {
    static constexpr std::uint16_t code = 17;
    static constexpr const char* title = "SEGMENT";
    static constexpr const char* meaning = "Broker to process: an overflow segment, to the reader first; or a refusal.";
    static constexpr DescriptorNames<1> descriptor_names{"overflow segment, if granted"};
    Descriptors<1> descriptors;
    Id16 connection{};
    std::uint8_t side = 0;
    std::uint8_t direction = 0;
    std::uint32_t status = 0;
    static constexpr auto fields()
    {
        return std::tuple{
            field("connection", &Segment::connection, "id of the connection"),
            field("side", &Segment::side, "of the end that this message is for: 0 client, 1 server"),
            field("direction", &Segment::direction, "0 inbound, 1 outbound"),
            field("status", &Segment::status, "NTSTATUS"),
        };
    }
};

// ---- looking ----

struct List : WithoutDescriptors {
    static constexpr std::uint16_t code = 18;
    static constexpr const char* title = "LIST";
    static constexpr const char* meaning = "Process to broker: lists pipes. Answer: LISTED.";
    std::uint64_t request = 0;
    std::string pattern;
    std::string after;
    std::uint64_t after_scope = 0;
    bool reachable = false;
    static constexpr auto fields()
    {
        return std::tuple{
            field("request", &List::request, "the session's number for the request"),
            field("pattern", &List::pattern, "* and ? as in file names; empty: all", maximum_name_size),
            field("after", &List::after, "the last name of the LISTED before; empty: from the start",
                  maximum_name_size),
            field("after_scope", &List::after_scope, "its scope"),
            field("reachable", &List::reachable, "1: only what an OPEN of this session finds, each name once"),
        };
    }
};

struct Listed : WithoutDescriptors {
    static constexpr std::uint16_t code = 19;
    static constexpr const char* title = "LISTED";
    static constexpr const char* meaning = "Broker to process: answer to LIST.";
    std::uint64_t request = 0;
    std::uint32_t status = 0;
    bool more = false;
    std::vector<Listing> pipes;
    static constexpr auto fields()
    {
        return std::tuple{
            field("request", &Listed::request, "of LIST"),
            field("status", &Listed::status, "NTSTATUS"),
            field("more", &Listed::more, "1: ask again, behind the last name"),
            field("pipes", &Listed::pipes, "in the order of their folded names"),
        };
    }
};

struct Watch : WithoutDescriptors {
    static constexpr std::uint16_t code = 20;
    static constexpr const char* title = "WATCH";
    static constexpr const char* meaning =
        "Process to broker: wants to hear of names that come and go. A NAME for each that is there, then DONE, then a "
        "NAME for "
        "each change. A NAME about a new pipe comes before the answer to its CREATE.";
    std::uint64_t request = 0;
    static constexpr auto fields()
    {
        return std::tuple{field("request", &Watch::request, "the session's number for the request")};
    }
};

struct Name : WithoutDescriptors {
    static constexpr std::uint16_t code = 21;
    static constexpr const char* title = "NAME";
    static constexpr const char* meaning =
        "Broker to process that watches: a pipe or an offered name is there, or gone.";
    std::uint64_t pipe = 0;
    bool present = false;
    std::string name;
    std::uint64_t scope = 0;
    std::uint32_t owner = 0;
    bool offered = false;
    static constexpr auto fields()
    {
        return std::tuple{
            field("pipe", &Name::pipe, "id of the pipe"),
            field("present", &Name::present, "1: it is there; 0: it has gone"),
            field("name", &Name::name, "without prefix", maximum_name_size),
            field("scope", &Name::scope, "0 global, else Unix user + 1"),
            field("owner", &Name::owner, "Unix user of the creator, or of the gateway that offers it"),
            field("offered", &Name::offered, "1: no pipe, but a name that a gateway offers"),
        };
    }
};

// ---- after a restart of the broker ----

struct ComeBack {
    static constexpr std::uint16_t code = 22;
    static constexpr const char* title = "COME_BACK";
    static constexpr const char* meaning =
        "Server to broker: brings the instances of a pipe back that an earlier broker knew. Answer: DONE.";
    static constexpr DescriptorNames<1> descriptor_names{"page of the pipe, as CREATED gave it"};
    Descriptors<1> descriptors;
    std::uint64_t request = 0;
    std::uint64_t pipe = 0;
    Id16 secret{};
    std::vector<ReturnedInstance> instances;
    static constexpr auto fields()
    {
        return std::tuple{
            field("request", &ComeBack::request, "the session's number for the request"),
            field("pipe", &ComeBack::pipe, "id of the pipe"),
            field("secret", &ComeBack::secret, "as CREATED gave it"),
            field("instances", &ComeBack::instances, "of this session", 4096),
        };
    }
};

struct Held : WithoutDescriptors {
    static constexpr std::uint16_t code = 23;
    static constexpr const char* title = "HELD";
    static constexpr const char* meaning =
        "Process to broker: this session has an end of a connection that an earlier broker made.";
    Id16 connection{};
    std::uint8_t side = 0;
    bool reads = false;
    bool writes = false;
    std::uint64_t handle = 0;
    std::uint64_t period = 0;
    std::uint64_t pipe = 0;
    std::uint32_t granted_access = 0;
    std::uint32_t context = 0;
    std::uint32_t impersonation_level = 0;
    static constexpr auto fields()
    {
        return std::tuple{
            field("connection", &Held::connection, "id of the connection"),
            field("side", &Held::side, "0 client, 1 server"),
            field("reads", &Held::reads, "this end maps the ring that it reads"),
            field("writes", &Held::writes, "this end maps the ring that it writes"),
            field("handle", &Held::handle, "server: of the instance"),
            field("period", &Held::period, "server: of the instance's listening"),
            field("pipe", &Held::pipe, "id of the pipe"),
            field("granted_access", &Held::granted_access, "of this end"),
            field("context", &Held::context, "the highest security context that this end knows of"),
            field("impersonation_level", &Held::impersonation_level, "client: that it allows"),
        };
    }
};

struct Ping : WithoutDescriptors {
    static constexpr std::uint16_t code = 24;
    static constexpr const char* title = "PING";
    static constexpr const char* meaning =
        "Process to broker: answered with DONE when everything that this process sent before was carried out.";
    std::uint64_t request = 0;
    static constexpr auto fields()
    {
        return std::tuple{field("request", &Ping::request, "the session's number for the request")};
    }
};

// ---- gateways ----

inline constexpr std::size_t maximum_label = 64;

struct GatewayHere : WithoutDescriptors {
    static constexpr std::uint16_t code = 27;
    static constexpr const char* title = "GATEWAY";
    static constexpr const char* meaning =
        "Process to broker: it is a gateway. Answer: a PUBLISHED for each pipe and offered name that it may see, if it "
        "publishes, then DONE.";
    std::uint64_t request = 0;
    std::uint64_t gateway = 0;
    Id16 number{};
    std::string label;
    std::uint32_t flags = 0;
    std::uint64_t deadline = 0;
    static constexpr auto fields()
    {
        return std::tuple{
            field("request", &GatewayHere::request, "the session's number for the request"),
            field("gateway", &GatewayHere::gateway, "the session's name for the gateway; not in use"),
            field("number", &GatewayHere::number, "random; the same after a restart of the broker; tell nobody"),
            field("label", &GatewayHere::label, "what it is called: printable ASCII without blanks", maximum_label),
            field("flags", &GatewayHere::flags,
                  "1 publishes, 2 resolves, 4 is asked only for what it offers; 1 or 2 at least"),
            field("deadline", &GatewayHere::deadline, "nanoseconds in which it answers: 1 to 30 s"),
        };
    }
};

struct GatewayGone : WithoutDescriptors {
    static constexpr std::uint16_t code = 28;
    static constexpr const char* title = "GATEWAY_GONE";
    static constexpr const char* meaning = "Process to broker: it is that gateway no longer.";
    std::uint64_t gateway = 0;
    static constexpr auto fields() { return std::tuple{field("gateway", &GatewayGone::gateway, "as in GATEWAY")}; }
};

struct Offer : WithoutDescriptors {
    static constexpr std::uint16_t code = 29;
    static constexpr const char* title = "OFFER";
    static constexpr const char* meaning =
        "Gateway to broker: names that it could serve, or no longer offers. Answer: DONE.";
    std::uint64_t request = 0;
    std::uint64_t gateway = 0;
    bool present = false;
    std::vector<std::string> names;
    static constexpr auto fields()
    {
        return std::tuple{
            field("request", &Offer::request, "the session's number for the request"),
            field("gateway", &Offer::gateway, "as in GATEWAY"),
            field("present", &Offer::present, "1: offers them; 0: takes that back"),
            field("names", &Offer::names, "without prefix", 4096),
        };
    }
};

struct Published : WithoutDescriptors {
    static constexpr std::uint16_t code = 30;
    static constexpr const char* title = "PUBLISHED";
    static constexpr const char* meaning =
        "Broker to gateway: a pipe is there, or another gateway offers a name, or something about it has changed.";
    std::uint64_t gateway = 0;
    std::uint64_t pipe = 0;
    std::string name;
    std::string origin;
    bool offered = false;
    bool reject_remote = false;
    std::uint64_t scope = 0;
    std::uint32_t owner = 0;
    std::uint32_t type = 0;
    std::uint32_t configuration = 0;
    std::uint32_t maximum_instances = 0;
    std::uint32_t inbound_quota = 0;
    std::uint32_t outbound_quota = 0;
    std::int64_t default_timeout = 0;
    std::uint32_t current_instances = 0;
    std::uint32_t listening_instances = 0;
    static constexpr auto fields()
    {
        return std::tuple{
            field("gateway", &Published::gateway, "as in GATEWAY"),
            field("pipe", &Published::pipe, "id of the pipe or the offer"),
            field("name", &Published::name, "without prefix", maximum_name_size),
            field("origin", &Published::origin, "label of the gateway that it comes from; empty: native",
                  maximum_label),
            field("offered", &Published::offered, "1: there is no pipe; all below `owner` is 0"),
            field("reject_remote", &Published::reject_remote, "1: it rejects remote clients"),
            field("scope", &Published::scope, "0 global, else Unix user + 1"),
            field("owner", &Published::owner, "Unix user of the creator, or of the gateway that offers it"),
            field("type", &Published::type, "0 byte, 1 message"),
            field("configuration", &Published::configuration, "0 inbound, 1 outbound, 2 full duplex"),
            field("maximum_instances", &Published::maximum_instances, "0xFFFFFFFF: unlimited"),
            field("inbound_quota", &Published::inbound_quota, "bytes, of the oldest instance"),
            field("outbound_quota", &Published::outbound_quota, "bytes, of the oldest instance"),
            field("default_timeout", &Published::default_timeout, "100 ns units, negative"),
            field("current_instances", &Published::current_instances, "in any state"),
            field("listening_instances", &Published::listening_instances, "of these"),
        };
    }
};

struct Unpublished : WithoutDescriptors {
    static constexpr std::uint16_t code = 31;
    static constexpr const char* title = "UNPUBLISHED";
    static constexpr const char* meaning = "Broker to gateway: that pipe or offer has gone.";
    std::uint64_t gateway = 0;
    std::uint64_t pipe = 0;
    static constexpr auto fields()
    {
        return std::tuple{
            field("gateway", &Unpublished::gateway, "as in GATEWAY"),
            field("pipe", &Unpublished::pipe, "as in PUBLISHED"),
        };
    }
};

struct Asked : WithoutDescriptors {
    static constexpr std::uint16_t code = 32;
    static constexpr const char* title = "ASKED";
    static constexpr const char* meaning = "Broker to gateway: somebody opens or waits for a name that has no "
                                           "instance. Answer: ANSWERED, or, to an open, a "
                                           "CREATE.";
    std::uint64_t gateway = 0;
    std::uint64_t question = 0;
    std::string name;
    bool wait = false;
    bool global = false;
    std::uint32_t desired_access = 0;
    std::uint32_t level = 0;
    std::optional<std::uint64_t> timeout;
    std::uint64_t deadline = 0;
    Identity identity;
    static constexpr auto fields()
    {
        return std::tuple{
            field("gateway", &Asked::gateway, "as in GATEWAY"),
            field("question", &Asked::question, "the broker's number for it"),
            field("name", &Asked::name, "without prefix", maximum_name_size),
            field("wait", &Asked::wait, "1: a WAIT; 0: an OPEN"),
            field("global", &Asked::global, "1: what is served will be in the global scope; 0: in the client's"),
            field("desired_access", &Asked::desired_access, "of an OPEN: access mask"),
            field("level", &Asked::level, "impersonation level that the gateway gets"),
            field("timeout", &Asked::timeout,
                  "of a WAIT: nanoseconds that are left; absent: the pipe's default; 2^64-1: for ever"),
            field("deadline", &Asked::deadline, "nanoseconds from now to answer in"),
            field("identity", &Asked::identity, "of the client"),
        };
    }
};

struct Over : WithoutDescriptors {
    static constexpr std::uint16_t code = 33;
    static constexpr const char* title = "OVER";
    static constexpr const char* meaning = "Broker to gateway: a question needs no answer any more.";
    std::uint64_t question = 0;
    static constexpr auto fields() { return std::tuple{field("question", &Over::question, "as in ASKED")}; }
};

struct Answered : WithoutDescriptors {
    static constexpr std::uint16_t code = 34;
    static constexpr const char* title = "ANSWERED";
    static constexpr const char* meaning = "Gateway to broker: the answer to an ASKED.";
    std::uint64_t question = 0;
    std::uint32_t status = 0;
    static constexpr auto fields()
    {
        return std::tuple{
            field("question", &Answered::question, "as in ASKED"),
            field("status", &Answered::status,
                  "NTSTATUS; SUCCESS: of a WAIT, an instance is available; PENDING: of a WAIT, the answer comes within "
                  "its time"),
        };
    }
};

struct Unserved : WithoutDescriptors {
    static constexpr std::uint16_t code = 35;
    static constexpr const char* title = "UNSERVED";
    static constexpr const char* meaning =
        "Broker to gateway: the client for which an instance was made will not be connected with it.";
    std::uint64_t handle = 0;
    static constexpr auto fields() { return std::tuple{field("handle", &Unserved::handle, "of the instance")}; }
};

// ---- the directory of pipes ----

struct Notify : WithoutDescriptors {
    static constexpr std::uint16_t code = 25;
    static constexpr const char* title = "NOTIFY";
    static constexpr const char* meaning =
        "Process to broker: wants to hear of the next change in the directory. Answer: DONE, then.";
    std::uint64_t request = 0;
    bool names_only = false;
    static constexpr auto fields()
    {
        return std::tuple{
            field("request", &Notify::request, "the session's number for the request"),
            field("names_only", &Notify::names_only,
                  "1: when a name appears or goes; 0: also when an instance does, or changes its state"),
        };
    }
};

struct Alias : WithoutDescriptors {
    static constexpr std::uint16_t code = 26;
    static constexpr const char* title = "ALIAS";
    static constexpr const char* meaning = "Process to broker, from root or its owner: clients that ask for one name "
                                           "find another one. Answer: DONE. An alias lives as long "
                                           "as the session that added it.";
    std::uint64_t request = 0;
    std::string alias;
    std::string real;
    static constexpr auto fields()
    {
        return std::tuple{
            field("request", &Alias::request, "the session's number for the request"),
            field("alias", &Alias::alias, "what clients ask for, without prefix", maximum_name_size),
            field("real", &Alias::real, "the pipe that they find; empty: the alias goes", maximum_name_size),
        };
    }
};

struct SetSecurity : WithoutDescriptors {
    static constexpr std::uint16_t code = 40;
    static constexpr const char* title = "SET_SECURITY";
    static constexpr const char* meaning =
        "Process to broker: sets parts of the security descriptor of an end's pipe. Answer: DONE.";
    std::uint64_t request = 0;
    std::uint64_t handle = 0;
    Id16 connection{};
    std::uint32_t information = 0;
    glue::ByteVector descriptor;
    static constexpr auto fields()
    {
        return std::tuple{
            field("request", &SetSecurity::request, "the session's number for the request"),
            field("handle", &SetSecurity::handle, "server end: of the instance; client end: 0"),
            field("connection", &SetSecurity::connection, "client end: id of the connection; server end: zeros"),
            field("information", &SetSecurity::information, "1 owner, 2 group, 4 DACL, 8 SACL"),
            field("descriptor", &SetSecurity::descriptor, "self-relative security descriptor with these parts",
                  maximum_descriptor_size),
        };
    }
};

struct SetContext : WithoutDescriptors {
    static constexpr std::uint16_t code = 41;
    static constexpr const char* title = "SET_CONTEXT";
    static constexpr const char* meaning =
        "Process to broker: the client of a connection writes as somebody else from now on. Answer: CONTEXT_SET.";
    std::uint64_t request = 0;
    Id16 connection{};
    std::optional<Identity> identity;
    static constexpr auto fields()
    {
        return std::tuple{
            field("request", &SetContext::request, "the session's number for the request"),
            field("connection", &SetContext::connection, "id of the connection"),
            field("identity", &SetContext::identity,
                  "from a trusted front only; absent: whom the kernel says that this session is"),
        };
    }
};

struct ContextSet : WithoutDescriptors {
    static constexpr std::uint16_t code = 42;
    static constexpr const char* title = "CONTEXT_SET";
    static constexpr const char* meaning = "Broker to process: answer to SET_CONTEXT.";
    std::uint64_t request = 0;
    std::uint32_t status = 0;
    std::uint32_t context = 0;
    static constexpr auto fields()
    {
        return std::tuple{
            field("request", &ContextSet::request, "of SET_CONTEXT"),
            field("status", &ContextSet::status, "NTSTATUS"),
            field("context", &ContextSet::context, "security context to stamp on records from now on"),
        };
    }
};

struct Context : WithoutDescriptors {
    static constexpr std::uint16_t code = 43;
    static constexpr const char* title = "CONTEXT";
    static constexpr const char* meaning =
        "Broker to server: a further security context of a connection's client. Sent before CONTEXT_SET.";
    Id16 connection{};
    std::uint32_t context = 0;
    std::uint32_t level = 0;
    Identity identity;
    static constexpr auto fields()
    {
        return std::tuple{
            field("connection", &Context::connection, "id of the connection"),
            field("context", &Context::context, "its number; higher than those before"),
            field("level", &Context::level, "impersonation level that the server gets"),
            field("identity", &Context::identity, "of the client in that context"),
        };
    }
};

// ---- limits, since version 2 ----

/// space::Accounts::Line
struct UsageLine {
    static constexpr const char* title = "UsageLine";
    std::string resource;
    std::uint64_t used = 0;
    std::uint64_t limit = 0;
    std::uint64_t refused = 0;
    static constexpr auto fields()
    {
        return std::tuple{
            field("resource", &UsageLine::resource, "what is counted (5.8)", maximum_short_text),
            field("used", &UsageLine::used, "how much there is"),
            field("limit", &UsageLine::limit, "how much there may be; 2^64-1: unlimited"),
            field("refused", &UsageLine::refused, "how often more was wanted"),
        };
    }
};

struct Usage : WithoutDescriptors {
    static constexpr std::uint16_t code = 44;
    static constexpr std::uint16_t since = 2;
    static constexpr const char* title = "USAGE";
    static constexpr const char* meaning =
        "Process to broker: how much there is of what is limited. Since version 2. Answer: USED.";
    std::uint64_t request = 0;
    std::optional<std::uint32_t> user;
    static constexpr auto fields()
    {
        return std::tuple{
            field("request", &Usage::request, "the session's number for the request"),
            field("user", &Usage::user, "Unix user; absent: all users but root together"),
        };
    }
};

struct Used : WithoutDescriptors {
    static constexpr std::uint16_t code = 45;
    static constexpr std::uint16_t since = 2;
    static constexpr const char* title = "USED";
    static constexpr const char* meaning = "Broker to process: answer to USAGE. Since version 2.";
    std::uint64_t request = 0;
    std::uint32_t status = 0;
    std::vector<UsageLine> lines;
    std::vector<std::uint32_t> users;
    static constexpr auto fields()
    {
        return std::tuple{
            field("request", &Used::request, "of USAGE"),
            field("status", &Used::status, "NTSTATUS; when it is not 0 the rest is empty"),
            field("lines", &Used::lines, "one for each resource"),
            field("users", &Used::users, "of all users together: those who have something", maximum_users),
        };
    }
};

using Message =
    std::variant<Hello, Welcome, Create, Created, Open, Opened, Wait, Done, Cancel, Connected, Taken, Listening,
                 Disconnected, Closed, Released, Overflow, Segment, List, Listed, Watch, Name, ComeBack, Held, Ping,
                 Notify, Alias, GatewayHere, GatewayGone, Offer, Published, Unpublished, Asked, Over, Answered,
                 Unserved, SetSecurity, SetContext, ContextSet, Context, Usage, Used>;

inline constexpr std::size_t maximum_message_descriptors = 6;

/// A message as it goes over the socket.
struct Packet {
    glue::ByteVector bytes;
    std::vector<glue::UniqueFd> descriptors;
};

/// STATUS_INVALID_PARAMETER: larger than maximum_message_size.
[[nodiscard]] Result<Packet> encode(Message message);
/// STATUS_INVALID_PARAMETER: not exactly one well-formed message of a known code. Unused descriptors are closed.
[[nodiscard]] Result<Message> decode(Packet packet);
[[nodiscard]] const char* title_of(const Message& message);
/// The first version that has it.
[[nodiscard]] std::uint16_t version_of(const Message& message);

/// The table of all messages and their parts as Markdown, for docs/SPEC.md.
[[nodiscard]] std::string describe();

} // namespace ntpipe::wire

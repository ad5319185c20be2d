// SPDX-License-Identifier: LGPL-2.1-or-later
// types.hpp: the vocabulary of the namespace: who asks, what is asked, what comes of it.
#pragma once

#include "end/types.hpp"
#include "name/name.hpp"
#include "security/descriptor.hpp"
#include "security/identity.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace ntpipe::space {

/// A connection of a process with the namespace.
using SessionId = std::uint64_t;
/// What a session calls one of its requests.
using RequestId = std::uint64_t;
/// What a session calls one of its server ends. Chosen by the session, so that it outlives the broker.
using InstanceHandle = std::uint64_t;
using PipeId = std::uint64_t;
/// A client end, for as long as it may change its pipe's descriptor. 0: none.
using ClientEndId = std::uint64_t;
/// What a session calls one of its gateways.
using GatewayHandle = std::uint64_t;
using QuestionId = std::uint64_t;
/// Proof of having been given something.
using Secret = std::array<std::uint8_t, 16>;
/// Nanoseconds of a clock that never goes back.
using Nanoseconds = std::uint64_t;

/// Names are unique within a scope. Every Unix user may have one beside the global one.
using Scope = std::uint64_t;
inline constexpr Scope global_scope = 0;
[[nodiscard]] constexpr Scope scope_of_user(std::uint32_t uid)
{
    return Scope{uid} + 1;
}

/// Another name under which clients find a pipe (SEMANTICS 1.6).
struct Alias {
    name::Name alias;
    name::Name real;
};

class Accounts;

/// How a namespace treats its users.
struct Policy {
    bool user_scopes = false;                   ///< false: there is one scope for all, as when all belong to one user
    std::vector<std::u16string> reserved_names; ///< folded; only a privileged party may create these
    std::size_t handovers_per_session = 64;     ///< connections on their way to a server that has not taken them
    std::vector<Alias> aliases;                 ///< that nobody can remove
    std::size_t gateways_per_user = 64;
    std::size_t names_per_gateway = 16384;  ///< that it may offer
    std::size_t questions_per_gateway = 64; ///< that it is asked at a time; the others wait for their turn
    std::size_t questions_per_user = 1024;  ///< that wait for an answer
    Accounts* accounts = nullptr;           ///< who has how much of what is limited; nullptr: nothing is
};

/// A session's standing. Never from its own words, except through a trusted front.
struct Party {
    security::Identity identity;
    bool privileged = false;    ///< root: creates globally, and reserved names
    bool trusted_front = false; ///< may speak for others
    bool may_create_global = false;
    bool may_alias = false;      ///< root, or whose broker it is
    bool global_gateway = false; ///< its gateways resolve for everybody, as root's do
};

enum class ScopeChoice : std::uint8_t { by_default = 0, user = 1, global = 2 };

/// The parameters of NtCreateNamedPipeFile (SEMANTICS 2.1), as numbers that nobody has checked.
struct CreateParameters {
    name::Name name; ///< empty: an unnamed pipe (SEMANTICS 1.5)
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
    std::optional<std::int64_t> default_timeout; ///< 100 ns units
    std::optional<security::Descriptor> descriptor;
    ScopeChoice scope = ScopeChoice::by_default;
    Secret secret{};                      ///< becomes the pipe's, if this creates it
    std::optional<GatewayHandle> gateway; ///< that it comes from
    std::optional<QuestionId> question;   ///< that it answers: for that client only
};

/// What a client asks for with its open (SEMANTICS 2.7).
struct OpenParameters {
    name::Name name;
    /// Open relative to this instance of the same session, and nothing else; `name` is then empty (SEMANTICS 1.5).
    std::optional<InstanceHandle> instance;
    std::uint32_t desired_access = 0;
    std::uint32_t disposition = 0;
    std::uint32_t impersonation_level = 0;
    bool dynamic_tracking = false;
    bool effective_only = false;
    /// For whom: the session's own identity, or what a trusted front states.
    std::shared_ptr<const security::Identity> identity;
    bool stated = false; ///< it is what a trusted front states
};

/// What an end is told of its pipe and instance.
struct InstanceAttributes {
    PipeId pipe = 0;
    std::string path; ///< UTF-8, with the leading backslash, as the creator spelled it
    end::PipeType type = end::PipeType::byte;
    end::Configuration configuration = end::Configuration::full_duplex;
    std::uint32_t maximum_instances = 0;
    std::uint32_t inbound_quota = 0;
    std::uint32_t outbound_quota = 0;
    security::AccessMask granted_access = 0;
};

struct Created {
    std::uint32_t information = 0; ///< FILE_CREATED 2 or FILE_OPENED 1
    InstanceAttributes attributes;
    Secret secret{}; ///< the proof with which the server returns after a restart of the broker
};

enum class InstanceState : std::uint8_t { disconnected = 1, listening = 2, connected = 3, closing = 4 };

/// Where a pipe comes from.
struct Origin {
    Secret gateway{};  ///< the gateway's own number
    std::string label; ///< empty: from nowhere else, it is a native pipe
    [[nodiscard]] bool native() const { return label.empty(); }
};

/// One line of a listing.
struct PipeListing {
    std::string name;
    Scope scope = global_scope;
    std::uint32_t owner = 0; ///< Unix user id
    end::PipeType type = end::PipeType::byte;
    end::Configuration configuration = end::Configuration::full_duplex;
    std::uint32_t maximum_instances = 0;
    std::array<std::uint32_t, 5> instances{}; ///< by InstanceState
    std::uint32_t process = 0;                ///< of the server whose instance is the oldest
    std::string origin;                       ///< label of its gateway; empty: native
    bool offered = false;                     ///< there is no pipe: a gateway offers the name
};

/// What is written down of a pipe so that its name stays its owner's over a restart of the broker.
struct PipeRecord {
    PipeId id = 0;
    std::string name;
    Scope scope = global_scope;
    std::uint32_t owner = 0;
    std::vector<std::uint32_t> servers; ///< processes that have instances
    end::PipeType type = end::PipeType::byte;
    end::Configuration configuration = end::Configuration::full_duplex;
    bool reject_remote = false;
    std::uint32_t maximum_instances = 0;
    std::int64_t default_timeout = 0;
    glue::ByteVector descriptor; ///< self-relative
    Secret secret{};
    Origin origin;
};

/// An instance as its server brings it back after a restart of the broker.
struct ReturnedInstance {
    InstanceHandle handle = 0;
    InstanceState state = InstanceState::disconnected;
    std::uint64_t period = 0;
    std::uint32_t inbound_quota = 0;
    std::uint32_t outbound_quota = 0;
    security::AccessMask granted_access = 0;
    bool bound = false; ///< made for one client that a gateway was asked for
};

// ---- gateways ----

namespace gateway_flag {
inline constexpr std::uint32_t publish = 1;
inline constexpr std::uint32_t resolve = 2;
inline constexpr std::uint32_t offered_only = 4;
inline constexpr std::uint32_t known = 7;
} // namespace gateway_flag

inline constexpr Nanoseconds longest_gateway_deadline = 30'000'000'000;
inline constexpr std::size_t longest_label = 64;

/// What a gateway says of itself.
struct GatewayParameters {
    GatewayHandle handle = 0;
    Secret number{}; ///< random, the gateway's own; the same when it comes back after a restart of the broker
    std::string label;
    std::uint32_t flags = 0;
    Nanoseconds deadline = 0; ///< to answer in
};

/// What is written down of a gateway, so that opens wait for it after a restart of the broker.
struct GatewayRecord {
    Secret number{};
    std::string label;
    std::uint32_t flags = 0;
    std::uint32_t user = 0;
    std::uint32_t process = 0;
    bool global = false;
    bool privileged = false;
};

/// What a publishing gateway is told of a pipe, or of a name that another gateway offers.
struct PublishedPipe {
    PipeId id = 0;
    std::string name;
    std::string origin;
    bool offered = false;
    bool reject_remote = false;
    Scope scope = global_scope;
    std::uint32_t owner = 0;
    std::uint32_t type = 0;
    std::uint32_t configuration = 0;
    std::uint32_t maximum_instances = 0;
    std::uint32_t inbound_quota = 0; ///< of the oldest instance
    std::uint32_t outbound_quota = 0;
    std::int64_t default_timeout = 0;
    std::uint32_t current_instances = 0;
    std::uint32_t listening_instances = 0;
};

/// A name that gateways offer, as watchers are told of it.
struct OfferedName {
    PipeId id = 0;
    std::string name;
    Scope scope = global_scope;
    std::uint32_t owner = 0; ///< Unix user of the gateway
};

// ---- what the namespace wants done. Its owner takes these after each call and carries them out in order. ----

/// Make a connection and hand it over, to the server first.
struct Connect {
    SessionId server = 0;
    InstanceHandle instance = 0;
    std::uint64_t period = 0;
    security::AccessMask server_access = 0;
    std::uint32_t server_process = 0;
    std::uint32_t server_login_session = 0;
    SessionId client = 0;
    RequestId request = 0;
    InstanceAttributes attributes; ///< with the client's granted access
    std::shared_ptr<const security::Identity> identity;
    ClientEndId client_end = 0;
    std::uint32_t impersonation_level = 0; ///< that the client allows
    bool dynamic_tracking = false;
    bool effective_only = false;
    /// The server may act for others than its own user at the levels above Identification.
    bool server_impersonates = false;
    std::uint32_t server_user = 0;
};

/// What of the level that a client allows its server gets for that identity (SEMANTICS 6.4).
[[nodiscard]] std::uint32_t level_for_server(const security::Identity& identity, std::uint32_t allowed,
                                             bool server_impersonates, std::uint32_t server_user);

/// Which ends of a new connection use a direction, by their granted access. An end is given nothing else.
struct DirectionUse {
    bool written = false;
    bool read = false;
};
[[nodiscard]] DirectionUse use_of(end::Direction direction, const Connect& connect);

/// A request is over.
struct Answer {
    SessionId session = 0;
    RequestId request = 0;
    Status status = Status::success;
};

/// A create that was told to wait may be tried again.
struct Retry {
    SessionId session = 0;
    RequestId request = 0;
};

/// A name has appeared: give it its page and write it down.
struct PipeAppeared {
    PipeRecord record;
};

/// Other processes serve it than before: write it down.
struct ServersChanged {
    PipeRecord record;
};

/// The number of instances has changed.
struct PipeChanged {
    PipeId pipe = 0;
    std::uint32_t current_instances = 0;
};

/// A name has gone. Ends may still have the pipe.
struct PipeGone {
    PipeRecord record;
};

/// No end has the pipe any more: its page may go.
struct PipeForgotten {
    PipeId pipe = 0;
};

/// The pipe has another security descriptor: show it in its page, and write it down if there is still a name.
struct DescriptorChanged {
    PipeRecord record;
    bool has_instances = false;
};

/// Ask a gateway.
struct Ask {
    SessionId session = 0;
    GatewayHandle gateway = 0;
    QuestionId question = 0;
    std::string name;
    bool is_wait = false;
    bool global = false; ///< what is served will be in the global scope
    security::AccessMask desired_access = 0;
    std::uint32_t level = 0; ///< impersonation level that the gateway gets
    std::shared_ptr<const security::Identity> identity;
    std::optional<Nanoseconds> timeout; ///< of a wait: what is left; none: the pipe's default
    Nanoseconds deadline = 0;           ///< from now
};

/// A question needs no answer any more.
struct Unask {
    SessionId session = 0;
    QuestionId question = 0;
};

/// Tell a gateway of a pipe, or that it has gone.
struct Publish {
    SessionId session = 0;
    GatewayHandle gateway = 0;
    PublishedPipe pipe;
};
struct Unpublish {
    SessionId session = 0;
    GatewayHandle gateway = 0;
    PipeId pipe = 0;
};

/// A name is offered by a gateway, or no longer by any: tell those who watch.
struct OfferChanged {
    OfferedName name;
    bool present = true;
};

/// The client that an instance was made for will not come.
struct Unserved {
    SessionId session = 0;
    InstanceHandle instance = 0;
};

/// A gateway is there, or has gone: write it down.
struct GatewayChanged {
    GatewayRecord record;
    bool present = true;
};

using Effect = std::variant<Connect, Answer, Retry, PipeAppeared, ServersChanged, PipeChanged, PipeGone, PipeForgotten,
                            DescriptorChanged, Ask, Unask, Publish, Unpublish, OfferChanged, Unserved, GatewayChanged>;

} // namespace ntpipe::space

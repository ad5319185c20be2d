// SPDX-License-Identifier: LGPL-2.1-or-later
// objects.hpp: the namespace's own objects: pipe, instance, session, and those who wait.
#pragma once

#include "namespace/accounts.hpp"
#include "namespace/namespace.hpp"

namespace ntpipe::space {

/// A server end, from its creation to its close.
struct Namespace::Instance {
    Session* session = nullptr;
    Pipe* pipe = nullptr;
    InstanceHandle handle = 0;
    InstanceState state = InstanceState::disconnected;
    std::uint64_t period = 0; ///< how often it has begun to listen
    std::uint32_t inbound_quota = 0;
    std::uint32_t outbound_quota = 0;
    security::AccessMask granted_access = 0;
    bool bound = false; ///< made for one client that a gateway was asked for: never listens for others
    std::list<Instance*>::iterator place_in_queue; ///< while listening
    Charge charge;

    /// For an end with that access.
    [[nodiscard]] InstanceAttributes attributes(security::AccessMask granted) const;
};

/// The name and what belongs to it: NPFS's FCB.
struct Namespace::Pipe {
    PipeId id = 0;
    name::Name name; ///< empty: it has none
    Scope scope = global_scope;
    std::uint32_t owner = 0;
    end::PipeType type = end::PipeType::byte;
    end::Configuration configuration = end::Configuration::full_duplex;
    bool reject_remote = false;
    std::uint32_t maximum_instances = 0;
    std::int64_t default_timeout = 0;
    security::Descriptor descriptor;
    Secret secret{};
    Origin origin;
    std::list<Instance*> instances;               ///< in the order of creation
    std::list<Instance*> listening;               ///< in the order in which they began to listen (SEMANTICS 2.7)
    std::map<std::uint32_t, std::size_t> servers; ///< processes, with the number of their instances
    /// After a restart of the broker: until when which of its servers may still come back.
    std::optional<Nanoseconds> reserved_until;
    std::vector<std::uint32_t> expected;
    std::size_t client_ends = 0;
    std::size_t waiters = 0;
    Charge charge;
    Charge memory;

    [[nodiscard]] bool has_name() const { return !name.spelling.empty(); }
    [[nodiscard]] PipeRecord record() const;
};

/// What was granted to whom. Their security belongs to both ends of a pipe, and to a client also when the server has closed
/// (SEMANTICS 6.2).
struct Namespace::ClientEnd {
    SessionId session = 0;
    PipeId pipe = 0;
    security::AccessMask granted_access = 0;
    std::shared_ptr<const security::Identity> identity;
};

struct Namespace::ParkedOpen {
    SessionId session = 0;
    RequestId request = 0;
    OpenParameters parameters;
    Charge charge;
};

struct Namespace::ParkedCreate {
    SessionId session = 0;
    RequestId request = 0;
    PipeId pipe = 0;
    Charge charge;
};

struct Namespace::Session {
    SessionId id = 0;
    Party party;
    std::map<InstanceHandle, std::unique_ptr<Instance>> instances;
    std::size_t handovers = 0;          ///< on their way to it
    std::list<ParkedOpen> parked_opens; ///< that wait until it takes some
    std::set<ClientEndId> client_ends;
};

/// Somebody who wants to hear of a change.
struct Namespace::Notifier {
    SessionId session = 0;
    RequestId request = 0;
    bool names_only = false;
    Charge charge;
};

/// A process that joins the namespace with another place that has pipes.
struct Namespace::Gateway {
    SessionId session = 0; ///< 0: of an earlier broker, expected back
    GatewayParameters parameters;
    std::uint32_t user = 0;
    std::uint32_t process = 0;
    bool global = false;     ///< is asked for everybody
    bool privileged = false; ///< is asked for reserved names, too
    std::set<std::u16string> offers;
    std::set<PipeId> told;         ///< what it was told is there
    std::list<QuestionId> waiting; ///< for their turn
    std::size_t asked = 0;         ///< questions that it has to answer
    std::optional<Nanoseconds> expected_until;

    [[nodiscard]] bool has(std::uint32_t flag) const { return (parameters.flags & flag) != 0; }
    [[nodiscard]] Origin origin() const { return {parameters.number, parameters.label}; }
    [[nodiscard]] GatewayRecord record() const;
};

/// An open or a wait that a gateway decides.
struct Namespace::Question {
    QuestionId id = 0;
    SessionId session = 0;
    RequestId request = 0;
    name::Name name; ///< aliases are translated
    std::shared_ptr<const security::Identity> identity;
    bool stated = false;
    std::uint32_t process = 0;          ///< of the asking session
    std::optional<OpenParameters> open; ///< else it is a wait
    std::optional<Nanoseconds> timeout; ///< of a wait; none: the pipe's default
    Nanoseconds began = 0;
    std::optional<Secret> only; ///< the origin of the pipe, if there is one
    std::vector<Secret> tried;  ///< gateways that were asked
    Gateway* gateway = nullptr;
    bool sent = false;
    std::optional<Nanoseconds> deadline; ///< none: a wait for ever that a gateway holds
    bool held = false;
};

/// A name that gateways could serve.
struct Namespace::Offer {
    struct By {
        Gateway* gateway = nullptr;
        std::string name;
        Charge memory;
    };
    PipeId id = 0;
    std::list<By> by; ///< the first one counts
};

/// What a new pipe gets when these are its creator's wishes.
[[nodiscard]] security::Descriptor descriptor_for(const CreateParameters& parameters, const security::Token& creator);
[[nodiscard]] end::Configuration configuration_of(std::uint32_t share_access);
/// SEMANTICS 2.7 steps 2 to 4: what a client is granted.
[[nodiscard]] Result<security::AccessMask> check_client(const security::Descriptor& descriptor,
                                                        end::Configuration configuration, bool reject_remote,
                                                        const OpenParameters& parameters);

/// Somebody who waits for an instance to listen.
struct Namespace::Waiter {
    SessionId session = 0;
    RequestId request = 0;
    PipeId pipe = 0;
    std::optional<Nanoseconds> deadline; ///< none: for ever
    Charge charge;
};

} // namespace ntpipe::space

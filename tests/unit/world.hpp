// SPDX-License-Identifier: LGPL-2.1-or-later
// world.hpp: a namespace with some sessions, for the tests of its rules.
#pragma once

#include "check.hpp"

#include "namespace/namespace.hpp"

#include <algorithm>
#include <string>

namespace ntpipe::unit {

using namespace space;

inline constexpr Nanoseconds millisecond = 1'000'000;

inline name::Name name_of(const std::string& text)
{
    return *name::parse(text);
}

inline Party party_of(std::uint32_t uid, std::uint32_t process)
{
    security::UnixCredentials credentials;
    credentials.uid = uid;
    credentials.gid = uid;
    Party party;
    party.identity = security::unix_identity(credentials, process);
    party.privileged = party.trusted_front = party.may_create_global = uid == 0;
    return party;
}

inline CreateParameters parameters(const std::string& name)
{
    CreateParameters create;
    create.name = name_of(name);
    create.desired_access = security::access::generic_read | security::access::generic_write;
    create.share_access = 3;
    create.disposition = 3;
    create.type = 1;
    create.maximum_instances = end::unlimited_instances;
    create.default_timeout = -500000; // 50 ms
    create.secret.fill(7);
    return create;
}

/// A namespace with some sessions, and what it wanted done since the last look.
struct World {
    explicit World(Policy policy = {}) : space(std::move(policy), 100)
    {
        space.add_session(1, party_of(1000, 11)); // a server
        space.add_session(2, party_of(1000, 12)); // a client of the same user
        space.add_session(3, party_of(1001, 13)); // another user
        space.add_session(4, party_of(0, 14));    // root
    }
    Status create(SessionId session, InstanceHandle handle, const CreateParameters& create,
                  std::uint32_t* information = nullptr)
    {
        const auto created = space.create(session, next_request++, handle, create);
        if (created && information != nullptr) {
            *information = created->information;
        }
        take();
        return created.status();
    }
    Status create(SessionId session, InstanceHandle handle, const std::string& name)
    {
        return create(session, handle, parameters(name));
    }
    RequestId open(SessionId session, const std::string& name, std::uint32_t access = security::access::generic_read,
                   bool stated = false)
    {
        OpenParameters open;
        open.name = name_of(name);
        open.desired_access = access;
        open.identity = std::make_shared<const security::Identity>(identity_of(session));
        const RequestId request = next_request++;
        open.stated = stated;
        space.open(session, request, open);
        take();
        return request;
    }
    RequestId wait(SessionId session, const std::string& name, std::optional<Nanoseconds> timeout, Nanoseconds now)
    {
        const RequestId request = next_request++;
        space.wait(session, request, name_of(name), std::make_shared<const security::Identity>(identity_of(session)),
                   timeout, now);
        take();
        return request;
    }
    security::Identity identity_of(SessionId session) const
    {
        return session >= 4 ? party_of(0, 14).identity : party_of(session == 3 ? 1001 : 1000, 12).identity;
    }
    void take()
    {
        for (Effect& effect : space.take_effects()) {
            effects.push_back(std::move(effect));
        }
    }
    /// "STATUS_X" of the answer, "connected H" for a connection with instance H, "pending" while there is neither.
    std::string outcome(RequestId request)
    {
        for (const Effect& effect : effects) {
            if (const auto* answer = std::get_if<Answer>(&effect); answer != nullptr && answer->request == request) {
                return ntpipe_status_name(raw(answer->status));
            }
            if (const auto* connect = std::get_if<Connect>(&effect);
                connect != nullptr && connect->request == request) {
                return "connected " + std::to_string(connect->instance);
            }
        }
        return "pending";
    }
    template <typename T>
    std::size_t count() const
    {
        return static_cast<std::size_t>(std::count_if(
            effects.begin(), effects.end(), [](const Effect& effect) { return std::holds_alternative<T>(effect); }));
    }
    Namespace space;
    std::vector<Effect> effects;
    RequestId next_request = 1;
};

inline void expect(World& world, RequestId request, const char* outcome)
{
    assert_string_equal(world.outcome(request).c_str(), outcome);
}

} // namespace ntpipe::unit

// SPDX-License-Identifier: LGPL-2.1-or-later
// convert.cc: between what goes over the wire and what the layers work with.
#include "session/convert.hpp"

#include "name/name.hpp"

namespace ntpipe::session {

wire::Identity identity_to(const security::Identity& identity)
{
    wire::Identity out;
    out.sids = identity.token.sids;
    out.privileges = identity.token.privileges;
    out.disabled_privileges = identity.token.disabled;
    out.uid = identity.credentials.uid;
    out.gid = identity.credentials.gid;
    out.flags = identity.flags;
    out.process_id = identity.process_id;
    out.session_id = identity.session_id;
    out.account = identity.account;
    out.domain = identity.domain;
    out.computer = identity.computer;
    out.address = identity.address;
    out.authorization = identity.authorization;
    out.secret_authorization = identity.secret_authorization;
    return out;
}

security::Identity identity_from(wire::Identity identity)
{
    security::Identity out;
    out.token.sids = std::move(identity.sids);
    out.token.privileges = identity.privileges;
    out.token.disabled = identity.disabled_privileges;
    out.credentials.uid = identity.uid;
    out.credentials.gid = identity.gid;
    out.flags = identity.flags;
    out.process_id = identity.process_id;
    out.session_id = identity.session_id;
    out.account = std::move(identity.account);
    out.domain = std::move(identity.domain);
    out.computer = std::move(identity.computer);
    out.address = std::move(identity.address);
    out.authorization = std::move(identity.authorization);
    out.secret_authorization = std::move(identity.secret_authorization);
    return out;
}

wire::Attributes attributes_to(const space::InstanceAttributes& attributes)
{
    wire::Attributes out;
    out.pipe = attributes.pipe;
    out.path = attributes.path;
    out.type = static_cast<std::uint32_t>(attributes.type);
    out.configuration = static_cast<std::uint32_t>(attributes.configuration);
    out.maximum_instances = attributes.maximum_instances;
    out.inbound_quota = attributes.inbound_quota;
    out.outbound_quota = attributes.outbound_quota;
    out.granted_access = attributes.granted_access;
    return out;
}

end::Attributes attributes_from(const wire::Attributes& attributes, std::uint32_t options,
                                std::shared_ptr<const channel::PipeView> page)
{
    end::Attributes out;
    out.type = static_cast<end::PipeType>(attributes.type);
    out.configuration = static_cast<end::Configuration>(attributes.configuration);
    out.maximum_instances = attributes.maximum_instances;
    out.inbound_quota = attributes.inbound_quota;
    out.outbound_quota = attributes.outbound_quota;
    out.options = options;
    (void)name::to_utf16(attributes.path, out.path);
    out.pipe = std::move(page);
    return out;
}

} // namespace ntpipe::session

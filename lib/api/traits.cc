// SPDX-License-Identifier: LGPL-2.1-or-later
// traits.cc: what a server of another protocol says of a pipe when it has opened it.
#include "ntpipe_traits.h"

#include "api/objects_internal.hpp"
#include "end/client_access.hpp"
#include "security/access_check.hpp"

extern "C" {

void ntpipe_query_traits(struct ntpipe_end* pipe, ntpipe_traits* traits)
{
    using namespace ntpipe;
    const end::Attributes& attributes = pipe->end().attributes();
    end::PipeInformation modes;
    (void)pipe->end().query(modes); // as every end begins, if it may not be asked
    *traits = {static_cast<std::uint32_t>(attributes.type),
               static_cast<std::uint32_t>(attributes.configuration),
               attributes.maximum_instances,
               static_cast<std::uint32_t>(modes.read_mode),
               static_cast<std::uint32_t>(modes.completion_mode),
               attributes.pipe ? attributes.pipe->default_timeout() : 0};
}

ntpipe_status ntpipe_query_maximal_access(struct ntpipe_end* pipe, const ntpipe_identity* identity, uint32_t* access)
{
    using namespace ntpipe;
    return api::guarded([&] {
        *access = 0;
        const auto whose = api::identity_from(identity);
        if (!whose || *whose == nullptr) {
            return whose ? Status::invalid_parameter : whose.status();
        }
        const end::Attributes& attributes = pipe->end().attributes();
        const auto bytes = attributes.pipe ? attributes.pipe->descriptor() : std::nullopt;
        if (!bytes) {
            return Status::unsuccessful; // the broker died while it wrote; the next one writes it anew
        }
        const auto descriptor = security::Descriptor::parse(*bytes);
        if (!descriptor) {
            return descriptor.status();
        }
        const auto granted = security::check_access(*descriptor, (*whose)->token, security::access::maximum_allowed);
        *access = granted ? end::client_access(attributes.configuration, *granted) : 0;
        return granted.status();
    });
}

} // extern "C"

// SPDX-License-Identifier: LGPL-2.1-or-later
// traits.cc: what a server of another protocol says of a pipe when it has opened it.
#include "ntpipe_traits.h"

#include "api/objects_internal.hpp"

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

} // extern "C"

// SPDX-License-Identifier: LGPL-2.1-or-later
// client_access.hpp: which of the rights that a pipe's descriptor grants a client can have (SEMANTICS 2.7, 6.3).
#pragma once

#include "end/types.hpp"
#include "security/access_mask.hpp"

namespace ntpipe::end {

/// Without those against the pipe's direction, and without that to create instances.
[[nodiscard]] constexpr security::AccessMask client_access(Configuration configuration, security::AccessMask granted)
{
    security::AccessMask impossible = security::access::create_pipe_instance;
    if (configuration == Configuration::inbound) {
        impossible |= security::access::read_data;
    } else if (configuration == Configuration::outbound) {
        impossible |= security::access::write_data;
    }
    return granted & ~impossible;
}

} // namespace ntpipe::end

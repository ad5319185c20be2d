// SPDX-License-Identifier: LGPL-2.1-or-later
// wait_buffer.hpp: the structure of FSCTL_PIPE_WAIT (SEMANTICS 4.3, [MS-FSCC] 2.3.49).
#pragma once

#include "glue/bytes.hpp"
#include "name/name.hpp"
#include "namespace/types.hpp"

#include <optional>

namespace ntpipe::space {

struct WaitBuffer {
    name::Name name;
    std::optional<Nanoseconds> timeout; ///< from now; none: the pipe's default
};

/// STATUS_INVALID_PARAMETER: cut, or the name does not fit. STATUS_OBJECT_NAME_INVALID: not a name. `remote`: it came from an
/// SMB client, for which a positive time is a duration (D25); else it is a point in time, as everywhere in NT.
[[nodiscard]] Result<WaitBuffer> parse_wait_buffer(glue::ByteSpan buffer, bool remote);

} // namespace ntpipe::space

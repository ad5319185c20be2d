// SPDX-License-Identifier: GPL-3.0-or-later
// pipe_stream.hpp: a pipe end as the stream that Samba's RPC server reads and writes fragments on.
#pragma once

#include "rpc.h"

#include <ntpipe.h>

namespace ntpipe::rpc {

/// What is written in one call, a fragment, is one message. Reading takes messages in as they come, so a fragment may be a
/// message, as it should be, or several, or share one with others. The end, in message read mode, becomes the stream's.
/// nullptr: out of memory.
[[nodiscard]] tstream_context* make_pipe_stream(TALLOC_CTX* memory, ntpipe_end* end);

} // namespace ntpipe::rpc

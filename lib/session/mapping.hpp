// SPDX-License-Identifier: LGPL-2.1-or-later
// mapping.hpp: shared memory for real: memfds, sealed by their maker and checked by their users.
#pragma once

#include "channel/memory.hpp"
#include "glue/unique_fd.hpp"
#include "status/status.hpp"

#include <memory>

namespace ntpipe::session {

enum class Access { read_only, read_write };

/// A memfd of `size` bytes, zeroed, its first page in memory, sealed against shrinking, growing and unsealing.
[[nodiscard]] Result<glue::UniqueFd> make_memory(const char* name, std::size_t size);

/// A descriptor of the same memory that can be read and mapped for reading only.
[[nodiscard]] Result<glue::UniqueFd> read_only_descriptor(int memory);

/// The way back, for the user that made the memory; empty for others.
[[nodiscard]] glue::UniqueFd writable_descriptor(int read_only);

/// Maps the whole of a memfd. STATUS_INVALID_PARAMETER: not sealed, or not between `least` and `most` bytes; somebody could
/// pull it from under us.
[[nodiscard]] Result<std::unique_ptr<channel::Memory>> map_memory(int memory, std::size_t least, std::size_t most,
                                                                  Access access);

} // namespace ntpipe::session

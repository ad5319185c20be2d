// SPDX-License-Identifier: LGPL-2.1-or-later
// mapping.hpp: shared memory for real: memfds, sealed by their maker and checked by their users.
#pragma once

#include "channel/memory.hpp"
#include "glue/unique_fd.hpp"
#include "status/status.hpp"

#include <memory>
#include <span>
#include <vector>

namespace ntpipe::session {

enum class Access { read_only, read_write };

/// A memfd of parts of so many bytes one after the other, zeroed, the first page of each in memory, sealed against shrinking, growing
/// and unsealing. All parts but the last must be whole pages.
[[nodiscard]] Result<glue::UniqueFd> make_memory(const char* name, std::span<const std::size_t> parts);
[[nodiscard]] Result<glue::UniqueFd> make_memory(const char* name, std::size_t size);

/// A descriptor of the same memory that can be read and mapped for reading only. Who has it, and is not the user that made the memory,
/// cannot open it anew for writing.
[[nodiscard]] Result<glue::UniqueFd> read_only_descriptor(int memory);

/// The way back, for the user that made the memory; empty for others.
[[nodiscard]] glue::UniqueFd writable_descriptor(int read_only);

/// Maps the whole of a memfd. STATUS_INVALID_PARAMETER: not sealed, or not between `least` and `most` bytes; somebody could
/// pull it from under us.
[[nodiscard]] Result<std::unique_ptr<channel::Memory>> map_memory(int memory, std::size_t least, std::size_t most,
                                                                  Access access);

/// Maps a memfd of such parts for reading and writing; it stays mapped until the last of them is destroyed. None for a part of no bytes.
/// STATUS_INVALID_PARAMETER: not sealed, or another size than they have together, or they are not of whole pages.
[[nodiscard]] Result<std::vector<std::unique_ptr<channel::Memory>>> map_parts(int memory,
                                                                              std::span<const std::size_t> parts);

} // namespace ntpipe::session

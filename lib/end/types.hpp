// SPDX-License-Identifier: LGPL-2.1-or-later
// types.hpp: the vocabulary of a pipe's end: modes, states, attributes and results, with the numbers that NT gives them
// (SEMANTICS 0.3).
#pragma once

#include "channel/layout.hpp"
#include "channel/page.hpp"
#include "security/access_mask.hpp"

#include <cstdint>
#include <memory>
#include <string>

namespace ntpipe::end {

using channel::Direction;
using channel::Side;

enum class PipeType : std::uint32_t { byte = 0, message = 1 };
enum class ReadMode : std::uint32_t { byte = 0, message = 1 };
/// NT calls them "queue operation" and "complete operation"; Win32 PIPE_WAIT and PIPE_NOWAIT.
enum class CompletionMode : std::uint32_t { queue = 0, complete = 1 };
enum class Configuration : std::uint32_t { inbound = 0, outbound = 1, full_duplex = 2 };
enum class PipeState : std::uint32_t { disconnected = 1, listening = 2, connected = 3, closing = 4 };

/// Bit 1 of NamedPipeType, which is not part of PipeType.
inline constexpr std::uint32_t reject_remote_clients = 2;
inline constexpr std::uint32_t unlimited_instances = 0xFFFFFFFF;

[[nodiscard]] constexpr bool has_direction(Configuration configuration, Direction direction)
{
    return configuration == Configuration::full_duplex ||
           (configuration == Configuration::inbound) == (direction == Direction::inbound);
}

/// What an end knows of its pipe and instance, for as long as it lives. The broker says it.
struct Attributes {
    PipeType type = PipeType::byte;
    Configuration configuration = Configuration::full_duplex;
    std::uint32_t maximum_instances = 1;
    std::uint32_t inbound_quota = 0;
    std::uint32_t outbound_quota = 0;
    std::uint32_t options = 0;           ///< create options of this end
    std::uint32_t server_process_id = 0; ///< server end: its process
    std::uint32_t server_session_id = 0; ///< server end: its process's terminal session
    std::u16string path;                 ///< the name with its leading backslash, as FileNameInformation reports it
    std::shared_ptr<const channel::PipeView> pipe;

    [[nodiscard]] std::uint32_t quota(Direction direction) const
    {
        return direction == Direction::inbound ? inbound_quota : outbound_quota;
    }
};

/// FilePipeInformation.
struct PipeInformation {
    ReadMode read_mode = ReadMode::byte;
    CompletionMode completion_mode = CompletionMode::queue;
};

/// FilePipeLocalInformation.
struct PipeLocalInformation {
    std::uint32_t named_pipe_type = 0;
    std::uint32_t named_pipe_configuration = 0;
    std::uint32_t maximum_instances = 0;
    std::uint32_t current_instances = 0;
    std::uint32_t inbound_quota = 0;
    std::uint32_t read_data_available = 0;
    std::uint32_t outbound_quota = 0;
    std::uint32_t write_quota_available = 0;
    std::uint32_t named_pipe_state = 0;
    std::uint32_t named_pipe_end = 0;
};

/// FSCTL_PIPE_PEEK.
struct PeekInformation {
    std::uint32_t named_pipe_state = 0;
    std::uint32_t read_data_available = 0;
    std::uint32_t number_of_messages = 0;
    std::uint32_t message_length = 0;
    std::size_t copied = 0; ///< bytes of data that were copied out
};

} // namespace ntpipe::end

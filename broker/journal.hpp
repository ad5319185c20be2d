// SPDX-License-Identifier: LGPL-2.1-or-later
// journal.hpp: the names that are given out and the gateways, in a file of the broker's directory, so that they stay their servers' when the
// broker is killed.
//
// The file is a sequence of entries (u32 size, then the entry as the wire layer encodes it), each the whole truth about one
// pipe or one gateway, or the word that it is gone. It is written anew when it is opened and when most of it is history.
#pragma once

#include "glue/unique_fd.hpp"
#include "namespace/types.hpp"
#include "status/status.hpp"

#include <map>
#include <string>
#include <vector>

namespace ntpipe::broker {

/// A process, told apart from a later one with the same number.
struct ProcessId {
    std::uint32_t process = 0;
    std::uint64_t start_time = 0; ///< field 22 of /proc/PID/stat
};

[[nodiscard]] std::uint64_t start_time_of(std::uint32_t process);

class Journal {
public:
    /// Reads what an earlier broker left in `directory`, and goes on there. What cannot be read is left out.
    [[nodiscard]] Status open(const std::string& directory);
    /// The records read by open(), with those of their servers that are still alive; records without any are left out.
    [[nodiscard]] std::vector<space::PipeRecord> take_records();

    void put(const space::PipeRecord& record);
    void remove(space::PipeId pipe);

    /// The gateways whose processes are still alive.
    [[nodiscard]] std::vector<space::GatewayRecord> take_gateways();
    void put(const space::GatewayRecord& record);
    void remove(const space::GatewayRecord& record);

private:
    struct Entry;
    void read(const std::string& path);
    [[nodiscard]] Status rewrite();
    void append(const Entry& entry);

    std::string path_;
    glue::UniqueFd file_;
    std::map<space::PipeId, glue::ByteVector> live_; ///< encoded
    std::vector<space::PipeRecord> records_;
    std::vector<space::GatewayRecord> gateways_;
    std::size_t history_ = 0; ///< entries in the file that are no longer the truth
};

} // namespace ntpipe::broker

// SPDX-License-Identifier: LGPL-2.1-or-later
// container.hpp: handles that are no pipes: the device (volume) and the directory of all pipes (root). What they answer
// (SEMANTICS 1.4) and how a directory is enumerated (SEMANTICS 1.7) is decided here and nowhere else.
#pragma once

#include "name/name.hpp"
#include "namespace/types.hpp"

#include <span>
#include <string>
#include <vector>

namespace ntpipe::space {

/// What a request on a container has to be followed by.
enum class ContainerWork : std::uint8_t { none, wait, create_alias, delete_alias };

class Container {
public:
    Container(name::Container kind, security::AccessMask desired_access, std::uint32_t options);

    [[nodiscard]] name::Container kind() const { return kind_; }
    [[nodiscard]] security::AccessMask granted_access() const { return granted_access_; }
    /// `\Device\NamedPipe`, with a last backslash for the root.
    [[nodiscard]] std::string object_name() const;

    [[nodiscard]] Status read() const;
    [[nodiscard]] Status write() const;
    /// STATUS_SUCCESS: go on with `work`, whose input is that of the FSCTL.
    [[nodiscard]] Status control(std::uint32_t code, ContainerWork& work) const;
    [[nodiscard]] Status query_information(std::uint32_t information_class, std::span<std::byte> buffer,
                                           std::size_t& information) const;
    [[nodiscard]] Status set_information() const;
    /// Whether a pipe may be created or opened by a name relative to this. STATUS_OBJECT_NAME_INVALID: the volume.
    [[nodiscard]] Status check_relative_name() const;
    /// Whether there can be an enumeration. STATUS_INVALID_PARAMETER: the volume.
    [[nodiscard]] Status check_enumeration() const;
    /// The same for a change notification. `names_only`: what the completion filter asks for.
    [[nodiscard]] Status check_notification(std::uint32_t completion_filter, bool& names_only) const;

private:
    [[nodiscard]] Status check(security::AccessMask needed) const;

    name::Container kind_;
    security::AccessMask granted_access_;
    std::uint32_t options_;
};

/// What FSCTL_PIPE_CREATE_SYMLINK and _DELETE_SYMLINK carry.
struct SymlinkBuffer {
    name::Name alias;
    name::Name real; ///< empty for a deletion
};
/// STATUS_INVALID_PARAMETER: cut, unknown flags. STATUS_OBJECT_NAME_INVALID: not names of pipes.
[[nodiscard]] Result<SymlinkBuffer> parse_symlink_buffer(glue::ByteSpan buffer, bool deletion);

/// An enumeration of the root directory: the pattern of its first call, and how far it has come.
class DirectoryScan {
public:
    /// One call.
    struct Query {
        std::uint32_t information_class = 0;
        std::string pattern; ///< empty: all. Only that of the first call counts
        bool restart = false;
        bool single = false; ///< at most one entry
        std::span<std::byte> buffer;
    };

    /// STATUS_INVALID_INFO_CLASS: not one of Directory, FullDirectory, BothDirectory, Names. STATUS_INFO_LENGTH_MISMATCH: no room
    /// for the fixed part of an entry. STATUS_OBJECT_NAME_INVALID: the pattern is not UTF-8.
    [[nodiscard]] Status begin(Query query);
    /// What to ask the namespace for: a pattern for list() that lets pass whatever this one does, and behind which name to begin.
    [[nodiscard]] const std::string& list_pattern() const { return list_pattern_; }
    [[nodiscard]] const std::optional<std::pair<std::string, Scope>>& after() const { return after_; }
    /// Takes in what list() gave. STATUS_PENDING: ask for the next page. Else the call's result:
    /// STATUS_SUCCESS, STATUS_BUFFER_OVERFLOW (the name of the only entry is cut), STATUS_NO_SUCH_FILE (first call),
    /// STATUS_NO_MORE_FILES.
    [[nodiscard]] Status take(std::span<const PipeListing> page, bool more);
    /// Bytes put into the buffer.
    [[nodiscard]] std::size_t information() const { return used_; }

private:
    [[nodiscard]] bool put(const PipeListing& pipe, std::u16string_view name, Status& status);

    bool begun_ = false;
    std::u16string expression_; ///< folded
    std::string list_pattern_;
    std::optional<std::pair<std::string, Scope>> after_;
    Query query_;
    bool first_call_ = false;
    std::size_t used_ = 0;
    std::size_t last_entry_ = 0;
    bool any_ = false;
};

} // namespace ntpipe::space

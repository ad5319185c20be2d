// SPDX-License-Identifier: LGPL-2.1-or-later
// name.hpp: pipe names: the forms in which they come, their limits, and how they compare (SEMANTICS 1.1 to 1.3).
#pragma once

#include "status/status.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ntpipe::name {

/// What stands before every pipe's name in the native namespace; 18 characters.
inline constexpr std::string_view native_prefix = "\\Device\\NamedPipe\\";
/// The longest native path, in bytes of UTF-16 (SEMANTICS 1.3).
inline constexpr std::size_t maximum_path_size = 65532;

/// A pipe's name behind the last prefix, without a leading backslash. Any character is legal in it but NUL; backslashes and
/// dots mean nothing.
struct Name {
    /// As its creator spelled it. UTF-8; a lone surrogate, which NT allows, is written in three bytes.
    std::string spelling;
    /// For comparison: upcased by the simple mappings of the Basic Multilingual Plane, as NT does it.
    std::u16string folded;
};

/// Takes `\\.\pipe\x`, `\\?\pipe\x`, `\??\pipe\x`, `\DosDevices\pipe\x`, `\Device\NamedPipe\x` (the prefix in any case), and
/// plain `x`. STATUS_OBJECT_NAME_INVALID: nothing behind the prefix, too long, with a NUL, or not UTF-8.
/// STATUS_OBJECT_PATH_SYNTAX_BAD: nothing at all, or another path that begins with two backslashes, such as one on another host.
[[nodiscard]] Result<Name> parse(std::string_view text);

/// Takes a name that has no prefix, verbatim. STATUS_OBJECT_NAME_INVALID as above.
[[nodiscard]] Result<Name> parse_bare(std::string_view spelling);

/// The two objects that are no pipes: the device itself, and the directory of all pipes (SEMANTICS 1.4).
enum class Container : std::uint8_t { volume, root };

/// Takes the prefixes of parse() alone: with the last backslash it is the root directory, without it the volume. nullopt:
/// neither.
[[nodiscard]] std::optional<Container> parse_container(std::string_view text);

/// The UTF-16 form; false: not UTF-8 (of the kind that Name::spelling describes).
[[nodiscard]] bool to_utf16(std::string_view text, std::u16string& wide);
[[nodiscard]] std::string to_utf8(std::u16string_view wide);

/// Upcases, one character for one.
[[nodiscard]] std::u16string fold(std::u16string_view text);

/// True when `pattern` matches `text` as a whole: `*` any characters, `?` one. Compares folded.
[[nodiscard]] bool matches(std::u16string_view folded_pattern, std::u16string_view folded_text);

/// True when `expression` matches `text` as a whole in a directory enumeration ([MS-FSA] 2.1.4.4): `*` and `?` as above, and
/// the wildcards into which Win32 turns those of DOS: `<` any characters up to the last dot, `>` one character, or none before a
/// dot and at the end, `"` a dot, or nothing at the end. Compares folded.
[[nodiscard]] bool in_expression(std::u16string_view folded_expression, std::u16string_view folded_text);

} // namespace ntpipe::name

// SPDX-License-Identifier: LGPL-2.1-or-later
// directory_scan.cc: enumerating the root directory: the bytes of its entries ([MS-FSCC] 2.4), and how far each call comes
// (SEMANTICS 1.7).
#include "namespace/container.hpp"
#include "namespace/doubt.hpp"

#include <algorithm>
#include <array>

namespace ntpipe::space {
namespace {

constexpr std::uint32_t class_names = 12;

/// Where the name stands in an entry of a class.
struct EntryClass {
    std::uint32_t number;
    std::size_t name_offset;
    std::size_t shortest; ///< NT's structure with one character of the name and its padding
};

constexpr std::array<EntryClass, 4> entry_classes = {{
    {1, 64, 72},           // FileDirectoryInformation
    {2, 68, 72},           // FileFullDirectoryInformation: EaSize before the name
    {3, 94, 96},           // FileBothDirectoryInformation: EaSize and an 8.3 name before it
    {class_names, 12, 16}, // FileNamesInformation
}};

const EntryClass* find_class(std::uint32_t number)
{
    const auto* const found =
        std::find_if(entry_classes.begin(), entry_classes.end(),
                     [number](const EntryClass& candidate) { return candidate.number == number; });
    return found == entry_classes.end() ? nullptr : found;
}

std::uint32_t instances_of(const PipeListing& pipe)
{
    std::uint32_t count = 0;
    for (const std::uint32_t in_state : pipe.instances) {
        count += in_state;
    }
    return count;
}

// An entry with NextEntryOffset 0. Times, FileIndex, EaSize and the short name are 0.
glue::ByteVector entry_of(const PipeListing& pipe, std::u16string_view name, const EntryClass& entry_class)
{
    constexpr std::uint32_t file_attribute_normal = 0x80;
    glue::ByteWriter writer;
    writer.put_zeros(8); // NextEntryOffset, FileIndex
    if (entry_class.number != class_names) {
        writer.put_zeros(32);                              // four times
        writer.put(std::uint64_t{instances_of(pipe)});     // EndOfFile
        writer.put(std::uint64_t{pipe.maximum_instances}); // AllocationSize
        writer.put(file_attribute_normal);
    }
    writer.put(static_cast<std::uint32_t>(name.size() * sizeof(char16_t)));
    writer.put_zeros(entry_class.name_offset - writer.size());
    writer.put_bytes(std::as_bytes(std::span(name)));
    return writer.take();
}

constexpr std::size_t aligned(std::size_t offset)
{
    return (offset + doubt::directory_entry_alignment - 1) / doubt::directory_entry_alignment *
           doubt::directory_entry_alignment;
}

} // namespace

Status DirectoryScan::begin(Query query)
{
    const EntryClass* entry_class = find_class(query.information_class);
    if (entry_class == nullptr) {
        return Status::invalid_info_class;
    }
    if (query.buffer.size() < entry_class->shortest) {
        return Status::info_length_mismatch;
    }
    if (!begun_) {
        std::u16string wide;
        if (!name::to_utf16(query.pattern.empty() ? "*" : query.pattern, wide)) {
            return Status::object_name_invalid;
        }
        expression_ = name::fold(wide);
        // The namespace knows * and ? only.
        list_pattern_ = query.pattern.find_first_of("<>\"") == std::string::npos ? query.pattern : "";
    }
    first_call_ = !begun_;
    begun_ = true;
    if (query.restart) {
        after_.reset();
    }
    query_ = std::move(query);
    used_ = last_entry_ = 0;
    any_ = false;
    return Status::success;
}

Status DirectoryScan::take(std::span<const PipeListing> page, bool more)
{
    for (const PipeListing& pipe : page) {
        std::u16string name;
        Status status = Status::success;
        if (name::to_utf16(pipe.name, name) && name::in_expression(expression_, name::fold(name)) &&
            !put(pipe, name, status)) {
            return status;
        }
        after_ = {pipe.name, pipe.scope};
        if (status != Status::success || (any_ && query_.single)) {
            return status;
        }
    }
    if (more) {
        return Status::pending;
    }
    if (any_) {
        return Status::success;
    }
    return first_call_ ? doubt::nothing_matches : Status::no_more_files;
}

// False: there is no room for it behind the entries that are there.
bool DirectoryScan::put(const PipeListing& pipe, std::u16string_view name, Status& status)
{
    const EntryClass& entry_class = *find_class(query_.information_class);
    const glue::ByteVector entry = entry_of(pipe, name, entry_class);
    const std::size_t start = any_ ? aligned(used_) : 0;
    const std::size_t room = query_.buffer.size() - std::min(start, query_.buffer.size());
    if (any_ && entry.size() > room) {
        return false;
    }
    if (any_) {
        const auto distance = static_cast<std::uint32_t>(start - last_entry_);
        const auto bytes = std::as_bytes(std::span(&distance, 1));
        std::fill(query_.buffer.begin() + static_cast<std::ptrdiff_t>(used_),
                  query_.buffer.begin() + static_cast<std::ptrdiff_t>(start), std::byte{0});
        std::copy(bytes.begin(), bytes.end(), query_.buffer.begin() + static_cast<std::ptrdiff_t>(last_entry_));
    }
    const std::size_t copied = std::min(entry.size(), room);
    std::copy_n(entry.begin(), copied, query_.buffer.begin() + static_cast<std::ptrdiff_t>(start));
    status = copied < entry.size() ? Status::buffer_overflow : Status::success;
    last_entry_ = start;
    used_ = start + copied;
    any_ = true;
    return true;
}

} // namespace ntpipe::space

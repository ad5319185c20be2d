// SPDX-License-Identifier: LGPL-2.1-or-later
// volume.cc: volume information.
#include "end/volume.hpp"

#include "end/doubt.hpp"
#include "glue/bytes.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace ntpipe::end {
namespace {

constexpr std::u16string_view label = u"NamedPipe";
constexpr std::u16string_view file_system_name = u"NPFS";

void write_text(glue::ByteWriter& writer, std::u16string_view text)
{
    writer.put_bytes(std::as_bytes(std::span(text)));
}

void write_volume(glue::ByteWriter& writer)
{
    writer.put_zeros(8 + 4); // creation time, serial number
    writer.put(static_cast<std::uint32_t>(label.size() * sizeof(char16_t)));
    writer.put_zeros(2); // SupportsObjects, reserved
    write_text(writer, label);
}

void write_size(glue::ByteWriter& writer)
{
    writer.put_zeros(8 + 8); // total and available units
    writer.put(std::uint32_t{1});
    writer.put(std::uint32_t{1});
}

void write_device(glue::ByteWriter& writer)
{
    constexpr std::uint32_t device_named_pipe = 0x11;
    writer.put(device_named_pipe);
    writer.put(std::uint32_t{0});
}

void write_attribute(glue::ByteWriter& writer)
{
    constexpr std::uint32_t case_preserved_names = 2;
    writer.put(case_preserved_names);
    writer.put(std::uint32_t{0xFFFFFFFF}); // MaximumComponentNameLength
    writer.put(static_cast<std::uint32_t>(file_system_name.size() * sizeof(char16_t)));
    write_text(writer, file_system_name);
}

void write_full_size(glue::ByteWriter& writer)
{
    writer.put_zeros(32);
}

struct VolumeClass {
    std::uint32_t number;
    std::size_t shortest; ///< NT's structure with one character of the name and its padding
    void (*write)(glue::ByteWriter& writer);
};

constexpr std::array<VolumeClass, 5> volume_classes = {{
    {1, 24, write_volume},
    {3, 24, write_size},
    {4, 8, write_device},
    {5, 16, write_attribute},
    {7, 32, write_full_size},
}};

} // namespace

Status query_volume_information(std::uint32_t information_class, std::span<std::byte> buffer, std::size_t& information)
{
    information = 0;
    const auto row = std::find_if(volume_classes.begin(), volume_classes.end(),
                                  [&](const VolumeClass& candidate) { return candidate.number == information_class; });
    if (row == volume_classes.end()) {
        return doubt::other_volume_class;
    }
    if (buffer.size() < row->shortest) {
        return Status::info_length_mismatch;
    }
    glue::ByteWriter writer;
    row->write(writer);
    information = std::min(buffer.size(), writer.size());
    std::copy_n(writer.bytes().begin(), information, buffer.begin());
    return information < writer.size() ? Status::buffer_overflow : Status::success;
}

} // namespace ntpipe::end

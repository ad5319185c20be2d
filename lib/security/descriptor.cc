// SPDX-License-Identifier: LGPL-2.1-or-later
// descriptor.cc: security descriptors.
#include "security/descriptor.hpp"

namespace ntpipe::security {
namespace {

constexpr std::uint8_t descriptor_revision = 1;
constexpr std::size_t descriptor_header_size = 20;
constexpr std::size_t acl_header_size = 8;
constexpr std::size_t ace_header_size = 4;
constexpr std::uint8_t acl_revision_2 = 2;
constexpr std::uint8_t acl_revision_4 = 4;

std::optional<Ace> read_ace(glue::ByteReader& reader)
{
    Ace ace;
    ace.type = reader.get<std::uint8_t>();
    ace.flags = reader.get<std::uint8_t>();
    const auto size = reader.get<std::uint16_t>();
    if (reader.failed() || size < ace_header_size) {
        return std::nullopt;
    }
    const glue::ByteSpan body = reader.get_bytes(size - ace_header_size);
    if (reader.failed()) {
        return std::nullopt;
    }
    if (!ace.simple()) {
        ace.body.assign(body.begin(), body.end());
        return ace;
    }
    glue::ByteReader inner(body);
    ace.mask = inner.get<std::uint32_t>();
    ace.sid = Sid::read(inner);
    return inner.failed() ? std::nullopt : std::optional(ace);
}

std::optional<Acl> read_acl(glue::ByteSpan bytes)
{
    glue::ByteReader head(bytes);
    Acl acl;
    acl.revision = head.get<std::uint8_t>();
    head.skip(1);
    const auto size = head.get<std::uint16_t>();
    const auto count = head.get<std::uint16_t>();
    head.skip(2);
    if (head.failed() || acl.revision < acl_revision_2 || acl.revision > acl_revision_4 || size < acl_header_size ||
        size > bytes.size()) {
        return std::nullopt;
    }
    glue::ByteReader reader(bytes.subspan(acl_header_size, size - acl_header_size));
    for (std::size_t i = 0; i < count; ++i) {
        auto ace = read_ace(reader);
        if (!ace) {
            return std::nullopt;
        }
        acl.aces.push_back(std::move(*ace));
    }
    return acl;
}

void write_ace(glue::ByteWriter& writer, const Ace& ace)
{
    const std::size_t size = ace_header_size + (ace.simple() ? 4 + ace.sid.size() : ace.body.size());
    writer.put(ace.type);
    writer.put(ace.flags);
    writer.put(static_cast<std::uint16_t>(size));
    if (ace.simple()) {
        writer.put(ace.mask);
        ace.sid.write(writer);
    } else {
        writer.put_bytes(ace.body);
    }
}

void write_acl(glue::ByteWriter& writer, const Acl& acl)
{
    const std::size_t start = writer.size();
    writer.put(acl.revision);
    writer.put(std::uint8_t{0});
    writer.put(std::uint16_t{0}); // the size, below
    writer.put(static_cast<std::uint16_t>(acl.aces.size()));
    writer.put(std::uint16_t{0});
    for (const Ace& ace : acl.aces) {
        write_ace(writer, ace);
    }
    writer.patch(start + 2, static_cast<std::uint16_t>(writer.size() - start));
}

// The part of a descriptor at `offset`; 0 means that it has none.
std::optional<glue::ByteSpan> part_at(glue::ByteSpan bytes, std::uint32_t offset)
{
    if (offset < descriptor_header_size || offset >= bytes.size()) {
        return std::nullopt;
    }
    return bytes.subspan(offset);
}

Status read_sid_at(glue::ByteSpan bytes, std::uint32_t offset, std::optional<Sid>& sid)
{
    if (offset == 0) {
        return Status::success;
    }
    const auto part = part_at(bytes, offset);
    if (!part) {
        return Status::invalid_security_descr;
    }
    glue::ByteReader reader(*part);
    sid = Sid::read(reader);
    return reader.failed() ? Status::invalid_sid : Status::success;
}

Status read_acl_at(glue::ByteSpan bytes, std::uint32_t offset, bool present, std::optional<Acl>& acl)
{
    if (!present || offset == 0) {
        return Status::success;
    }
    const auto part = part_at(bytes, offset);
    if (!part) {
        return Status::invalid_security_descr;
    }
    acl = read_acl(*part);
    return acl ? Status::success : Status::invalid_acl;
}

Ace allow(AccessMask mask, const Sid& sid)
{
    Ace ace;
    ace.mask = mask;
    ace.sid = sid;
    return ace;
}

Acl default_dacl(const Token& creator)
{
    return Acl{acl_revision_2,
               {allow(access::generic_all, well_known::local_system),
                allow(access::generic_all, well_known::administrators), allow(access::generic_all, creator.owner()),
                allow(access::generic_read, well_known::everyone), allow(access::generic_read, well_known::anonymous)}};
}

} // namespace

Result<Descriptor> Descriptor::parse(glue::ByteSpan self_relative)
{
    glue::ByteReader reader(self_relative);
    Descriptor descriptor;
    const auto revision = reader.get<std::uint8_t>();
    reader.skip(1);
    const auto control = reader.get<std::uint16_t>();
    const auto owner = reader.get<std::uint32_t>();
    const auto group = reader.get<std::uint32_t>();
    const auto sacl = reader.get<std::uint32_t>();
    const auto dacl = reader.get<std::uint32_t>();
    if (reader.failed() || revision != descriptor_revision || (control & descriptor_control::self_relative) == 0) {
        return Status::invalid_security_descr;
    }
    descriptor.control = control & descriptor_control::kept;
    descriptor.dacl_present = (control & descriptor_control::dacl_present) != 0;
    descriptor.sacl_present = (control & descriptor_control::sacl_present) != 0;
    for (const Status status :
         {read_sid_at(self_relative, owner, descriptor.owner), read_sid_at(self_relative, group, descriptor.group),
          read_acl_at(self_relative, sacl, descriptor.sacl_present, descriptor.sacl),
          read_acl_at(self_relative, dacl, descriptor.dacl_present, descriptor.dacl)}) {
        if (status != Status::success) {
            return status;
        }
    }
    return descriptor;
}

glue::ByteVector Descriptor::self_relative() const
{
    constexpr std::size_t owner_at = 4;
    constexpr std::size_t group_at = 8;
    constexpr std::size_t sacl_at = 12;
    constexpr std::size_t dacl_at = 16;
    glue::ByteWriter writer;
    std::uint16_t bits = control | descriptor_control::self_relative;
    bits |= dacl_present ? descriptor_control::dacl_present : std::uint16_t{0};
    bits |= sacl_present ? descriptor_control::sacl_present : std::uint16_t{0};
    writer.put(descriptor_revision);
    writer.put(std::uint8_t{0});
    writer.put(bits);
    writer.put_zeros(descriptor_header_size - 4);
    const auto mark = [&writer](std::size_t at) { writer.patch(at, static_cast<std::uint32_t>(writer.size())); };
    if (sacl_present && sacl) {
        mark(sacl_at);
        write_acl(writer, *sacl);
    }
    if (dacl_present && dacl) {
        mark(dacl_at);
        write_acl(writer, *dacl);
    }
    if (owner) {
        mark(owner_at);
        owner->write(writer);
    }
    if (group) {
        mark(group_at);
        group->write(writer);
    }
    return writer.take();
}

Descriptor default_descriptor(const Token& creator)
{
    return complete_descriptor(Descriptor(), creator);
}

Descriptor complete_descriptor(Descriptor descriptor, const Token& creator)
{
    if (!descriptor.owner) {
        descriptor.owner = creator.owner();
    }
    if (!descriptor.group) {
        descriptor.group = creator.sids.size() > 1 ? creator.sids[1] : creator.owner();
    }
    if (!descriptor.dacl_present) {
        descriptor.dacl_present = true;
        descriptor.dacl = default_dacl(creator);
    }
    if (descriptor.dacl) {
        for (Ace& ace : descriptor.dacl->aces) {
            ace.mask = map_generic(ace.mask);
        }
    }
    return descriptor;
}

} // namespace ntpipe::security

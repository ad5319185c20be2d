// SPDX-License-Identifier: LGPL-2.1-or-later
// descriptor.cc: security descriptors.
#include "security/descriptor.hpp"

#include <array>

namespace ntpipe::security {
namespace {

constexpr std::uint8_t descriptor_revision = 1;
constexpr std::size_t descriptor_header_size = 20;
constexpr std::size_t acl_header_size = 8;
constexpr std::size_t ace_header_size = 4;
constexpr std::uint8_t acl_revision_2 = 2;
constexpr std::uint8_t acl_revision_4 = 4;

// The shapes that entries have, by type; beyond it nothing is known.
enum class Shape : std::uint8_t { plain, object, opaque };
constexpr std::array<Shape, 20> shapes = {Shape::plain,  Shape::plain,  Shape::plain,  Shape::plain,  Shape::opaque,
                                          Shape::object, Shape::object, Shape::object, Shape::object, Shape::plain,
                                          Shape::plain,  Shape::object, Shape::object, Shape::plain,  Shape::plain,
                                          Shape::object, Shape::object, Shape::plain,  Shape::plain,  Shape::plain};

constexpr Shape shape_of(std::uint8_t type)
{
    return type < shapes.size() ? shapes[type] : Shape::opaque;
}

// Flags and up to two GUIDs.
glue::ByteVector read_object(glue::ByteReader& reader)
{
    constexpr std::uint32_t object_type_present = 1;
    constexpr std::uint32_t inherited_type_present = 2;
    constexpr std::size_t guid_size = 16;
    glue::ByteWriter object;
    const auto flags = reader.get<std::uint32_t>();
    object.put(flags);
    for (const std::uint32_t bit : {object_type_present, inherited_type_present}) {
        if ((flags & bit) != 0) {
            object.put_bytes(reader.get_bytes(guid_size));
        }
    }
    return object.take();
}

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
    if (!ace.known()) {
        ace.body.assign(body.begin(), body.end());
        return ace;
    }
    glue::ByteReader inner(body);
    ace.mask = inner.get<std::uint32_t>();
    if (ace.about_objects()) {
        ace.object = read_object(inner);
    }
    ace.sid = Sid::read(inner);
    if (inner.failed()) {
        return std::nullopt;
    }
    const glue::ByteSpan rest = inner.get_bytes(inner.left());
    ace.body.assign(rest.begin(), rest.end());
    return ace;
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
    const std::size_t head = ace.known() ? sizeof(AccessMask) + ace.object.size() + ace.sid.size() : 0;
    const std::size_t size = ace_header_size + head + ace.body.size();
    writer.put(ace.type);
    writer.put(ace.flags);
    writer.put(static_cast<std::uint16_t>(size));
    if (ace.known()) {
        writer.put(ace.mask);
        writer.put_bytes(ace.object);
        ace.sid.write(writer);
    }
    writer.put_bytes(ace.body);
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

void map_generic_bits(std::optional<Acl>& acl)
{
    if (acl) {
        for (Ace& ace : acl->aces) {
            ace.mask = map_generic(ace.mask);
        }
    }
}

} // namespace

bool Ace::known() const
{
    return shape_of(type) != Shape::opaque;
}

bool Ace::about_objects() const
{
    return shape_of(type) == Shape::object;
}

bool Ace::denies() const
{
    return type == ace_type::access_denied || type == ace_type::access_denied_object ||
           type == ace_type::access_denied_callback || type == ace_type::access_denied_callback_object;
}

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
    map_generic_bits(descriptor.dacl);
    map_generic_bits(descriptor.sacl);
    return descriptor;
}

Descriptor native_default_descriptor(const Token& creator)
{
    Descriptor descriptor;
    descriptor.dacl_present = true;
    descriptor.dacl =
        Acl{acl_revision_2,
            {allow(access::generic_all, creator.owner()), allow(access::generic_all, well_known::local_system)}};
    return complete_descriptor(std::move(descriptor), creator);
}

// ---- parts ----

namespace {

constexpr std::uint16_t dacl_bits = 0x1508; ///< DEFAULTED, AUTO_INHERIT_REQ, AUTO_INHERITED, PROTECTED
constexpr std::uint16_t sacl_bits = 0x2A20;
constexpr std::uint16_t owner_bits = 0x0001;
constexpr std::uint16_t group_bits = 0x0002;

std::uint16_t control_bits_of(std::uint32_t information)
{
    std::uint16_t bits = 0;
    bits |= (information & security_information::owner) != 0 ? owner_bits : std::uint16_t{0};
    bits |= (information & security_information::group) != 0 ? group_bits : std::uint16_t{0};
    bits |= (information & security_information::dacl) != 0 ? dacl_bits : std::uint16_t{0};
    bits |= (information & security_information::sacl) != 0 ? sacl_bits : std::uint16_t{0};
    return bits;
}

bool may_make_owner(const Token& setter, const Sid& owner)
{
    return owner == setter.owner() || (owner == well_known::administrators && setter.has(owner)) ||
           setter.may(privilege::restore);
}

} // namespace

AccessMask access_to_query(std::uint32_t information)
{
    constexpr std::uint32_t readable =
        security_information::owner | security_information::group | security_information::dacl;
    return ((information & readable) != 0 ? access::read_control : 0) |
           ((information & security_information::sacl) != 0 ? access::access_system_security : 0);
}

AccessMask access_to_set(std::uint32_t information)
{
    constexpr std::uint32_t owning = security_information::owner | security_information::group;
    return ((information & owning) != 0 ? access::write_owner : 0) |
           ((information & security_information::dacl) != 0 ? access::write_dac : 0) |
           ((information & security_information::sacl) != 0 ? access::access_system_security : 0);
}

Descriptor parts_of(const Descriptor& descriptor, std::uint32_t information)
{
    Descriptor parts;
    parts.control = descriptor.control & control_bits_of(information);
    if ((information & security_information::owner) != 0) {
        parts.owner = descriptor.owner;
    }
    if ((information & security_information::group) != 0) {
        parts.group = descriptor.group;
    }
    if ((information & security_information::dacl) != 0) {
        parts.dacl_present = descriptor.dacl_present;
        parts.dacl = descriptor.dacl;
    }
    if ((information & security_information::sacl) != 0) {
        parts.sacl_present = descriptor.sacl_present;
        parts.sacl = descriptor.sacl;
    }
    return parts;
}

Result<Descriptor> replace_parts(Descriptor current, std::uint32_t information, Descriptor replacement,
                                 const Token& setter)
{
    const std::uint16_t bits = control_bits_of(information);
    current.control = static_cast<std::uint16_t>((current.control & ~bits) | (replacement.control & bits));
    if ((information & security_information::owner) != 0) {
        if (!replacement.owner || !may_make_owner(setter, *replacement.owner)) {
            return Status::invalid_owner;
        }
        current.owner = replacement.owner;
    }
    if ((information & security_information::group) != 0) {
        if (!replacement.group) {
            return Status::invalid_primary_group;
        }
        current.group = replacement.group;
    }
    if ((information & security_information::dacl) != 0) {
        current.dacl_present = true;
        current.dacl = std::move(replacement.dacl);
        map_generic_bits(current.dacl);
    }
    if ((information & security_information::sacl) != 0) {
        current.sacl_present = replacement.sacl_present;
        current.sacl = std::move(replacement.sacl);
        map_generic_bits(current.sacl);
    }
    return current;
}

} // namespace ntpipe::security

// SPDX-License-Identifier: LGPL-2.1-or-later
// messages.cc: encoding, decoding and describing the messages of the control protocol.
#include "wire/messages.hpp"

#include <bit>
#include <utility>

namespace ntpipe::wire {
namespace {

template <typename T>
bool take_descriptors(T& message, std::uint16_t mask, std::vector<glue::UniqueFd>& descriptors)
{
    constexpr std::size_t count = T::descriptor_names.size();
    if ((mask >> count) != 0 || static_cast<std::size_t>(std::popcount(mask)) != descriptors.size()) {
        return false;
    }
    std::size_t next = 0;
    for (std::size_t i = 0; i < count; ++i) {
        if ((mask & (1U << i)) != 0) {
            message.descriptors[i] = std::move(descriptors[next++]);
        }
    }
    return true;
}

template <typename T>
Result<Message> decode_as(glue::ByteReader& reader, std::uint16_t mask, std::vector<glue::UniqueFd>& descriptors)
{
    T message;
    decode_value(reader, message, 0);
    if (reader.failed() || reader.left() != 0 || !take_descriptors(message, mask, descriptors)) {
        return Status::invalid_parameter;
    }
    return Message(std::move(message));
}

template <std::size_t... I>
Result<Message> decode_code(std::uint16_t code, glue::ByteReader& reader, std::uint16_t mask,
                            std::vector<glue::UniqueFd>& descriptors, std::index_sequence<I...> /*all*/)
{
    Result<Message> result = Status::invalid_parameter;
    const auto try_one = [&](auto identity) {
        using T = typename decltype(identity)::type;
        if (T::code != code) {
            return false;
        }
        result = decode_as<T>(reader, mask, descriptors);
        return true;
    };
    (void)(try_one(std::type_identity<std::variant_alternative_t<I, Message>>()) || ...);
    return result;
}

template <typename T>
void describe_fields(std::string& text)
{
    const auto line = [&text](const auto& f) {
        using Type = std::remove_reference_t<decltype(std::declval<T>().*(f.member))>;
        text += "| " + std::string(f.name) + " | " + type_name<Type>() + " | " +
                (f.most == 0 ? std::string() : std::to_string(f.most)) + " | " + f.meaning + " |\n";
    };
    text += "| field | type | at most | meaning |\n|---|---|---|---|\n";
    std::apply([&](const auto&... f) { (line(f), ...); }, T::fields());
}

template <typename T>
void describe_part(std::string& text)
{
    text += std::string("\n#### ") + T::title + "\n\n";
    describe_fields<T>(text);
}

template <typename T>
void describe_message(std::string& text)
{
    text += "\n#### " + std::to_string(T::code) + " " + T::title + "\n\n" + T::meaning + "\n\n";
    if constexpr (std::tuple_size_v<decltype(T::fields())> != 0) {
        describe_fields<T>(text);
    }
    std::size_t i = 0;
    for (const char* name : T::descriptor_names) {
        text += (i == 0 ? "\nDescriptors: " : "; ") + std::to_string(i) + " " + name;
        ++i;
    }
    text += i == 0 ? "" : ".\n";
}

template <std::size_t... I>
void describe_messages(std::string& text, std::index_sequence<I...> /*all*/)
{
    (describe_message<std::variant_alternative_t<I, Message>>(text), ...);
}

} // namespace

Result<Packet> encode(Message message)
{
    return std::visit(
        [](auto& fields) -> Result<Packet> {
            using T = std::remove_reference_t<decltype(fields)>;
            constexpr std::size_t most_need_less = 512;
            Packet packet;
            packet.descriptors.reserve(T::descriptor_names.size());
            std::uint16_t mask = 0;
            for (std::size_t i = 0; i < T::descriptor_names.size(); ++i) {
                if (fields.descriptors[i]) {
                    mask = static_cast<std::uint16_t>(mask | (1U << i));
                    packet.descriptors.push_back(std::move(fields.descriptors[i]));
                }
            }
            glue::ByteWriter writer;
            writer.reserve(most_need_less);
            writer.put(std::uint32_t{0}); // the size, below
            writer.put(std::uint16_t{T::code});
            writer.put(mask);
            encode_value(writer, fields);
            if (writer.size() > maximum_message_size) {
                return Status::invalid_parameter;
            }
            writer.patch(0, static_cast<std::uint32_t>(writer.size()));
            packet.bytes = writer.take();
            return packet;
        },
        message);
}

Result<Message> decode(Packet packet)
{
    glue::ByteReader reader(packet.bytes);
    const auto size = reader.get<std::uint32_t>();
    const auto code = reader.get<std::uint16_t>();
    const auto mask = reader.get<std::uint16_t>();
    if (reader.failed() || size != packet.bytes.size()) {
        return Status::invalid_parameter;
    }
    return decode_code(code, reader, mask, packet.descriptors,
                       std::make_index_sequence<std::variant_size_v<Message>>());
}

const char* title_of(const Message& message)
{
    return std::visit([](const auto& fields) { return std::remove_cvref_t<decltype(fields)>::title; }, message);
}

std::uint16_t version_of(const Message& message)
{
    return std::visit(
        [](const auto& fields) {
            using T = std::remove_cvref_t<decltype(fields)>;
            if constexpr (requires { T::since; }) {
                return T::since;
            } else {
                return first_version;
            }
        },
        message);
}

std::string describe()
{
    std::string text = "\n### Parts of messages\n";
    describe_part<Identity>(text);
    describe_part<Attributes>(text);
    describe_part<ReturnedInstance>(text);
    describe_part<Listing>(text);
    describe_part<UsageLine>(text);
    text += "\n### Messages\n";
    describe_messages(text, std::make_index_sequence<std::variant_size_v<Message>>());
    return text;
}

} // namespace ntpipe::wire

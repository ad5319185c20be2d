// SPDX-License-Identifier: LGPL-2.1-or-later
// broker_steps.hpp: what processes do to a broker, as bytes (fuzz_broker.cc), and changes of it that keep its form: whole steps come, go and
// move, messages that make sense are made from the table of messages, and single fields of them are made anew.
#pragma once

#include "input.hpp"

#include "channel/layout.hpp"
#include "wire/messages.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <random>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace ntpipe::fuzz {

// ---- the form ----

/// A step begins with a byte: who (client_mask), then what, then whether its header lies.
constexpr std::uint8_t client_mask = 3;
constexpr std::size_t hostile_clients = 4;
constexpr std::uint8_t kinds_of_steps = 16;
enum Kind : std::uint8_t {
    death = 10,
    later = 11,
    restart = 12,
    no_packet = 13,
    reconnect = 14,
    deaf = 15
}; // others: a message
constexpr std::uint8_t lies_mark = 0x80;
/// What a message's body cannot know, numbers and ids that the broker makes: an index into those that it has told, and this 7 or 15 times.
constexpr std::byte number_mark{0xF6};
constexpr std::byte id_mark{0xF5};
constexpr std::uint8_t newest_mark = 0xFF; ///< as an index: what was told last

[[nodiscard]] constexpr std::uint8_t kind_of(std::uint8_t choice)
{
    return choice / (client_mask + 1) % kinds_of_steps;
}

using Bytes = std::vector<std::uint8_t>;
/// Each step's bytes.
using Steps = std::vector<Bytes>;

/// The first step. Of the last one something may be missing.
[[nodiscard]] inline std::span<const std::uint8_t> step_of(std::span<const std::uint8_t> bytes)
{
    Input input(bytes);
    const std::uint8_t choice = input.byte();
    switch (kind_of(choice)) {
    case later:
    case restart:
        input.byte();
        break;
    case no_packet:
        input.take(input.word());
        break;
    case death:
    case reconnect:
    case deaf:
        break;
    default: {
        input.byte();
        const std::uint8_t mask = input.byte();
        for (unsigned bit = 0; bit < 8; ++bit) {
            if ((mask >> bit & 1U) != 0) {
                input.byte();
            }
        }
        const bool lies = (choice & lies_mark) != 0;
        if (lies) {
            input.word();
        }
        input.take(input.word());
        if (lies) {
            input.byte();
        }
    }
    }
    return bytes.first(bytes.size() - input.left());
}

[[nodiscard]] inline Steps steps_of(std::span<const std::uint8_t> bytes)
{
    Steps steps;
    while (!bytes.empty()) {
        const auto step = step_of(bytes);
        steps.emplace_back(step.begin(), step.end());
        bytes = bytes.subspan(step.size());
    }
    return steps;
}

[[nodiscard]] inline std::size_t write(const Steps& steps, std::uint8_t* bytes, std::size_t most)
{
    std::size_t size = 0;
    for (const Bytes& step : steps) {
        if (step.size() > most - size) {
            break;
        }
        size = static_cast<std::size_t>(std::copy(step.begin(), step.end(), bytes + size) - bytes);
    }
    return size;
}

// ---- messages that make sense ----

class Maker {
public:
    explicit Maker(unsigned seed) : random_(seed) {}

    [[nodiscard]] std::size_t below(std::size_t count) { return random_() % count; }
    [[nodiscard]] bool chance(unsigned percent) { return below(100) < percent; }

    [[nodiscard]] Bytes step()
    {
        const auto who = static_cast<std::uint8_t>(below(chance(90) ? hostile_clients - 1 : hostile_clients));
        if (chance(8)) {
            const auto kind =
                std::array<std::uint8_t, 7>{death, later, later, restart, reconnect, deaf, deaf}[below(7)];
            Bytes bytes{static_cast<std::uint8_t>(kind * (client_mask + 1) + who)};
            if (kind == restart || kind == later) {
                bytes.push_back(static_cast<std::uint8_t>(below(8)));
            }
            return bytes;
        }
        return say(who, message());
    }

    /// A connection, and what is said about it. Its server and its client may be the same.
    [[nodiscard]] Steps about_a_connection()
    {
        const auto server = static_cast<std::uint8_t>(below(hostile_clients - 1));
        const auto client = static_cast<std::uint8_t>(chance(70) ? server : below(hostile_clients - 1));
        wire::Create create = created();
        create.descriptor.emplace();
        fill_bytes(*create.descriptor);
        create.handle = 5 + below(200);
        Steps steps{say(server, std::move(create)), say(client, opened())};
        is_about_newest_ = true;
        for (std::size_t more = 1 + below(4); more != 0; --more) {
            steps.push_back(say(chance(50) ? server : client, about()));
        }
        is_about_newest_ = false;
        return steps;
    }

    /// The same message, with one or two fields made anew; another sender now and then. Empty: it is none.
    [[nodiscard]] Bytes changed(const Bytes& step)
    {
        Input input(step);
        const std::uint8_t choice = input.byte();
        const std::uint8_t kind = kind_of(choice);
        if (kind >= death || (choice & lies_mark) != 0) {
            return {};
        }
        const std::uint8_t code = input.byte();
        const std::uint8_t mask = input.byte();
        if (mask == 0) {
            const auto body = input.take(input.word());
            wire::Packet packet;
            glue::ByteWriter writer;
            writer.put(static_cast<std::uint32_t>(wire::header_size + body.size()));
            writer.put(std::uint16_t{code});
            writer.put(std::uint16_t{mask});
            writer.put_bytes(as_bytes(body));
            packet.bytes = writer.take();
            if (auto message = wire::decode(std::move(packet))) {
                std::visit([this](auto& fields) { refill(fields, 1 + below(2)); }, *message);
                return say(static_cast<std::uint8_t>(chance(80) ? choice & client_mask : below(3)),
                           *std::move(message));
            }
        }
        return {};
    }

private:
    [[nodiscard]] wire::Message message()
    {
        return any_message(std::make_index_sequence<std::variant_size_v<wire::Message>>());
    }

    [[nodiscard]] wire::Message about()
    {
        using Make = wire::Message (Maker::*)();
        constexpr std::array<Make, 9> about{
            &Maker::made<wire::Released>,   &Maker::made<wire::Overflow>,    &Maker::made<wire::Held>,
            &Maker::made<wire::Taken>,      &Maker::made<wire::Listening>,   &Maker::made<wire::Disconnected>,
            &Maker::made<wire::SetContext>, &Maker::made<wire::SetSecurity>, &Maker::made<wire::ComeBack>};
        return (this->*about[below(about.size())])();
    }

    [[nodiscard]] static wire::Create created()
    {
        wire::Create message;
        message.request = 7;
        message.handle = 5;
        message.name = "seed";
        message.desired_access = 0xC0000000;
        message.share_access = 3;
        message.disposition = 3;
        message.type = 1;
        message.maximum_instances = 3;
        message.inbound_quota = message.outbound_quota = 100;
        message.default_timeout = -1;
        return message;
    }

    [[nodiscard]] static wire::Open opened()
    {
        wire::Open message;
        message.request = 8;
        message.name = "seed";
        message.desired_access = 0xC0000000;
        message.disposition = 1;
        return message;
    }

    template <std::size_t... I>
    [[nodiscard]] wire::Message any_message(std::index_sequence<I...> /*all*/)
    {
        using Make = wire::Message (Maker::*)();
        constexpr std::array<Make, sizeof...(I)> make{&Maker::made<std::variant_alternative_t<I, wire::Message>>...};
        constexpr std::array<bool, sizeof...(I)> comes_from_the_broker{
            std::string_view(std::variant_alternative_t<I, wire::Message>::meaning).starts_with("Broker")...};
        if (chance(30)) { // without these there is nothing that others could be about
            return chance(50) ? made<wire::Create>() : made<wire::Open>();
        }
        if (chance(35)) { // most of what can go wrong is about connections
            return about();
        }
        std::size_t which = below(sizeof...(I));
        while (comes_from_the_broker[which] && chance(95)) {
            which = below(sizeof...(I));
        }
        return (this->*make[which])();
    }

    template <typename T>
    [[nodiscard]] wire::Message made()
    {
        T message;
        if constexpr (std::is_same_v<T, wire::Create>) {
            message = created();
            message.handle = 5 + below(4);
            refill(message, below(4));
        } else if constexpr (std::is_same_v<T, wire::Open>) {
            message = opened();
            refill(message, below(3));
        } else if constexpr (std::is_same_v<T, wire::Hello>) {
            message.layout = channel::layout_version;
            refill(message, below(2));
        } else if constexpr (std::is_same_v<T, wire::GatewayHere>) {
            message.label = "seed";
            message.gateway = 3;
            message.flags = static_cast<std::uint32_t>(1 + below(7));
            message.deadline = 1'000'000'000;
            refill(message, below(2));
        } else {
            fill_fields(message);
        }
        return message;
    }

    template <typename T>
    void fill_fields(T& value)
    {
        std::apply([&](const auto&... field) { (fill_field(value, field), ...); }, T::fields());
    }

    // A side that there is not is one of two.
    template <typename T, typename Type>
    void fill_field(T& value, const wire::Field<T, Type>& field)
    {
        if constexpr (std::is_same_v<Type, std::uint8_t>) {
            if (std::string_view(field.name) == "side" && chance(50)) {
                value.*(field.member) = static_cast<std::uint8_t>(below(2));
                return;
            }
        }
        fill(value.*(field.member));
    }

    template <typename T>
    void refill(T& value, std::size_t count)
    {
        constexpr std::size_t fields = std::tuple_size_v<decltype(T::fields())>;
        if constexpr (fields != 0) {
            for (; count != 0; --count) {
                const std::size_t chosen = below(fields);
                std::size_t place = 0;
                std::apply(
                    [&](const auto&... field) { ((place++ == chosen ? fill_field(value, field) : void()), ...); },
                    T::fields());
            }
        }
    }

    template <typename T>
    void fill(T& value)
    {
        if constexpr (std::is_enum_v<T>) {
            value = static_cast<T>(below(5));
        } else if constexpr (std::is_same_v<T, bool>) {
            value = chance(50);
        } else if constexpr (std::is_same_v<T, std::int64_t>) {
            value = -static_cast<std::int64_t>(below(3));
        } else if constexpr (std::is_same_v<T, std::uint64_t>) {
            fill_number(value);
        } else if constexpr (std::unsigned_integral<T>) {
            constexpr std::array<std::uint32_t, 12> likely{0, 1,   2,        3,          4,          5,
                                                           7, 100, 0x1F01FF, 0xC0000000, 0xFFFFFFFE, 0xFFFFFFFF};
            value = static_cast<T>(chance(80) ? likely[below(likely.size())] : random_());
        } else if constexpr (std::is_same_v<T, std::string>) {
            constexpr std::array<const char*, 10> likely{"seed",        "seed", "other", "bystander", "reserved",
                                                         "reserved\\x", "nick", "*",     "",          "\\"};
            value = chance(95) ? likely[below(likely.size())] : std::string(below(2000), 'n');
        } else if constexpr (std::is_same_v<T, glue::ByteVector>) {
            fill_bytes(value);
        } else if constexpr (std::is_same_v<T, wire::Id16>) {
            value.fill(std::to_integer<std::uint8_t>(id_mark));
            value[0] =
                static_cast<std::uint8_t>(is_about_newest_ || chance(50) ? newest_mark : below(chance(80) ? 4 : 64));
            if (chance(is_about_newest_ ? 2 : 10)) {
                value.fill(value[0]);
            }
        } else if constexpr (std::is_same_v<T, security::Sid>) {
            value = chance(50) ? security::Sid(22, {1, static_cast<std::uint32_t>(1000 + below(3))})
                               : security::well_known::everyone;
        } else if constexpr (wire::IsOptional<T>::value) {
            value.reset();
            if (chance(50)) {
                fill(value.emplace());
            }
        } else if constexpr (wire::IsVector<T>::value) {
            value.resize(chance(60) ? 1 : below(4));
            for (auto& element : value) {
                fill(element);
            }
        } else {
            fill_fields(value);
        }
    }

    void fill_number(std::uint64_t& value)
    {
        const std::size_t how = below(10);
        if (how < 5) {
            value = std::to_integer<std::uint8_t>(number_mark) * 0x0101010101010101U;
            value = (value & ~std::uint64_t{0xFF}) | below(chance(80) ? 6 : 64);
        } else if (how < 9) {
            value = below(10);
        } else {
            value = chance(50) ? ~std::uint64_t{0} - below(3) : std::uint64_t{random_()} << below(33);
        }
    }

    void fill_bytes(glue::ByteVector& value)
    {
        // D:(A;;0x1f01ff;;;WD)
        constexpr std::array<std::uint8_t, 48> everybody{1,    0, 4,    0x80, 0, 0, 0,  0, 0, 0, 0, 0, 0, 0, 0,  0,
                                                         20,   0, 0,    0,    2, 0, 28, 0, 1, 0, 0, 0, 0, 0, 20, 0,
                                                         0xFF, 1, 0x1F, 0,    1, 1, 0,  0, 0, 0, 0, 1, 0, 0, 0,  0};
        const auto bytes = std::as_bytes(std::span(everybody));
        value.assign(bytes.begin(), bytes.end());
        if (chance(30)) {
            value[below(value.size())] = static_cast<std::byte>(random_());
        }
        if (chance(10)) {
            value.resize(below(100));
        }
    }

    [[nodiscard]] Bytes say(std::uint8_t who, wire::Message message)
    {
        const auto descriptors = std::visit([](const auto& fields) { return fields.descriptors.size(); }, message);
        auto packet = wire::encode(std::move(message));
        if (!packet || packet->bytes.size() - wire::header_size > UINT16_MAX) {
            return {};
        }
        std::uint8_t mask = 0;
        for (std::size_t i = 0; i < descriptors; ++i) {
            mask = static_cast<std::uint8_t>(mask | static_cast<unsigned>(chance(80)) << i);
        }
        if (chance(3)) {
            mask = static_cast<std::uint8_t>(random_());
        }
        const std::size_t size = packet->bytes.size() - wire::header_size;
        Bytes bytes{who, std::to_integer<std::uint8_t>(packet->bytes[4]), mask};
        for (unsigned bit = 0; bit < 8; ++bit) {
            if ((mask >> bit & 1U) != 0) {
                bytes.push_back(static_cast<std::uint8_t>(chance(70) ? 4 + below(16) : below(8)));
            }
        }
        bytes.push_back(static_cast<std::uint8_t>(size));
        bytes.push_back(static_cast<std::uint8_t>(size >> 8U));
        for (const std::byte byte : std::span(packet->bytes).subspan(wire::header_size)) {
            bytes.push_back(std::to_integer<std::uint8_t>(byte));
        }
        return bytes;
    }

    std::minstd_rand random_;
    bool is_about_newest_ = false;
};

// ---- changes ----

/// False: let bytes be changed instead.
[[nodiscard]] inline bool change(Steps& steps, Maker& make)
{
    constexpr std::size_t most = 40;
    const auto place = [&] { return static_cast<std::ptrdiff_t>(make.below(steps.size())); };
    const std::size_t how = make.below(100);
    if (how < 10 && !steps.empty()) {
        return false;
    }
    if (how < 30 && steps.size() < most) {
        for (Bytes& step : make.about_a_connection()) {
            steps.push_back(std::move(step));
        }
    } else if ((how < 55 && steps.size() < most) || steps.empty()) {
        const auto where = static_cast<std::ptrdiff_t>(make.chance(60) ? steps.size() : make.below(steps.size() + 1));
        steps.insert(steps.begin() + where, make.step());
    } else if (how < 80) {
        Bytes& step = steps[make.below(steps.size())];
        Bytes other = make.changed(step);
        if (other.empty()) {
            return false;
        }
        step = std::move(other);
    } else if (how < 88) {
        steps.erase(steps.begin() + place());
    } else if (how < 94) {
        Bytes copy = steps[make.below(steps.size())];
        steps.insert(steps.begin() + place(), std::move(copy));
    } else {
        std::swap(steps[make.below(steps.size())], steps[make.below(steps.size())]);
    }
    return true;
}

} // namespace ntpipe::fuzz

// SPDX-License-Identifier: LGPL-2.1-or-later
// wire.cc: packets between tester and actor processes. Both are the same build on the same machine, and trust each other.
#include "wire.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace ntpipe::model::wire {
namespace {

void send_all(int socket, const void* data, std::size_t size)
{
    const auto* at = static_cast<const std::uint8_t*>(data);
    while (size > 0) {
        const ssize_t count = ::send(socket, at, size, MSG_NOSIGNAL);
        if (count < 0 && errno != EINTR) {
            throw Gone("the other process does not listen");
        }
        at += count > 0 ? count : 0;
        size -= count > 0 ? static_cast<std::size_t>(count) : 0;
    }
}

void receive_all(int socket, void* data, std::size_t size)
{
    auto* at = static_cast<std::uint8_t*>(data);
    while (size > 0) {
        const ssize_t count = ::recv(socket, at, size, 0);
        if (count == 0 || (count < 0 && errno != EINTR)) {
            throw Gone("the other process is gone");
        }
        at += count > 0 ? count : 0;
        size -= count > 0 ? static_cast<std::size_t>(count) : 0;
    }
}

} // namespace

void Packet::put(std::uint64_t number)
{
    const std::size_t at = bytes_.size();
    bytes_.resize(at + sizeof(number));
    std::memcpy(bytes_.data() + at, &number, sizeof(number));
}

void Packet::put(const Bytes& bytes)
{
    put(bytes.size());
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
}

std::uint64_t Packet::number()
{
    std::uint64_t number = 0;
    if (bytes_.size() - at_ < sizeof(number)) {
        throw Gone("a packet is cut");
    }
    std::memcpy(&number, bytes_.data() + at_, sizeof(number));
    at_ += sizeof(number);
    return number;
}

Bytes Packet::bytes()
{
    const auto size = get<std::size_t>();
    if (bytes_.size() - at_ < size) {
        throw Gone("a packet is cut");
    }
    const auto begin = bytes_.begin() + static_cast<std::ptrdiff_t>(at_);
    at_ += size;
    return {begin, begin + static_cast<std::ptrdiff_t>(size)};
}

void Packet::put(const Operation& operation)
{
    const CreateParameters& p = operation.parameters;
    for (const std::uint64_t number :
         {std::uint64_t{static_cast<std::uint8_t>(operation.kind)}, std::uint64_t{operation.id},
          std::uint64_t{operation.end}, std::uint64_t{operation.target}, std::uint64_t{p.access},
          std::uint64_t{p.share}, std::uint64_t{p.disposition}, std::uint64_t{p.type}, std::uint64_t{p.read_mode},
          std::uint64_t{p.completion_mode}, std::uint64_t{p.max_instances}, std::uint64_t{p.inbound_quota},
          std::uint64_t{p.outbound_quota}, static_cast<std::uint64_t>(p.default_timeout),
          std::uint64_t{operation.access}, std::uint64_t{operation.room}, std::uint64_t{operation.read_mode},
          std::uint64_t{operation.completion_mode}}) {
        put(number);
    }
    put(Bytes(operation.name.begin(), operation.name.end()));
    put(operation.data);
}

Operation Packet::operation()
{
    Operation operation;
    CreateParameters& p = operation.parameters;
    operation.kind = get<Kind>();
    for (std::uint32_t* number :
         {&operation.id, &operation.end, &operation.target, &p.access, &p.share, &p.disposition, &p.type, &p.read_mode,
          &p.completion_mode, &p.max_instances, &p.inbound_quota, &p.outbound_quota}) {
        *number = get<std::uint32_t>();
    }
    p.default_timeout = get<std::int64_t>();
    for (std::uint32_t* number :
         {&operation.access, &operation.room, &operation.read_mode, &operation.completion_mode}) {
        *number = get<std::uint32_t>();
    }
    const Bytes name = bytes();
    operation.name.assign(name.begin(), name.end());
    operation.data = bytes();
    return operation;
}

void Packet::put(const Completion& completion)
{
    put(completion.operation);
    put(completion.status);
    put(completion.information);
    put(completion.data);
    put(completion.values.size());
    for (const std::uint64_t value : completion.values) {
        put(value);
    }
}

Completion Packet::completion()
{
    Completion completion;
    completion.operation = get<Id>();
    completion.status = get<Status>();
    completion.information = number();
    completion.data = bytes();
    completion.values.resize(get<std::size_t>());
    for (std::uint64_t& value : completion.values) {
        value = number();
    }
    return completion;
}

void send(int socket, const Packet& packet)
{
    const std::uint64_t size = packet.all().size();
    send_all(socket, &size, sizeof(size));
    send_all(socket, packet.all().data(), packet.all().size());
}

Packet receive(int socket)
{
    std::uint64_t size = 0;
    receive_all(socket, &size, sizeof(size));
    Bytes bytes(size);
    receive_all(socket, bytes.data(), bytes.size());
    return Packet(std::move(bytes));
}

} // namespace ntpipe::model::wire

// SPDX-License-Identifier: LGPL-2.1-or-later
// actor.cc: a model's operations as calls of the C API.
#include "actor.hpp"

#include <cstdlib>

namespace ntpipe::model {

struct Actor::Request {
    Actor* actor = nullptr;
    Key key;
    Kind kind = Kind::read;
    Id end = 0; ///< of a create or open
    bool by_code = false;
    tevent_req* request = nullptr;
    Bytes buffer;
};

namespace {

bool carries_data(ntpipe_status status)
{
    return status == NTPIPE_STATUS_SUCCESS || status == NTPIPE_STATUS_BUFFER_OVERFLOW;
}

/// A completion whose data is the first `count` bytes of a buffer.
Completion with_data(Id id, ntpipe_status status, Bytes buffer, std::size_t count)
{
    if (!carries_data(status)) {
        return {id, status, 0, {}, {}};
    }
    buffer.resize(count);
    return {id, status, count, std::move(buffer), {}};
}

std::uint64_t little_endian(const Bytes& bytes, std::size_t at, std::size_t size)
{
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < size; ++i) {
        value |= std::uint64_t{bytes.at(at + i)} << (8 * i);
    }
    return value;
}

ntpipe_create_params create_params(const CreateParameters& from)
{
    ntpipe_create_params params = NTPIPE_CREATE_PARAMS_INIT;
    params.desired_access = from.access;
    params.share_access = from.share;
    params.disposition = from.disposition;
    params.type = from.type;
    params.read_mode = from.read_mode;
    params.completion_mode = from.completion_mode;
    params.max_instances = from.max_instances;
    params.inbound_quota = from.inbound_quota;
    params.outbound_quota = from.outbound_quota;
    params.default_timeout = from.default_timeout;
    return params;
}

Completion peek(ntpipe_end* end, const Operation& operation)
{
    Bytes buffer(operation.room);
    ntpipe_peek_info info{};
    const ntpipe_status status = ntpipe_peek(end, buffer.data(), buffer.size(), &info);
    Completion completion = with_data(operation.id, status, std::move(buffer), info.copied);
    if (carries_data(status)) {
        completion.values = {info.state, info.read_data_available, info.number_of_messages, info.message_length};
    }
    return completion;
}

Completion query_local(ntpipe_end* end, const Operation& operation)
{
    ntpipe_local_info info{};
    const ntpipe_status status = ntpipe_query_local_info(end, &info);
    Completion completion{operation.id, status, 0, {}, {}};
    if (status == NTPIPE_STATUS_SUCCESS) {
        completion.values = {info.type,
                             info.configuration,
                             info.maximum_instances,
                             info.current_instances,
                             info.inbound_quota,
                             info.read_data_available,
                             info.outbound_quota,
                             info.write_quota_available,
                             info.state,
                             info.end};
    }
    return completion;
}

Completion query_modes(ntpipe_end* end, const Operation& operation)
{
    ntpipe_pipe_info info{};
    const ntpipe_status status = ntpipe_query_pipe_info(end, &info);
    Completion completion{operation.id, status, 0, {}, {}};
    if (status == NTPIPE_STATUS_SUCCESS) {
        completion.values = {info.read_mode, info.completion_mode};
    }
    return completion;
}

// [MS-FSCC] FileStandardInformation: two 64-bit numbers, one of 32 bits, two booleans.
Completion query_standard(ntpipe_end* end, const Operation& operation)
{
    Bytes buffer(24);
    std::size_t size = 0;
    const ntpipe_status status = ntpipe_query_information(end, 5, buffer.data(), buffer.size(), &size);
    Completion completion{operation.id, status, 0, {}, {}};
    if (status == NTPIPE_STATUS_SUCCESS) {
        completion.values = {little_endian(buffer, 0, 8), little_endian(buffer, 8, 8), little_endian(buffer, 16, 4),
                             buffer.at(20), buffer.at(21)};
    }
    return completion;
}

// Every fourth operation that has a control code goes the way of NtFsControlFile.
constexpr std::size_t peek_header = 16;

std::uint32_t control_code(const Operation& operation)
{
    if (operation.id % 4 != 0) {
        return 0;
    }
    switch (operation.kind) {
    case Kind::listen:
        return NTPIPE_FSCTL_LISTEN;
    case Kind::disconnect:
        return NTPIPE_FSCTL_DISCONNECT;
    case Kind::transceive:
        return NTPIPE_FSCTL_TRANSCEIVE;
    case Kind::peek:
        return NTPIPE_FSCTL_PEEK;
    default:
        return 0;
    }
}

/// What FSCTL_PIPE_PEEK's structure (SEMANTICS 3.8) says.
Completion peeked(Id id, ntpipe_status status, const Bytes& buffer, std::size_t count)
{
    if (!carries_data(status)) {
        return {id, status, 0, {}, {}};
    }
    Completion completion{id, status, count - peek_header, {}, {}};
    completion.data.assign(buffer.begin() + peek_header, buffer.begin() + static_cast<std::ptrdiff_t>(count));
    for (std::size_t at = 0; at < peek_header; at += 4) {
        completion.values.push_back(little_endian(buffer, at, 4));
    }
    return completion;
}

} // namespace

Actor::Actor(tevent_context* events, ntpipe_session* session) : events_(events), session_(session) {}

Actor::~Actor()
{
    drop_all();
}

void Actor::drop_all()
{
    for (auto& [key, request] : requests_) {
        talloc_free(request->request);
    }
    requests_.clear();
    for (auto& [key, end] : ends_) {
        talloc_free(end);
    }
    ends_.clear();
    done_.clear();
}

void Actor::start_request(const Key& key, Kind kind, tevent_req* request, std::unique_ptr<Request> place)
{
    if (request == nullptr) {
        std::abort(); // out of memory
    }
    place->actor = this;
    place->key = key;
    place->kind = kind;
    place->request = request;
    tevent_req_set_callback(
        request,
        [](tevent_req* req) {
            const auto* of = static_cast<const Request*>(tevent_req_callback_data_void(req));
            of->actor->finish(of->key);
        },
        place.get());
    requests_[key] = std::move(place);
}

void Actor::finish(const Key& key)
{
    const std::unique_ptr<Request> place = std::move(requests_.at(key));
    requests_.erase(key);
    tevent_req* request = place->request;
    const Id id = key.second;
    std::size_t count = 0;
    std::uint32_t information = 0;
    ntpipe_end* end = nullptr;
    ntpipe_status status = NTPIPE_STATUS_SUCCESS;
    switch (place->by_code ? Kind::set_modes : place->kind) {
    case Kind::set_modes: // by its code
        status = ntpipe_control_recv(request, &count);
        report(key.first, place->kind == Kind::peek ? peeked(id, status, place->buffer, count)
                                                    : with_data(id, status, std::move(place->buffer), count));
        break;
    case Kind::create:
        status = ntpipe_create_recv(request, nullptr, &end, &information);
        report(key.first, {id, status, status == NTPIPE_STATUS_SUCCESS ? information : 0, {}, {}});
        break;
    case Kind::open:
        status = ntpipe_open_recv(request, nullptr, &end);
        report(key.first, {id, status, 0, {}, {}});
        break;
    case Kind::wait:
        report(key.first, {id, ntpipe_wait_recv(request), 0, {}, {}});
        break;
    case Kind::listen:
        report(key.first, {id, ntpipe_listen_recv(request), 0, {}, {}});
        break;
    case Kind::flush:
        report(key.first, {id, ntpipe_flush_recv(request), 0, {}, {}});
        break;
    case Kind::read:
        status = ntpipe_read_recv(request, &count);
        report(key.first, with_data(id, status, std::move(place->buffer), count));
        break;
    case Kind::transceive:
        status = ntpipe_transceive_recv(request, &count);
        report(key.first, with_data(id, status, std::move(place->buffer), count));
        break;
    case Kind::write:
        status = ntpipe_write_recv(request, &count);
        report(key.first, {id, status, status == NTPIPE_STATUS_SUCCESS ? count : 0, {}, {}});
        break;
    default:
        std::abort();
    }
    if (end != nullptr) {
        ends_[{key.first, place->end}] = end;
    }
    talloc_free(request);
}

void Actor::start(std::size_t world, const Operation& operation, const std::string& names)
{
    const Key key(world, operation.id);
    const auto end = ends_.find({world, operation.end});
    const std::string name = names + operation.name;
    auto place = std::make_unique<Request>();
    place->end = operation.end;
    switch (operation.kind) {
    case Kind::create: {
        const ntpipe_create_params params = create_params(operation.parameters);
        start_request(key, operation.kind, ntpipe_create_send(nullptr, events_, session_, name.c_str(), &params),
                      std::move(place));
        return;
    }
    case Kind::open: {
        ntpipe_open_params params = NTPIPE_OPEN_PARAMS_INIT;
        params.desired_access = operation.access;
        start_request(key, operation.kind, ntpipe_open_send(nullptr, events_, session_, name.c_str(), &params),
                      std::move(place));
        return;
    }
    case Kind::wait:
        start_request(key, operation.kind,
                      ntpipe_wait_send(nullptr, events_, session_, name.c_str(), NTPIPE_WAIT_FOREVER, nullptr),
                      std::move(place));
        return;
    case Kind::cancel:
    case Kind::abandon:
        break;
    default:
        if (end == ends_.end()) {
            report(world, {operation.id, NTPIPE_STATUS_FILE_CLOSED, 0, {}, {}});
            return;
        }
    }
    const std::uint32_t code = control_code(operation);
    place->by_code = code != 0;
    place->buffer.resize(operation.room + (place->by_code && operation.kind == Kind::peek ? peek_header : 0));
    std::uint8_t* buffer = place->buffer.data();
    if (place->by_code) {
        const std::size_t room =
            operation.kind == Kind::transceive || operation.kind == Kind::peek ? place->buffer.size() : 0;
        start_request(key, operation.kind,
                      ntpipe_control_send(nullptr, events_, end->second, code, operation.data.data(),
                                          operation.data.size(), buffer, room),
                      std::move(place));
        return;
    }
    switch (operation.kind) {
    case Kind::listen:
        start_request(key, operation.kind, ntpipe_listen_send(nullptr, events_, end->second), std::move(place));
        return;
    case Kind::flush:
        start_request(key, operation.kind, ntpipe_flush_send(nullptr, events_, end->second), std::move(place));
        return;
    case Kind::read:
        start_request(key, operation.kind, ntpipe_read_send(nullptr, events_, end->second, buffer, operation.room),
                      std::move(place));
        return;
    case Kind::write:
        start_request(key, operation.kind,
                      ntpipe_write_send(nullptr, events_, end->second, operation.data.data(), operation.data.size()),
                      std::move(place));
        return;
    case Kind::transceive:
        start_request(key, operation.kind,
                      ntpipe_transceive_send(nullptr, events_, end->second, operation.data.data(),
                                             operation.data.size(), buffer, operation.room),
                      std::move(place));
        return;
    default:
        at_once(world, operation);
    }
}

void Actor::at_once(std::size_t world, const Operation& operation)
{
    const Key key(world, operation.end);
    Completion completion{operation.id, NTPIPE_STATUS_SUCCESS, 0, {}, {}};
    switch (operation.kind) {
    case Kind::disconnect:
        completion.status = ntpipe_disconnect(ends_.at(key));
        break;
    case Kind::close:
        // In turn as programs do it: with the call, or by freeing.
        if (operation.end % 2 == 0) {
            ntpipe_close(ends_.at(key));
        } else {
            talloc_free(ends_.at(key));
            ends_.erase(key);
        }
        break;
    case Kind::peek:
        completion = peek(ends_.at(key), operation);
        break;
    case Kind::try_read: {
        Bytes buffer(operation.room);
        std::size_t count = 0;
        completion.status = ntpipe_try_read(ends_.at(key), buffer.data(), buffer.size(), &count);
        completion = with_data(operation.id, completion.status, std::move(buffer), count);
        break;
    }
    case Kind::try_write: {
        std::size_t count = 0;
        completion.status = ntpipe_try_write(ends_.at(key), operation.data.data(), operation.data.size(), &count);
        completion.information = completion.status == NTPIPE_STATUS_SUCCESS ? count : 0;
        break;
    }
    case Kind::set_modes: {
        const ntpipe_pipe_info info = {operation.read_mode, operation.completion_mode};
        completion.status = ntpipe_set_pipe_info(ends_.at(key), &info);
        break;
    }
    case Kind::query_modes:
        completion = query_modes(ends_.at(key), operation);
        break;
    case Kind::query_local:
        completion = query_local(ends_.at(key), operation);
        break;
    case Kind::query_standard:
        completion = query_standard(ends_.at(key), operation);
        break;
    default: // cancel, abandon
        completion.status = stop({world, operation.target}, operation.kind == Kind::abandon);
    }
    report(world, std::move(completion));
}

Status Actor::stop(const Key& key, bool silently)
{
    const auto target = requests_.find(key);
    if (target == requests_.end()) {
        return NTPIPE_STATUS_NOT_FOUND;
    }
    if (silently) {
        talloc_free(target->second->request);
        requests_.erase(target);
        return NTPIPE_STATUS_SUCCESS;
    }
    return tevent_req_cancel(target->second->request) ? NTPIPE_STATUS_SUCCESS : NTPIPE_STATUS_NOT_FOUND;
}

} // namespace ntpipe::model

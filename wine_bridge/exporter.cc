// SPDX-License-Identifier: LGPL-2.1-or-later
// exporter.cc: from a question to a connection with a pipe of the prefix.
#include "exporter.hpp"

#include "log.hpp"

#include <algorithm>
#include <array>
#include <new>
#include <utility>

namespace wine_bridge {
namespace {

constexpr std::int64_t ticks_per_millisecond = 10'000;
constexpr std::size_t most_refusals = 256;

// Wine makes no check of its own. Nobody but those who may have access at all gets as far as this.
constexpr const char* others_descriptor = "D:(A;;FA;;;SY)(A;;FA;;;OW)(A;;0x12019b;;;AU)";

std::int64_t nt_timeout(std::int64_t milliseconds)
{
    if (milliseconds == NTPIPE_WAIT_FOREVER) {
        return INT64_MIN;
    }
    return milliseconds == NTPIPE_WAIT_DEFAULT
               ? 0
               : -std::min(milliseconds, INT64_MAX / ticks_per_millisecond) * ticks_per_millisecond;
}

constexpr std::uint32_t read_access = NTPIPE_GENERIC_READ | NTPIPE_GENERIC_ALL | NTPIPE_READ_DATA;
constexpr std::uint32_t write_access = NTPIPE_GENERIC_WRITE | NTPIPE_GENERIC_ALL | NTPIPE_WRITE_DATA;

} // namespace

struct Exporter::Client : Owner, std::enable_shared_from_this<Client> {
    explicit Client(Exporter& whose) : exporter(whose) {}
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;
    ~Client()
    {
        talloc_free(question);
        if (handle != nullptr) {
            (void)nt_close(handle);
        }
    }
    void fail() override
    {
        request.reset();
        answer(NTPIPE_STATUS_INSUFFICIENT_RESOURCES);
        if (const auto served = std::exchange(relay, nullptr)) {
            served->stop();
        }
        exporter.over(shared_from_this());
    }
    void answer(std::uint32_t status)
    {
        if (question != nullptr) {
            (void)ntpipe_question_answer(question, status);
            TALLOC_FREE(question);
        }
    }

    Exporter& exporter;
    std::string name;
    std::u16string wide;
    ntpipe_question* question = nullptr;
    nt_handle handle = nullptr;
    nt_pipe_information pipe{};
    bool reads = false; ///< rights to the pipe in the prefix
    bool writes = false;
    NativeEnd native;
    NativeRequest request;
    std::shared_ptr<Relay> relay;
    std::weak_ptr<Waiting> waiting;
};

/// That an instance of the prefix's pipe becomes free.
struct Exporter::Waiting : Owner {
    explicit Waiting(Held who) : client(std::move(who)) {}
    void fail() override { client->fail(); }
    WineOperation operation;
    Held client;
};

Exporter::Exporter(Engine& engine, std::function<std::string(const ntpipe_question_info&)> why_not,
                   std::function<bool(const std::string&)> for_others, std::function<void()> changed)
    : engine_(engine), why_not_(std::move(why_not)), for_others_(std::move(for_others)), changed_(std::move(changed))
{
    std::uint8_t* descriptor = nullptr;
    if (ntpipe_sddl_to_descriptor(nullptr, others_descriptor, &descriptor, &others_length_, nullptr) != 0) {
        throw std::bad_alloc();
    }
    others_.reset(descriptor);
}

Exporter::~Exporter() = default;

void Exporter::asked(ntpipe_question* question) noexcept
{
    Held client;
    try {
        client = std::make_shared<Client>(*this);
    } catch (const std::bad_alloc&) {
        (void)ntpipe_question_answer(question, NTPIPE_STATUS_INSUFFICIENT_RESOURCES);
        talloc_free(question);
        return;
    }
    client->question = question;
    do_for(client, [&] { consider(client); });
}

void Exporter::consider(const Held& client)
{
    const ntpipe_question_info& info = *ntpipe_question_get_info(client->question);
    client->name = info.name;
    client->wide = to_utf16(client->name);
    const std::string why = client->wide.empty() ? "not a name" : why_not_(info);
    if (!why.empty()) {
        refuse(client->name, why);
        client->answer(NTPIPE_STATUS_OBJECT_NAME_NOT_FOUND);
        return;
    }
    if (info.wait) {
        wait(client);
    } else {
        open(client);
    }
}

void Exporter::refuse(const std::string& name, const std::string& why)
{
    if (refused_.size() >= most_refusals) {
        refused_.clear();
    }
    std::string& known = refused_[name];
    if (known != why) {
        known = why;
        log_line("refused " + name + " to a native client: " + why);
        changed_();
    }
}

void Exporter::wait(const Held& client)
{
    const std::int64_t timeout = nt_timeout(ntpipe_question_get_info(client->question)->timeout_ms);
    const auto waiting = std::make_shared<Waiting>(client);
    const std::uint32_t status = waiting->operation.start(
        waiting, [client](std::uint32_t over, std::size_t) { client->answer(over); },
        [&](nt_operation* started) {
            return nt_wait_pipe(units(client->wide), client->wide.size(), timeout, started);
        });
    if (status != NTPIPE_STATUS_PENDING) {
        client->answer(status);
        return;
    }
    (void)ntpipe_question_hold(client->question);
    client->waiting = waiting;
    ntpipe_question_set_over(
        client->question,
        [](void* data, ntpipe_question*) {
            if (const auto pending = static_cast<Client*>(data)->waiting.lock()) {
                pending->operation.cancel_wait(); // which lets go of the client
            }
        },
        client.get());
}

// With the rights that the client asks for, so that it is refused what Wine refuses.
std::uint32_t Exporter::open_in_prefix(Client& client)
{
    return nt_open_pipe(units(client.wide), client.wide.size(), client.reads, client.writes, &client.handle);
}

void Exporter::open(const Held& client)
{
    const std::uint32_t access = ntpipe_question_get_info(client->question)->desired_access;
    const bool any = (access & NTPIPE_MAXIMUM_ALLOWED) != 0;
    client->reads = any || (access & read_access) != 0;
    client->writes = any || (access & write_access) != 0;
    std::uint32_t status = open_in_prefix(*client);
    if (any && status == NTPIPE_STATUS_ACCESS_DENIED) { // a pipe of one direction refuses what goes against it
        client->writes = false;
        status = open_in_prefix(*client);
    }
    if (any && status == NTPIPE_STATUS_ACCESS_DENIED) {
        std::swap(client->reads, client->writes);
        status = open_in_prefix(*client);
    }
    if (is_error(status)) {
        client->handle = nullptr;
        client->answer(status);
        return;
    }
    status = nt_query(client->handle, &client->pipe);
    if (!is_error(status) && client->pipe.message_type != 0) {
        status = nt_set_message_mode(client->handle);
    }
    if (is_error(status)) {
        log_line("cannot export " + client->name + ": " + ntpipe_status_name(status));
        client->answer(NTPIPE_STATUS_PIPE_NOT_AVAILABLE);
        return;
    }
    serve(client);
}

void Exporter::serve(const Held& client)
{
    static constexpr std::array<std::uint32_t, 3> shares = {NTPIPE_INBOUND, NTPIPE_OUTBOUND, NTPIPE_DUPLEX};
    ntpipe_create_params params = NTPIPE_CREATE_PARAMS_INIT;
    params.share_access = shares[std::min<std::uint32_t>(client->pipe.direction, NT_DUPLEX)];
    params.type = client->pipe.message_type;
    params.read_mode = client->pipe.message_type;
    params.max_instances = client->pipe.maximum_instances;
    params.inbound_quota = client->pipe.inbound_quota;
    params.outbound_quota = client->pipe.outbound_quota;
    if (for_others_(client->name)) {
        params.security_descriptor = others_.get();
        params.security_descriptor_length = others_length_;
    }
    clients_.insert(client);
    const auto make = [&] {
        return ntpipe_question_serve_send(nullptr, engine_.events(), client->question, nullptr, &params);
    };
    if (client->request.start(client, [this, client] { served(client); }, make)) {
        served(client);
    }
}

void Exporter::served(const Held& client)
{
    ntpipe_end* native = nullptr;
    const std::uint32_t status = ntpipe_create_recv(client->request.get(), nullptr, &native, nullptr);
    client->native.reset(native);
    client->request.reset();
    TALLOC_FREE(client->question);
    if (is_error(status)) {
        refuse(client->name, ntpipe_status_name(status));
        over(client);
        return;
    }
    const auto listened = [this, client] {
        const std::uint32_t result = ntpipe_listen_recv(client->request.get());
        client->request.reset();
        const bool came = result == NTPIPE_STATUS_PIPE_CONNECTED || result == NTPIPE_STATUS_PIPE_CLOSING;
        if (is_error(result) && !came) {
            over(client); // who asked did not come
        } else {
            connected(client);
        }
    };
    const auto make = [&] { return ntpipe_listen_send(nullptr, engine_.events(), client->native.get()); };
    if (client->request.start(client, listened, make)) {
        listened();
    }
}

void Exporter::connected(const Held& client)
{
    refused_.erase(client->name);
    if (exported_.insert(client->name).second) {
        log_line("exported " + client->name);
    }
    Relay::Parameters parameters;
    parameters.handle = client->handle;
    parameters.native = client->native.get();
    parameters.message = client->pipe.message_type != 0;
    parameters.to_native = client->pipe.direction != NT_INBOUND && client->reads;
    parameters.to_prefix = client->pipe.direction != NT_OUTBOUND;
    parameters.native_quota = client->pipe.outbound_quota;
    parameters.prefix_quota = client->pipe.inbound_quota;
    client->relay = std::make_shared<Relay>(engine_, parameters, [this, held = std::weak_ptr(client)](Relay::Over) {
        if (const Held one = held.lock()) {
            over(one);
        }
    });
    (void)client->native.release();
    client->relay->start();
    changed_();
}

void Exporter::over(const Held& client)
{
    if (client->handle != nullptr) {
        (void)nt_close(std::exchange(client->handle, nullptr));
    }
    client->relay.reset();
    clients_.erase(client);
    changed_();
}

std::vector<std::string> Exporter::describe() const
{
    std::map<std::string, unsigned> connections;
    for (const std::string& name : exported_) {
        connections[name] = 0;
    }
    for (const Held& client : clients_) {
        ++connections[client->name];
    }
    std::vector<std::string> lines;
    lines.reserve(connections.size() + refused_.size());
    for (const auto& [name, count] : connections) {
        lines.push_back("exported " + name + " connected " + std::to_string(count));
    }
    for (const auto& [name, why] : refused_) {
        lines.push_back(std::string("refused ").append(name).append(": ").append(why));
    }
    return lines;
}

} // namespace wine_bridge

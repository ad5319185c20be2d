// SPDX-License-Identifier: LGPL-2.1-or-later
// end_pair.hpp: two ends over plain memory, with doorbells that are flags: nothing runs until the test says so.
#pragma once

#include "end/end.hpp"

#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ntpipe::unit {

class HeapMemory : public channel::Memory {
public:
    explicit HeapMemory(std::size_t size) : bytes_(std::make_shared<std::vector<std::uint64_t>>(size / 8 + 8))
    {
        void* start = bytes_->data();
        std::size_t space = bytes_->size() * sizeof(std::uint64_t);
        span_ = {static_cast<std::byte*>(std::align(64, size, start, space)), size};
    }
    explicit HeapMemory(const HeapMemory& other, int /*share*/) : bytes_(other.bytes_), span_(other.span_) {}
    [[nodiscard]] std::span<std::byte> bytes() const override { return span_; }
    [[nodiscard]] bool commit(std::size_t /*size*/) override { return true; }
    [[nodiscard]] std::unique_ptr<channel::Memory> share() const { return std::make_unique<HeapMemory>(*this, 0); }

private:
    std::shared_ptr<std::vector<std::uint64_t>> bytes_;
    std::span<std::byte> span_;
};

class Queue : public glue::Completions {
public:
    void wanted() override {}
};

class TestOperation : public end::Operation {
public:
    void completed() override { done = true; }
    bool done = false;
    std::vector<std::byte> buffer;
};

struct TestDoorbell : end::Doorbell {
    explicit TestDoorbell(std::shared_ptr<bool> bell) : rung(std::move(bell)) {}
    void ring() override { *rung = true; }
    void linger(const std::function<bool()>& answered) override
    {
        if (while_lingering) {
            while_lingering();
            answers.push_back(answered());
        }
    }
    bool dally(const std::function<bool()>& goes_on) override
    {
        ++dallies;
        if (const auto other_end = std::exchange(while_dallying, nullptr)) {
            other_end();
        }
        return goes_on();
    }
    std::shared_ptr<bool> rung;
    std::function<void()> while_lingering; ///< what the other end does meanwhile
    std::function<void()> while_dallying;  ///< likewise, once
    int dallies = 0;
    std::vector<bool> answers; ///< whether that was an answer
};

struct TestHost : end::Host {
    void take_in() override {}
    void listening(std::uint64_t at) override { period = at; }
    void disconnected() override {}
    void released() override { ++releases; }
    [[nodiscard]] bool request_overflow(std::size_t size) override
    {
        if (!overflow_available) {
            return false;
        }
        overflow_wanted = size;
        return true;
    }
    [[nodiscard]] bool arms_later() override { return looks; }
    std::uint64_t period = 1;
    int releases = 0;
    bool looks = false;
    bool overflow_available = true;
    std::size_t overflow_wanted = 0;
};

struct PairParameters {
    end::PipeType type = end::PipeType::message;
    end::Configuration configuration = end::Configuration::full_duplex;
    end::PipeInformation server_modes = {end::ReadMode::message, end::CompletionMode::queue};
    std::uint32_t inbound_quota = 6000;
    std::uint32_t outbound_quota = 5000;
    std::size_t ring_size = 65536;
    std::size_t maximum_overflow = 1 << 20;
    security::AccessMask client_access = security::access::file_generic_read | security::access::file_generic_write;
};

/// A server end and a client end, connected.
class EndPair {
public:
    explicit EndPair(PairParameters parameters = {}) : parameters_(parameters)
    {
        server = end::End::server(server_host, queue, attributes(), security::access::file_all, parameters.server_modes,
                                  parameters.maximum_overflow);
    }

    [[nodiscard]] end::Attributes attributes() const
    {
        end::Attributes attributes;
        attributes.type = parameters_.type;
        attributes.configuration = parameters_.configuration;
        attributes.maximum_instances = 1;
        attributes.inbound_quota = parameters_.inbound_quota;
        attributes.outbound_quota = parameters_.outbound_quota;
        attributes.path = u"\\pair";
        return attributes;
    }

    void connect(bool message_mode = true)
    {
        offer();
        (void)attach();
        if (message_mode && parameters_.type == end::PipeType::message) {
            (void)client->set({end::ReadMode::message, end::CompletionMode::queue});
        }
    }

    void offer()
    {
        page = std::make_unique<HeapMemory>(channel::connection_page_size);
        inbound = std::make_unique<HeapMemory>(parameters_.ring_size);
        outbound = std::make_unique<HeapMemory>(parameters_.ring_size);
        server_bell = std::make_shared<bool>(false);
        client_bell = std::make_shared<bool>(false);
        end::Connection half;
        half.page = std::make_unique<channel::ConnectionView>(page->share(), channel::Side::server);
        half.incoming.emplace(inbound->share());
        half.outgoing.emplace(outbound->share());
        half.doorbell = std::make_unique<TestDoorbell>(client_bell);
        half.opened_as.identity = std::make_shared<security::Identity>();
        server->offer(std::move(half), server_host.period);
    }

    /// `rung`: false while the doorbell's byte is still on its way to the server.
    [[nodiscard]] bool attach(bool rung = true)
    {
        end::Connection half;
        half.page = std::make_unique<channel::ConnectionView>(page->share(), channel::Side::client);
        if (!half.page->attach()) {
            return false;
        }
        half.incoming.emplace(outbound->share());
        half.outgoing.emplace(inbound->share());
        auto doorbell = std::make_unique<TestDoorbell>(server_bell);
        client_doorbell = doorbell.get();
        half.doorbell = std::move(doorbell);
        half.opened_as.identity = std::make_shared<security::Identity>();
        client = end::End::client(client_host, queue, attributes(), parameters_.client_access,
                                  parameters_.maximum_overflow, std::move(half));
        if (rung) {
            *server_bell = true;
            pump();
        }
        return true;
    }

    /// Lets both ends run until nothing happens any more.
    void pump()
    {
        for (bool again = true; again;) {
            again = queue.fire_one();
            if (server_bell && *server_bell) {
                *server_bell = false;
                if (server) {
                    server->wake();
                }
                again = true;
            }
            if (client_bell && *client_bell) {
                *client_bell = false;
                if (client) {
                    client->wake();
                }
                again = true;
            }
            again = grant(server_host, server.get(), client.get(), channel::Direction::outbound) || again;
            again = grant(client_host, client.get(), server.get(), channel::Direction::inbound) || again;
        }
    }

    Queue queue;
    TestHost server_host;
    TestHost client_host;
    std::unique_ptr<HeapMemory> page;
    std::unique_ptr<HeapMemory> inbound;
    std::unique_ptr<HeapMemory> outbound;
    std::shared_ptr<bool> server_bell;
    std::shared_ptr<bool> client_bell;
    TestDoorbell* client_doorbell = nullptr; ///< by which the client rings
    bool overflow_arrives = true;            ///< at who reads
    std::unique_ptr<end::End> server;
    std::unique_ptr<end::End> client;

private:
    bool grant(TestHost& host, end::End* writer, end::End* reader, channel::Direction direction) const
    {
        if (host.overflow_wanted == 0) {
            return false;
        }
        HeapMemory memory(host.overflow_wanted);
        host.overflow_wanted = 0;
        if (reader != nullptr && overflow_arrives) {
            (void)reader->add_overflow(direction, memory.share());
        }
        if (writer != nullptr) {
            (void)writer->add_overflow(direction, memory.share());
        }
        return true;
    }

    PairParameters parameters_;
};

inline glue::ByteSpan bytes(std::string_view text)
{
    return std::as_bytes(std::span(text));
}

inline Status start_write(end::End& end, TestOperation& operation, std::string_view text)
{
    return end.write(operation, bytes(text));
}

inline Status start_read(end::End& end, TestOperation& operation, std::size_t size)
{
    operation.buffer.resize(size);
    return end.read(operation, operation.buffer);
}

inline std::string text_of(const TestOperation& operation)
{
    return {reinterpret_cast<const char*>(operation.buffer.data()), operation.information()};
}

} // namespace ntpipe::unit

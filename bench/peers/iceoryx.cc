// SPDX-License-Identifier: LGPL-2.1-or-later
// iceoryx.cc: iceoryx, whose messages are handed over in shared memory without being copied: a topic for each direction, a writer
// that waits for a slow reader, a reader that sleeps. Its daemon (iox-roudi) must be running. What is sent is filled in and read, as
// a program would.
#include "harness.hpp"

#include <iceoryx_posh/popo/untyped_publisher.hpp>
#include <iceoryx_posh/popo/untyped_subscriber.hpp>
#include <iceoryx_posh/popo/wait_set.hpp>
#include <iceoryx_posh/runtime/posh_runtime.hpp>

#include <cstring>
#include <unistd.h>

namespace bench {
namespace {

namespace popo = iox::popo;

constexpr std::uint64_t small_queue = 256;
constexpr std::uint64_t large_queue = 4; ///< its daemon has few chunks of that size
constexpr std::size_t large = 16384;

[[nodiscard]] std::string new_topic()
{
    static int number = 0;
    return "bench" + std::to_string(::getpid()) + "n" + std::to_string(number++);
}

class Iceoryx final : public Contender {
public:
    explicit Iceoryx(Workload workload) : Contender("iceoryx", workload), mine_(workload.size) {}
    void serve(const std::function<void()>& ready) override
    {
        begin("far", "there", "back");
        ready();
        for (int had = 0;;) {
            had += receive();
            if (workload_.kind == Kind::transact) {
                send();
            } else if (had >= workload_.count) {
                had -= workload_.count;
                send();
            }
        }
    }
    void connect() override
    {
        begin("near", "back", "there");
        while (!publisher_->hasSubscribers() ||
               subscriber_->getSubscriptionState() != iox::SubscribeState::SUBSCRIBED) {
            ::usleep(1000);
        }
        ::usleep(200'000); // the far side's subscription cannot be seen from here
    }
    void round(std::vector<double>& latencies) override
    {
        if (workload_.kind == Kind::transact) {
            time_each(workload_.count, latencies, [this] {
                send();
                while (receive() == 0) {}
            });
            return;
        }
        for (int i = 0; i < workload_.count; ++i) {
            send();
        }
        while (receive() == 0) {}
    }

private:
    void begin(const char* side, const char* incoming, const char* outgoing)
    {
        const iox::RuntimeName_t name(iox::cxx::TruncateToCapacity, (topic_ + side).c_str());
        iox::runtime::PoshRuntime::initRuntime(name);
        const iox::capro::IdString_t topic(iox::cxx::TruncateToCapacity, topic_.c_str());
        const iox::capro::IdString_t in(iox::cxx::TruncateToCapacity, incoming);
        const iox::capro::IdString_t out(iox::cxx::TruncateToCapacity, outgoing);
        popo::PublisherOptions publishing;
        publishing.subscriberTooSlowPolicy = popo::ConsumerTooSlowPolicy::WAIT_FOR_CONSUMER;
        popo::SubscriberOptions subscribing;
        subscribing.queueFullPolicy = popo::QueueFullPolicy::BLOCK_PRODUCER;
        subscribing.queueCapacity = workload_.size > large ? large_queue : small_queue;
        publisher_ =
            std::make_unique<popo::UntypedPublisher>(iox::capro::ServiceDescription{"ntpipe", topic, out}, publishing);
        subscriber_ =
            std::make_unique<popo::UntypedSubscriber>(iox::capro::ServiceDescription{"ntpipe", topic, in}, subscribing);
        waiting_ = std::make_unique<popo::WaitSet<1>>();
        waiting_->attachState(*subscriber_, popo::SubscriberState::HAS_DATA).or_else([](auto&) { fail("iceoryx"); });
    }
    void send()
    {
        bool sent = false;
        while (!sent) {
            publisher_->loan(static_cast<std::uint32_t>(workload_.size))
                .and_then([&](auto& payload) {
                    std::memcpy(payload, mine_.data(), mine_.size());
                    publisher_->publish(payload);
                    sent = true;
                })
                .or_else([](auto&) { ::usleep(10); }); // all chunks are under way
        }
    }
    int receive()
    {
        int count = 0;
        if (!subscriber_->hasData()) {
            (void)waiting_->wait();
        }
        while (subscriber_->hasData()) {
            subscriber_->take().and_then([&](const void* payload) {
                std::memcpy(mine_.data(), payload, mine_.size());
                subscriber_->release(payload);
                ++count;
            });
        }
        return count;
    }

    std::string topic_ = new_topic();
    std::vector<std::byte> mine_;
    std::unique_ptr<popo::UntypedPublisher> publisher_;
    std::unique_ptr<popo::UntypedSubscriber> subscriber_;
    std::unique_ptr<popo::WaitSet<1>> waiting_;
};

} // namespace

void add_iceoryx(Contenders& contenders, Workload workload)
{
    if (workload.kind == Kind::transact || workload.kind == Kind::stream) {
        contenders.push_back(std::make_unique<Iceoryx>(workload));
    }
}

} // namespace bench

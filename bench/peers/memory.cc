// SPDX-License-Identifier: LGPL-2.1-or-later
// memory.cc: the floor: what two processes need to wake each other when a message is in shared memory already, by futex and by
// eventfd, and what copying a message in and out costs.
#include "harness.hpp"

#include <linux/futex.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <climits>
#include <cstring>

namespace bench {
namespace {

constexpr std::size_t most = std::size_t{1} << 20;

struct Page {
    std::atomic<std::uint32_t> turns[2]; ///< by direction
    std::byte reserved[56];
    std::byte data[2][most];
};

class PingPong : public Contender {
public:
    PingPong(const std::string& name, Workload workload) : Contender(name, workload), mine_(workload.size)
    {
        void* memory = ::mmap(nullptr, sizeof(Page), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED) {
            fail("mmap");
        }
        page_ = new (memory) Page;
    }
    PingPong(const PingPong&) = delete;
    PingPong& operator=(const PingPong&) = delete;
    ~PingPong() override { ::munmap(page_, sizeof(Page)); }
    void serve(const std::function<void()>& ready) override
    {
        ready();
        for (;;) {
            await(0);
            std::memcpy(mine_.data(), page_->data[0], mine_.size());
            std::memcpy(page_->data[1], mine_.data(), mine_.size());
            wake(1);
        }
    }
    void connect() override {}
    void round(std::vector<double>& latencies) override
    {
        time_each(workload_.count, latencies, [this] {
            std::memcpy(page_->data[0], mine_.data(), mine_.size());
            wake(0);
            await(1);
            std::memcpy(mine_.data(), page_->data[1], mine_.size());
        });
    }

protected:
    virtual void wake(int direction) = 0;
    virtual void await(int direction) = 0;
    Page* page_;

private:
    std::vector<std::byte> mine_;
};

class Futex final : public PingPong {
public:
    using PingPong::PingPong;

protected:
    void wake(int direction) override
    {
        page_->turns[direction].fetch_add(1);
        (void)::syscall(SYS_futex, &page_->turns[direction], FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
    }
    void await(int direction) override
    {
        while (page_->turns[direction].load() == seen_) {
            (void)::syscall(SYS_futex, &page_->turns[direction], FUTEX_WAIT, seen_, nullptr, nullptr, 0);
        }
        ++seen_;
    }

private:
    std::uint32_t seen_ = 0; ///< each process waits in one direction only
};

class EventFd final : public PingPong {
public:
    EventFd(const std::string& name, Workload workload)
        : PingPong(name, workload), events_{::eventfd(0, EFD_CLOEXEC), ::eventfd(0, EFD_CLOEXEC)}
    {
    }

protected:
    void wake(int direction) override { (void)::eventfd_write(events_[static_cast<std::size_t>(direction)], 1); }
    void await(int direction) override
    {
        eventfd_t count = 0;
        (void)::eventfd_read(events_[static_cast<std::size_t>(direction)], &count);
    }

private:
    std::array<int, 2> events_;
};

/// In and out again, by one process.
class Copy final : public Contender {
public:
    Copy(const std::string& name, Workload workload)
        : Contender(name, workload), from_(workload.size), to_(workload.size), between_(2 * most)
    {
    }
    void serve(const std::function<void()>& /*ready*/) override {}
    void connect() override {}
    [[nodiscard]] bool has_far_side() const override { return false; }
    void round(std::vector<double>& /*latencies*/) override
    {
        for (int i = 0; i < workload_.count; ++i) {
            if (at_ + from_.size() > between_.size()) {
                at_ = 0;
            }
            std::memcpy(between_.data() + at_, from_.data(), from_.size());
            asm volatile("" : : "r"(between_.data()) : "memory"); // the compiler must not see through it
            std::memcpy(to_.data(), between_.data() + at_, to_.size());
            asm volatile("" : : "r"(to_.data()) : "memory");
            at_ += from_.size();
        }
    }

private:
    std::vector<std::byte> from_;
    std::vector<std::byte> to_;
    std::vector<std::byte> between_;
    std::size_t at_ = 0;
};

} // namespace

void add_memory(Contenders& contenders, Workload workload)
{
    if (workload.kind == Kind::transact) {
        contenders.push_back(std::make_unique<Futex>("futex", workload));
        contenders.push_back(std::make_unique<EventFd>("eventfd", workload));
    } else if (workload.kind != Kind::both) {
        contenders.push_back(std::make_unique<Copy>("memcpy", workload));
    }
}

} // namespace bench

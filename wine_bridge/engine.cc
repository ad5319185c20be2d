// SPDX-License-Identifier: LGPL-2.1-or-later
// engine.cc: the threads, their lock, and operations on either side.
#include "engine.hpp"

#include "log.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <new>
#include <thread>
#include <utility>

namespace wine_bridge {
namespace {

constexpr unsigned ping_interval = 1000; // milliseconds
constexpr unsigned watch_interval = 500;

Engine* the_engine = nullptr; // nt_run() takes plain functions

// When Wine's server has gone, Wine ends each thread that calls it then, and no more: the native side would wait for ever. This
// thread is not Wine's, and sees that the main thread is no more.
void watch_main_thread()
{
    std::thread([main = getpid()] {
        sigset_t all;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, nullptr);
        const std::string path = "/proc/self/task/" + std::to_string(main) + "/stat";
        for (;;) {
            std::this_thread::sleep_for(std::chrono::milliseconds(watch_interval));
            std::ifstream file(path);
            std::string text;
            std::getline(file, text);
            const std::size_t name_end = text.rfind(')');
            if (name_end == std::string::npos || text.substr(name_end, 3).find('Z') != std::string::npos) {
                log_line("the prefix's server has gone");
                _exit(1);
            }
        }
    }).detach();
}

} // namespace

Engine::Engine() : events_(tevent_context_init(nullptr)), wakeup_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK))
{
    if (events_ == nullptr || wakeup_ == -1) {
        throw std::bad_alloc();
    }
    tevent_add_fd(
        events_, events_, wakeup_, TEVENT_FD_READ,
        [](tevent_context*, tevent_fd*, std::uint16_t, void* data) {
            std::uint64_t count = 0;
            (void)!read(static_cast<Engine*>(data)->wakeup_, &count, sizeof(count));
        },
        this);
    tevent_set_trace_callback(events_, on_trace, this);
    the_engine = this;
}

Engine::~Engine()
{
    talloc_free(events_);
    close(wakeup_);
}

void Engine::on_trace(enum tevent_trace_point point, void* data)
{
    auto* engine = static_cast<Engine*>(data);
    if (point == TEVENT_TRACE_BEFORE_WAIT) {
        std::unique_lock lock(engine->mutex_);
        engine->busy_ = false;
        engine->turn_.notify_all();
        engine->turn_.wait(lock, [engine] { return engine->pending_ == 0 && !engine->busy_; });
        engine->waiting_ = true;
        engine->rung_ = false;
    } else if (point == TEVENT_TRACE_AFTER_WAIT) {
        const std::lock_guard lock(engine->mutex_);
        engine->waiting_ = false;
        engine->busy_ = true;
    }
}

void Engine::enter()
{
    std::unique_lock lock(mutex_);
    ++pending_;
    if (waiting_ && !std::exchange(rung_, true)) {
        wake_main();
    }
    turn_.wait(lock, [this] { return !busy_ && !waiting_; });
    --pending_;
    busy_ = true;
    wake_ = true;
}

std::uint32_t Engine::start()
{
    const std::uint32_t status = nt_start();
    if (status != NTPIPE_STATUS_SUCCESS) {
        return status;
    }
    const bool started =
        nt_thread([](void*) { nt_run([] { the_engine->enter(); }, [] { the_engine->leave(); }); }, nullptr);
    return started ? NTPIPE_STATUS_SUCCESS : NTPIPE_STATUS_NO_MEMORY;
}

void Engine::run()
{
    watch_main_thread();
    ping_later();
    while (!stopping_ && tevent_loop_once(events_) == 0) {}
}

// A thread that waits for Wine's server does not see that it was killed; one that asks it for something does.
void Engine::ping_later()
{
    after(ping_interval, alive_, [this] {
        nt_ping();
        ping_later();
    });
}

void Engine::stop()
{
    stopping_ = true;
    wake_main();
}

// What was scheduled on the event context meanwhile is seen by nobody who waits for descriptors.
void Engine::wake_main()
{
    const std::uint64_t one = 1;
    (void)!write(wakeup_, &one, sizeof(one));
}

void Engine::leave()
{
    if (std::exchange(wake_, true)) {
        wake_main();
    }
    timers_added_ = false;
    const std::lock_guard lock(mutex_);
    busy_ = false;
    turn_.notify_all();
}

void Engine::run_blocking(std::function<void()> block, std::function<void()> after)
{
    const std::lock_guard lock(jobs_mutex_);
    jobs_.push_back({std::move(block), std::move(after)});
    if (idle_workers_ >= jobs_.size()) {
        jobs_there_.notify_one();
    } else {
        nt_thread(run_jobs, this); // one that cannot be had leaves the job to those that are there
    }
}

void Engine::run_jobs(void* engine)
{
    constexpr unsigned most_idle = 4;
    auto* self = static_cast<Engine*>(engine);
    for (;;) {
        std::unique_lock lock(self->jobs_mutex_);
        if (self->jobs_.empty() && self->idle_workers_ >= most_idle) {
            return;
        }
        ++self->idle_workers_;
        self->jobs_there_.wait(lock, [self] { return !self->jobs_.empty(); });
        --self->idle_workers_;
        Job job = std::move(self->jobs_.front());
        self->jobs_.pop_front();
        lock.unlock();
        job.block();
        self->enter();
        job.after();
        job = {}; // what it keeps alive belongs under the lock, too
        self->leave();
    }
}

namespace {

struct Timer {
    std::weak_ptr<void> owner;
    std::function<void()> due;
};

} // namespace

void Engine::after(unsigned milliseconds, std::weak_ptr<void> owner, std::function<void()> due)
{
    auto* timer = new Timer{std::move(owner), std::move(due)};
    const timeval when = tevent_timeval_current_ofs(milliseconds / 1000, (milliseconds % 1000) * 1000);
    const auto fire = [](tevent_context*, tevent_timer*, timeval, void* data) {
        const std::unique_ptr<Timer> due_timer(static_cast<Timer*>(data));
        if (const auto alive = due_timer->owner.lock()) {
            due_timer->due();
        }
    };
    if (tevent_add_timer(events_, events_, when, fire, timer) == nullptr) {
        delete timer;
    }
    timers_added_ = true;
    wake_ = true;
}

void WineOperation::over(nt_operation* operation)
{
    auto* self = static_cast<WineOperation*>(operation);
    const std::shared_ptr<void> owner = std::move(self->owner_);
    const Then then = std::move(self->then_);
    self->pending_ = false;
    then(self->status, self->information);
}

WineBuffer::WineBuffer(std::size_t size) : data_(static_cast<std::uint8_t*>(nt_buffer(size))), size_(size)
{
    if (data_ == nullptr) {
        throw std::bad_alloc();
    }
}

void WineBuffer::grow(std::size_t size)
{
    if (size <= size_) {
        return;
    }
    auto* larger = static_cast<std::uint8_t*>(nt_buffer(size));
    if (larger == nullptr) {
        throw std::bad_alloc();
    }
    nt_buffer_free(data_);
    data_ = larger;
    size_ = size;
}

bool NativeRequest::start(tevent_req* req, std::function<void()> then)
{
    if (req == nullptr) {
        throw std::bad_alloc();
    }
    req_ = req;
    if (!tevent_req_is_in_progress(req)) {
        return true;
    }
    then_ = std::move(then);
    tevent_req_set_callback(
        req,
        [](tevent_req* over) {
            auto* self = static_cast<NativeRequest*>(tevent_req_callback_data_void(over));
            const std::function<void()> callback = std::move(self->then_);
            callback();
        },
        this);
    return false;
}

void NativeRequest::reset()
{
    TALLOC_FREE(req_);
}

std::u16string to_utf16(const std::string& text)
{
    std::u16string wide;
    for (std::size_t i = 0; i < text.size();) {
        const auto lead = static_cast<unsigned char>(text[i]);
        const unsigned more = lead < 0x80 ? 0 : lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : 1;
        std::uint32_t point = more == 0 ? lead : lead & (0x3FU >> more);
        if (i + more >= text.size()) {
            return {};
        }
        for (unsigned n = 1; n <= more; ++n) {
            point = point << 6U | (static_cast<unsigned char>(text[i + n]) & 0x3FU);
        }
        i += more + 1;
        if (point >= 0x10000) {
            wide += static_cast<char16_t>(0xD800 + ((point - 0x10000) >> 10U));
            wide += static_cast<char16_t>(0xDC00 + ((point - 0x10000) & 0x3FFU));
        } else {
            wide += static_cast<char16_t>(point);
        }
    }
    return wide;
}

std::string folded(const std::string& name)
{
    std::string out = name;
    for (char& letter : out) {
        letter = letter >= 'a' && letter <= 'z' ? static_cast<char>(letter - 'a' + 'A') : letter;
    }
    return out;
}

} // namespace wine_bridge

// SPDX-License-Identifier: LGPL-2.1-or-later
// relay.cc: the life of a connection.
#include "relay.hpp"

#include <algorithm>
#include <utility>

namespace wine_bridge {
namespace {

constexpr std::size_t first_look_size = 8192;
constexpr std::size_t largest_look_size = 1 << 20;
constexpr unsigned quick_poll = 16; // milliseconds
constexpr unsigned slow_poll = 256;
constexpr unsigned quick_polls = 600;
constexpr unsigned confirm_delay = 1;
constexpr unsigned state_poll = 100;
constexpr std::size_t peek_header = 16;
constexpr std::size_t largest_mirrored = 65536;

/// For what is over before the call returns; used under the engine's lock only.
WineBuffer& scratch()
{
    static WineBuffer buffer(65536);
    return buffer;
}

} // namespace

Relay::Relay(Engine& engine, const Parameters& parameters, std::function<void(Over)> over)
    : engine_(engine), it_(parameters), over_(std::move(over)), look_buffer_(first_look_size)
{
}

Relay::~Relay()
{
    talloc_free(it_.native);
}

void Relay::start()
{
    if (it_.to_native) {
        request_work();
    }
    if (it_.to_prefix) {
        look();
    }
    if (!it_.to_native || !it_.to_prefix) {
        watch_states();
    }
}

void Relay::stop()
{
    over_ = nullptr;
    finish(Over::native_closed);
}

void Relay::finish(Over over)
{
    if (dead_) {
        return;
    }
    const auto self = shared_from_this();
    dead_ = true;
    look_.reset();
    flush_.reset();
    if (over == Over::prefix_disconnected) {
        (void)ntpipe_disconnect(it_.native);
    }
    if (over == Over::prefix_closed && !native_writes_.empty()) {
        lingering_ = self; // to the program they were over: they must not be lost
    } else {
        native_writes_.clear();
        ntpipe_close(it_.native);
    }
    if (over_) {
        std::exchange(over_, nullptr)(over);
    }
}

void Relay::prefix_gone(std::uint32_t status)
{
    finish(status == NTPIPE_STATUS_PIPE_DISCONNECTED ? Over::prefix_disconnected : Over::prefix_closed);
}

void Relay::native_gone(std::uint32_t status)
{
    finish(status == NTPIPE_STATUS_PIPE_DISCONNECTED ? Over::native_disconnected : Over::native_closed);
}

// Where data goes one way only, nothing tells that the side that writes nothing has gone.
void Relay::watch_states()
{
    engine_.after(state_poll, weak_from_this(), [this] {
        if (dead_) {
            return;
        }
        ntpipe_local_info info{};
        if (!it_.to_prefix && !is_error(ntpipe_query_local_info(it_.native, &info)) &&
            info.state != NTPIPE_STATE_CONNECTED) {
            native_gone(info.state == NTPIPE_STATE_CLOSING ? NTPIPE_STATUS_PIPE_BROKEN
                                                           : NTPIPE_STATUS_PIPE_DISCONNECTED);
            return;
        }
        nt_pipe_information pipe{};
        if (!it_.to_native && (is_error(nt_query(it_.handle, &pipe)) || !pipe.connected)) {
            finish(pipe.closing ? Over::prefix_closed : Over::prefix_disconnected);
            return;
        }
        watch_states();
    });
}

// ---- to the native side ----

// Reads are started on the Wine thread: it is told of their end without a detour.
void Relay::request_work()
{
    if (dead_ || pumping_ || will_pump_ || work_.pending()) {
        return;
    }
    if (engine_.do_last(shared_from_this(), [this] {
            will_pump_ = false;
            pump();
        })) {
        will_pump_ = true;
        return;
    }
    const std::uint32_t status = work_.start(
        shared_from_this(), [this](std::uint32_t, std::size_t) { pump(); },
        [](nt_operation* operation) {
            return nt_post(operation) == NTPIPE_STATUS_SUCCESS ? std::uint32_t{NTPIPE_STATUS_PENDING}
                                                               : std::uint32_t{NTPIPE_STATUS_NO_MEMORY};
        });
    if (is_error(status)) {
        fail();
    }
}

void Relay::pump()
{
    const auto self = shared_from_this();
    pumping_ = true;
    while (!dead_ && !read_.pending()) {
        const std::uint64_t there = forwarded_ - held_.size();
        const std::uint64_t target = draining_ ? forwarded_ : confirmed_;
        if (held_.empty()) {
            await_data();
        } else if (target > there) {
            const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(held_.size(), target - there));
            prepare_read(wanted);
            const std::uint32_t status = read_.start(
                self,
                [this, wanted](std::uint32_t over, std::size_t got) {
                    consumed(wanted, over, got);
                    pump();
                },
                [this, wanted](nt_operation* operation) {
                    return nt_read(it_.handle, operation, read_buffer_->data(), static_cast<std::uint32_t>(wanted));
                });
            if (status != NTPIPE_STATUS_PENDING) {
                consumed(wanted, status, read_.result());
            }
        } else if (!std::exchange(ask_, false) || !look_further()) {
            poll_later();
            break;
        }
    }
    pumping_ = false;
}

// Where the native side waits in a read, that read is made here, too: it takes what comes, and nobody has to wait for what it has
// taken. Else a read of no bytes tells when something is there.
void Relay::await_data()
{
    std::size_t expected = 0;
    if (it_.to_prefix && !draining_ && !is_error(ntpipe_posted_read(it_.native, &expected))) {
        expected = std::min(expected, largest_mirrored);
        prepare_read(expected);
    } else {
        expected = 0;
    }
    mirrors_ = expected != 0;
    if (!mirrors_) {
        (void)ntpipe_release_posted_read(it_.native); // one of no bytes
    }
    const std::uint32_t status = read_.start(
        shared_from_this(),
        [this](std::uint32_t over, std::size_t got) {
            data_came(over, got);
            request_work();
        },
        [this, expected](nt_operation* operation) {
            return nt_await_data(it_.handle, operation, expected == 0 ? scratch().data() : read_buffer_->data(),
                                 static_cast<std::uint32_t>(expected));
        });
    if (status != NTPIPE_STATUS_PENDING) {
        data_came(status, read_.result());
    }
}

void Relay::prepare_read(std::size_t length)
{
    if (!read_buffer_) {
        read_buffer_ = std::make_unique<WineBuffer>(std::max<std::size_t>(length, 4096));
    }
    read_buffer_->grow(length);
}

void Relay::data_came(std::uint32_t status, std::size_t got)
{
    if (dead_) {
        return;
    }
    if (mirrors_ && status == NTPIPE_STATUS_CANCELLED) {
        (void)ntpipe_release_posted_read(it_.native); // no program has been told that it was read
    } else if (is_error(status)) {
        prefix_gone(status);
    } else if (mirrors_) {
        forward_read(status, got);
    } else if (it_.message && status == NTPIPE_STATUS_SUCCESS) {
        forward(nullptr, 0); // an empty message, and it is taken
    } else {
        (void)look_further();
    }
}

// Of a message that is longer than the read the rest stays unread, here as there.
void Relay::forward_read(std::uint32_t status, std::size_t got)
{
    if (!it_.message || status != NTPIPE_STATUS_BUFFER_OVERFLOW) {
        forward(read_buffer_->data(), got);
        return;
    }
    Bytes message(read_buffer_->data(), read_buffer_->data() + got);
    nt_peek seen{};
    if (!is_error(peek(seen))) {
        const std::uint8_t* rest = scratch().data() + peek_header;
        held_.assign(rest, rest + seen.message_length);
        message.insert(message.end(), held_.begin(), held_.end());
    }
    forward(message.data(), message.size());
}

// All of the first message, or of the bytes, is in scratch() then, behind the header.
std::uint32_t Relay::peek(nt_peek& seen) const
{
    WineBuffer& buffer = scratch();
    for (;;) {
        const std::uint32_t status =
            nt_peek_pipe(it_.handle, buffer.data(), static_cast<std::uint32_t>(buffer.size()), &seen);
        const std::size_t needed = it_.message ? seen.message_length : seen.available;
        if (is_error(status) || seen.copied >= needed) {
            return status;
        }
        buffer.grow(peek_header + needed);
    }
}

// Forwards what is new in the prefix. True: there was something to do.
bool Relay::look_further()
{
    nt_peek seen{};
    if (const std::uint32_t status = peek(seen); is_error(status)) {
        if (!held_.empty()) {
            taken_back(0); // what was unread has gone with its writer
        }
        prefix_gone(status);
        return true;
    }
    draining_ = draining_ || seen.closing;
    if (seen.available < held_.size()) {
        taken_back(seen.available);
        return true;
    }
    const std::uint8_t* data = scratch().data() + peek_header;
    return (it_.message ? look_at_messages(seen, data) : look_at_bytes(seen, data)) || draining_;
}

bool Relay::look_at_messages(const nt_peek& seen, const std::uint8_t* data)
{
    bool some = false;
    if (held_.empty() && seen.message_length != 0) {
        held_.assign(data, data + seen.message_length);
        forward(data, seen.message_length);
        some = true;
    }
    const std::uint64_t behind = seen.available - held_.size();
    if (behind != 0 && !held_.empty() && forwarded_ - read_there_ + behind <= it_.native_quota) {
        confirmed_ = forwarded_; // all these writes are over; the last message will do for a flush
        some = true;
    }
    return some;
}

bool Relay::look_at_bytes(const nt_peek& seen, const std::uint8_t* data)
{
    const std::size_t known = held_.size();
    if (seen.available == known) {
        return false;
    }
    held_.insert(held_.end(), data + known, data + seen.available);
    forward(data + known, seen.available - known);
    return true;
}

// What was read for good. It is what was forwarded, unless the program took that back and has written something else.
void Relay::consumed(std::size_t wanted, std::uint32_t status, std::size_t got)
{
    if (dead_) {
        return;
    }
    if (is_error(status)) {
        if (!held_.empty()) {
            taken_back(0);
        }
        prefix_gone(status);
        return;
    }
    const std::uint8_t* data = read_buffer_->data();
    if (got <= held_.size() && std::equal(data, data + got, held_.begin())) {
        const bool rest_is_there = got == wanted && status == NTPIPE_STATUS_BUFFER_OVERFLOW;
        if (!it_.message || rest_is_there || got == held_.size()) {
            held_.erase(held_.begin(), held_.begin() + static_cast<std::ptrdiff_t>(got < wanted ? held_.size() : got));
        } else {
            held_.clear();
        }
        if (!(it_.message && held_.empty() && status == NTPIPE_STATUS_BUFFER_OVERFLOW)) {
            return;
        }
    }
    held_.clear();
    forward_read(status, got);
}

void Relay::forward(const std::uint8_t* data, std::size_t length)
{
    if (length == 0 && !it_.message) {
        return;
    }
    auto write = std::make_unique<NativeWrite>();
    NativeWrite& it = *write;
    forwarded_ += length;
    ++writes_;
    it.end = forwarded_;
    native_writes_.push_back(std::move(write));
    const auto make = [&] { return ntpipe_write_send(nullptr, engine_.events(), it_.native, data, length); };
    if (it.request.start(weak_from_this(), [this, &it] { native_written(it); }, make)) {
        native_written(it);
    }
    if (!dead_ && !held_.empty()) {
        confirm_native();
    }
    if (it_.to_prefix) {
        engine_.expect(answer_);
    }
}

void Relay::native_written(NativeWrite& write)
{
    const std::uint32_t status = ntpipe_write_recv(write.request.get(), nullptr);
    const std::uint64_t end = write.end;
    const auto found =
        std::find_if(native_writes_.begin(), native_writes_.end(), [&](auto& other) { return other.get() == &write; });
    const std::unique_ptr<NativeWrite> gone = std::move(*found);
    native_writes_.erase(found);
    if (dead_) {
        if (native_writes_.empty()) {
            const auto self = std::move(lingering_);
            ntpipe_close(it_.native);
        }
        return;
    }
    const bool is_late = status == NTPIPE_STATUS_PIPE_CLOSING || status == NTPIPE_STATUS_PIPE_BROKEN;
    if (is_error(status) && status != NTPIPE_STATUS_CANCELLED && !(is_late && it_.to_prefix)) {
        native_gone(status);
    } else if (!is_error(status) && end > it_.native_quota) {
        confirmed(end - it_.native_quota);
    }
    // Otherwise looks tell that the other end has closed, when all of it was delivered.
}

// Asks for when everything will have been read over there.
void Relay::confirm_native()
{
    while (!dead_ && !flush_.pending() && writes_ != flush_writes_) {
        flush_writes_ = writes_;
        flush_marker_ = forwarded_;
        const auto over = [this] {
            const std::uint32_t status = ntpipe_flush_recv(flush_.get());
            flush_.reset();
            if (!is_error(status)) {
                read_there_ = std::max(read_there_, flush_marker_);
                confirmed(flush_marker_);
            } else if (status == NTPIPE_STATUS_NO_MEMORY || status == NTPIPE_STATUS_INSUFFICIENT_RESOURCES) {
                fail();
            }
        };
        const auto later = [this, over] {
            over();
            confirm_native();
        };
        if (flush_.start(weak_from_this(), later,
                         [this] { return ntpipe_flush_send(nullptr, engine_.events(), it_.native); })) {
            over();
        }
    }
}

// No end of a write or flush tells of a message that was read in part.
void Relay::see_what_is_read()
{
    ntpipe_local_info info{};
    if (!is_error(ntpipe_query_local_info(it_.native, &info)) && info.write_quota_available != 0 &&
        info.write_quota_available <= it_.native_quota) {
        const std::uint64_t unread = it_.native_quota - info.write_quota_available;
        read_there_ = std::max(read_there_, forwarded_ - std::min(forwarded_, unread));
        confirmed(read_there_);
    }
}

void Relay::confirmed(std::uint64_t position)
{
    confirmed_ = std::max(confirmed_, position);
    if (!held_.empty() && confirmed_ > forwarded_ - held_.size()) {
        request_work();
    }
}

// The program has cancelled writes: so do we, as far as they are not over.
void Relay::taken_back(std::size_t left)
{
    const std::uint64_t end = forwarded_ - held_.size() + left;
    for (auto write = native_writes_.rbegin(); write != native_writes_.rend() && (*write)->end > end; ++write) {
        (*write)->request.cancel();
    }
    held_.resize(it_.message ? 0 : left);
    ask_ = true;
}

// Wine tells nobody but the writer that something unread has gone, and nobody that more has come: see docs/wine.md.
void Relay::poll_later()
{
    if (poll_scheduled_) {
        return;
    }
    polls_ = polled_writes_ == writes_ ? polls_ + 1 : 0;
    polled_writes_ = writes_;
    poll_scheduled_ = true;
    engine_.after(polls_ < quick_polls ? quick_poll : slow_poll, weak_from_this(), [this] {
        poll_scheduled_ = false;
        if (!held_.empty() && !dead_) {
            see_what_is_read();
            ask_ = true;
            request_work();
        }
    });
}

// ---- to the prefix ----

void Relay::look()
{
    const auto self = shared_from_this();
    while (!dead_ && !look_.pending()) {
        const auto later = [this] {
            const auto still = shared_from_this();
            looked();
            look();
        };
        const auto make = [this] {
            return ntpipe_look_send(nullptr, engine_.events(), it_.native, look_buffer_.data(), look_buffer_.size());
        };
        if (look_.start(weak_from_this(), later, make)) {
            looked();
        } else {
            make_room();
        }
    }
}

// The rest of a message may not find room in shared memory before what was looked at is taken.
void Relay::make_room()
{
    if (look_.pending() && !partial_.empty()) {
        take_until(looked_);
    }
}

void Relay::looked()
{
    ntpipe_look_info info{};
    const std::uint32_t status = ntpipe_look_recv(look_.get(), &info);
    look_.reset();
    if (is_error(status)) {
        native_gone(status);
        return;
    }
    if (info.withdrawn) {
        if (mirrors_ && read_.pending()) {
            read_.cancel(it_.handle); // its end says whether a program has been told that it was read
        } else {
            (void)ntpipe_release_posted_read(it_.native);
        }
        return;
    }
    if (info.revoked != 0) {
        native_wants_back(taken_ + info.revoked_at, info.revoked);
        return;
    }
    answer_->came();
    looked_ += info.length;
    ++looks_;
    if (!partial_.empty() && !info.continued) {
        deliver(partial_.data(), partial_.size()); // its writer took the rest back: that is all of it
        partial_.clear();
    }
    if (dead_) {
        return;
    }
    if (it_.message && (info.rest != 0 || !partial_.empty())) {
        partial_.insert(partial_.end(), look_buffer_.begin(),
                        look_buffer_.begin() + static_cast<std::ptrdiff_t>(info.length));
        if (info.rest != 0) {
            look_buffer_.resize(std::clamp<std::size_t>(info.rest, look_buffer_.size(), largest_look_size));
            return;
        }
        const Bytes whole = std::move(partial_);
        partial_.clear();
        deliver(whole.data(), whole.size());
        return;
    }
    deliver(look_buffer_.data(), info.length);
}

// A native program cancels writes: so do we, and are told what was read.
void Relay::native_wants_back(std::uint64_t begin, std::size_t length)
{
    const std::uint64_t end = begin + length;
    const std::uint64_t delivered = looked_ - partial_.size();
    if (end > delivered) {
        const std::uint64_t from = std::max(begin, delivered);
        (void)ntpipe_settle_revoked(it_.native, static_cast<std::size_t>(from - taken_),
                                    static_cast<std::size_t>(looked_ - from), true);
        partial_.resize(static_cast<std::size_t>(from - delivered));
        looked_ = from;
        ++revocations_;
    }
    // The last one first: when one is gone, those behind it may fit the quota, and be over.
    std::uint64_t over_until = std::min(end, delivered);
    for (auto each = prefix_writes_.rbegin(); each != prefix_writes_.rend() && (*each)->end > begin; ++each) {
        PrefixWrite& write = **each;
        if (write.begin() < end) {
            over_until = write.begin();
            write.asked = true;
            write.operation.cancel(it_.handle);
        }
    }
    if (over_until > begin) {
        (void)ntpipe_settle_revoked(it_.native, static_cast<std::size_t>(begin - taken_),
                                    static_cast<std::size_t>(over_until - begin), false);
    }
}

// What became of a write that its native program has cancelled. What was given back has no position any more.
void Relay::answer(const PrefixWrite& write, bool given_back)
{
    const std::uint64_t begin = std::max(write.begin(), taken_);
    if (write.end > begin) {
        const std::uint64_t length = write.end - begin;
        (void)ntpipe_settle_revoked(it_.native, static_cast<std::size_t>(begin - taken_),
                                    static_cast<std::size_t>(length), given_back);
        if (given_back) {
            ++revocations_;
            looked_ -= length;
            for (const auto& other : prefix_writes_) {
                other->end -= other->end > begin ? length : 0;
            }
        }
    }
    make_room();
}

void Relay::deliver(const std::uint8_t* data, std::size_t length)
{
    auto write = std::make_unique<PrefixWrite>();
    PrefixWrite& it = *write;
    it.end = looked_;
    it.length = length;
    prefix_writes_.push_back(std::move(write));
    const auto over = [this, &it](std::uint32_t status) {
        const std::uint64_t end = it.end;
        const auto found =
            std::find_if(prefix_writes_.begin(), prefix_writes_.end(), [&](auto& other) { return other.get() == &it; });
        const std::unique_ptr<PrefixWrite> gone = std::move(*found);
        prefix_writes_.erase(found);
        if (!dead_ && gone->asked && (!is_error(status) || status == NTPIPE_STATUS_CANCELLED)) {
            answer(*gone, is_error(status));
        }
        // Nothing follows from the end of an empty message: it does not wait for those before it.
        if (!dead_ && !is_error(status) && gone->length != 0 && end > it_.prefix_quota) {
            take_until(end - it_.prefix_quota);
        }
    };
    const std::uint32_t status = it.operation.start(
        shared_from_this(), [over](std::uint32_t result, std::size_t) { over(result); },
        [&](nt_operation* operation) {
            return nt_write(it_.handle, operation, data, static_cast<std::uint32_t>(length));
        });
    if (status != NTPIPE_STATUS_PENDING) {
        over(status);
    }
    if (!is_error(status)) {
        confirm_prefix();
    } else if (status == NTPIPE_STATUS_PIPE_DISCONNECTED || !it_.to_native) {
        prefix_gone(status);
    } else {
        draining_ = true; // what it wrote before it went is still to be forwarded
        request_work();
    }
}

// Not beyond what a native program waits to have back: that is known soon.
void Relay::take_until(std::uint64_t position)
{
    for (const auto& write : prefix_writes_) {
        position = write->asked ? std::min(position, write->begin()) : position;
    }
    if (position > taken_) {
        (void)ntpipe_take(it_.native, static_cast<std::size_t>(position - taken_));
        taken_ = position;
    }
}

// Finds out when everything was read in the prefix: only a call that blocks can tell. Not after each message: a little later.
void Relay::confirm_prefix()
{
    if (confirming_ || dead_) {
        return;
    }
    confirming_ = true;
    engine_.after(confirm_delay, weak_from_this(), [this] {
        if (dead_) {
            return;
        }
        struct Question {
            std::uint64_t looked;
            std::uint64_t looks;
            std::uint64_t revocations;
            std::uint32_t status = 0;
        };
        const auto question = std::make_shared<Question>(Question{looked_, looks_, revocations_});
        engine_.run_blocking([handle = it_.handle, question] { question->status = nt_flush(handle); },
                             shared_from_this(),
                             [this, question] {
                                 confirming_ = false;
                                 if (dead_ || is_error(question->status)) {
                                     return;
                                 }
                                 const bool any_asked = std::any_of(prefix_writes_.begin(), prefix_writes_.end(),
                                                                    [](const auto& write) { return write->asked; });
                                 if (looks_ == question->looks && !any_asked) {
                                     (void)ntpipe_take(it_.native, NTPIPE_TAKE_ALL);
                                     taken_ = looked_;
                                 } else {
                                     if (revocations_ == question->revocations) { // else it is another position
                                         take_until(question->looked);
                                     }
                                     confirm_prefix();
                                 }
                             });
    });
}

} // namespace wine_bridge

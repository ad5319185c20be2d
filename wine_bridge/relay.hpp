// SPDX-License-Identifier: LGPL-2.1-or-later
// relay.hpp: one connection: an end of a pipe in the prefix and an end of a native one, joined so that neither side can tell.
//
// What is written on one side appears on the other at once, but stays unread where it was written until it has been read over
// there: so quota, flush and the end of writes are true on both sides.
//
// From the native side this is exact: looks (ntpipe_look_send) show everything that is there; Wine's writes, which end when
// what is unread fits the quota, and Wine's flush, which ends when everything was read, say what may be taken; and a native write is
// cancelled when Wine says that its own was.
// From the prefix: where the native side waits in a read, the same read is made here, and what it takes is read over there at once
// (a *mirrored* read; the native one is cancelled when this one was). Else a read of no bytes says that something is there and takes nothing (but an empty message); a peek shows the
// first message, or all bytes of a byte pipe. It is taken from the prefix when the native write, or flush, is over. Wine shows the
// second message only when the first one is taken: as long as all writes are within the quota, messages are taken early, but for
// the last, which keeps flushes of the program waiting. Nothing tells that more has come, or was taken back, while something
// stays there: a relay that holds something asks now and then.
#pragma once

#include "engine.hpp"

#include <deque>
#include <vector>

namespace wine_bridge {

/// An end that is nobody's yet.
struct FreeEnd {
    void operator()(ntpipe_end* end) const { talloc_free(end); }
};
using NativeEnd = std::unique_ptr<ntpipe_end, FreeEnd>;

class Relay : public Owner, public std::enable_shared_from_this<Relay> {
public:
    /// Who has ended the connection, and how.
    enum class Over { native_closed, native_disconnected, prefix_closed, prefix_disconnected };

    struct Parameters {
        nt_handle handle = nullptr;   ///< remains the caller's
        ntpipe_end* native = nullptr; ///< becomes the relay's
        bool message = false;
        bool to_native = false; ///< there is data in that direction
        bool to_prefix = false;
        std::uint32_t native_quota = 0; ///< bytes on their way to the native side
        std::uint32_t prefix_quota = 0;
    };

    Relay(Engine& engine, const Parameters& parameters, std::function<void(Over)> over);
    Relay(const Relay&) = delete;
    Relay& operator=(const Relay&) = delete;
    ~Relay();

    /// `over` is called once, perhaps from within; the native end is closed then.
    void start();
    /// Ends it from here, without `over`.
    void stop();
    /// Something is missing, so no more can be promised to either side.
    void fail() override { finish(Over::native_closed); }

private:
    using Bytes = std::vector<std::uint8_t>;
    struct NativeWrite {
        NativeRequest request;
        std::uint64_t end = 0; ///< position behind it
    };
    struct PrefixWrite {
        WineOperation operation;
        std::uint64_t end = 0;
        std::size_t length = 0;
        bool asked = false; ///< its native program has cancelled, and waits for what became of it
        [[nodiscard]] std::uint64_t begin() const { return end - length; }
    };

    void finish(Over over);
    void prefix_gone(std::uint32_t status);
    void native_gone(std::uint32_t status);
    void watch_states();

    // To the native side.
    void request_work();
    void pump();
    void await_data();
    void prepare_read(std::size_t length);
    void data_came(std::uint32_t status, std::size_t got);
    void forward_read(std::uint32_t status, std::size_t got);
    [[nodiscard]] std::uint32_t peek(nt_peek& seen) const;
    [[nodiscard]] bool look_further();
    [[nodiscard]] bool look_at_messages(const nt_peek& seen, const std::uint8_t* data);
    [[nodiscard]] bool look_at_bytes(const nt_peek& seen, const std::uint8_t* data);
    void consumed(std::size_t wanted, std::uint32_t status, std::size_t got);
    void forward(const std::uint8_t* data, std::size_t length);
    void native_written(NativeWrite& write);
    void confirm_native();
    void see_what_is_read();
    void confirmed(std::uint64_t position);
    void taken_back(std::size_t left);
    void poll_later();

    // To the prefix.
    void look();
    void looked();
    void make_room();
    void native_wants_back(std::uint64_t begin, std::size_t length);
    void answer(const PrefixWrite& write, bool given_back);
    void deliver(const std::uint8_t* data, std::size_t length);
    void take_until(std::uint64_t position);
    void confirm_prefix();

    Engine& engine_;
    Parameters it_;
    std::function<void(Over)> over_;
    bool dead_ = false;
    std::shared_ptr<Relay> lingering_; ///< itself, until what the program wrote is over

    WineOperation work_;
    WineOperation read_;
    bool mirrors_ = false; ///< it is the prefix's half of a read on the native side
    std::unique_ptr<WineBuffer> read_buffer_;
    Bytes held_;                  ///< was forwarded and is still unread in the prefix
    std::uint64_t forwarded_ = 0; ///< bytes given to the native side
    std::uint64_t writes_ = 0;
    std::uint64_t confirmed_ = 0; ///< bytes that were read there, or may be taken early
    std::uint64_t read_there_ = 0;
    bool draining_ = false; ///< the program has gone: nobody waits for anything
    bool pumping_ = false;
    bool will_pump_ = false; ///< when the Wine thread has done everything else
    bool ask_ = false;       ///< a relay that holds something should look for more
    bool poll_scheduled_ = false;
    unsigned polls_ = 0;
    std::uint64_t polled_writes_ = 0;
    std::deque<std::unique_ptr<NativeWrite>> native_writes_;
    NativeRequest flush_;
    std::uint64_t flush_marker_ = 0;
    std::uint64_t flush_writes_ = 0;

    std::shared_ptr<Answer> answer_ = std::make_shared<Answer>();
    NativeRequest look_;
    Bytes look_buffer_;
    Bytes partial_; ///< the beginning of a message that does not come at once
    std::uint64_t looked_ = 0;
    std::uint64_t looks_ = 0;
    std::uint64_t revocations_ = 0;
    std::uint64_t taken_ = 0;
    std::deque<std::unique_ptr<PrefixWrite>> prefix_writes_;
    bool confirming_ = false;
};

} // namespace wine_bridge

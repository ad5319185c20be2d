// SPDX-License-Identifier: GPL-3.0-or-later
// relay.cc: two pumps between a pipe and a stream. When one of them is over, all has been written that came before that.
#include "relay.hpp"

#include <memory>

namespace ntpipe::samba::npa {
namespace {

struct Connection {
    End end;
    Stream stream;
    std::string name;
};

/// Somebody waits until a first thing has happened.
class Signal {
public:
    explicit Signal(tevent_context* events) : events_(events) {}
    struct Done {
        int operator()(tevent_req* /*request*/) const { return 0; }
    };
    [[nodiscard]] Awaited<Done> wait()
    {
        void* unused = nullptr;
        request_ = tevent_req_create(nullptr, &unused, char);
        if (happened_ && request_ != nullptr) {
            tevent_req_done(request_);
            (void)tevent_req_post(request_, events_);
        }
        return {events_, request_, Done()};
    }
    void happen()
    {
        if (!happened_ && request_ != nullptr) {
            tevent_req_defer_callback(request_, events_); // who waits ends the one that tells
            tevent_req_done(request_);
        }
        happened_ = true;
    }

private:
    tevent_context* events_;
    tevent_req* request_ = nullptr;
    bool happened_ = false;
};

// Both directions end then.
void say_no_memory(const Connection& connection)
{
    log("'" + connection.name + "': there is no memory; the connection is ended");
}

Task<> from_samba(Connection& connection, Signal& over)
{
    try {
        std::vector<std::byte> message;
        while (co_await connection.stream.read(message) == 0) {
            if (!co_await connection.end.write(message)) {
                break;
            }
        }
    } catch (const std::bad_alloc&) {
        say_no_memory(connection);
    }
    over.happen();
}

Task<> carry_to_samba(Connection& connection)
{
    std::vector<std::byte> message(longest_message);
    for (;;) {
        const Transfer got = co_await connection.end.read(message);
        if (!got) {
            break;
        }
        if (got.more() || got.size == 0) {
            log("'" + connection.name + "': a message " +
                (got.more() ? "of more than 65535 bytes" : "without any bytes") +
                " cannot go over named_pipe_auth; the connection is ended");
            break;
        }
        if (co_await connection.stream.write(std::span(message).first(got.size)) != 0) {
            break;
        }
    }
}

Task<> to_samba(Connection& connection, Signal& over)
{
    try {
        co_await carry_to_samba(connection);
    } catch (const std::bad_alloc&) {
        say_no_memory(connection);
    }
    over.happen();
}

} // namespace

Task<> relay(End end, Stream stream, std::string name, tevent_context* events)
{
    Connection connection{std::move(end), std::move(stream), std::move(name)};
    Signal over(events);
    Tasks pumps;
    pumps.add(from_samba(connection, over));
    pumps.add(to_samba(connection, over));
    co_await over.wait();
}

} // namespace ntpipe::samba::npa

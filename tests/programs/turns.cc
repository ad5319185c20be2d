// SPDX-License-Identifier: LGPL-2.1-or-later
// turns.cc: a client whose threads would take turns with its session (ntpipe_session_begin_turn): asks an echo server within and
// outside of turns.
//
// usage: turns DIRECTORY NAME ROUNDS     says "N right", or what was wrong
#include <ntpipe.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <poll.h>
#include <string>
#include <talloc.h>
#include <tevent.h>

namespace {

constexpr std::uint32_t patience = 60; // seconds

struct Client {
    ntpipe_session* session = nullptr;
    ntpipe_end* pipe = nullptr;
    std::array<char, 16> question{};
    std::array<char, 16> answer{};
    bool answered = false;

    void expect()
    {
        answered = false;
        answer.fill(0);
        tevent_req* req =
            ntpipe_read_send(nullptr, ntpipe_session_event_context(session), pipe, answer.data(), answer.size());
        tevent_req_set_callback(
            req,
            [](tevent_req* over) {
                auto* self = static_cast<Client*>(tevent_req_callback_data_void(over));
                size_t length = 0;
                self->answered =
                    ntpipe_read_recv(over, &length) == NTPIPE_STATUS_SUCCESS && length == self->answer.size();
                talloc_free(over);
            },
            this);
    }
    void ask(unsigned number)
    {
        question.fill(0);
        std::memcpy(question.data(), &number, sizeof(number));
        tevent_req* req =
            ntpipe_write_send(nullptr, ntpipe_session_event_context(session), pipe, question.data(), question.size());
        tevent_req_set_callback(req, [](tevent_req* over) { talloc_free(over); }, nullptr);
    }
    [[nodiscard]] bool is_right() const { return answered && answer == question; }
    [[nodiscard]] bool is_readable(int milliseconds) const
    {
        pollfd descriptor{ntpipe_session_fd(session), POLLIN, 0};
        return poll(&descriptor, 1, milliseconds) == 1;
    }
    void settle() const
    {
        while (is_readable(0)) {
            ntpipe_session_dispatch(session);
        }
    }
};

/// Who looks long enough has the answer within the turn, and the descriptor is left alone.
const char* ask_within(Client& client, unsigned number)
{
    client.settle();
    ntpipe_session_begin_turn(client.session);
    client.expect();
    client.ask(number);
    bool quiet = !client.is_readable(0);
    for (std::uint32_t second = 0; second < patience && !client.answered; ++second) {
        while (ntpipe_session_work(client.session, 1'000'000) && !client.answered) {}
        quiet = quiet && !client.is_readable(0);
    }
    ntpipe_session_end_turn(client.session);
    if (!quiet) {
        return "the descriptor was readable within a turn";
    }
    return client.is_right() ? nullptr : "no answer within a turn";
}

/// Who does not look is told by the descriptor, of what was left to do and of what comes later.
const char* ask_and_leave(Client& client, unsigned number)
{
    client.settle();
    ntpipe_session_begin_turn(client.session);
    client.expect();
    client.ask(number);
    ntpipe_session_end_turn(client.session);
    while (!client.answered && client.is_readable(static_cast<int>(patience) * 1000)) {
        ntpipe_session_dispatch(client.session);
    }
    return client.is_right() ? nullptr : "no answer after a turn";
}

const char* run(Client& client, unsigned rounds)
{
    for (unsigned i = 0; i < rounds; ++i) {
        if (const char* wrong = i % 3 == 2 ? ask_and_leave(client, i) : ask_within(client, i)) {
            return wrong;
        }
    }
    return nullptr;
}

} // namespace

int main(int argc, char** argv)
{
    if (argc != 4) {
        std::cerr << "usage: turns DIRECTORY NAME ROUNDS\n";
        return 2;
    }
    ntpipe_session_params params = NTPIPE_SESSION_PARAMS_INIT;
    params.directory = argv[1];
    Client client;
    if (ntpipe_session_open(nullptr, nullptr, &params, &client.session) != NTPIPE_STATUS_SUCCESS ||
        ntpipe_open(nullptr, client.session, argv[2], nullptr, &client.pipe) != NTPIPE_STATUS_SUCCESS) {
        std::cout << "cannot open" << '\n' << std::flush;
        return 1;
    }
    const auto rounds = static_cast<unsigned>(std::strtoul(argv[3], nullptr, 10));
    const char* wrong = run(client, rounds);
    std::cout << (wrong == nullptr ? std::to_string(rounds) + " right" : wrong) << '\n' << std::flush;
    talloc_free(client.pipe);
    talloc_free(client.session);
    return 0;
}

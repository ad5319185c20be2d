// SPDX-License-Identifier: GPL-3.0-or-later
// smb_pipe.hpp: a pipe for the dispatch tables of the Samba module: a real one, in a namespace of this process. What smbd does before and
// after, the fuzzers do as smbd_*.cc does; names are converted by Samba's own code.
#pragma once

#include "input.hpp"

#include "exchange.hpp"

#include <ntpipe.h>

#include <list>

namespace ntpipe::samba::fuzz {

using namespace ntpipe::fuzz;

class Pipe {
public:
    explicit Pipe(std::uint8_t kind)
    {
        static const bool loaded = smbd::load_configuration("/dev/null");
        require(loaded, "Samba's libraries have a configuration");
        events_ = tevent_context_init(nullptr);
        ntpipe_session* session = nullptr;
        ntpipe_create_params create = NTPIPE_CREATE_PARAMS_INIT;
        const bool bytes = (kind & 1U) != 0;
        create.type = bytes ? NTPIPE_TYPE_BYTE : NTPIPE_TYPE_MESSAGE;
        create.read_mode = bytes ? NTPIPE_READ_BYTE : NTPIPE_READ_MESSAGE;
        create.inbound_quota = (kind & 2U) != 0 ? 0 : 4096;
        create.outbound_quota = (kind & 4U) != 0 ? 10 : 4096;
        ntpipe_open_params open = NTPIPE_OPEN_PARAMS_INIT;
        open.message_mode = !bytes;
        require(ntpipe_namespace_create_local(events_, events_, &session) == 0 &&
                    ntpipe_create(events_, session, "fuzz", &create, &server_, nullptr) == 0 &&
                    ntpipe_open(events_, session, "fuzz", &open, &client_) == 0,
                "there is a pipe");
    }
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;
    ~Pipe()
    {
        exchanges_.clear();
        talloc_free(events_);
    }

    /// Of a request. It lives until it is over.
    Exchange& begin()
    {
        exchanges_.emplace_back();
        Exchange& exchange = exchanges_.back().exchange;
        exchange.memory = exchanges_.back().memory;
        exchange.events = events_;
        exchange.end = client_;
        return exchange;
    }

    /// As smbd_operation.cc. `answer`: when it is over, which may be later.
    void wait_for_end(std::function<void(const Exchange&)> answer)
    {
        exchanges_.back().answer = std::move(answer);
        settle();
    }

    /// What the server's program may do.
    void act(Input& input)
    {
        std::size_t count = 0;
        std::array<std::byte, 3000> bytes{};
        const std::uint8_t choice = input.byte();
        const std::size_t size = input.word() % bytes.size();
        tevent_req* request = nullptr;
        switch (choice % 6) {
        case 0:
        case 1:
            request = ntpipe_write_send(events_, events_, server_, bytes.data(), size);
            break;
        case 2:
            request = ntpipe_read_send(events_, events_, server_, bytes.data(), size);
            if (!tevent_req_is_in_progress(request)) {
                (void)ntpipe_read_recv(request, &count);
            }
            break;
        case 3:
            if (!exchanges_.empty() && exchanges_.front().exchange.inner != nullptr) {
                (void)tevent_req_cancel(exchanges_.front().exchange.inner);
            }
            break;
        case 4:
            (void)ntpipe_disconnect(server_);
            break;
        default:
            talloc_free(std::exchange(server_, nullptr));
            server_ = nullptr;
            break;
        }
        talloc_free(request);
        settle();
    }
    [[nodiscard]] bool has_server() const { return server_ != nullptr; }
    [[nodiscard]] ntpipe_end* client() const { return client_; }

private:
    struct Pending {
        Pending() : memory(talloc_new(nullptr)) {}
        Pending(const Pending&) = delete;
        Pending& operator=(const Pending&) = delete;
        ~Pending() { talloc_free(memory); }
        TALLOC_CTX* memory;
        Exchange exchange;
        std::function<void(const Exchange&)> answer;
    };

    // Requests that are over are taken in; so what follows of them.
    void settle()
    {
        bool again = true;
        while (again) {
            again = false;
            for (auto pending = exchanges_.begin(); pending != exchanges_.end();) {
                Exchange& exchange = pending->exchange;
                if (exchange.status == Status::pending && exchange.inner != nullptr &&
                    !tevent_req_is_in_progress(exchange.inner)) {
                    exchange.receive(exchange);
                    again = true;
                }
                if (exchange.status == Status::pending) {
                    ++pending;
                    continue;
                }
                require(is_error(exchange.status) || exchange.output == nullptr ||
                            exchange.transferred <= std::max<std::size_t>(exchange.length, exchange.input.size()),
                        "no more comes than was asked for");
                if (pending->answer) {
                    pending->answer(exchange);
                }
                pending = exchanges_.erase(pending);
                again = true;
            }
        }
    }

    tevent_context* events_ = nullptr;
    ntpipe_end* server_ = nullptr;
    ntpipe_end* client_ = nullptr;
    std::list<Pending> exchanges_;
};

} // namespace ntpipe::samba::fuzz

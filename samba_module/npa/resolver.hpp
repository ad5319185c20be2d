// SPDX-License-Identifier: GPL-3.0-or-later
// resolver.hpp: Samba's pipes for programs here: offers their names, and serves opens of them.
#pragma once

#include "publisher.hpp"
#include "samba_side.hpp"

#include <functional>
#include <map>
#include <new>
#include <optional>
#include <set>
#include <string>

namespace ntpipe::samba::npa {

class Resolver final : public GatewayHandlers {
public:
    /// `found`: is called whenever all of Samba's programs have been asked.
    Resolver(Session& session, std::function<void()> found)
        : session_(session), publisher_(session), found_(std::move(found))
    {
    }

    /// Becomes a gateway.
    [[nodiscard]] Status begin();
    /// Finds out what Samba serves, and offers that and nothing else: what has a socket at once, what a program says as soon as it
    /// does. Programs that do not are asked again later. A call while it is doing so makes it look once more.
    void look_for_services();
    /// Goes by Samba's configuration as it is now.
    void configure();

    /// Makes up for what there were no descriptors for; and if there was no memory for something that it was told of, has itself be
    /// told all again.
    void heal();

    void registered() override;
    void refused(Status status) override;
    void not_offered(const std::string& name, Status status) override;
    void asked(Question question) override;
    void reset() override
    {
        take_in([&] { publisher_.reset(); });
    }
    void published(const ntpipe_published& pipe) override
    {
        take_in([&] { publisher_.published(pipe); });
    }
    void gone(std::uint64_t pipe) override
    {
        take_in([&] { publisher_.gone(pipe); });
    }
    void complete() override
    {
        take_in([&] { publisher_.complete(); });
    }

private:
    /// Handlers throw nothing: their callers do not expect it.
    template <typename Work>
    void take_in(Work&& work)
    {
        try {
            work();
        } catch (const std::bad_alloc&) {
            is_incomplete_ = true;
        }
    }
    /// The services of a program; empty: those that have a socket.
    void offer(const std::string& program, std::set<std::string> services);
    [[nodiscard]] Task<> ask(std::string program);
    void all_asked();
    void look_again_in(std::chrono::milliseconds delay);
    [[nodiscard]] Task<> answer(Question question);

    Session& session_;
    Publisher publisher_; ///< the way back
    std::optional<Gateway> gateway_;
    std::function<void()> found_;
    std::map<std::string, std::set<std::string>> services_; ///< by program; empty: those that have a socket
    std::set<std::string> offered_;
    std::size_t unanswered_ = 0;   ///< programs that are being asked
    std::set<std::string> silent_; ///< programs that did not answer last time
    std::chrono::milliseconds delay_{0};
    Talloc<tevent_timer> look_again_timer_;
    bool look_again_ = false;
    bool is_incomplete_ = false; ///< there was no memory for something
    Tasks tasks_;
};

} // namespace ntpipe::samba::npa

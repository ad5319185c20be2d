// SPDX-License-Identifier: GPL-3.0-or-later
// resolver.hpp: Samba's pipes for programs here: offers their names, and serves opens of them.
#pragma once

#include "publisher.hpp"
#include "samba_side.hpp"

#include <new>
#include <optional>
#include <set>
#include <string>

namespace ntpipe::samba::npa {

class Resolver final : public GatewayHandlers {
public:
    explicit Resolver(Session& session) : session_(session), publisher_(session) {}

    /// Becomes a gateway.
    [[nodiscard]] Status begin();
    /// Finds out what Samba serves, and offers that and nothing else. A call while it is doing so makes it look once more.
    [[nodiscard]] Task<> offer_services();
    /// Goes by Samba's configuration as it is now.
    void configure();

    /// If there was no memory for something that it was told of: has itself be told all again.
    void heal();

    void registered() override;
    void refused(Status status) override;
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
    [[nodiscard]] Task<> find_and_offer();
    [[nodiscard]] Task<> answer(Question question);

    Session& session_;
    Publisher publisher_; ///< the way back
    std::optional<Gateway> gateway_;
    std::set<std::string> offered_;
    bool looking_ = false;
    bool look_again_ = false;
    bool is_incomplete_ = false; ///< there was no memory for something
    Tasks tasks_;
};

} // namespace ntpipe::samba::npa

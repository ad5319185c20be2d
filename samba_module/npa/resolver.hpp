// SPDX-License-Identifier: GPL-3.0-or-later
// resolver.hpp: Samba's pipes for programs here: offers their names, and serves opens of them.
#pragma once

#include "publisher.hpp"
#include "samba_side.hpp"

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

    void registered() override;
    void refused(Status status) override;
    void asked(Question question) override;
    void reset() override { publisher_.reset(); }
    void published(const ntpipe_published& pipe) override { publisher_.published(pipe); }
    void gone(std::uint64_t pipe) override { publisher_.gone(pipe); }
    void complete() override { publisher_.complete(); }

private:
    [[nodiscard]] Task<> answer(Question question);

    Session& session_;
    Publisher publisher_; ///< the way back
    std::optional<Gateway> gateway_;
    std::set<std::string> offered_;
    bool looking_ = false;
    bool look_again_ = false;
    Tasks tasks_;
};

} // namespace ntpipe::samba::npa

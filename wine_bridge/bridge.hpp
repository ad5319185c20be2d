// SPDX-License-Identifier: LGPL-2.1-or-later
// bridge.hpp: the bridge as the broker sees it, a gateway: what is published is imported, what is asked for is exported, both as
// far as the prefix's lists allow.
#pragma once

#include "configuration.hpp"
#include "exporter.hpp"
#include "importer.hpp"
#include "status_file.hpp"

namespace wine_bridge {

class Bridge {
public:
    Bridge(Engine& engine, ntpipe_session* session, const std::string& prefix);
    Bridge(const Bridge&) = delete;
    Bridge& operator=(const Bridge&) = delete;
    ~Bridge() = delete; ///< the engine calls it until the process ends

    /// Becomes a gateway. An NTSTATUS.
    [[nodiscard]] std::uint32_t start();
    /// Why it had to end; 0: it had not.
    [[nodiscard]] std::uint32_t failure() const { return failure_; }

private:
    static const ntpipe_gateway_handlers handlers;

    template <typename Work>
    void take_in(Work&& work) noexcept;
    void look_after() noexcept;
    [[nodiscard]] std::uint32_t register_gateway();
    void refused(std::uint32_t status);
    void not_offered(const std::string& name, std::uint32_t status);
    void published(const ntpipe_published& pipe);
    void complete();
    void lists_changed() noexcept;
    void offer();
    [[nodiscard]] std::string why_not_exported(const ntpipe_question_info& question) const;
    [[nodiscard]] std::vector<std::string> describe() const;

    Engine& engine_;
    ntpipe_session* session_;
    std::shared_ptr<StatusFile> status_;
    Configuration configuration_;
    Importer importer_;
    Exporter exporter_;
    ntpipe_gateway* gateway_ = nullptr;
    std::vector<std::string> offered_;
    bool connected_ = false;
    bool ready_ = false;
    bool is_incomplete_ = false; ///< the broker has said something that could not be taken in
    bool offers_again_ = false;
    std::uint32_t failure_ = 0;
};

} // namespace wine_bridge

// SPDX-License-Identifier: LGPL-2.1-or-later
// exporter.hpp: pipes that Windows programs serve, for native clients: made when somebody asks for the name, since a prefix cannot
// list its pipes. The pipe in the prefix is opened first, so who asks gets the status that Wine gives; then an instance with the
// same attributes is served to exactly that client.
#pragma once

#include "relay.hpp"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace wine_bridge {

class Exporter {
public:
    /// `why_not` says why that client may not have the pipe of that name; "": it may. `for_others`: users besides the bridge's own
    /// may open it.
    Exporter(Engine& engine, std::function<std::string(const ntpipe_question_info&)> why_not,
             std::function<bool(const std::string&)> for_others, std::function<void()> changed);
    Exporter(const Exporter&) = delete;
    Exporter& operator=(const Exporter&) = delete;
    ~Exporter();

    /// Takes the question.
    void asked(ntpipe_question* question) noexcept;
    [[nodiscard]] std::vector<std::string> describe() const;

private:
    struct Client;
    struct Waiting;
    struct FreeTalloc {
        void operator()(std::uint8_t* bytes) const { talloc_free(bytes); }
    };
    using Held = std::shared_ptr<Client>;

    void consider(const Held& client);
    void wait(const Held& client);
    void open(const Held& client);
    [[nodiscard]] static std::uint32_t open_in_prefix(Client& client);
    void serve(const Held& client);
    void served(const Held& client);
    void connected(const Held& client);
    void over(const Held& client);
    void refuse(const std::string& name, const std::string& why);

    Engine& engine_;
    std::function<std::string(const ntpipe_question_info&)> why_not_;
    std::function<bool(const std::string&)> for_others_;
    std::function<void()> changed_;
    std::unique_ptr<std::uint8_t, FreeTalloc> others_; ///< descriptor for pipes that are for others, too
    std::size_t others_length_ = 0;
    std::set<Held> clients_;
    std::map<std::string, std::string> refused_; ///< names and why; each is said once
    std::set<std::string> exported_;
};

} // namespace wine_bridge

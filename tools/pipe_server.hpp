// SPDX-License-Identifier: LGPL-2.1-or-later
// pipe_server.hpp: the instances of a served pipe: some are always listening, and each client has a conversation of its own.
#pragma once

#include "async.hpp"
#include "failure.hpp"
#include "running.hpp"

#include <functional>

namespace ntpipe::tools {

struct ServerOptions {
    std::optional<ntpipe_type> type;
    ntpipe_type default_type = NTPIPE_TYPE_MESSAGE;
    std::uint32_t instances = NTPIPE_UNLIMITED_INSTANCES;
    std::uint32_t quota = 65536;
    std::string sddl;
    bool global = false;
    bool join = false;
    bool local_only = false;
    bool quiet = false;
    bool verbose = false;

    void declare(Options& options);
    [[nodiscard]] ntpipe_type chosen_type() const { return type.value_or(default_type); }
};

class PipeServer {
public:
    /// With a connected client. When it is over, the client is let go.
    using Conversation = std::function<Task<>(End& pipe)>;

    PipeServer(Session& session, std::string name, const ServerOptions& options, Conversation conversation);

    /// Until a failure, which it throws.
    [[nodiscard]] Task<> run();

private:
    [[nodiscard]] CreateParameters parameters() const;
    [[nodiscard]] Task<End> create(bool first);
    [[nodiscard]] Task<> run_instance(End created);
    [[nodiscard]] Task<bool> next_client(End& pipe);
    [[nodiscard]] Task<> converse(End& pipe);
    void log(const std::string& line) const;

    Session& session_;
    std::string name_;
    ServerOptions options_;
    Conversation conversation_;
    Talloc<std::uint8_t> descriptor_;
    std::size_t descriptor_length_ = 0;
    std::uint32_t spare_; ///< so many instances should be listening
    std::uint32_t listening_ = 0;
    std::uint32_t instances_ = 0;
    std::optional<Failure> failure_;
    Event changed_;
    Tasks tasks_;
};

} // namespace ntpipe::tools

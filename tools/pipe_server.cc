// SPDX-License-Identifier: LGPL-2.1-or-later
// pipe_server.cc: creating instances, and what happens between a client and the next one.
#include "pipe_server.hpp"

#include "pipe_name.hpp"

#include <algorithm>

namespace ntpipe::tools {
namespace {

/// A few at a time may knock before a further instance is there.
constexpr std::uint32_t wanted_spare = 4;
/// A client that does not read what it was sent is waited for so long when its instance is needed.
constexpr std::chrono::seconds patience{30};

} // namespace

void ServerOptions::declare(Options& options)
{
    options.choice("type", 't', type, {"byte", "message"},
                   default_type == NTPIPE_TYPE_MESSAGE ? "the pipe's type (default message)"
                                                       : "the pipe's type (default byte)");
    options.number("instances", 'i', instances, "N", "how many clients at once (default: any number)", 1);
    options.number("quota", 0, quota, "BYTES",
                   "so much may be unread in each direction before a write waits (default 64K)");
    options.text("sddl", 0, sddl, "SDDL", "the security descriptor; by default other users may only read");
    options.flag("global", 0, global, "on a system broker: a pipe for all users, which needs permission");
    options.flag("join", 0, join, "add instances to a pipe that is there already");
    options.flag("local-only", 0, local_only, "refuse clients that come over the network");
    options.flag("quiet", 'q', quiet, "do not say when the pipe is ready");
    options.flag("verbose", 'v', verbose, "tell of each client");
}

PipeServer::PipeServer(Session& session, std::string name, const ServerOptions& options, Conversation conversation)
    : session_(session),
      name_(std::move(name)),
      options_(options),
      conversation_(std::move(conversation)),
      spare_(std::min(wanted_spare, options.instances)),
      changed_(session.events())
{
    if (options_.sddl.empty()) {
        return;
    }
    std::uint8_t* descriptor = nullptr;
    std::size_t error_at = 0;
    const auto status = static_cast<Status>(
        ntpipe_sddl_to_descriptor(nullptr, options_.sddl.c_str(), &descriptor, &descriptor_length_, &error_at));
    if (status != Status::success) {
        throw Failure(exit_usage,
                      "--sddl: '" + options_.sddl + "' is wrong at character " + std::to_string(error_at + 1));
    }
    descriptor_.reset(descriptor);
}

CreateParameters PipeServer::parameters() const
{
    CreateParameters wanted;
    wanted.type = options_.chosen_type() | (options_.local_only ? NTPIPE_REJECT_REMOTE_CLIENTS : 0u);
    wanted.read_mode = options_.chosen_type() == NTPIPE_TYPE_MESSAGE ? NTPIPE_READ_MESSAGE : NTPIPE_READ_BYTE;
    wanted.max_instances = options_.instances;
    wanted.inbound_quota = wanted.outbound_quota = options_.quota;
    wanted.security_descriptor = descriptor_.get();
    wanted.security_descriptor_length = descriptor_length_;
    wanted.scope = options_.global ? NTPIPE_SCOPE_GLOBAL : NTPIPE_SCOPE_DEFAULT;
    return wanted;
}

Task<End> PipeServer::create(bool first)
{
    CreateParameters wanted = parameters();
    if (first && !options_.join) {
        wanted.disposition = NTPIPE_FILE_CREATE;
    }
    auto pipe = co_await session_.create(name_, wanted);
    if (!pipe) {
        std::string what = "cannot create " + shown(name_);
        if (first && !options_.join && pipe.status() == Status::access_denied) {
            what += ", which exists already (see --join) or is reserved";
        }
        throw failure_of(pipe.status(), what);
    }
    ++instances_;
    ++listening_;
    co_return *std::move(pipe);
}

Task<> PipeServer::run()
{
    tasks_.add(run_instance(co_await create(true)));
    if (!options_.quiet) {
        say("serving " + shown(name_));
    }
    for (;;) {
        while (listening_ < spare_ && instances_ < options_.instances) {
            try {
                tasks_.add(run_instance(co_await create(false)));
            } catch (const Failure& failure) {
                if (failure.status() != exit_busy) { // others may have taken the last ones
                    throw;
                }
                break;
            }
        }
        co_await changed_.next();
        if (failure_) {
            throw Failure(*failure_);
        }
    }
}

Task<bool> PipeServer::next_client(End& pipe)
{
    Status status = co_await pipe.listen();
    if (status == Status::pipe_closing) { // it came and went
        pipe.disconnect();
        status = co_await pipe.listen();
    }
    if (status != Status::success && status != Status::pipe_connected && status != Status::pipe_closing) {
        failure_ = failure_of(status, "cannot listen on " + shown(name_));
        co_return false;
    }
    co_return true;
}

Task<> PipeServer::run_instance(End created)
{
    End pipe = std::move(created); // a parameter would live on until the next instance is made
    struct Leave {
        PipeServer& server;
        ~Leave()
        {
            --server.instances_;
            server.changed_.happen();
        }
    } leave_at_the_end{*this};
    while (co_await next_client(pipe)) {
        --listening_;
        changed_.happen();
        co_await converse(pipe);
        if (listening_ >= spare_) { // closing leaves the client what it has not read yet; a disconnect would not
            co_return;
        }
        co_await pipe.flush().within(patience);
        pipe.disconnect();
        ++listening_;
    }
}

Task<> PipeServer::converse(End& pipe)
{
    std::string who = "a client";
    if (const auto client = pipe.client()) {
        who = "process " + std::to_string((*client)->process_id) + " of user " + std::to_string((*client)->uid);
    }
    log(who + " has come");
    try {
        co_await conversation_(pipe);
        log(who + " has gone");
    } catch (const Failure& failure) {
        say(who + ": " + failure.what());
    }
}

void PipeServer::log(const std::string& line) const
{
    if (options_.verbose) {
        say(line);
    }
}

} // namespace ntpipe::tools

// SPDX-License-Identifier: LGPL-2.1-or-later
// actor.hpp: carries out a model's operations through the C API, on one session.
#pragma once

#include "model.hpp"

#include <ntpipe.h>

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace ntpipe::model {

class Actor {
public:
    /// Neither belongs to the actor; both must outlive it.
    Actor(tevent_context* events, ntpipe_session* session);
    Actor(const Actor&) = delete;
    Actor& operator=(const Actor&) = delete;
    ~Actor();

    /// Starts an operation. `names` is put before every pipe's name. What is over, now or later, waits in done().
    void start(std::size_t world, const Operation& operation, const std::string& names);
    /// Completions, each with its world, since the last call.
    [[nodiscard]] std::vector<std::pair<std::size_t, Completion>> done() { return std::exchange(done_, {}); }
    /// Closes all ends and drops what is pending, of which nothing is heard any more.
    void drop_all();

private:
    using Key = std::pair<std::size_t, Id>; ///< world and number
    struct Request;

    void start_request(const Key& key, Kind kind, tevent_req* request, std::unique_ptr<Request> place);
    void create(std::size_t world, const Operation& operation, const std::string& names);
    void finish(const Key& key);
    void at_once(std::size_t world, const Operation& operation);
    [[nodiscard]] Status stop(const Key& key, bool silently);
    void report(std::size_t world, Completion completion) { done_.emplace_back(world, std::move(completion)); }

    tevent_context* events_;
    ntpipe_session* session_;
    std::map<Key, ntpipe_end*> ends_;
    std::map<Key, std::unique_ptr<Request>> requests_;
    std::vector<std::pair<std::size_t, Completion>> done_;
};

} // namespace ntpipe::model

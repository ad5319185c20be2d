// SPDX-License-Identifier: LGPL-2.1-or-later
// usage.cc: the C API: how much there is of what the broker limits.
#include "api/objects_internal.hpp"

#include <limits>

using namespace ntpipe;
using namespace ntpipe::api;

namespace {

using UsageState = RequestState<session::UsageRequest>;

// nullptr: out of memory.
ntpipe_usage_report* make_report(TALLOC_CTX* mem_ctx, const session::UsageRequest& usage)
{
    auto* report = talloc_zero(mem_ctx, ntpipe_usage_report);
    if (report == nullptr) {
        return nullptr;
    }
    auto* lines = talloc_zero_array(report, ntpipe_usage_line, static_cast<unsigned>(usage.lines.size()));
    auto* users = static_cast<std::uint32_t*>(
        talloc_memdup(report, usage.users.data(), usage.users.size() * sizeof(std::uint32_t)));
    bool complete = lines != nullptr && (users != nullptr || usage.users.empty());
    for (std::size_t i = 0; complete && i < usage.lines.size(); ++i) {
        const session::UsageRequest::Line& in = usage.lines[i];
        lines[i] = {talloc_strndup(lines, in.resource.data(), in.resource.size()), in.used, in.limit, in.refused};
        complete = lines[i].resource != nullptr;
    }
    if (!complete) {
        talloc_free(report);
        return nullptr;
    }
    report->count = usage.lines.size();
    report->lines = lines;
    report->user_count = usage.users.size();
    report->users = users;
    return report;
}

} // namespace

extern "C" {

tevent_req* ntpipe_usage_send(TALLOC_CTX* mem_ctx, tevent_context* ev, ntpipe_session* session, uint64_t user)
{
    UsageState* state = nullptr;
    tevent_req* req = make_request(mem_ctx, state);
    if (req == nullptr) {
        return nullptr;
    }
    return launch(req, *state, ev, session->gate, [&] {
        if (user != NTPIPE_USAGE_TOTAL && user > std::numeric_limits<std::uint32_t>::max()) {
            return Status::invalid_parameter;
        }
        if (user != NTPIPE_USAGE_TOTAL) {
            state->user = static_cast<std::uint32_t>(user);
        }
        session->gate->start(*state);
        return Status::pending;
    });
}

ntpipe_status ntpipe_usage_recv(tevent_req* req, TALLOC_CTX* mem_ctx, ntpipe_usage_report** report)
{
    const ntpipe_status result = guarded([&] {
        const Status status = outcome_of<UsageState>(req);
        if (status != Status::success) {
            return status;
        }
        *report = make_report(mem_ctx, *state_of<UsageState>(req));
        return *report == nullptr ? Status::no_memory : Status::success;
    });
    tevent_req_received(req);
    return result;
}

ntpipe_status ntpipe_usage(TALLOC_CTX* mem_ctx, ntpipe_session* session, uint64_t user, ntpipe_usage_report** report)
{
    return block(
        *session->gate, [&](tevent_context* ev) { return ntpipe_usage_send(nullptr, ev, session, user); },
        [&](tevent_req* req) { return ntpipe_usage_recv(req, mem_ctx, report); });
}
}

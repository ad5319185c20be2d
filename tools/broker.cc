// SPDX-License-Identifier: LGPL-2.1-or-later
// broker.cc: ntpipe broker status: how much there is of what the broker limits, by user.
#include "data.hpp"
#include "failure.hpp"
#include "running.hpp"
#include "subcommand.hpp"

#include <unistd.h>

#include <iomanip>
#include <iostream>
#include <memory>
#include <span>

namespace ntpipe::tools {
namespace {

constexpr Usage usage{
    "broker", "status",
    R"(Shows how much you have of what the broker limits, how much you may have, and how often you wanted more. Root, and who
runs the broker, sees what all users together have (without root), and then each user who has something; with --user only
that one. Limits are set in ntpiped.conf(5). With --json: an array of objects; a limit that there is not is null.)"};

struct FreeReport {
    void operator()(ntpipe_usage_report* report) const { talloc_free(report); }
};
using Report = std::unique_ptr<ntpipe_usage_report, FreeReport>;

ntpipe_status ask(Session& session, std::uint64_t user, Report& report)
{
    ntpipe_usage_report* got = nullptr;
    const ntpipe_status status = ntpipe_usage(nullptr, session.get(), user, &got);
    report.reset(got);
    return status;
}

std::string limit_text(std::uint64_t limit)
{
    return limit == UINT64_MAX ? "unlimited" : std::to_string(limit);
}

void print_lines(const std::string& whose, const Report& report)
{
    constexpr int name_width = 14;
    constexpr int width = 22;
    std::cout << whose << "\n" << std::left << std::setw(name_width) << "  RESOURCE";
    for (const char* title : {"USED", "LIMIT", "REFUSED"}) {
        std::cout << std::right << std::setw(width) << title;
    }
    std::cout << "\n";
    for (const ntpipe_usage_line& line : std::span(report->lines, report->count)) {
        std::cout << std::left << std::setw(name_width) << "  " + std::string(line.resource) << std::right
                  << std::setw(width) << line.used << std::setw(width) << limit_text(line.limit) << std::setw(width)
                  << line.refused << "\n";
    }
}

void add_lines(Json& all, const Json& user, const Report& report)
{
    for (const ntpipe_usage_line& line : std::span(report->lines, report->count)) {
        all.push_back({{"user", user},
                       {"resource", line.resource},
                       {"used", line.used},
                       {"limit", line.limit == UINT64_MAX ? Json() : Json(line.limit)},
                       {"refused", line.refused}});
    }
}

void show(Session& session, std::optional<std::uint32_t> user, bool json)
{
    Report total;
    std::vector<std::uint32_t> users;
    if (!user) {
        const ntpipe_status status = ask(session, NTPIPE_USAGE_TOTAL, total);
        if (status == NTPIPE_STATUS_SUCCESS) {
            users.assign(total->users, total->users + total->user_count);
        } else if (status == NTPIPE_STATUS_ACCESS_DENIED) {
            user = ::geteuid();
        } else {
            throw failure_of(static_cast<Status>(status), "cannot ask the broker");
        }
    }
    if (user) {
        users.push_back(*user);
    }
    Json all = Json::array();
    if (!json) {
        print(Facts{{"broker in", session.directory()}});
    }
    if (total && json) {
        add_lines(all, Json(), total);
    } else if (total) {
        print_lines("all users", total);
    }
    for (const std::uint32_t uid : users) {
        Report report;
        if (const ntpipe_status status = ask(session, uid, report); status != NTPIPE_STATUS_SUCCESS) {
            throw failure_of(static_cast<Status>(status), "cannot ask for user " + user_name(uid));
        }
        if (json) {
            add_lines(all, Json(uid), report);
        } else {
            print_lines("user " + user_name(uid), report);
        }
    }
    if (json) {
        print(all);
    }
}

} // namespace

int run_broker(const Words& words)
{
    Options options(usage);
    SessionOptions session_options;
    bool json = false;
    std::uint32_t uid = UINT32_MAX;
    options.flag("json", 'j', json, "as JSON");
    options.number("user", 'u', uid, "UID", "only of that Unix user, by number");
    session_options.declare(options);
    const std::string action = options.parse(words, 1, 1).front();
    if (action != "status") {
        throw Failure(exit_usage, "'" + action + "' is not status; see 'ntpipe broker --help'");
    }
    session_options.never_start = true; // a fresh one would have nothing to tell
    Session session = open_session(session_options);
    show(session, uid == UINT32_MAX ? std::nullopt : std::optional(uid), json);
    return exit_ok;
}

} // namespace ntpipe::tools

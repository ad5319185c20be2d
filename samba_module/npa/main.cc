// SPDX-License-Identifier: GPL-3.0-or-later
// main.cc: ntpipe-samba: the gateway between the pipes of a broker and Samba's.
#include "resolver.hpp"

#include <popt.h>
#include <signal.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <memory>
#include <optional>
#include <utility>

namespace ntpipe::samba::npa {
namespace {

constexpr int exit_failed = 1;
constexpr int exit_usage = 2;

struct Options {
    std::string configuration;
    std::string directory;
    int log_level = 1;
    int check_interval = 60; ///< seconds; 0: never
};

std::string taken(char* text)
{
    const std::unique_ptr<char, decltype(&std::free)> owned(text, &std::free);
    return owned ? owned.get() : "";
}

Options parse_options(int argc, const char** argv)
{
    Options options;
    char* configuration = nullptr;
    char* directory = nullptr;
    enum { version_option = 1 };
    const poptOption table[] = {
        {"configfile", 's', POPT_ARG_STRING, static_cast<void*>(&configuration), 0, "Samba's configuration", "FILE"},
        {"directory", 'd', POPT_ARG_STRING, static_cast<void*>(&directory), 0,
         "the broker's directory (default: ntpipe:directory of smb.conf, or /run/ntpipe)", "DIR"},
        {"debuglevel", 0, POPT_ARG_INT, &options.log_level, 0, "how much the log says, 0 to 10", "LEVEL"},
        {"check-interval", 0, POPT_ARG_INT, &options.check_interval, 0,
         "how often to see whether smb.conf has changed (default: 60; 0: never)", "SECONDS"},
        {"version", 'V', POPT_ARG_NONE, nullptr, version_option, "print the version", nullptr},
        POPT_AUTOHELP POPT_TABLEEND};
    poptContext context = poptGetContext("ntpipe-samba", argc, argv, table, 0);
    const int code = poptGetNextOpt(context);
    if (code == version_option) {
        std::cout << "ntpipe-samba " NTPIPE_VERSION "\n";
        std::exit(0);
    }
    if (code < -1 || poptPeekArg(context) != nullptr) {
        std::cerr << "ntpipe-samba: "
                  << (code < -1 ? poptBadOption(context, 0) + std::string(": ") + poptStrerror(code)
                                : std::string("it takes no arguments"))
                  << "; see ntpipe-samba --help\n";
        std::exit(exit_usage);
    }
    poptFreeContext(context);
    options.configuration = taken(configuration);
    options.directory = taken(directory);
    return options;
}

struct ReceiveWakeup {
    bool operator()(tevent_req* request) const { return tevent_wakeup_recv(request); }
};

/// Becomes a gateway as soon as there is a broker. `end`: the exit status, if it cannot.
Task<> come_up(Session& session, Resolver& resolver, const std::string& directory, std::optional<int>& end)
{
    constexpr suseconds_t pause = 100000;
    bool has_said = false;
    Status status = co_await session.ping();
    for (; status == Status::connection_refused; status = co_await session.ping()) {
        if (!std::exchange(has_said, true)) {
            log("there is no broker in " + directory + "; it is waited for");
            (void)::sd_notify(0, "STATUS=Waits for a broker");
        }
        co_await Awaited(session.events(),
                         tevent_wakeup_send(nullptr, session.events(), tevent_timeval_current_ofs(0, pause)),
                         ReceiveWakeup());
    }
    if (status == Status::success) {
        status = resolver.begin();
    }
    if (status != Status::success) {
        std::cerr << "ntpipe-samba: the broker in " << directory << ": " << text_of(status) << "\n";
        end = exit_failed;
        co_return;
    }
    resolver.look_for_services();
}

/// In the event loop, which knows no exceptions.
Task<> come_up_or_end(Session& session, Resolver& resolver, const std::string& directory, std::optional<int>& end)
{
    try {
        co_await come_up(session, resolver, directory, end);
    } catch (const std::exception& error) {
        std::cerr << "ntpipe-samba: " << error.what() << "\n";
        end = exit_failed;
    }
}

/// Follows Samba's configuration: on SIGHUP, and when a file of it has changed.
class Follower {
public:
    Follower(tevent_context* events, Resolver& resolver, int interval)
        : events_(events), resolver_(resolver), interval_(interval)
    {
        tevent_add_signal(
            events, events, SIGHUP, 0,
            [](tevent_context*, tevent_signal*, int, int, void*, void* self) {
                static_cast<Follower*>(self)->follow();
            },
            this);
        check_later();
    }

private:
    void follow()
    {
        if (!read_configuration()) {
            log("cannot read Samba's configuration; it stays as it was");
            return;
        }
        log("has read Samba's configuration again");
        resolver_.heal();
        resolver_.configure();
    }
    void check_later()
    {
        if (interval_ > 0) {
            tevent_add_timer(
                events_, events_, tevent_timeval_current_ofs(static_cast<std::uint32_t>(interval_), 0),
                [](tevent_context*, tevent_timer*, timeval, void* self) { static_cast<Follower*>(self)->check(); },
                this);
        }
    }
    void check()
    {
        if (configuration_has_changed()) {
            follow();
        }
        resolver_.heal();
        check_later();
    }

    tevent_context* events_;
    Resolver& resolver_;
    int interval_;
};

int serve(const Options& options)
{
    SessionParameters parameters;
    parameters.directory = options.directory.c_str();
    parameters.never_start_broker = true;
    parameters.root_only = true;
    const std::unique_ptr<tevent_context, TallocDelete<tevent_context>> events(tevent_context_init(nullptr));
    auto session = Session::open(parameters, events.get());
    if (!session) {
        std::cerr << "ntpipe-samba: " << text_of(session.status()) << "\n";
        return exit_failed;
    }
    std::optional<int> end;
    for (const int number : {SIGTERM, SIGINT}) {
        tevent_add_signal(
            events.get(), events.get(), number, 0,
            [](tevent_context*, tevent_signal*, int, int, void*, void* status) {
                *static_cast<std::optional<int>*>(status) = 0;
            },
            &end);
    }
    Resolver resolver(*session, [] { (void)::sd_notify(0, "READY=1\nSTATUS=Samba's pipes are offered"); });
    const Follower follower(events.get(), resolver, options.check_interval);
    Tasks tasks;
    tasks.add(come_up_or_end(*session, resolver, options.directory, end));
    while (!end) {
        if (tevent_loop_once(events.get()) != 0) {
            return exit_failed;
        }
    }
    return *end;
}

int run(int argc, const char** argv)
{
    Options options = parse_options(argc, argv);
    if (::geteuid() != 0) {
        std::cerr << "ntpipe-samba: only root can speak to Samba's services for others\n";
        return exit_failed;
    }
    if (!start(options.configuration, options.log_level)) {
        std::cerr << "ntpipe-samba: cannot read Samba's configuration\n";
        return exit_failed;
    }
    if (options.directory.empty()) {
        options.directory = option("directory", "/run/ntpipe");
    }
    (void)::signal(SIGPIPE, SIG_IGN);
    return serve(options);
}

} // namespace
} // namespace ntpipe::samba::npa

int main(int argc, const char** argv)
{
    try {
        return ntpipe::samba::npa::run(argc, argv);
    } catch (const std::exception& error) {
        std::cerr << "ntpipe-samba: " << error.what() << "\n";
        return 1;
    }
}

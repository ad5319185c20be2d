// SPDX-License-Identifier: LGPL-2.1-or-later
// main.cc: ntpipe-wine, the bridge between the namespace of pipes and a Wine prefix. A program of Wine's that is Unix's, too:
//
//     WINEPREFIX=... wine64 ntpipe-wine.exe.so [--directory DIR] [--service]
//
// It runs until SIGTERM, or until the prefix's server goes. `ntpipe wine` starts it.
#include "bridge.hpp"
#include "log.hpp"

#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

using namespace wine_bridge;

namespace {

struct Options {
    std::string directory;
    bool service = false;
};

bool parse(int argc, char** argv, Options& options)
{
    for (int i = 1; i < argc; ++i) {
        const std::string argument = argv[i];
        if (argument == "--service") {
            options.service = true;
        } else if (argument == "--directory" && i + 1 < argc) {
            options.directory = argv[++i];
        } else {
            log_line("unknown argument " + argument + "; known are --directory DIR and --service");
            return false;
        }
    }
    return true;
}

// Wine has made sure of it; but a service may have lost the variable.
std::string find_prefix()
{
    const char* given = std::getenv("WINEPREFIX");
    const char* home = std::getenv("HOME");
    std::string prefix = given != nullptr ? given : home != nullptr ? std::string(home) + "/.wine" : "";
    struct stat status = {};
    if (prefix.empty() || stat(prefix.c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) {
        log_line("there is no prefix " + prefix + ": " + std::strerror(errno));
        return {};
    }
    if (status.st_uid != geteuid()) {
        log_line("the prefix " + prefix + " belongs to another user");
        return {};
    }
    return prefix;
}

void link_hosts()
{
    std::array<char, 256> machine{};
    (void)gethostname(machine.data(), machine.size() - 1);
    for (const char* host : {"localhost", "127.0.0.1", static_cast<const char*>(machine.data())}) {
        if (const std::uint32_t status = nt_link_host(host); is_error(status)) {
            log_line(std::string(R"(no \\)") + host + R"(\pipe: )" + ntpipe_status_name(status));
        }
    }
}

// SIGTERM becomes readable: nothing of Wine's may be interrupted by a handler of ours.
int block_sigterm()
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    return signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

int run(const Options& options, const std::string& prefix)
{
    const int signals = block_sigterm();
    ntpipe_session_params session_params = NTPIPE_SESSION_PARAMS_INIT;
    session_params.directory = options.directory.empty() ? nullptr : options.directory.c_str();
    ntpipe_session* session = nullptr;
    if (const ntpipe_status status = ntpipe_session_open(nullptr, nullptr, &session_params, &session);
        is_error(status)) {
        log_line(std::string("no session: ") + ntpipe_status_name(status));
        return 1;
    }
    Engine& engine = *new Engine(session);
    if (const std::uint32_t status = engine.start(); is_error(status)) {
        log_line(std::string("Wine gives no completion port: ") + ntpipe_status_name(status));
        return 1;
    }
    engine.watch(signals, [&engine] { engine.stop(); });
    link_hosts();
    Bridge& bridge = *new Bridge(engine, session, prefix); // the threads call it until the process ends
    if (const std::uint32_t status = bridge.start(); is_error(status)) {
        log_line(std::string("no gateway: ") + ntpipe_status_name(status));
        return 1;
    }
    engine.run();
    log_line("leaving");
    (void)unlink((prefix + "/ntpipe.status").c_str());
    _exit(bridge.failure() == 0 ? 0 : 1); // the other threads are still at work
}

int start(int argc, char** argv)
{
    Options options;
    if (!parse(argc, argv, options)) {
        return 2;
    }
    const std::string prefix = find_prefix();
    if (prefix.empty()) {
        return 1;
    }
    if (options.service && !log_to(prefix + "/ntpipe.log")) {
        return 1;
    }
    const PrefixLock lock(prefix);
    if (!lock.held()) {
        log_line(lock.holder() != 0 ? "another bridge runs in this prefix, process " + std::to_string(lock.holder())
                                    : "the prefix " + prefix + " cannot be written");
        return 1;
    }
    if (options.service) {
        nt_thread([](void*) { nt_serve([] { (void)kill(getpid(), SIGTERM); }); }, nullptr);
    }
    return run(options, prefix);
}

} // namespace

int main(int argc, char** argv)
{
    int result = 1;
    try {
        result = start(argc, argv);
    } catch (const std::exception& failure) {
        log_line("ends, because of this:");
        log_line(failure.what());
    }
    _exit(result);
}

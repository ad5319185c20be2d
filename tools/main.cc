// SPDX-License-Identifier: LGPL-2.1-or-later
// main.cc: ntpipe, the command line: finds the subcommand and turns what it throws into an exit status.
#include "failure.hpp"
#include "subcommand.hpp"

#include <signal.h>

#include <iomanip>
#include <iostream>
#include <new>

namespace ntpipe::tools {
namespace {

constexpr const char* introduction = R"(usage: ntpipe SUBCOMMAND [OPTION...] ARGUMENT...

Windows NT named pipes on this machine. A pipe is given as echo, \\.\pipe\echo or //./pipe/echo.

)";

constexpr const char* epilogue = R"(
'ntpipe SUBCOMMAND --help' says more of each.

exit status: 0 done, 1 failed, 2 wrong usage, 3 no such pipe, 4 busy, 5 timeout, 6 access denied, 7 no broker,
8 the other end has gone; 128 + N: ended by signal N.
environment: NTPIPE_DIR the broker's directory, NTPIPE_BROKER the program that is started when there is no broker.
)";

void print_help()
{
    constexpr int width = 10;
    std::cout << introduction;
    for (const Subcommand& subcommand : subcommands) {
        std::cout << "  " << std::left << std::setw(width) << subcommand.name << subcommand.summary << "\n";
    }
    std::cout << epilogue;
}

int run(const Words& words)
{
    if (words.empty()) {
        throw Failure(exit_usage, "a subcommand is missing; see 'ntpipe --help'");
    }
    const std::string& name = words.front();
    if (name == "--help" || name == "-h" || name == "help") {
        print_help();
        return exit_ok;
    }
    if (name == "--version" || name == "-V") {
        std::cout << "ntpipe " NTPIPE_VERSION "\n";
        return exit_ok;
    }
    for (const Subcommand& subcommand : subcommands) {
        if (name == subcommand.name) {
            return subcommand.run(Words(words.begin() + 1, words.end()));
        }
    }
    throw Failure(exit_usage, "there is no subcommand '" + name + "'; see 'ntpipe --help'");
}

int run_and_report(const Words& words)
{
    try {
        const int status = run(words);
        if (!std::cout.flush()) {
            throw Failure(exit_failed, "cannot write to standard output");
        }
        return status;
    } catch (const Failure& failure) {
        say(failure.what());
        return failure.status();
    } catch (const std::bad_alloc&) {
        say("out of memory");
    } catch (const std::exception& error) {
        say(error.what());
    }
    return exit_failed;
}

} // namespace
} // namespace ntpipe::tools

int main(int argc, char** argv)
{
    (void)::signal(SIGPIPE, SIG_IGN); // a reader that has gone is seen where it is written to
    return ntpipe::tools::run_and_report(ntpipe::tools::Words(argv + 1, argv + argc));
}

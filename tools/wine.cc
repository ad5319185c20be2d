// SPDX-License-Identifier: LGPL-2.1-or-later
// wine.cc: ntpipe wine: the bridge between a Wine prefix and this machine's pipes: its installation as a service of the prefix, its
// state, and running it. Nothing here knows Wine but by its programs and files.
#include "data.hpp"
#include "failure.hpp"
#include "options.hpp"
#include "program.hpp"
#include "subcommand.hpp"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string_view>

namespace ntpipe::tools {
namespace {

namespace fs = std::filesystem;

constexpr Usage usage{
    "wine", "install|uninstall|status|run",
    R"(Joins the named pipes of a Wine prefix with those of this machine: programs under Wine find the native ones
under \\.\pipe\, and native programs find those that programs under Wine serve.

  install    registers the bridge as a service that starts with the prefix, starts it, and shows the result
  uninstall  ends it and takes it out again
  status     shows whether it runs, and what it has joined; exit status 1 if it does not run
  run        runs it until it is interrupted, or until Wine's server ends; what it does is told on standard error

The prefix is the user's own, $WINEPREFIX or ~/.wine if --prefix is not given. What is joined stands in ntpipe.conf in the prefix.)"};

constexpr const char* service = "ntpipe";
constexpr const char* bridge_name = "ntpipe-wine.exe.so";

struct WineOptions {
    std::string prefix;
    std::string directory;
};

std::string environment(const char* name)
{
    const char* value = std::getenv(name);
    return value == nullptr ? "" : value;
}

// ---- the prefix ----

std::string default_prefix()
{
    std::string given = environment("WINEPREFIX");
    if (!given.empty()) {
        return given;
    }
    const std::string home = environment("HOME");
    if (home.empty()) {
        throw Failure(exit_usage, "neither --prefix, WINEPREFIX nor HOME says which prefix is meant");
    }
    return home + "/.wine";
}

bool is_32_bit(const fs::path& prefix)
{
    std::ifstream registry(prefix / "system.reg");
    std::string line;
    // It stands in the first lines, before the first key.
    while (std::getline(registry, line) && !line.starts_with('[')) {
        if (line == "#arch=win32") {
            return true;
        }
    }
    return false;
}

/// The prefix, of which is sure that Wine takes it.
fs::path checked_prefix(const std::string& given)
{
    std::error_code error;
    const fs::path prefix = fs::absolute(given.empty() ? default_prefix() : given, error);
    struct stat status{};
    if (::stat(prefix.c_str(), &status) != 0) {
        if (errno == ENOENT) {
            throw Failure(exit_not_found, "there is no Wine prefix '" + prefix.string() +
                                              "'; 'WINEPREFIX=" + prefix.string() + " wineboot -i' makes one");
        }
        throw failure_of_errno("cannot use the prefix '" + prefix.string() + "'");
    }
    if (!S_ISDIR(status.st_mode) || !fs::exists(prefix / "system.reg", error)) {
        throw Failure(exit_failed, "'" + prefix.string() + "' is no Wine prefix: it has no system.reg");
    }
    if (status.st_uid != ::geteuid()) {
        throw Failure(exit_denied, "the prefix '" + prefix.string() + "' belongs to " + user_name(status.st_uid) +
                                       "; Wine lets nobody else use it");
    }
    if (is_32_bit(prefix)) {
        throw Failure(exit_failed,
                      "'" + prefix.string() + "' is a prefix for 32-bit programs only; the bridge is a 64-bit program");
    }
    return prefix;
}

// ---- programs ----

std::string first_of(const std::vector<std::string>& places)
{
    const auto found = std::find_if(places.begin(), places.end(),
                                    [](const std::string& place) { return ::access(place.c_str(), X_OK) == 0; });
    return found == places.end() ? "" : *found;
}

std::string wine()
{
    const std::string given = environment("NTPIPE_WINE");
    std::vector<std::string> places{given};
    if (given.empty()) {
        places = {"/usr/lib/wine/wine64"};
        std::istringstream path(environment("PATH"));
        for (std::string folder; std::getline(path, folder, ':');) {
            places.insert(places.end(), {folder + "/wine64", folder + "/wine"});
        }
    }
    std::string found = first_of(places);
    if (found.empty()) {
        throw Failure(exit_failed,
                      given.empty() ? "Wine is not installed: there is no wine64; on Debian it is in the package wine64"
                                    : "'" + given + "', which NTPIPE_WINE names, cannot be run");
    }
    return found;
}

std::string bridge()
{
    std::error_code error;
    // In a build directory the bridge is beside us, installed it is among the libraries.
    const fs::path built =
        fs::read_symlink("/proc/self/exe", error).parent_path().parent_path() / "wine_bridge" / bridge_name;
    const std::string given = environment("NTPIPE_WINE_BRIDGE");
    const std::string installed = std::string(NTPIPE_LIBDIR "/ntpipe/wine/") + bridge_name;
    const std::vector<std::string> places =
        given.empty() ? std::vector<std::string>{built.string(), installed} : std::vector<std::string>{given};
    for (const std::string& place : places) {
        if (::access(place.c_str(), R_OK) == 0) {
            return fs::canonical(place).string();
        }
    }
    throw Failure(exit_failed, "the bridge is not installed: there is no " + places.back());
}

Variables variables_of(const fs::path& prefix)
{
    Variables variables{{"WINEPREFIX", prefix.string()}};
    if (environment("WINEDEBUG").empty()) {
        variables.emplace_back("WINEDEBUG", "-all");
    }
    return variables;
}

/// Runs a program of Wine to its end. What it says is not for people who use pipes: it is shown if the program fails.
Outcome run_in(const fs::path& prefix, const std::vector<std::string>& words)
{
    std::vector<std::string> command{wine()};
    command.insert(command.end(), words.begin(), words.end());
    return run_program(command, variables_of(prefix));
}

// ---- the service ----

bool is_plain(const std::string& text)
{
    return std::all_of(text.begin(), text.end(),
                       [](char letter) { return letter >= ' ' && letter <= '~' && letter != '"'; });
}

/// The Windows name of a file: by the drive that leads farthest to it.
std::string windows_path(const fs::path& prefix, const std::string& file)
{
    std::string best;
    std::string rest;
    for (char letter = 'a'; letter <= 'z'; ++letter) {
        std::error_code error;
        const std::string drive = std::string(1, letter) + ":";
        const fs::path root = fs::canonical(prefix / "dosdevices" / drive, error);
        if (error) {
            continue;
        }
        std::string folder = root.string();
        folder += folder == "/" ? "" : "/";
        if (file.starts_with(folder) && (best.empty() || file.size() - folder.size() + 1 < rest.size())) {
            best = drive;
            rest = "/" + file.substr(folder.size());
        }
    }
    if (best.empty()) {
        throw Failure(exit_failed, "no drive of the prefix leads to " + file + ": give it one, such as z: for /");
    }
    std::replace(rest.begin(), rest.end(), '/', '\\');
    return best + rest;
}

std::string service_command(const fs::path& prefix, const WineOptions& options)
{
    // The arguments of a service go through a code page of Windows on their way.
    const std::string path = windows_path(prefix, bridge());
    const std::string directory = options.directory.empty() ? environment("NTPIPE_DIR") : options.directory;
    if (!is_plain(path) || !is_plain(directory)) {
        throw Failure(exit_failed, "a service can only be given names of plain ASCII letters: " +
                                       (is_plain(path) ? directory : path));
    }
    return "\"" + path + "\" --service" + (directory.empty() ? "" : " --directory \"" + directory + "\"");
}

/// The key of the service, as Wine's server has last written it.
bool is_registered(const fs::path& prefix)
{
    std::ifstream registry(prefix / "system.reg");
    std::string line;
    while (std::getline(registry, line)) {
        if (line.starts_with("[System\\\\CurrentControlSet\\\\Services\\\\" + std::string(service) + "]")) {
            return true;
        }
    }
    return false;
}

// ---- the state ----

struct State {
    std::string text;
    pid_t process = 0; ///< 0: it does not run
};

/// The process is there, and is the bridge: numbers are used again.
bool is_bridge(pid_t process)
{
    std::ifstream file("/proc/" + std::to_string(process) + "/cmdline");
    std::stringstream text;
    text << file.rdbuf();
    return text.str().find("ntpipe-wine") != std::string::npos;
}

/// What the bridge has last said of itself.
State state_of(const fs::path& prefix)
{
    State state;
    std::ifstream file(prefix / "ntpipe.status");
    std::string line;
    while (std::getline(file, line)) {
        constexpr std::string_view key = "pid ";
        if (line.starts_with(key)) {
            pid_t process = 0;
            (void)std::from_chars(line.data() + key.size(), line.data() + line.size(), process);
            state.process = process > 0 && is_bridge(process) ? process : 0;
        }
        state.text += "  " + line + "\n";
    }
    return state;
}

void print_state(const fs::path& prefix, const State& state)
{
    std::cout << "prefix " << prefix.string() << "\n";
    if (state.process == 0) {
        std::cout << "  the bridge does not run\n";
    } else {
        std::cout << state.text;
    }
}

// ---- subcommands ----

/// Waits until the bridge has said that it runs, which it does within moments.
State await_bridge(const fs::path& prefix)
{
    constexpr int most = 300;
    constexpr useconds_t pause = 100'000;
    for (int i = 0; i < most; ++i) {
        State state = state_of(prefix);
        if (state.process != 0) {
            return state;
        }
        ::usleep(pause);
    }
    return {};
}

int install(const WineOptions& options)
{
    const fs::path prefix = checked_prefix(options.prefix);
    const std::string command = service_command(prefix, options);
    // An older one may lead elsewhere.
    (void)run_in(prefix, {"sc", "stop", service});
    (void)run_in(prefix, {"sc", "delete", service});
    const Outcome made = run_in(prefix, {"sc", "create", service, "binpath=", command, "start=", "auto"});
    if (made.status != 0) {
        throw Failure(exit_failed, "Wine has not taken the service: " + made.output);
    }
    const Outcome started = run_in(prefix, {"sc", "start", service});
    if (started.status != 0) {
        throw Failure(exit_failed, "the service is installed but does not start; " + (prefix / "ntpipe.log").string() +
                                       " may say why: " + started.output);
    }
    const State state = await_bridge(prefix);
    std::cout << "installed: service '" << service << "', " << command << "\n";
    print_state(prefix, state);
    if (state.process == 0) {
        throw Failure(exit_failed, "the bridge does not come up; see " + (prefix / "ntpipe.log").string());
    }
    return exit_ok;
}

int uninstall(const WineOptions& options)
{
    const fs::path prefix = checked_prefix(options.prefix);
    (void)run_in(prefix, {"sc", "stop", service});
    const Outcome outcome = run_in(prefix, {"sc", "delete", service});
    if (outcome.status != 0) {
        throw Failure(exit_not_found, "the bridge is not installed in " + prefix.string());
    }
    std::cout << "uninstalled from " << prefix.string() << "\n";
    return exit_ok;
}

int status(const WineOptions& options)
{
    const fs::path prefix = checked_prefix(options.prefix);
    const State state = state_of(prefix);
    print_state(prefix, state);
    if (is_registered(prefix)) {
        std::cout << "  it starts with the prefix\n";
    }
    return state.process != 0 ? exit_ok : exit_failed;
}

int run(const WineOptions& options)
{
    const fs::path prefix = checked_prefix(options.prefix);
    const State state = state_of(prefix);
    if (state.process != 0) {
        throw Failure(exit_busy, "the bridge runs already, process " + std::to_string(state.process));
    }
    Variables variables = variables_of(prefix);
    if (!options.directory.empty()) {
        variables.emplace_back("NTPIPE_DIR", options.directory);
    }
    become_program({wine(), bridge()}, variables);
}

struct Action {
    std::string_view name;
    int (*run)(const WineOptions&);
};

constexpr Action actions[] = {{"install", install}, {"uninstall", uninstall}, {"status", status}, {"run", run}};

} // namespace

int run_wine(const Words& words)
{
    WineOptions given;
    Options options(usage);
    options.text("prefix", 'p', given.prefix, "DIR", "the Wine prefix (default $WINEPREFIX, or ~/.wine)");
    options.text("directory", 'd', given.directory, "DIR",
                 "the broker's directory, an absolute path (default $NTPIPE_DIR, or what the system has)");
    const std::string name = options.parse(words, 1, 1).front();
    const auto* const found =
        std::find_if(std::begin(actions), std::end(actions), [&](const Action& action) { return action.name == name; });
    if (found == std::end(actions)) {
        throw Failure(exit_usage,
                      "'" + name + "' is none of install, uninstall, status, run; see 'ntpipe wine --help'");
    }
    return found->run(given);
}

} // namespace ntpipe::tools

// SPDX-License-Identifier: GPL-3.0-or-later
// main.cc: ntpipe-samba-report: whether the module fits the installed Samba, what it would do there, and what smb.conf says of it.
//
// It loads the module as smbd does, so whatever smbd's loader would say, it says, too.
#include "../report.hpp"

#include <dlfcn.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <climits>
#include <cstdlib>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <sstream>
#include <string>

namespace {

constexpr const char* usage = R"(usage: ntpipe samba check [--module FILE] [--configuration FILE] [--fit]

Tells whether the module ntpipe.so fits the Samba that is installed, which functions of smbd it would redirect, and what smb.conf
makes of it. Nothing is changed, and no smbd is asked.

  --module FILE         the module [ntpipe.so beside this program]
  --configuration FILE  smb.conf [Samba's own]
  --fit                 leave out what smb.conf says

exit status: 0 all is well, 1 the module would not work: the lines with an exclamation mark say why, 2 wrong usage.
)";

struct Options {
    std::string module;
    std::string configuration;
    bool fit_only = false;
};

// Beside this program.
std::string default_module()
{
    char own[PATH_MAX + 1] = {};
    const ssize_t size = ::readlink("/proc/self/exe", own, PATH_MAX);
    const std::string path(own, size > 0 ? static_cast<std::size_t>(size) : 0);
    return path.substr(0, path.find_last_of('/') + 1) + "ntpipe.so";
}

void say(void* /*context*/, const char* what, const char* text, int fault)
{
    constexpr int width = 25;
    std::cout << (fault != 0 ? "! " : "  ") << std::left << std::setw(width) << what << ' ' << text << '\n';
}

// A profile of AppArmor for smbd knows nothing of our directories.
void note_confinement()
{
    std::ifstream profiles("/sys/kernel/security/apparmor/profiles");
    for (std::string line; std::getline(profiles, line);) {
        if (line.find("smbd") != std::string::npos) {
            say(nullptr, "AppArmor",
                ("smbd is confined (" + line +
                 "): it needs rules for the module, libntpipe and the broker's "
                 "directory; see administrators.md")
                    .c_str(),
                0);
        }
    }
}

// What Samba itself has to say against smb.conf. It does not know our options, and takes any with a colon.
void ask_testparm(const std::string& configuration)
{
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) {
        return;
    }
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
    std::string words[] = {"testparm", "--suppress-prompt", configuration};
    char* arguments[] = {words[0].data(), words[1].data(), configuration.empty() ? nullptr : words[2].data(), nullptr};
    pid_t process = 0;
    const bool started = ::posix_spawnp(&process, arguments[0], &actions, nullptr, arguments, environ) == 0;
    posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
    std::string output;
    std::array<char, 4096> piece;
    for (ssize_t size; (size = ::read(ends[0], piece.data(), piece.size())) > 0;) {
        output.append(piece.data(), static_cast<std::size_t>(size));
    }
    ::close(ends[0]);
    if (started) {
        ::waitpid(process, nullptr, 0);
    }
    std::istringstream lines(output);
    for (std::string line; std::getline(lines, line);) {
        for (const char* mark : {"WARNING", "ERROR", "Unknown parameter", "Ignoring"}) {
            if (line.find(mark) != std::string::npos) {
                say(nullptr, "testparm", line.c_str(), 0);
                break;
            }
        }
    }
}

int report(const Options& options)
{
    say(nullptr, "module", options.module.c_str(), 0);
    int faults = 0;
    // Like smbd, but global: smbd is linked to the libraries whose functions are looked up.
    void* module = ::dlopen(options.module.c_str(), RTLD_NOW | RTLD_GLOBAL);
    void* function = module == nullptr ? nullptr : ::dlsym(module, ntpipe_samba_report_name);
    if (function == nullptr) {
        const char* error = ::dlerror();
        say(nullptr, "module", error == nullptr ? "is not ours" : error, 1);
        faults = 1;
    } else {
        const auto run = std::bit_cast<NtpipeSambaReport>(function);
        faults = run(options.fit_only ? nullptr : options.configuration.c_str(), say, nullptr);
    }
    if (!options.fit_only) {
        ask_testparm(options.configuration);
        note_confinement();
    }
    std::cout << (faults == 0 ? "all is well\n" : "not well: see the lines with an exclamation mark\n") << std::flush;
    return faults == 0 ? 0 : 1;
}

} // namespace

int main(int argc, char** argv)
{
    Options options;
    for (int i = 1; i < argc; ++i) {
        const std::string word = argv[i];
        const bool has_value = i + 1 < argc;
        if (word == "--fit") {
            options.fit_only = true;
        } else if (word == "--module" && has_value) {
            options.module = argv[++i];
        } else if (word == "--configuration" && has_value) {
            options.configuration = argv[++i];
        } else {
            const bool help = word == "--help";
            (help ? std::cout : std::cerr) << usage;
            return help ? 0 : 2;
        }
    }
    if (options.module.empty()) {
        options.module = default_module();
    }
    return report(options);
}

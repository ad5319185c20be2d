// SPDX-License-Identifier: LGPL-2.1-or-later
// samba.cc: ntpipe samba: whether the module for smbd fits the installed Samba, and making it anew. Programs of the module do that.
#include "failure.hpp"
#include "subcommand.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <iostream>

namespace ntpipe::tools {
namespace {

constexpr const char* usage = R"(usage: ntpipe samba check [OPTION...]
       ntpipe samba rebuild [OPTION...]

check    tells whether the module fits the Samba that is installed, which functions of smbd it redirects, what smb.conf says of
         it, and whether smbd will find a broker. Nothing is changed.
rebuild  makes the module anew for the Samba that is installed, after an update of Samba, and installs it in place of the old
         one. Nothing is done if it fits.

'ntpipe samba check --help' and 'ntpipe samba rebuild --help' tell the options.
environment: NTPIPE_SAMBA_DIR the directory of the module and its programs.
)";

struct Program {
    const char* name;
    const char* file;
};
constexpr Program programs[] = {{"check", "ntpipe-samba-report"}, {"rebuild", "ntpipe-samba-rebuild"}};

std::string directory()
{
    const char* given = std::getenv("NTPIPE_SAMBA_DIR");
    return given != nullptr && *given != '\0' ? given : NTPIPE_LIBDIR "/ntpipe/samba";
}

[[noreturn]] void become(const std::string& path, const Words& words)
{
    std::vector<char*> arguments{const_cast<char*>(path.c_str())};
    for (const std::string& word : words) {
        arguments.push_back(const_cast<char*>(word.c_str()));
    }
    arguments.push_back(nullptr);
    ::execv(path.c_str(), arguments.data());
    const std::string reason = errno == ENOENT ? "it was built without the Samba module" : std::strerror(errno);
    throw Failure(exit_failed, "cannot run '" + path + "': " + reason);
}

} // namespace

int run_samba(const Words& words)
{
    if (words.empty()) {
        throw Failure(exit_usage, "'ntpipe samba' needs to know what to do: check or rebuild");
    }
    if (words.front() == "--help" || words.front() == "-h") {
        std::cout << usage;
        return exit_ok;
    }
    for (const Program& program : programs) {
        if (words.front() == program.name) {
            become(directory() + "/" + program.file, Words(words.begin() + 1, words.end()));
        }
    }
    throw Failure(exit_usage, "'ntpipe samba' knows check and rebuild, not '" + words.front() + "'");
}

} // namespace ntpipe::tools

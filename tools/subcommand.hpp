// SPDX-License-Identifier: LGPL-2.1-or-later
// subcommand.hpp: the subcommands, each in a file of its own.
#pragma once

#include <string>
#include <vector>

namespace ntpipe::tools {

/// Each takes what stands behind its name, and gives the exit status; or throws a Failure.
using Words = std::vector<std::string>;
int run_ls(const Words& words);
int run_info(const Words& words);
int run_serve(const Words& words);
int run_connect(const Words& words);
int run_call(const Words& words);
int run_peek(const Words& words);
int run_wait(const Words& words);
int run_relay(const Words& words);
int run_broker(const Words& words);
int run_wine(const Words& words);
int run_samba(const Words& words);

struct Subcommand {
    const char* name;
    const char* summary;
    int (*run)(const Words& words);
};

inline constexpr Subcommand subcommands[] = {
    {"ls", "list the pipes, with their type, instances, states and owner", run_ls},
    {"info", "what is known of a pipe, or of the broker", run_info},
    {"serve", "serve a pipe: echo, or one command for each connection", run_serve},
    {"connect", "open a pipe and join it with the terminal, or standard input and output", run_connect},
    {"call", "send one message and print the answer (CallNamedPipe)", run_call},
    {"peek", "look at what can be read from a pipe without reading it", run_peek},
    {"wait", "wait until a pipe has an instance for a client", run_wait},
    {"relay", "join a pipe with a Unix or TCP socket, in either direction", run_relay},
    {"broker", "how much of what the broker limits there is, and may be", run_broker},
    {"wine", "join the pipes of a Wine prefix with those of this machine", run_wine},
    {"samba", "whether the module for smbd fits the installed Samba; make it anew", run_samba},
};

} // namespace ntpipe::tools

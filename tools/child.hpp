// SPDX-License-Identifier: LGPL-2.1-or-later
// child.hpp: a command that runs for one connection.
#pragma once

#include "descriptor.hpp"

#include <string>
#include <vector>

#include <sys/types.h>

namespace ntpipe::tools {

/// A running process with pipes as standard input and output. Terminated and reaped when it goes, if it has not ended.
class Child {
public:
    /// `variables`: NAME=VALUE, in addition to ours.
    Child(tevent_context* events, const std::vector<std::string>& command, const std::vector<std::string>& variables);
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    ~Child();

    [[nodiscard]] Descriptor take_input() { return std::move(input_); }
    [[nodiscard]] Descriptor take_output() { return std::move(output_); }
    /// Until it has ended. How it ended, in words; "" is exit status 0.
    [[nodiscard]] Task<std::string> end();

private:
    void spawn(const std::vector<std::string>& command, const std::vector<std::string>& variables, int in, int out);
    int reap();

    tevent_context* events_;
    pid_t process_ = -1;
    Descriptor watch_;
    Descriptor input_;
    Descriptor output_;
};

} // namespace ntpipe::tools

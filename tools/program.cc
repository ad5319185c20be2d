// SPDX-License-Identifier: LGPL-2.1-or-later
// program.cc: running another program to its end, or in our place.
#include "program.hpp"

#include "failure.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <memory>

namespace ntpipe::tools {
namespace {

struct CloseFile {
    void operator()(std::FILE* file) const { (void)std::fclose(file); }
};

struct Actions {
    Actions() { ::posix_spawn_file_actions_init(&actions); }
    Actions(const Actions&) = delete;
    Actions& operator=(const Actions&) = delete;
    ~Actions() { ::posix_spawn_file_actions_destroy(&actions); }
    posix_spawn_file_actions_t actions{};
};

std::vector<std::string> environment_with(const Variables& variables)
{
    std::vector<std::string> all;
    for (char** entry = environ; *entry != nullptr; ++entry) {
        const std::string text = *entry;
        const std::string name = text.substr(0, text.find('='));
        if (std::none_of(variables.begin(), variables.end(), [&](const auto& own) { return own.first == name; })) {
            all.push_back(text);
        }
    }
    for (const auto& [name, value] : variables) {
        std::string& entry = all.emplace_back(name);
        entry += '=';
        entry += value;
    }
    return all;
}

std::vector<char*> pointers(std::vector<std::string>& texts)
{
    std::vector<char*> all;
    all.reserve(texts.size() + 1);
    for (std::string& text : texts) {
        all.push_back(text.data());
    }
    all.push_back(nullptr);
    return all;
}

std::string contents(std::FILE* file)
{
    std::string text;
    if (std::fseek(file, 0, SEEK_SET) != 0) {
        throw failure_of_errno("cannot read what a program has said");
    }
    for (int letter = std::fgetc(file); letter != EOF; letter = std::fgetc(file)) {
        text += static_cast<char>(letter);
    }
    text.erase(text.find_last_not_of("\r\n") + 1);
    return text;
}

int exit_status(pid_t process)
{
    int status = 0;
    while (::waitpid(process, &status, 0) < 0) {
        if (errno != EINTR) {
            throw failure_of_errno("cannot wait for a program");
        }
    }
    return WIFSIGNALED(status) ? exit_signal + WTERMSIG(status) : WEXITSTATUS(status);
}

} // namespace

Outcome run_program(const std::vector<std::string>& command, const Variables& variables)
{
    // A file and not a pipe: servers that the program leaves running would keep a pipe open.
    const std::unique_ptr<std::FILE, CloseFile> output(std::tmpfile());
    if (!output) {
        throw failure_of_errno("cannot make a temporary file");
    }
    Actions files;
    ::posix_spawn_file_actions_addopen(&files.actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&files.actions, ::fileno(output.get()), STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&files.actions, ::fileno(output.get()), STDERR_FILENO);
    std::vector<std::string> words = command;
    std::vector<std::string> environment = environment_with(variables);
    pid_t process = 0;
    const int error = ::posix_spawn(&process, command.front().c_str(), &files.actions, nullptr, pointers(words).data(),
                                    pointers(environment).data());
    if (error != 0) {
        throw Failure(exit_failed, "cannot run " + command.front() + ": " + std::strerror(error));
    }
    const int status = exit_status(process);
    return {status, contents(output.get())};
}

void become_program(const std::vector<std::string>& command, const Variables& variables)
{
    std::vector<std::string> words = command;
    std::vector<std::string> environment = environment_with(variables);
    ::execve(command.front().c_str(), pointers(words).data(), pointers(environment).data());
    throw failure_of_errno("cannot run " + command.front());
}

} // namespace ntpipe::tools

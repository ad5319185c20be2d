// SPDX-License-Identifier: LGPL-2.1-or-later
// configuration.hpp: ntpipe.conf of the prefix (lists.hpp), read and followed.
#pragma once

#include "engine.hpp"
#include "lists.hpp"

#include <functional>
#include <string>

namespace wine_bridge {

class Configuration {
public:
    /// `changed` is called when the file was written, made or removed.
    Configuration(Engine& engine, std::string prefix, std::function<void()> changed);
    Configuration(const Configuration&) = delete;
    Configuration& operator=(const Configuration&) = delete;
    ~Configuration();

    [[nodiscard]] const Lists& lists() const { return lists_; }

private:
    void look();

    std::string prefix_;
    std::function<void()> changed_;
    Lists lists_;
    int inotify_;
};

} // namespace wine_bridge

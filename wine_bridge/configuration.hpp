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
    /// Reads again what could not be read.
    void heal();

private:
    void look() noexcept;
    [[nodiscard]] bool is_changed() const;
    [[nodiscard]] bool read() noexcept;

    std::string prefix_;
    std::function<void()> changed_;
    Lists lists_; ///< as long as the file could never be read: nothing goes any way
    int inotify_;
    bool is_unread_ = false;
};

} // namespace wine_bridge

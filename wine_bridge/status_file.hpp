// SPDX-License-Identifier: LGPL-2.1-or-later
// status_file.hpp: ntpipe.status of the prefix, for `ntpipe wine status`: who runs, and what is imported, exported and refused.
#pragma once

#include "engine.hpp"

#include <functional>
#include <string>
#include <vector>

namespace wine_bridge {

/// Makes sure that there is one bridge in a prefix: a lock that goes with the process.
class PrefixLock {
public:
    explicit PrefixLock(const std::string& prefix);
    PrefixLock(const PrefixLock&) = delete;
    PrefixLock& operator=(const PrefixLock&) = delete;
    ~PrefixLock();
    [[nodiscard]] bool held() const { return held_; }
    /// Who has it otherwise; 0: nobody, it cannot be made.
    [[nodiscard]] int holder() const { return holder_; }

private:
    int file_;
    bool held_ = false;
    int holder_ = 0;
};

class StatusFile : public Owner, public std::enable_shared_from_this<StatusFile> {
public:
    /// `lines` gives what stands below the number of the process.
    StatusFile(Engine& engine, std::string path, std::function<std::vector<std::string>()> lines);
    StatusFile(const StatusFile&) = delete;
    StatusFile& operator=(const StatusFile&) = delete;
    ~StatusFile();
    /// Writes it anew soon. Many changes are one.
    void changed() noexcept;
    /// Writes what could not be written.
    void heal() noexcept;
    void fail() override { is_behind_ = true; }

private:
    void write();

    Engine& engine_;
    std::string path_;
    std::function<std::vector<std::string>()> lines_;
    bool scheduled_ = false;
    bool is_behind_ = false;
};

} // namespace wine_bridge

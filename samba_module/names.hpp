// SPDX-License-Identifier: GPL-3.0-or-later
// names.hpp: the pipes that exist and the names that gateways offer, as the broker has told.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>

namespace ntpipe::samba {

class Names {
public:
    struct Pipe {
        std::string name;
        std::uint64_t scope = 0; ///< a Unix user, or NTPIPE_WATCH_GLOBAL
        std::uint32_t owner = 0;
        bool offered = false; ///< there is no pipe: a gateway of the owner offers the name
    };

    void appeared(std::uint64_t id, Pipe pipe);
    /// What it was, if it was known.
    std::optional<Pipe> gone(std::uint64_t id);
    void set_complete() { complete_ = true; }
    void reset();

    /// All pipes that were there have been told.
    [[nodiscard]] bool complete() const { return complete_; }
    /// Grows with every pipe that appears: if it has not, what was found before has not been replaced.
    [[nodiscard]] std::uint64_t appearances() const { return appearances_; }
    /// What an open by this Unix user reaches: one of the user's own scope before a global one, and a pipe before a name that is
    /// offered. nullptr: nothing.
    [[nodiscard]] const Pipe* find(const std::string& name, std::uint32_t user) const;

private:
    using Index = std::unordered_multimap<std::string, std::uint64_t>;
    void unindex(std::uint64_t id, const std::string& name);
    void consider(const Pipe& pipe, const std::string& name, std::uint32_t user, const Pipe*& best) const;

    std::unordered_map<std::uint64_t, Pipe> pipes_;
    Index index_;
    std::uint64_t appearances_ = 0;
    bool complete_ = false;
};

} // namespace ntpipe::samba

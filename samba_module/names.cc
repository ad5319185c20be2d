// SPDX-License-Identifier: GPL-3.0-or-later
// names.cc: the pipes that exist.
#include "names.hpp"

#include "exports.hpp"

#include <ntpipe.h>

#include <algorithm>
#include <new>

namespace ntpipe::samba {
namespace {

constexpr const char* any_other = "";

// Where a name stands in the index: two ASCII names are the same if these are; one that is not ASCII may equal any.
std::string index_of(const std::string& name)
{
    std::string folded = name;
    for (char& c : folded) {
        if (static_cast<unsigned char>(c) >= 0x80) {
            return any_other;
        }
        c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
    return folded;
}

} // namespace

void Names::appeared(std::uint64_t id, Pipe pipe)
{
    gone(id);
    std::string index = index_of(pipe.name);
    const auto entry = pipes_.emplace(id, std::move(pipe)).first;
    try {
        index_.emplace(std::move(index), id);
    } catch (const std::bad_alloc&) { // what is in one of them is in both
        pipes_.erase(entry);
        throw;
    }
    ++appearances_;
}

std::optional<Names::Pipe> Names::gone(std::uint64_t id)
{
    const auto found = pipes_.find(id);
    if (found == pipes_.end()) {
        return std::nullopt;
    }
    unindex(id, found->second.name); // needs memory, before anything is changed
    Pipe pipe = std::move(found->second);
    pipes_.erase(found);
    return pipe;
}

void Names::unindex(std::uint64_t id, const std::string& name)
{
    const auto [begin, end] = index_.equal_range(index_of(name));
    const auto entry = std::find_if(begin, end, [id](const auto& candidate) { return candidate.second == id; });
    if (entry != end) {
        index_.erase(entry);
    }
}

void Names::reset()
{
    pipes_.clear();
    index_.clear();
    complete_ = false;
}

void Names::consider(const Pipe& pipe, const std::string& name, std::uint32_t user, const Pipe*& best) const
{
    const auto rank = [user](const Pipe& of) { return (of.offered ? 2 : 0) + (of.scope == user ? 0 : 1); };
    const bool visible = pipe.scope == user || pipe.scope == NTPIPE_WATCH_GLOBAL;
    if (visible && (best == nullptr || rank(pipe) < rank(*best)) && is_same_name(name, pipe.name)) {
        best = &pipe;
    }
}

const Names::Pipe* Names::find(const std::string& name, std::uint32_t user) const
{
    const Pipe* best = nullptr;
    const std::string index = index_of(name);
    if (index == any_other) {
        for (const auto& [id, pipe] : pipes_) {
            consider(pipe, name, user, best);
        }
        return best;
    }
    for (const std::string& place : {index, std::string(any_other)}) {
        const auto [begin, end] = index_.equal_range(place);
        for (auto entry = begin; entry != end; ++entry) {
            consider(pipes_.at(entry->second), name, user, best);
        }
    }
    return best;
}

} // namespace ntpipe::samba

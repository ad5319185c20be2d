// SPDX-License-Identifier: GPL-3.0-or-later
// redirect.hpp: makes a library call our functions in place of its own, by rewriting its relocation slots, all or none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

struct dl_phdr_info;

namespace ntpipe::samba {

/// What surrounds a slot that is the second member of a row {name, function, flags} of a table of the library's.
struct TableRow {
    const char* name = nullptr; ///< nullptr: the slot is not to be looked at in this way
    int flags = 0;              ///< that must be there
    int new_flags = 0;          ///< instead of them
};

/// A function of the library and what is to be called in its place. What is not in the library itself still calls the original.
struct Redirection {
    const char* name;
    void* original;
    void* replacement;
    TableRow row;
};

/// Both functions have the same type, so a prototype that has changed is a compile error.
template <typename Function>
[[nodiscard]] Redirection redirection(const char* name, Function* original, Function* replacement, TableRow row = {})
{
    return {name, reinterpret_cast<void*>(original), reinterpret_cast<void*>(replacement), row};
}

/// The library with this name, up to what distributions add to it, as it is loaded now.
class LoadedLibrary {
public:
    /// `name_prefix`: what the file name begins with, such as "libsmbd-base".
    [[nodiscard]] static LoadedLibrary find(const char* name_prefix);
    [[nodiscard]] bool found() const { return base_ != 0; }
    /// The GNU build-id; empty if there is none.
    [[nodiscard]] std::span<const std::uint8_t> build_id() const { return build_id_; }

    /// What stands against redirecting each of the functions; empty: nothing.
    [[nodiscard]] std::vector<std::string> check(std::span<const Redirection> redirections) const;
    /// Redirects every one of the functions, or, if anything is not as it should be, none: then `problem` says what.
    /// Each must be exported by the library, from this library, and be called through exactly one slot, which lies in the
    /// library and still holds the original.
    [[nodiscard]] bool redirect(std::span<const Redirection> redirections, std::string& problem) const;

private:
    struct Slot {
        void** where = nullptr;
        std::size_t count = 0;
    };

    void take(const dl_phdr_info& info);
    [[nodiscard]] bool contains(const void* address) const;
    [[nodiscard]] std::string problem_with(const Redirection& redirection, const Slot& slot) const;
    [[nodiscard]] bool has_row(const TableRow& row, void* const* slot) const;
    [[nodiscard]] std::vector<Slot> find_slots(std::span<const Redirection> redirections) const;
    [[nodiscard]] bool set_writable(bool writable) const;

    std::uintptr_t base_ = 0;
    const void* dynamic_ = nullptr;
    std::uintptr_t read_only_begin_ =
        0; ///< what the loader has made read-only after relocating (PT_GNU_RELRO), whole pages
    std::uintptr_t read_only_end_ = 0;
    std::span<const std::uint8_t> build_id_;
};

} // namespace ntpipe::samba

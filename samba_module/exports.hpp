// SPDX-License-Identifier: GPL-3.0-or-later
// exports.hpp: which pipes SMB clients may open: the options ntpipe:export and ntpipe:override.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ntpipe::samba {

/// Hears what is wrong with the value of an option, one call for each fault.
using Complain = std::function<void(const std::string&)>;

/// The value of ntpipe:export is a list of items, separated by blanks or commas. An item is PATTERN or PATTERN:OWNER.
///
///   PATTERN   a pipe's name, compared as names are; * stands for any characters, ? for one
///   OWNER     whose pipes the item exports: the name or number of a Unix user, @GROUP for all members of a Unix group, * for
///             anybody. Without an owner: root's
///
/// Blanks, commas and colons that belong to a name are written in double quotes, which may enclose a part of an item; ""
/// within quotes is one quote. Wildcards keep their meaning in quotes: there is no other way to write them than ? for each.
///
///   ntpipe:export = echo, app-*:alice, "print queue":@staff, "odd,""name""":*
///
/// An item that is not like this, or whose owner nobody knows, exports nothing; the others do.
class Exports {
public:
    [[nodiscard]] static Exports parse(std::string_view value, const Complain& complain);

    /// One sentence for each item that was understood.
    [[nodiscard]] std::vector<std::string> explain() const;
    [[nodiscard]] bool empty() const { return items_.empty(); }
    /// Some item is about this name, whoever owns the pipe.
    [[nodiscard]] bool names(const std::string& name) const;
    /// A pipe of this name that belongs to this Unix user is exported.
    [[nodiscard]] bool allow(const std::string& name, std::uint32_t owner) const;

private:
    struct Item {
        std::string pattern;
        std::optional<std::uint32_t> user;
        std::optional<std::uint32_t> group; ///< neither: anybody
    };

    [[nodiscard]] static std::optional<Item> item_from(const struct ListItem& text, std::string& fault);
    [[nodiscard]] bool is_member(std::uint32_t user, std::uint32_t group) const;

    std::vector<Item> items_;
    mutable std::map<std::pair<std::uint32_t, std::uint32_t>, bool> members_; ///< asking the system may be slow
};

/// The value of ntpipe:null session pipes: which exported pipes a session without a user may open, as Windows' NullSessionPipes
/// (S 6.3). A list of names, in which * and ? are wildcards, separated and quoted as above. The pipe's descriptor still counts.
class NullSessionPipes {
public:
    [[nodiscard]] static NullSessionPipes parse(std::string_view value, const Complain& complain);
    [[nodiscard]] bool contain(const std::string& name) const;

private:
    std::vector<std::string> patterns_;
};

/// Names that Samba serves by itself, which are never looked for elsewhere: its own list, but for those that the value of
/// ntpipe:override names (separated and quoted as above).
class SambaNames {
public:
    [[nodiscard]] static SambaNames except(std::string_view override_value, const Complain& complain);
    [[nodiscard]] bool contain(const std::string& name) const;

private:
    std::vector<std::string> overridden_;
};

/// True if the two are the same name, as names are compared.
[[nodiscard]] bool is_same_name(const std::string& one, const std::string& other);

} // namespace ntpipe::samba

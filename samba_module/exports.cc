// SPDX-License-Identifier: GPL-3.0-or-later
// exports.cc: reading lists of names and owners, and matching with them.
#include "exports.hpp"

#include <ntpipe.h>

#include <grp.h>
#include <pwd.h>

#include <algorithm>
#include <charconv>

namespace ntpipe::samba {

/// An item of a list: what it says, and where its last colon outside of quotes was.
struct ListItem {
    std::string text;
    std::optional<std::size_t> colon;
};

namespace {

bool separates(char c)
{
    return c == ',' || c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

std::vector<ListItem> split(std::string_view value, const Complain& complain)
{
    std::vector<ListItem> items;
    std::optional<ListItem> item;
    bool quoted = false;
    for (std::size_t i = 0; i < value.size(); ++i) {
        const char c = value[i];
        if (!quoted && separates(c)) {
            if (item) {
                items.push_back(*item);
                item.reset();
            }
            continue;
        }
        if (!item) {
            item.emplace();
        }
        if (c == '"' && quoted && i + 1 < value.size() && value[i + 1] == '"') {
            item->text += c;
            ++i;
        } else if (c == '"') {
            quoted = !quoted;
        } else {
            if (c == ':' && !quoted) {
                item->colon = item->text.size();
            }
            item->text += c;
        }
    }
    if (quoted) {
        complain("a quote is not closed; the item with it is left out");
    } else if (item) {
        items.push_back(*std::move(item));
    }
    return items;
}

// Text that is not UTF-8 matches nothing, not even itself.
bool is_utf8(const std::string& text)
{
    return ntpipe_name_matches("*", text.c_str());
}

std::optional<std::uint32_t> number_from(const std::string& text)
{
    std::uint32_t number = 0;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, number);
    return error == std::errc() && stop == end ? std::optional(number) : std::nullopt;
}

std::optional<std::uint32_t> user_from(const std::string& text)
{
    if (const auto number = number_from(text)) {
        return number;
    }
    const passwd* found = ::getpwnam(text.c_str());
    return found == nullptr ? std::nullopt : std::optional<std::uint32_t>(found->pw_uid);
}

std::optional<std::uint32_t> group_from(const std::string& text)
{
    const group* found = ::getgrnam(text.c_str());
    return found == nullptr ? std::nullopt : std::optional<std::uint32_t>(found->gr_gid);
}

std::string name_of_user(std::uint32_t user)
{
    const passwd* found = ::getpwuid(user);
    return found == nullptr ? "user number " + std::to_string(user) : "user " + std::string(found->pw_name);
}

std::string name_of_group(std::uint32_t number)
{
    const group* found = ::getgrgid(number);
    return found == nullptr ? "number " + std::to_string(number) : found->gr_name;
}

bool has_group(std::uint32_t user, std::uint32_t group)
{
    const passwd* found = ::getpwuid(user);
    if (found == nullptr) {
        return false;
    }
    std::vector<gid_t> groups(64);
    auto count = static_cast<int>(groups.size());
    while (::getgrouplist(found->pw_name, found->pw_gid, groups.data(), &count) < 0) {
        groups.resize(std::max(groups.size() * 2, static_cast<std::size_t>(count)));
        count = static_cast<int>(groups.size());
    }
    return std::find(groups.begin(), groups.begin() + count, group) != groups.begin() + count;
}

bool is_wildcard(char c)
{
    return c == '*' || c == '?';
}

} // namespace

// ---- ntpipe:export ----

std::optional<Exports::Item> Exports::item_from(const ListItem& text, std::string& fault)
{
    Item item;
    item.pattern = text.text.substr(0, text.colon.value_or(text.text.size()));
    const std::string owner = text.colon ? text.text.substr(*text.colon + 1) : "0";
    if (item.pattern.empty() || !is_utf8(item.pattern)) {
        fault = item.pattern.empty() ? "has no name" : "is not UTF-8";
    } else if (owner.empty()) {
        fault = "has a colon, but no owner behind it";
    } else if (owner.front() == '@') {
        item.group = group_from(owner.substr(1));
        fault = item.group ? "" : "names an unknown group";
    } else if (owner != "*") {
        item.user = user_from(owner);
        fault = item.user ? "" : "names an unknown user";
    }
    return fault.empty() ? std::optional(item) : std::nullopt;
}

Exports Exports::parse(std::string_view value, const Complain& complain)
{
    Exports exports;
    for (const ListItem& text : split(value, complain)) {
        std::string fault;
        if (auto item = item_from(text, fault)) {
            exports.items_.push_back(*std::move(item));
        } else {
            complain("the item '" + text.text + "' " + fault + "; it is left out");
        }
    }
    return exports;
}

std::vector<std::string> Exports::explain() const
{
    std::vector<std::string> sentences;
    for (const Item& item : items_) {
        std::string whose = "of anybody";
        if (item.user) {
            whose = "of " + name_of_user(*item.user);
        } else if (item.group) {
            whose = "of members of group " + name_of_group(*item.group);
        }
        const bool pattern = std::ranges::any_of(item.pattern, is_wildcard);
        sentences.push_back((pattern ? "pipes that match '" : "the pipe '") + item.pattern + "', " + whose);
    }
    return sentences;
}

bool Exports::names(const std::string& name) const
{
    return std::ranges::any_of(
        items_, [&](const Item& item) { return ntpipe_name_matches(item.pattern.c_str(), name.c_str()); });
}

bool Exports::allow(const std::string& name, std::uint32_t owner) const
{
    return std::ranges::any_of(items_, [&](const Item& item) {
        const bool owned =
            (!item.user && !item.group) || item.user == owner || (item.group && is_member(owner, *item.group));
        return owned && ntpipe_name_matches(item.pattern.c_str(), name.c_str());
    });
}

bool Exports::is_member(std::uint32_t user, std::uint32_t group) const
{
    const auto [place, is_new] = members_.try_emplace({user, group}, false);
    if (is_new) {
        place->second = has_group(user, group);
    }
    return place->second;
}

// ---- ntpipe:null session pipes ----

NullSessionPipes NullSessionPipes::parse(std::string_view value, const Complain& complain)
{
    NullSessionPipes pipes;
    for (ListItem& item : split(value, complain)) {
        if (is_utf8(item.text)) {
            pipes.patterns_.push_back(std::move(item.text));
        } else {
            complain("the item '" + item.text + "' is not UTF-8; it is left out");
        }
    }
    return pipes;
}

bool NullSessionPipes::contain(const std::string& name) const
{
    return std::ranges::any_of(
        patterns_, [&](const std::string& pattern) { return ntpipe_name_matches(pattern.c_str(), name.c_str()); });
}

// ---- names ----

SambaNames SambaNames::except(std::string_view override_value, const Complain& complain)
{
    SambaNames names;
    for (ListItem& item : split(override_value, complain)) {
        names.overridden_.push_back(std::move(item.text));
    }
    return names;
}

bool SambaNames::contain(const std::string& name) const
{
    const auto is_it = [&](const std::string& candidate) { return is_same_name(candidate, name); };
    return ntpipe_name_is_sambas(name.c_str()) && std::ranges::none_of(overridden_, is_it);
}

// One name as a pattern for the other, in which its own wildcards stand for one character each: if both have the same wildcards in
// the same order, they can only have met each other.
bool is_same_name(const std::string& one, const std::string& other)
{
    std::string pattern = one;
    std::string wildcards;
    std::string other_wildcards;
    for (char& c : pattern) {
        if (is_wildcard(c)) {
            wildcards += c;
            c = '?';
        }
    }
    std::ranges::copy_if(other, std::back_inserter(other_wildcards), is_wildcard);
    return wildcards == other_wildcards && ntpipe_name_matches(pattern.c_str(), other.c_str());
}

} // namespace ntpipe::samba

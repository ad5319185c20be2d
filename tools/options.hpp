// SPDX-License-Identifier: LGPL-2.1-or-later
// options.hpp: the options of a subcommand: a table with a place for each value, parsed by popt.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace ntpipe::tools {

/// What a subcommand says of itself in its --help.
struct Usage {
    const char* name;
    const char* arguments;   ///< "NAME [DATA]"
    const char* description; ///< paragraphs, before the options
};

/// Seconds, with a fraction if need be; as milliseconds.
[[nodiscard]] std::int64_t parse_seconds(const std::string& text);
/// A whole number, perhaps with K or M behind it, from `least` to `most`.
[[nodiscard]] std::uint32_t parse_number(const std::string& text, std::uint32_t least, std::uint32_t most);

/// Declares options, then parses. Errors are Failures with exit_usage; --help prints and ends the program.
class Options {
public:
    explicit Options(const Usage& usage) : usage_(usage) {}

    void flag(const char* name, char letter, bool& place, const char* help);
    void text(const char* name, char letter, std::string& place, const char* value, const char* help);
    void number(const char* name, char letter, std::uint32_t& place, const char* value, const char* help,
                std::uint32_t least = 0);
    void seconds(const char* name, char letter, std::optional<std::int64_t>& place, const char* help);
    /// One of some words: `words` are their values' spellings, in order.
    template <typename Enum>
    void choice(const char* name, char letter, std::optional<Enum>& place, const std::vector<std::string>& words,
                const char* help)
    {
        add(name, letter, joined(words), help,
            [&place, words](const std::string& given) { place = static_cast<Enum>(index_of(words, given)); });
    }

    /// Gives the arguments that are no options; at least `least` and at most `most` of them.
    [[nodiscard]] std::vector<std::string> parse(const std::vector<std::string>& arguments, std::size_t least,
                                                 std::size_t most);
    /// What stood behind "--", if the subcommand takes a command there. To be called before parse().
    void take_command(std::vector<std::string>& command) { command_ = &command; }

private:
    struct Option {
        const char* name;
        char letter;
        std::string value; ///< empty: it has none
        const char* help;
        std::function<void(const std::string&)> apply;
    };

    void add(const char* name, char letter, const std::string& value, const char* help,
             std::function<void(const std::string&)> apply);
    [[nodiscard]] static std::string joined(const std::vector<std::string>& words);
    [[nodiscard]] static std::size_t index_of(const std::vector<std::string>& words, const std::string& given);
    [[noreturn]] void fail(const std::string& why) const;

    Usage usage_;
    std::vector<Option> options_;
    std::vector<std::string>* command_ = nullptr;
};

} // namespace ntpipe::tools

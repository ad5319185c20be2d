// SPDX-License-Identifier: LGPL-2.1-or-later
// options.cc: option tables for popt, and the values in them.
#include "options.hpp"

#include "failure.hpp"

#include <popt.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <memory>

namespace ntpipe::tools {
namespace {

struct FreeContext {
    void operator()(poptContext context) const { poptFreeContext(context); }
};

/// The argument of the option that popt has just given.
std::string argument_of(poptContext context)
{
    const std::unique_ptr<char, decltype(&std::free)> text(poptGetOptArg(context), &std::free);
    return text ? text.get() : "";
}

} // namespace

std::int64_t parse_seconds(const std::string& text)
{
    double seconds = 0;
    const char* end = text.data() + text.size();
    const auto [at, error] = std::from_chars(text.data(), end, seconds);
    constexpr double most = 1e6;
    if (error != std::errc() || at != end || !(seconds >= 0 && seconds <= most)) {
        throw Failure(exit_usage, "'" + text + "' is no number of seconds");
    }
    constexpr double milliseconds = 1000;
    return static_cast<std::int64_t>(seconds * milliseconds);
}

std::uint32_t parse_number(const std::string& text, std::uint32_t least, std::uint32_t most)
{
    std::uint64_t number = 0;
    const char* end = text.data() + text.size();
    const auto [at, error] = std::from_chars(text.data(), end, number);
    constexpr std::uint64_t kibi = 1024;
    const std::string unit(at, end);
    const std::uint64_t factor = unit == "K" ? kibi : unit == "M" ? kibi * kibi : unit.empty() ? 1 : 0;
    if (error != std::errc() || factor == 0 || number > UINT32_MAX || number * factor < least ||
        number * factor > most) {
        throw Failure(exit_usage,
                      "'" + text + "' is no number from " + std::to_string(least) + " to " + std::to_string(most));
    }
    return static_cast<std::uint32_t>(number * factor);
}

void Options::add(const char* name, char letter, const std::string& value, const char* help,
                  std::function<void(const std::string&)> apply)
{
    options_.push_back({name, letter, value, help, std::move(apply)});
}

void Options::flag(const char* name, char letter, bool& place, const char* help)
{
    add(name, letter, "", help, [&place](const std::string&) { place = true; });
}

void Options::text(const char* name, char letter, std::string& place, const char* value, const char* help)
{
    add(name, letter, value, help, [&place](const std::string& given) { place = given; });
}

void Options::number(const char* name, char letter, std::uint32_t& place, const char* value, const char* help,
                     std::uint32_t least)
{
    add(name, letter, value, help,
        [&place, least](const std::string& given) { place = parse_number(given, least, UINT32_MAX - 1); });
}

void Options::seconds(const char* name, char letter, std::optional<std::int64_t>& place, const char* help)
{
    add(name, letter, "SECONDS", help, [&place](const std::string& given) { place = parse_seconds(given); });
}

std::string Options::joined(const std::vector<std::string>& words)
{
    std::string all;
    for (const std::string& word : words) {
        all += (all.empty() ? "" : "|") + word;
    }
    return all;
}

std::size_t Options::index_of(const std::vector<std::string>& words, const std::string& given)
{
    const auto found = std::find(words.begin(), words.end(), given);
    if (found == words.end()) {
        throw Failure(exit_usage, "'" + given + "' is none of " + joined(words));
    }
    return static_cast<std::size_t>(found - words.begin());
}

void Options::fail(const std::string& why) const
{
    throw Failure(exit_usage, why + "; see 'ntpipe " + usage_.name + " --help'");
}

std::vector<std::string> Options::parse(const std::vector<std::string>& arguments, std::size_t least, std::size_t most)
{
    const std::string program = std::string("ntpipe ") + usage_.name;
    std::vector<const char*> argv{program.c_str()};
    auto rest = std::find(arguments.begin(), arguments.end(), "--");
    for (auto word = arguments.begin(); word != rest; ++word) {
        argv.push_back(word->c_str());
    }
    std::vector<poptOption> table;
    for (const Option& option : options_) {
        const bool has_value = !option.value.empty();
        table.push_back({option.name, option.letter, has_value ? POPT_ARG_STRING : POPT_ARG_NONE, nullptr,
                         static_cast<int>(table.size() + 1), option.help, has_value ? option.value.c_str() : nullptr});
    }
    const int help = static_cast<int>(table.size() + 1);
    table.push_back({"help", 'h', POPT_ARG_NONE, nullptr, help, "this text", nullptr});
    table.push_back(POPT_TABLEEND);
    const std::unique_ptr<poptContext_s, FreeContext> context(
        poptGetContext(program.c_str(), static_cast<int>(argv.size()), argv.data(), table.data(), 0));
    const std::string synopsis = std::string("[OPTION...] ") + usage_.arguments;
    poptSetOtherOptionHelp(context.get(), synopsis.c_str());
    int code = 0;
    while ((code = poptGetNextOpt(context.get())) > 0) {
        if (code == help) {
            poptPrintHelp(context.get(), stdout, 0);
            std::printf("\n%s\n", usage_.description);
            std::exit(std::fflush(stdout) == 0 ? exit_ok : exit_failed);
        }
        const Option& option = options_[static_cast<std::size_t>(code) - 1];
        try {
            option.apply(argument_of(context.get()));
        } catch (const Failure& failure) {
            fail(std::string("--") + option.name + ": " + failure.what());
        }
    }
    if (code < -1) {
        fail(std::string(poptBadOption(context.get(), 0)) + ": " + poptStrerror(code));
    }
    std::vector<std::string> plain;
    while (const char* word = poptGetArg(context.get())) {
        plain.emplace_back(word);
    }
    if (rest != arguments.end()) {
        std::vector<std::string>& place = command_ != nullptr ? *command_ : plain;
        place.insert(place.end(), rest + 1, arguments.end());
        if (command_ != nullptr && command_->empty()) {
            fail("a command is missing behind --");
        }
    }
    if (plain.size() < least || plain.size() > most) {
        fail(plain.size() < least ? "an argument is missing: " + synopsis : "too many arguments: " + synopsis);
    }
    return plain;
}

} // namespace ntpipe::tools

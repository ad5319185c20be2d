// SPDX-License-Identifier: LGPL-2.1-or-later
// fuzz_journal.cc: the broker's registry as an earlier broker, or whatever has befallen its file system, may have left it. What is left of
// it is of processes that live, so where the input has mark, this process is named.
#include "input.hpp"

#include "journal.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

using namespace ntpipe;
using namespace ntpipe::fuzz;

namespace {

/// In place of a process's number and the time of its start.
constexpr std::array<char, sizeof(std::uint32_t) + sizeof(std::uint64_t)> mark = [] {
    std::array<char, sizeof(std::uint32_t) + sizeof(std::uint64_t)> bytes{};
    bytes.fill('\xF6');
    return bytes;
}();

std::string registry_from(std::span<const std::uint8_t> input)
{
    static const auto process = static_cast<std::uint32_t>(::getpid());
    static const std::uint64_t started = broker::start_time_of(process);
    std::string bytes(as_text(input));
    for (auto at = bytes.begin(); (at = std::search(at, bytes.end(), mark.begin(), mark.end())) != bytes.end();) {
        std::memcpy(&*at, &process, sizeof(process));
        std::memcpy(&*at + sizeof(process), &started, sizeof(started));
    }
    return bytes;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    static const std::string directory = [] {
        std::string name = std::filesystem::temp_directory_path() / "ntpipe-fuzz.XXXXXX";
        require(::mkdtemp(name.data()) != nullptr, "there is a directory");
        static const struct Remover {
            std::string path;
            ~Remover() { std::filesystem::remove_all(path); }
        } remover{name};
        return name;
    }();
    std::ofstream(directory + "/registry", std::ios::binary | std::ios::trunc) << registry_from({data, size});
    broker::Journal journal;
    require(journal.open(directory) == Status::success, "a registry can always be opened");
    const auto records = journal.take_records();
    const auto gateways = journal.take_gateways();
    for (space::PipeRecord record : records) {
        require(!record.servers.empty(), "what nobody serves is left out");
        record.name += "+";
        journal.put(record);
    }
    for (const space::GatewayRecord& record : gateways) {
        journal.put(record);
    }
    // What was written is what the next one reads.
    broker::Journal next;
    require(next.open(directory) == Status::success, "and again");
    require(next.take_records().size() == records.size(), "what was put is there");
    if (!records.empty()) {
        next.remove(records.front().id);
    }
    for (const space::GatewayRecord& record : next.take_gateways()) {
        next.remove(record);
    }
    broker::Journal last;
    require(last.open(directory) == Status::success, "and once more");
    require(last.take_records().size() == records.size() - (records.empty() ? 0 : 1), "what was removed is not there");
    require(last.take_gateways().empty(), "nor is a gateway");
    return 0;
}

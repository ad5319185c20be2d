// SPDX-License-Identifier: LGPL-2.1-or-later
// fuzz_journal.cc: the broker's registry as an earlier broker, or whatever has befallen its file system, may have left it.
#include "input.hpp"

#include "journal.hpp"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

using namespace ntpipe;
using namespace ntpipe::fuzz;

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
    std::ofstream(directory + "/registry", std::ios::binary | std::ios::trunc)
        .write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
    broker::Journal journal;
    require(journal.open(directory) == Status::success, "a registry can always be opened");
    const auto records = journal.take_records();
    for (space::PipeRecord record : records) {
        require(!record.servers.empty(), "what nobody serves is left out");
        record.name += "+";
        journal.put(record);
    }
    // What was written is what the next one reads.
    broker::Journal next;
    require(next.open(directory) == Status::success, "and again");
    require(next.take_records().size() == records.size(), "what was put is there");
    return 0;
}

// SPDX-License-Identifier: GPL-3.0-or-later
// fuzz_lists.cc: what administrators and users write: ntpipe.conf of a Wine prefix, ntpiped.conf, and the values of ntpipe:export and
// its like.
#include "input.hpp"

#include "exports.hpp"
#include "limits.hpp"
#include "lists.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>

using namespace ntpipe;
using namespace ntpipe::fuzz;

namespace {

/// What is read by its path.
class File {
public:
    explicit File(std::span<const std::uint8_t> bytes) : file_(::memfd_create("fuzz", MFD_CLOEXEC))
    {
        require(file_ != -1 && ::write(file_, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()),
                "there is a file");
    }
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    ~File() { ::close(file_); }
    [[nodiscard]] std::string path() const { return "/proc/self/fd/" + std::to_string(file_); }

private:
    int file_;
};

void read_limits(const File& file)
{
    space::Limits limits = broker::no_limits();
    try {
        broker::read_limits(file.path(), limits);
    } catch (const broker::BadConfiguration& bad) {
        require(std::string_view(bad.what()).starts_with(file.path()), "it is said what is wrong");
    }
}

void read_lists(const File& file, const std::string& name)
{
    const auto lists = wine_bridge::Lists::read(file.path());
    require(lists.has_value(), "a file that is there is read");
    for (const wine_bridge::Patterns* patterns : {&lists->import, &lists->exports, &lists->smb}) {
        (void)patterns->matches(name);
        for (const std::string& plain : patterns->plain()) {
            require(patterns->matches(plain), "a name that is written out goes that way");
        }
    }
}

void read_exports(std::string_view value, const std::string& name)
{
    std::size_t complaints = 0;
    const auto complain = [&](const std::string& fault) { complaints += fault.empty() ? 0 : 1; };
    const auto exports = samba::Exports::parse(value, complain);
    require(exports.explain().empty() == exports.empty(), "each item is explained");
    (void)exports.names(name);
    require(!exports.allow(name, 1000) || exports.names(name), "what is allowed is named");
    (void)samba::NullSessionPipes::parse(value, complain).contain(name);
    (void)samba::SambaNames::except(value, complain).contain(name);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    Input input(data, size);
    const std::uint8_t kind = input.byte() % 3;
    std::string name(as_text(input.take(input.byte() % 16)));
    name.resize(std::min(name.size(), name.find('\0')));
    const auto bytes = input.rest();
    if (kind == 0) {
        read_lists(File(bytes), name);
    } else if (kind == 1) {
        read_exports(as_text(bytes), name);
    } else {
        read_limits(File(bytes));
    }
    return 0;
}

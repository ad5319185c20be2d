// SPDX-License-Identifier: LGPL-2.1-or-later
// random.cc: ids that nobody can guess.
#include "session/random.hpp"

#include <sys/random.h>

#include <cerrno>
#include <cstdlib>

namespace ntpipe::session {
namespace {

// Up to 256 bytes come in one piece, once the kernel has entropy at all.
void fill(void* bytes, std::size_t size)
{
    while (::getrandom(bytes, size, 0) != static_cast<ssize_t>(size)) {
        if (errno != EINTR) {
            std::abort(); // a predictable proof is worse than none
        }
    }
}

} // namespace

wire::Id16 random_id()
{
    wire::Id16 id{};
    fill(id.data(), id.size());
    return id;
}

std::uint64_t random_number()
{
    std::uint64_t number = 0;
    fill(&number, sizeof(number));
    return number;
}

} // namespace ntpipe::session

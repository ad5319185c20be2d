// SPDX-License-Identifier: LGPL-2.1-or-later
// checked_stream.hpp: messages that are numbered and whose bytes follow from that, for who sends and who checks them; and a file in which
// readers say how far they have come, so that others know it even when they are killed.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <span>
#include <string>
#include <vector>

namespace ntpipe::checked {

inline constexpr std::size_t longest_body = 65536;
inline constexpr std::size_t table_size = 2 * longest_body;

struct Header {
    std::uint64_t stream;
    std::uint64_t number;
};

inline constexpr std::size_t longest_message = sizeof(Header) + longest_body;

/// The body of each message is a piece of this table.
class Bodies {
public:
    Bodies() : table_(table_size)
    {
        std::uint64_t state = 1;
        for (std::byte& each : table_) {
            state = state * 6364136223846793005U + 1442695040888963407U;
            each = static_cast<std::byte>(state >> 56U);
        }
    }

    [[nodiscard]] bool is(const Header& header, std::span<const std::byte> body) const
    {
        return std::memcmp(start(header), body.data(), body.size()) == 0;
    }
    [[nodiscard]] std::vector<std::byte> message(const Header& header, std::size_t size) const
    {
        std::vector<std::byte> message(sizeof(header) + size);
        std::memcpy(message.data(), &header, sizeof(header));
        std::memcpy(message.data() + sizeof(header), start(header), size);
        return message;
    }

private:
    [[nodiscard]] const std::byte* start(const Header& header) const
    {
        const std::uint64_t mixed = header.stream * 0x9E3779B97F4A7C15U + header.number * 0xD1B54A32D192ED03U;
        return table_.data() + (mixed >> 48U);
    }
    std::vector<std::byte> table_;
};

/// What may be counted, of each group of clients.
enum class Counted : std::size_t { messages, flushed, opens, broken, wrong };

/// A file that processes share, so that what one knew is known when it was killed: of each stream how many messages were read; of each
/// server how often it was killed, odd while it is down; and counts. tests/kill/witness.py is the other reader, and
/// tests/wine/programs/stream.c writes it, too.
class Witness {
public:
    static constexpr std::size_t streams = std::size_t{1} << 22;
    static constexpr std::size_t servers = 64;
    static constexpr std::size_t groups = 8;
    static constexpr std::size_t kinds = 8;
    explicit Witness(const char* path)
    {
        const int file = ::open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
        if (file == -1 || ::ftruncate(file, size) != 0) {
            std::exit(1);
        }
        void* memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        ::close(file);
        if (memory == MAP_FAILED) {
            std::exit(1);
        }
        words_ = static_cast<std::atomic<std::uint64_t>*>(memory);
    }
    [[nodiscard]] std::uint64_t read_of(std::uint64_t stream) const { return words_[stream % streams]; }
    void has_read(std::uint64_t stream, std::uint64_t count) const { words_[stream % streams] = count; }
    [[nodiscard]] std::uint64_t deaths(std::size_t server) const { return words_[streams + server % servers]; }
    void count(std::size_t group, Counted kind) const
    {
        ++words_[streams + servers + group % groups * kinds + static_cast<std::size_t>(kind)];
    }

private:
    static constexpr std::size_t size = (streams + servers + groups * kinds) * sizeof(std::uint64_t);
    std::atomic<std::uint64_t>* words_;
};

inline void say(const std::string& line)
{
    std::cout << line + '\n' << std::flush;
}

} // namespace ntpipe::checked

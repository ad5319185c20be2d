// SPDX-License-Identifier: LGPL-2.1-or-later
// mapping.cc: shared memory for real.
#include "session/mapping.hpp"

#include "glue/uninterrupted.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <numeric>
#include <string>
#include <utility>

namespace ntpipe::session {
namespace {

constexpr int needed_seals = F_SEAL_SHRINK | F_SEAL_GROW;
constexpr std::size_t page_size = 4096;

// Linux before 5.14 cannot say beforehand.
bool populate(std::span<std::byte> bytes)
{
#ifdef MADV_POPULATE_WRITE
    const std::size_t whole_pages = (bytes.size() + page_size - 1) & ~(page_size - 1);
    return ::madvise(bytes.data(), whole_pages, MADV_POPULATE_WRITE) == 0 || errno == EINVAL;
#else
    return true;
#endif
}

class Mapping final : public channel::Memory {
public:
    ~Mapping() override
    {
        if (!bytes_.empty()) {
            ::munmap(bytes_.data(), bytes_.size());
        }
    }
    void take(void* start, std::size_t size) { bytes_ = {static_cast<std::byte*>(start), size}; }
    [[nodiscard]] std::span<std::byte> bytes() const override { return bytes_; }
    [[nodiscard]] bool commit(std::size_t size) override
    {
        return populate(bytes_.first(std::min(size, bytes_.size())));
    }

private:
    std::span<std::byte> bytes_;
};

class Part final : public channel::Memory {
public:
    Part(std::shared_ptr<const channel::Memory> whole, std::size_t start, std::size_t size)
        : whole_(std::move(whole)), bytes_(whole_->bytes().subspan(start, size))
    {
    }
    [[nodiscard]] std::span<std::byte> bytes() const override { return bytes_; }
    [[nodiscard]] bool commit(std::size_t size) override
    {
        return populate(bytes_.first(std::min(size, bytes_.size())));
    }

private:
    std::shared_ptr<const channel::Memory> whole_;
    std::span<std::byte> bytes_;
};

glue::UniqueFd reopen(int descriptor, int flags)
{
    const std::string path = "/proc/self/fd/" + std::to_string(descriptor);
    return glue::UniqueFd(glue::uninterrupted([&] { return ::open(path.c_str(), flags | O_CLOEXEC); }));
}

// It may be interrupted, unlike others of its kind.
bool allocate(int memory, std::size_t start, std::size_t end)
{
    return glue::uninterrupted([&] {
               return ::fallocate(memory, FALLOC_FL_KEEP_SIZE, static_cast<off_t>(start),
                                  static_cast<off_t>(end - start));
           }) == 0;
}

// Of those that are next to each other at once.
bool allocate_first_pages(int memory, std::span<const std::size_t> parts)
{
    std::size_t start = 0;
    std::size_t from = 0;
    std::size_t to = 0;
    for (const std::size_t size : parts) {
        if (size != 0 && start != to) {
            if (!allocate(memory, from, to)) {
                return false;
            }
            from = start;
        }
        to = size == 0 ? to : start + std::min(page_size, size);
        start += size;
    }
    return allocate(memory, from, to);
}

} // namespace

Result<glue::UniqueFd> make_memory(const char* name, std::span<const std::size_t> parts)
{
    glue::UniqueFd memory(::memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!memory) {
        return status_from_errno(errno);
    }
    const std::size_t size = std::accumulate(parts.begin(), parts.end(), std::size_t{0});
    if (::ftruncate(memory.get(), static_cast<off_t>(size)) != 0 || !allocate_first_pages(memory.get(), parts) ||
        ::fcntl(memory.get(), F_ADD_SEALS, needed_seals | F_SEAL_SEAL) != 0) {
        return status_from_errno(errno);
    }
    return memory;
}

Result<glue::UniqueFd> make_memory(const char* name, std::size_t size)
{
    return make_memory(name, std::span(&size, 1));
}

glue::UniqueFd writable_descriptor(int read_only)
{
    return reopen(read_only, O_RDWR);
}

Result<glue::UniqueFd> read_only_descriptor(int memory)
{
    if (::fchmod(memory, S_IRUSR | S_IWUSR) != 0) {
        return status_from_errno(errno);
    }
    glue::UniqueFd descriptor = reopen(memory, O_RDONLY);
    if (!descriptor) {
        return status_from_errno(errno);
    }
    return descriptor;
}

Result<std::unique_ptr<channel::Memory>> map_memory(int memory, std::size_t least, std::size_t most, Access access)
{
    struct stat status{};
    const int seals = ::fcntl(memory, F_GET_SEALS);
    if (seals < 0 || ::fstat(memory, &status) != 0) {
        return status_from_errno(errno); // EINVAL: what it is has no seals
    }
    if ((seals & needed_seals) != needed_seals || status.st_size < static_cast<off_t>(least) ||
        status.st_size > static_cast<off_t>(most)) {
        return Status::invalid_parameter;
    }
    const auto size = static_cast<std::size_t>(status.st_size);
    auto mapping = std::make_unique<Mapping>(); // before there is something to unmap
    const int protection = access == Access::read_write ? PROT_READ | PROT_WRITE : PROT_READ;
    void* start = ::mmap(nullptr, size, protection, MAP_SHARED, memory, 0);
    if (start == MAP_FAILED) {
        return status_from_errno(errno);
    }
    mapping->take(start, size);
    return std::unique_ptr<channel::Memory>(std::move(mapping));
}

Result<std::vector<std::unique_ptr<channel::Memory>>> map_parts(int memory, std::span<const std::size_t> parts)
{
    std::size_t size = 0;
    for (const std::size_t part : parts) {
        if (part % page_size != 0 || part > SIZE_MAX - size) {
            return Status::invalid_parameter;
        }
        size += part;
    }
    auto mapped = map_memory(memory, size, size, Access::read_write);
    if (!mapped) {
        return mapped.status();
    }
    const std::shared_ptr<const channel::Memory> whole(*std::move(mapped));
    std::vector<std::unique_ptr<channel::Memory>> result;
    std::size_t start = 0;
    for (const std::size_t part : parts) {
        result.push_back(part == 0 ? nullptr : std::make_unique<Part>(whole, start, part));
        start += part;
    }
    return result;
}

} // namespace ntpipe::session

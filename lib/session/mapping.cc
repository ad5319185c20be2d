// SPDX-License-Identifier: LGPL-2.1-or-later
// mapping.cc: shared memory for real.
#include "session/mapping.hpp"

#include "glue/uninterrupted.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <string>

namespace ntpipe::session {
namespace {

constexpr int needed_seals = F_SEAL_SHRINK | F_SEAL_GROW;
constexpr off_t first_page = 4096;

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
#ifdef MADV_POPULATE_WRITE
        const std::size_t whole_pages = (std::min(size, bytes_.size()) + first_page - 1) & ~std::size_t{first_page - 1};
        if (::madvise(bytes_.data(), whole_pages, MADV_POPULATE_WRITE) != 0) {
            return errno == EINVAL; // Linux before 5.14 cannot say beforehand
        }
#endif
        return true;
    }

private:
    std::span<std::byte> bytes_;
};

glue::UniqueFd reopen(int descriptor, int flags)
{
    const std::string path = "/proc/self/fd/" + std::to_string(descriptor);
    return glue::UniqueFd(glue::uninterrupted([&] { return ::open(path.c_str(), flags | O_CLOEXEC); }));
}

// It may be interrupted, unlike others of its kind.
bool allocate(int memory, off_t size)
{
    return glue::uninterrupted([&] { return ::fallocate(memory, FALLOC_FL_KEEP_SIZE, 0, size); }) == 0;
}

} // namespace

Result<glue::UniqueFd> make_memory(const char* name, std::size_t size)
{
    glue::UniqueFd memory(::memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!memory) {
        return status_from_errno(errno);
    }
    // 0600: who gets a read-only descriptor cannot open the memory anew for writing, unless it is our own user.
    if (::fchmod(memory.get(), S_IRUSR | S_IWUSR) != 0 || ::ftruncate(memory.get(), static_cast<off_t>(size)) != 0 ||
        !allocate(memory.get(), std::min(first_page, static_cast<off_t>(size))) ||
        ::fcntl(memory.get(), F_ADD_SEALS, needed_seals | F_SEAL_SEAL) != 0) {
        return status_from_errno(errno);
    }
    return memory;
}

glue::UniqueFd writable_descriptor(int read_only)
{
    return reopen(read_only, O_RDWR);
}

Result<glue::UniqueFd> read_only_descriptor(int memory)
{
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

} // namespace ntpipe::session

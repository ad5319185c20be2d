// SPDX-License-Identifier: LGPL-2.1-or-later
// test_mapping.cc: memory in several parts, and what is not accepted as such.
#include "check.hpp"

#include "session/mapping.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <string>

using namespace ntpipe;
using namespace ntpipe::session;

namespace {

constexpr std::size_t page = 4096;
using Parts = std::array<std::size_t, 3>;

off_t allocated(int memory)
{
    struct stat status{};
    assert_int_equal(::fstat(memory, &status), 0);
    return status.st_blocks * 512;
}

void test_parts_are_one_behind_the_other(void** /*state*/)
{
    const Parts sizes{page, 16 * page, 4 * page};
    auto memory = make_memory("test", sizes);
    assert_true(static_cast<bool>(memory));
    assert_int_equal(allocated(memory->get()), 3 * page); // the first page of each
    auto parts = map_parts(memory->get(), sizes);
    assert_true(static_cast<bool>(parts));
    auto whole = map_memory(memory->get(), 21 * page, 21 * page, Access::read_write);
    assert_true(static_cast<bool>(whole));
    std::size_t start = 0;
    for (std::size_t i = 0; i < sizes.size(); ++i) {
        assert_int_equal((*parts)[i]->bytes().size(), sizes[i]);
        (*parts)[i]->bytes()[7] = std::byte{static_cast<unsigned char>(i + 1)};
        assert_int_equal((*whole)->bytes()[start + 7], i + 1);
        start += sizes[i];
    }
    assert_true((*parts)[1]->commit(2 * page));
    assert_int_equal(allocated(memory->get()), 4 * page);
    (*parts)[0].reset();
    (*parts)[1].reset();
    assert_int_equal((*parts)[2]->bytes()[7], 3); // still mapped
}

void test_a_part_may_be_empty(void** /*state*/)
{
    const Parts sizes{page, 0, 4 * page};
    auto memory = make_memory("test", sizes);
    assert_true(static_cast<bool>(memory));
    assert_int_equal(allocated(memory->get()), 2 * page);
    auto parts = map_parts(memory->get(), sizes);
    assert_true(static_cast<bool>(parts));
    assert_null((*parts)[1].get());
    assert_int_equal((*parts)[2]->bytes().size(), 4 * page);
}

// Whoever sends the sizes may be wrong about the memory, or lie.
void test_other_sizes_are_refused(void** /*state*/)
{
    const Parts sizes{page, 4 * page, 4 * page};
    auto memory = make_memory("test", sizes);
    assert_true(static_cast<bool>(memory));
    constexpr std::size_t huge = SIZE_MAX - page + 1;
    for (const Parts& wrong :
         {Parts{page, 4 * page, 0}, Parts{page, 4 * page, 8 * page}, Parts{page, 4 * page - 32, 4 * page + 32},
          Parts{page, huge, 4 * page}, Parts{page, huge, 8 * page}}) {
        assert_int_equal(map_parts(memory->get(), wrong).status(), Status::invalid_parameter);
    }
    const glue::UniqueFd unsealed(::memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    assert_int_equal(::ftruncate(unsealed.get(), 9 * page), 0);
    assert_int_equal(map_parts(unsealed.get(), sizes).status(), Status::invalid_parameter);
}

void test_read_only_memory_is_nobody_elses(void** /*state*/)
{
    auto memory = make_memory("test", page);
    auto read_only = read_only_descriptor(memory->get());
    assert_true(static_cast<bool>(read_only));
    struct stat status{};
    assert_int_equal(::fstat(read_only->get(), &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_ptr_equal(::mmap(nullptr, page, PROT_READ | PROT_WRITE, MAP_SHARED, read_only->get(), 0), MAP_FAILED);
}

} // namespace

NTPIPE_UNIT_MAIN(NTPIPE_UNIT_TEST(test_parts_are_one_behind_the_other), NTPIPE_UNIT_TEST(test_a_part_may_be_empty),
                 NTPIPE_UNIT_TEST(test_other_sizes_are_refused),
                 NTPIPE_UNIT_TEST(test_read_only_memory_is_nobody_elses))

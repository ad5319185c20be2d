// SPDX-License-Identifier: LGPL-2.1-or-later
// test_status.cc: names and mappings of statuses.
#include "check.hpp"

#include <cerrno>
#include <set>

using namespace ntpipe;

namespace {

void test_names_and_mappings(void** /*state*/)
{
    assert_string_equal(ntpipe_status_name(NTPIPE_STATUS_PIPE_BROKEN), "STATUS_PIPE_BROKEN");
    assert_int_equal(ntpipe_status_win32(NTPIPE_STATUS_PIPE_BROKEN), 109);
    assert_int_equal(ntpipe_status_win32(NTPIPE_STATUS_BUFFER_OVERFLOW), 234);
    assert_int_equal(ntpipe_status_win32(NTPIPE_STATUS_PIPE_NOT_AVAILABLE), 231);
    assert_int_equal(ntpipe_status_errno(NTPIPE_STATUS_OBJECT_NAME_NOT_FOUND), ENOENT);
    assert_int_equal(ntpipe_status_errno(NTPIPE_STATUS_SUCCESS), 0);
    assert_string_equal(ntpipe_status_name(0xC0FFEE00), "STATUS_UNKNOWN");
    assert_int_equal(ntpipe_status_errno(0xC0FFEE00), EIO);
}

void test_severity(void** /*state*/)
{
    assert_true(ok(Status::success));
    assert_true(ok(Status::pending));
    assert_false(ok(Status::buffer_overflow));
    assert_false(is_error(Status::buffer_overflow));
    assert_true(is_error(Status::pipe_broken));
}

void test_the_list_has_no_value_twice(void** /*state*/)
{
    std::multiset<ntpipe_status> values;
#define COUNT(NAME, name, value, win32, err, text) values.insert(value);
    NTPIPE_STATUS_LIST(COUNT)
#undef COUNT
    for (const ntpipe_status value : values) {
        assert_int_equal(values.count(value), 1);
    }
}

void test_result(void** /*state*/)
{
    const Result<int> good = 7;
    const Result<int> bad = Status::pipe_busy;
    assert_true(static_cast<bool>(good));
    assert_int_equal(*good, 7);
    assert_false(static_cast<bool>(bad));
    assert_status(bad.status(), Status::pipe_busy);
}

} // namespace

NTPIPE_UNIT_MAIN(NTPIPE_UNIT_TEST(test_names_and_mappings), NTPIPE_UNIT_TEST(test_severity),
                 NTPIPE_UNIT_TEST(test_the_list_has_no_value_twice), NTPIPE_UNIT_TEST(test_result))

// SPDX-License-Identifier: LGPL-2.1-or-later
// main.hpp: what every unit test program needs: cmocka, and a main() that can list its tests and run one of them.
//
// A program ends with NTPIPE_UNIT_TESTS(test_one, test_two...).
#pragma once

#include <csetjmp>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>

extern "C" {
#include <cmocka.h>
}
// These two macros break every C++ header that has members of these names.
#undef skip
#undef fail

#include <exception>

namespace ntpipe::unit {

/// `--list` prints the names; one argument is a name (or cmocka pattern) to run; none runs all.
inline int run(const CMUnitTest* tests, std::size_t count, const char* group, int argc, char** argv)
{
    if (argc > 1 && std::strcmp(argv[1], "--list") == 0) {
        for (std::size_t i = 0; i < count; ++i) {
            std::puts(tests[i].name);
        }
        return 0;
    }
    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return _cmocka_run_group_tests(group, tests, count, nullptr, nullptr);
}

} // namespace ntpipe::unit

#define NTPIPE_UNIT_TEST(function) cmocka_unit_test(function)
#define NTPIPE_UNIT_MAIN(...)                                                                                          \
    int main(int argc, char** argv)                                                                                    \
    {                                                                                                                  \
        const CMUnitTest tests[] = {__VA_ARGS__};                                                                      \
        return ntpipe::unit::run(tests, sizeof(tests) / sizeof(tests[0]), __FILE__, argc, argv);                       \
    }

#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
# make_upcase.py: writes the table by which pipe names are upcased, from Unicode's own data.
"""usage: make_upcase.py UNICODE_DATA > upcase_table.hpp

Simple upper-case mappings (field 12 of UnicodeData.txt) from the Basic Multilingual Plane into it, joined to ranges: NT upcases
each UTF-16 code unit for itself, so that nothing changes its length and surrogates stay as they are. Unlike Unicode, NT maps
nothing from outside of ASCII into it (dotless i and long s stay themselves).
"""
import sys

SIMPLE_UPPERCASE = 12
PLANE = 0x10000
ASCII = 0x80

HEAD = """\
// upcase_table.hpp: the simple upper-case mappings of the Basic Multilingual Plane, from UnicodeData.txt. Generated.
//
// A range maps first, first + stride, ..., last, each to itself plus delta, modulo 65536. Ranges are sorted and do not overlap:
// what lies between the steps of a range with stride 2 (the upper-case letters) is in no range and maps to itself.
#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>

namespace ntpipe::name {

struct UpcaseRange {
    std::uint16_t first;
    std::uint16_t last;
    std::uint16_t stride;
    std::uint16_t delta;
};

inline constexpr UpcaseRange upcase_ranges[] = {
"""

TAIL = """\
};

/// The upper-case form of a UTF-16 code unit.
constexpr char16_t upcase(char16_t unit)
{
    const UpcaseRange* range = std::lower_bound(std::begin(upcase_ranges), std::end(upcase_ranges), unit,
                                                [](const UpcaseRange& r, char16_t value) { return r.last < value; });
    if (range == std::end(upcase_ranges) || unit < range->first || (unit - range->first) % range->stride != 0) {
        return unit;
    }
    return static_cast<char16_t>(unit + range->delta);
}

} // namespace ntpipe::name
"""


def read_mappings(path):
    """Pairs of code points, sorted."""
    pairs = []
    with open(path, encoding="ascii") as lines:
        for line in lines:
            fields = line.split(";")
            if fields[SIMPLE_UPPERCASE]:
                pairs.append((int(fields[0], 16), int(fields[SIMPLE_UPPERCASE], 16)))
    return sorted((lower, upper) for lower, upper in pairs if max(lower, upper) < PLANE and (lower < ASCII) == (upper < ASCII))


def join(pairs):
    """Ranges [first, last, stride, delta] of neighbours with the same distance to their upper case, side by side or every second."""
    ranges = []
    for lower, upper in pairs:
        delta = (upper - lower) % PLANE
        if ranges:
            first, last, stride, same = ranges[-1]
            step = lower - last
            if same == delta and (step == stride or (first == last and step <= 2)):
                ranges[-1] = [first, lower, step, delta]
                continue
        ranges.append([lower, lower, 1, delta])
    return ranges


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    rows = "".join("    {0x%04X, 0x%04X, %d, 0x%04X},\n" % tuple(row) for row in join(read_mappings(sys.argv[1])))
    sys.stdout.write(HEAD + rows + TAIL)


if __name__ == "__main__":
    main()

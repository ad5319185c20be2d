// SPDX-License-Identifier: LGPL-2.1-or-later
// lists.hpp: what ntpipe.conf of the prefix says: which names go which way.
//
//     # native pipes that programs of the prefix may open
//     import = * !secret*
//     # pipes of these programs that native programs of the same user may open
//     export = *
//     # of those, the ones that SMB users may open; written out, for the prefix cannot list its pipes
//     smb = myservice
//
// Keys may be repeated; what they say adds up. A pattern has * and ?, case does not matter, ! in front leaves names out. Without
// the key: import and export are *, smb is nothing. What Wine itself uses goes no way unless its name is written out.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace wine_bridge {

class Patterns {
public:
    void add(const std::string& pattern);
    [[nodiscard]] bool matches(const std::string& name) const;
    /// Those without wildcards that are not left out.
    [[nodiscard]] std::vector<std::string> plain() const;
    [[nodiscard]] bool empty() const { return wanted_.empty() && unwanted_.empty(); }

private:
    std::vector<std::string> wanted_;
    std::vector<std::string> unwanted_;
};

struct Lists {
    Patterns import;
    Patterns exports;
    Patterns smb;
    std::vector<std::string> complaints; ///< about lines that say nothing

    /// Nothing: there is a file, but it cannot be read. What it would leave out is not known then.
    [[nodiscard]] static std::optional<Lists> read(const std::string& path);
};

} // namespace wine_bridge

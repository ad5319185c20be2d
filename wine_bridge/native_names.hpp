// SPDX-License-Identifier: LGPL-2.1-or-later
// native_names.hpp: tells the importer of the pipes that are there natively.
#pragma once

#include "importer.hpp"

namespace wine_bridge {

class NativeNames {
public:
    NativeNames(Engine& engine, ntpipe_session* session, Importer& importer, std::function<void()> complete);
    NativeNames(const NativeNames&) = delete;
    NativeNames& operator=(const NativeNames&) = delete;
    ~NativeNames();

private:
    void list();
    void listed();
    void watch();

    Engine& engine_;
    ntpipe_session* session_;
    Importer& importer_;
    std::function<void()> complete_;
    ntpipe_directory* directory_ = nullptr;
    NativeRequest list_;
    NativeRequest notify_;
    bool again_ = false;
    std::map<std::string, std::uint64_t> numbers_;
    std::uint64_t last_ = 0;
};

} // namespace wine_bridge

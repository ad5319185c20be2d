// SPDX-License-Identifier: LGPL-2.1-or-later
// attributes.cc: the C API: attributes of a connection.
#include "api/objects_internal.hpp"

#include <cstring>

using namespace ntpipe;
using namespace ntpipe::api;

extern "C" {

ntpipe_status ntpipe_get_connection_attribute(struct ntpipe_end* pipe, const char* name, void* buffer, size_t length,
                                              size_t* information)
{
    return guarded([&] {
        *information = 0;
        const glue::ByteSpan with_nul = std::as_bytes(std::span(name, std::strlen(name) + 1));
        return pipe->end().query_connection_attribute(with_nul, {static_cast<std::byte*>(buffer), length},
                                                      *information);
    });
}
}

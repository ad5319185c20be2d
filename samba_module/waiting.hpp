// SPDX-License-Identifier: GPL-3.0-or-later
// waiting.hpp: how an Exchange waits for a request of the library's.
#pragma once

#include "exchange.hpp"

#include <algorithm>

namespace ntpipe::samba {

/// From now on it waits for that request of the library's, unless that is over by now.
inline void wait_for(Exchange& exchange, tevent_req* inner, void (*receive)(Exchange&))
{
    if (inner == nullptr) {
        exchange.status = Status::no_memory;
        return;
    }
    exchange.inner = inner;
    exchange.receive = receive;
    if (!tevent_req_is_in_progress(inner)) {
        receive(exchange);
    }
}

/// Takes in the result of a request, and lets go of it.
template <typename Receive>
void received(Exchange& exchange, Receive&& receive)
{
    exchange.status = static_cast<Status>(receive(exchange.inner));
    talloc_free(exchange.inner);
    exchange.inner = nullptr;
}

/// Begins a transfer by a function of the library with _begin; `receive` is its counterpart.
template <ntpipe_status (*receive)(tevent_req*, std::size_t*), typename Begin, typename... Arguments>
void transfer(Exchange& exchange, Begin* begin, Arguments... arguments)
{
    ntpipe_status status = NTPIPE_STATUS_PENDING;
    tevent_req* inner =
        begin(exchange.memory, exchange.events, exchange.end, arguments..., &status, &exchange.transferred);
    if (inner == nullptr) {
        exchange.status = static_cast<Status>(status);
        return;
    }
    wait_for(exchange, inner, [](Exchange& over) {
        received(over, [&](tevent_req* request) { return receive(request, &over.transferred); });
    });
}

/// For as much as is wanted. nullptr: out of memory, and the status says so.
[[nodiscard]] inline std::uint8_t* make_output(Exchange& exchange)
{
    exchange.output = talloc_array(exchange.memory, std::uint8_t, std::max<std::uint32_t>(exchange.length, 1));
    exchange.status = exchange.output == nullptr ? Status::no_memory : Status::pending;
    return exchange.output;
}

} // namespace ntpipe::samba

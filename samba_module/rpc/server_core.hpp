// SPDX-License-Identifier: GPL-3.0-or-later
// server_core.hpp: Samba's RPC server core, as far as a server on pipes needs it: its context, its endpoints, its connections.
#pragma once

#include "rpc.h"

#include <ntpipe.h>

#include <functional>

namespace ntpipe::rpc {

/// What C calls struct dcesrv_endpoint: it is declared within another struct, which to C++ makes it a member of that.
using ServedEndpoint = dcesrv_context::dcesrv_endpoint;

/// A context with the endpoints of all interfaces that are registered; when it is freed they can be had by another one.
/// `configuration`: an smb.conf, or nullptr. NT_STATUS_INVALID_PARAMETER: it cannot be read.
[[nodiscard]] NTSTATUS make_context(TALLOC_CTX* memory, const char* configuration, dcesrv_context*& context);

/// The name of the pipe that an endpoint is; nullptr: it is something else.
[[nodiscard]] const char* pipe_of(const ServedEndpoint& endpoint);

/// Serves the client that is connected to a pipe's end, until it has gone. `over` is called when it has; then it is freed, the end
/// with it. Is freed before its context.
class Connection {
public:
    Connection(ntpipe_end* end, std::function<void()> over) : end_(end), over_(std::move(over)) {}
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
    ~Connection() { over_(); }

    /// Below `memory`; takes over the end whatever comes of it.
    static NTSTATUS start(TALLOC_CTX* memory, dcesrv_context* context, const ServedEndpoint* endpoint,
                          tevent_context* events, ntpipe_end* end, std::function<void()> over);

private:
    [[nodiscard]] NTSTATUS connect(dcesrv_context* context, const ServedEndpoint* endpoint, tevent_context* events);

    ntpipe_end* end_; ///< a talloc child, later of the stream
    std::function<void()> over_;
};

} // namespace ntpipe::rpc

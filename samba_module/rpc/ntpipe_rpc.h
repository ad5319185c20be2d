/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ntpipe_rpc.h: serving DCE/RPC interfaces on pipes, with Samba's server core.
 *
 * A program compiles its IDL with pidl, implements the functions, registers the interface with the dcerpc_server_X_init() that
 * pidl has made, and calls ntpipe_rpc_serve(). Every ncacn_np endpoint of the registered interfaces becomes a pipe with that name.
 * To the functions a client is who it is to the pipe: dcesrv_call_session_info() gives the session that smbd has authenticated,
 * or for a program on this machine one that is made of its Unix identity. docs/rpc.md tells it at length;
 * samba_module/rpc/example is a whole server.
 *
 * The conventions are those of ntpipe.h. One server at a time in a process: Samba's list of interfaces is the process's.
 */
#ifndef NTPIPE_RPC_H
#define NTPIPE_RPC_H

#include <ntpipe.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ntpipe_rpc_server;

struct ntpipe_rpc_params {
    size_t size; /* sizeof(struct ntpipe_rpc_params) */
    /* The smb.conf to go by, for authentication within DCE/RPC above all. NULL: Samba's own; without that file its defaults.
     * Counts for the whole process: if the program has loaded one, that one stays. */
    const char* configuration;
    /* Of the pipes, self-relative; a descriptor that the interface was registered with comes before it. NULL: this user and
     * LocalSystem everything, authenticated users read and write. So anonymous clients need one that lets them in. */
    const uint8_t* security_descriptor;
    size_t security_descriptor_length;
    /* Instances of each pipe that wait for clients, so that many can come at once. 0: 8 */
    uint32_t listening;
    /* Of each pipe, at one time; further ones get STATUS_PIPE_NOT_AVAILABLE. 0: no limit */
    uint32_t max_clients;
};
#define NTPIPE_RPC_PARAMS_INIT {sizeof(struct ntpipe_rpc_params), NULL, NULL, 0, 0, 0}

/*
 * Serves all interfaces that are registered. Over when each of their pipes has an instance that listens. What comes later, such
 * as a broker that cannot make a further instance, goes to Samba's log and is tried again.
 *   session  must live longer than the server
 *   params   NULL: all defaults. Not used any more when the call returns
 * recv
 *   server   on mem_ctx; talloc_free() closes the pipes, and with them the connections
 * STATUS_NOT_FOUND          no interface is registered that has a ncacn_np endpoint
 * STATUS_INVALID_PARAMETER  `configuration` cannot be read
 * STATUS_ACCESS_DENIED      somebody has a pipe of that name; or this user may not have one
 * statuses of the functions that initialize the interfaces, and of ntpipe_create_send()
 */
NTPIPE_PUBLIC struct tevent_req* ntpipe_rpc_serve_send(TALLOC_CTX* mem_ctx, struct tevent_context* ev,
                                                       struct ntpipe_session* session,
                                                       const struct ntpipe_rpc_params* params);
NTPIPE_PUBLIC ntpipe_status ntpipe_rpc_serve_recv(struct tevent_req* req, TALLOC_CTX* mem_ctx,
                                                  struct ntpipe_rpc_server** server);
NTPIPE_PUBLIC ntpipe_status ntpipe_rpc_serve(TALLOC_CTX* mem_ctx, struct ntpipe_session* session,
                                             const struct ntpipe_rpc_params* params, struct ntpipe_rpc_server** server);

/* The clients that are connected now. */
NTPIPE_PUBLIC size_t ntpipe_rpc_num_clients(struct ntpipe_rpc_server* server);

#ifdef __cplusplus
}
#endif

#endif

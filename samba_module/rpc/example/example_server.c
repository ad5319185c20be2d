/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * example_server.c: an RPC server on a native pipe: the functions of ntpipe_example.idl.
 *
 *     example_server [--smb-conf FILE] [--everybody]
 *
 * --everybody lets anonymous clients call as well.
 */
#include "rpc.h"

#include "ndr_ntpipe_example.h"
#include "ntpipe_rpc.h"

#include <stdio.h>
#include <string.h>

#ifndef dcesrv_async_reply /* Samba before 4.19 */
#define dcesrv_async_reply(call) (void)dcesrv_reply(call)
#endif

static unsigned number_of_counters;

struct counter {
    uint32_t value;
};

static int forget_counter(struct counter* counter)
{
    (void)counter;
    --number_of_counters;
    return 0;
}

/* ---- the functions: pidl's code calls dcesrv_NAME() for each function NAME of the IDL ---- */

static void dcesrv_ntpipe_example_Add(struct dcesrv_call_state* call, TALLOC_CTX* memory, struct ntpipe_example_Add* r)
{
    (void)call;
    (void)memory;
    *r->out.sum = r->in.a + r->in.b;
}

static void dcesrv_ntpipe_example_Reverse(struct dcesrv_call_state* call, TALLOC_CTX* memory,
                                          struct ntpipe_example_Reverse* r)
{
    (void)call;
    (void)memory;
    for (uint32_t i = 0; i < r->in.count; ++i) {
        r->out.reversed[i] = r->in.bytes[r->in.count - 1 - i];
    }
}

static NTSTATUS dcesrv_ntpipe_example_WhoAmI(struct dcesrv_call_state* call, TALLOC_CTX* memory,
                                             struct ntpipe_example_WhoAmI* r)
{
    struct auth_session_info* session = dcesrv_call_session_info(call);
    struct ntpipe_example_Client* client = r->out.client;
    enum dcerpc_AuthType type;
    enum dcerpc_AuthLevel level;
    DATA_BLOB key = data_blob_null;
    dcesrv_call_auth_info(call, &type, &level);
    if (!NT_STATUS_IS_OK(dcesrv_transport_session_key(call, &key))) {
        key = data_blob_null;
    }
    client->uid = session->unix_token->uid;
    client->auth_type = (uint32_t)type;
    client->auth_level = (uint32_t)level;
    client->session_key_length = (uint32_t)key.length;
    client->authenticated = dcesrv_call_authenticated(call);
    client->num_sids = session->security_token->num_sids;
    client->account = session->info->account_name;
    client->domain = session->info->domain_name;
    client->sid = dom_sid_string(memory, &session->security_token->sids[0]);
    client->address = tsocket_address_string(dcesrv_connection_get_remote_address(call->conn), memory);
    return client->sid == NULL || client->address == NULL ? NT_STATUS_NO_MEMORY : NT_STATUS_OK;
}

static NTSTATUS dcesrv_ntpipe_example_OpenCounter(struct dcesrv_call_state* call, TALLOC_CTX* memory,
                                                  struct ntpipe_example_OpenCounter* r)
{
    (void)memory;
    struct dcesrv_handle* handle = dcesrv_handle_create(call, 0);
    struct counter* counter = handle == NULL ? NULL : talloc(handle, struct counter);
    if (counter == NULL) {
        return NT_STATUS_NO_MEMORY;
    }
    counter->value = r->in.start;
    ++number_of_counters;
    talloc_set_destructor(counter, forget_counter);
    handle->data = counter;
    *r->out.counter = handle->wire_handle;
    return NT_STATUS_OK;
}

/* DCESRV_PULL_HANDLE() wants the call under this name. */
static NTSTATUS dcesrv_ntpipe_example_Count(struct dcesrv_call_state* dce_call, TALLOC_CTX* memory,
                                            struct ntpipe_example_Count* r)
{
    (void)memory;
    struct dcesrv_handle* handle = NULL;
    DCESRV_PULL_HANDLE(handle, r->in.counter, 0);
    struct counter* counter = handle->data;
    *r->out.value = ++counter->value;
    return NT_STATUS_OK;
}

static NTSTATUS dcesrv_ntpipe_example_CloseCounter(struct dcesrv_call_state* dce_call, TALLOC_CTX* memory,
                                                   struct ntpipe_example_CloseCounter* r)
{
    (void)memory;
    struct dcesrv_handle* handle = NULL;
    DCESRV_PULL_HANDLE(handle, r->in.counter, 0);
    talloc_free(handle);
    ZERO_STRUCTP(r->out.counter);
    return NT_STATUS_OK;
}

static void dcesrv_ntpipe_example_NumCounters(struct dcesrv_call_state* call, TALLOC_CTX* memory,
                                              struct ntpipe_example_NumCounters* r)
{
    (void)call;
    (void)memory;
    *r->out.number = number_of_counters;
}

static void slept(struct tevent_context* ev, struct tevent_timer* timer, struct timeval now, void* private_data)
{
    struct dcesrv_call_state* call = private_data;
    (void)ev;
    (void)timer;
    (void)now;
    /* It frees the call, or the whole connection if the client has gone meanwhile. */
    dcesrv_async_reply(call);
}

static void dcesrv_ntpipe_example_Sleep(struct dcesrv_call_state* call, TALLOC_CTX* memory,
                                        struct ntpipe_example_Sleep* r)
{
    struct timeval end = tevent_timeval_current_ofs(r->in.milliseconds / 1000, r->in.milliseconds % 1000 * 1000);
    if (tevent_add_timer(call->event_ctx, memory, end, slept, call) == NULL) {
        call->fault_code = DCERPC_FAULT_OUT_OF_RESOURCES;
        return;
    }
    call->state_flags |= DCESRV_CALL_STATE_FLAG_ASYNC;
}

static void dcesrv_ntpipe_example_Fail(struct dcesrv_call_state* call, TALLOC_CTX* memory,
                                       struct ntpipe_example_Fail* r)
{
    (void)memory;
    call->fault_code = r->in.code;
}

/* What pidl has made of the IDL. */
#include "ndr_ntpipe_example_s.c" // NOLINT(bugprone-suspicious-include): pidl makes it to be included here

/* ---- the program ---- */

static void fail(const char* what, const char* why)
{
    fprintf(stderr, "example_server: %s: %s\n", what, why);
    exit(1);
}

static void read_arguments(TALLOC_CTX* memory, int argc, char** argv, struct ntpipe_rpc_params* params)
{
    for (int i = 1; i < argc; ++i) {
        if (strcmp(argv[i], "--everybody") == 0) {
            uint8_t* descriptor = NULL;
            ntpipe_sddl_to_descriptor(memory, "D:(A;;FA;;;SY)(A;;0x12019b;;;WD)(A;;0x12019b;;;AN)", &descriptor,
                                      &params->security_descriptor_length, NULL);
            params->security_descriptor = descriptor;
        } else if (strcmp(argv[i], "--smb-conf") == 0 && i + 1 < argc) {
            params->configuration = argv[++i];
        } else {
            fail(argv[i], "usage: example_server [--smb-conf FILE] [--everybody]");
        }
    }
}

int main(int argc, char** argv)
{
    TALLOC_CTX* memory = talloc_stackframe();
    struct ntpipe_rpc_params params = NTPIPE_RPC_PARAMS_INIT;
    struct ntpipe_session* session = NULL;
    struct ntpipe_rpc_server* server = NULL;
    /* Else Samba logs to standard output. */
    setup_logging("example_server", DEBUG_DEFAULT_STDERR);
    read_arguments(memory, argc, argv, &params);
    NTSTATUS registered = dcerpc_server_ntpipe_example_init(memory);
    if (!NT_STATUS_IS_OK(registered)) {
        fail("cannot register the interface", nt_errstr(registered));
    }
    ntpipe_status status = ntpipe_session_open(memory, NULL, NULL, &session);
    if (status == NTPIPE_STATUS_SUCCESS) {
        status = ntpipe_rpc_serve(memory, session, &params, &server);
    }
    if (status != NTPIPE_STATUS_SUCCESS) {
        fail("cannot serve ntpipe-example", ntpipe_status_text(status));
    }
    printf("serving ntpipe-example\n");
    (void)fflush(stdout);
    return tevent_loop_wait(ntpipe_session_event_context(session));
}

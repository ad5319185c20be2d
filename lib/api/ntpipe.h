/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ntpipe.h: Windows NT named pipes, the C API.
 *
 * A *session* is a process's way into a namespace of pipes: the broker's, which it shares with other processes, or one of its
 * own. Through a session a server *creates* instances of a pipe and a client *opens* one; what either gets is an *end*,
 * struct ntpipe_end. On ends there are the operations of NT's pipe file system: listen, read, write, transceive, peek, flush,
 * disconnect, query and set information.
 *
 * How calls are made
 *   Operations that may take time are tevent requests: ntpipe_X_send() starts one, its callback says when it is over,
 *   ntpipe_X_recv() gives the result. The rules are tevent's: the request is a talloc child of `mem_ctx`; talloc_free() of it
 *   cancels without a trace; tevent_req_cancel() cancels and the callback comes with STATUS_CANCELLED, or with what had
 *   happened before; if the other end hands the data on (ntpipe_look_send()) only when that has said which of the two; tevent_req_set_endtime() makes it end with STATUS_IO_TIMEOUT. `ev` is the session's event context
 *   (ntpipe_session_event_context()). _send() returns NULL only when out of memory.
 *   Operations that never wait are plain functions.
 *   Every X has a blocking form ntpipe_X() for simple programs. It runs the session's event context until X is over, so it must
 *   not be called from a callback. It is meant for sessions with an event context of their own (ev NULL at the open).
 *   Programs with another event loop watch ntpipe_session_fd() for reading and call ntpipe_session_dispatch() when it is
 *   readable; callbacks come from there.
 *
 * Results
 *   Every outcome is an NTSTATUS (ntpipe_status.h). STATUS_BUFFER_OVERFLOW means that there is more than the buffer took; what
 *   it took is valid. The statuses named below are those of the operation itself; besides, each may return
 *     STATUS_NO_MEMORY               out of memory
 *     STATUS_INVALID_PARAMETER       an argument makes no sense
 *     STATUS_ACCESS_DENIED           the end's granted access does not contain the right for the operation
 *     STATUS_PIPE_DISCONNECTED       client end: the server has disconnected it; it stays useless
 *     STATUS_FILE_CLOSED             the end is closed
 *     STATUS_INVALID_HANDLE          the end was inherited by fork(): it belongs to the parent process
 *   Section numbers (S 3.2...) are those of the semantics that docs/SPEC.md quotes.
 *
 * Ownership
 *   Sessions, ends and whatever recv functions put on a mem_ctx are talloc objects; talloc_free() closes them. An end keeps
 *   what it needs of its session, in whatever order they are freed.
 *
 * Threads
 *   A session and everything that came from it belong to one thread at a time. Use a session for each thread.
 */
#ifndef NTPIPE_H
#define NTPIPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <talloc.h>
#ifdef __cplusplus
extern "C" {
#endif
#include <tevent.h>
#ifdef __cplusplus
}
#endif

#include <ntpipe_status.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ntpipe_session;
struct ntpipe_end;
struct ntpipe_directory;

/* ---- numbers that NT gives (S 0.3) --------------------------------------------------------------------------------------- */

enum ntpipe_type { NTPIPE_TYPE_BYTE = 0, NTPIPE_TYPE_MESSAGE = 1 };
/* May be added to the type of ntpipe_create_params: clients that come over the network are refused. */
#define NTPIPE_REJECT_REMOTE_CLIENTS 2u

enum ntpipe_read_mode { NTPIPE_READ_BYTE = 0, NTPIPE_READ_MESSAGE = 1 };
/* NTPIPE_COMPLETE is Win32's PIPE_NOWAIT. */
enum ntpipe_completion_mode { NTPIPE_QUEUE = 0, NTPIPE_COMPLETE = 1 };

/* Direction: what share access means to NtCreateNamedPipeFile. Inbound is from client to server. */
enum ntpipe_share { NTPIPE_OUTBOUND = 1, NTPIPE_INBOUND = 2, NTPIPE_DUPLEX = 3 };

enum ntpipe_disposition { NTPIPE_FILE_OPEN = 1, NTPIPE_FILE_CREATE = 2, NTPIPE_FILE_OPEN_IF = 3 };
/* `information` of a create. */
enum ntpipe_information { NTPIPE_FILE_OPENED = 1, NTPIPE_FILE_CREATED = 2 };

enum ntpipe_state {
    NTPIPE_STATE_DISCONNECTED = 1,
    NTPIPE_STATE_LISTENING = 2,
    NTPIPE_STATE_CONNECTED = 3,
    NTPIPE_STATE_CLOSING = 4,
};
enum ntpipe_side { NTPIPE_CLIENT_END = 0, NTPIPE_SERVER_END = 1 };

#define NTPIPE_UNLIMITED_INSTANCES 0xFFFFFFFFu

/* Access rights (S 6.1). */
#define NTPIPE_GENERIC_READ 0x80000000u
#define NTPIPE_GENERIC_WRITE 0x40000000u
#define NTPIPE_GENERIC_ALL 0x10000000u
#define NTPIPE_MAXIMUM_ALLOWED 0x02000000u
#define NTPIPE_ACCESS_SYSTEM_SECURITY 0x01000000u
#define NTPIPE_SYNCHRONIZE 0x00100000u
#define NTPIPE_WRITE_OWNER 0x00080000u
#define NTPIPE_WRITE_DAC 0x00040000u
#define NTPIPE_READ_CONTROL 0x00020000u
#define NTPIPE_READ_DATA 0x00000001u
#define NTPIPE_WRITE_DATA 0x00000002u
#define NTPIPE_CREATE_PIPE_INSTANCE 0x00000004u
#define NTPIPE_READ_EA 0x00000008u
#define NTPIPE_WRITE_EA 0x00000010u
#define NTPIPE_READ_ATTRIBUTES 0x00000080u
#define NTPIPE_WRITE_ATTRIBUTES 0x00000100u

/* FSCTL codes for ntpipe_control_send() (S 4). Bits 14 and 15 of a code ask for READ_DATA and WRITE_DATA. */
#define NTPIPE_FSCTL_ASSIGN_EVENT 0x00110000u
#define NTPIPE_FSCTL_DISCONNECT 0x00110004u
#define NTPIPE_FSCTL_LISTEN 0x00110008u
#define NTPIPE_FSCTL_PEEK 0x0011400Cu
#define NTPIPE_FSCTL_QUERY_EVENT 0x00110010u
#define NTPIPE_FSCTL_TRANSCEIVE 0x0011C017u
#define NTPIPE_FSCTL_WAIT 0x00110018u
#define NTPIPE_FSCTL_IMPERSONATE 0x0011001Cu
#define NTPIPE_FSCTL_SET_CLIENT_PROCESS 0x00110020u
#define NTPIPE_FSCTL_QUERY_CLIENT_PROCESS 0x00110024u
#define NTPIPE_FSCTL_GET_PIPE_ATTRIBUTE 0x00110028u
#define NTPIPE_FSCTL_SET_PIPE_ATTRIBUTE 0x0011002Cu
#define NTPIPE_FSCTL_GET_CONNECTION_ATTRIBUTE 0x00110030u
#define NTPIPE_FSCTL_SET_CONNECTION_ATTRIBUTE 0x00110034u
#define NTPIPE_FSCTL_GET_HANDLE_ATTRIBUTE 0x00110038u
#define NTPIPE_FSCTL_SET_HANDLE_ATTRIBUTE 0x0011003Cu
#define NTPIPE_FSCTL_FLUSH 0x00118040u
#define NTPIPE_FSCTL_DISABLE_IMPERSONATE 0x00110044u
#define NTPIPE_FSCTL_QUERY_CLIENT_PROCESS_V2 0x00110054u
#define NTPIPE_FSCTL_INTERNAL_READ 0x00115FF4u
#define NTPIPE_FSCTL_INTERNAL_WRITE 0x00119FF8u
#define NTPIPE_FSCTL_INTERNAL_TRANSCEIVE 0x0011DFFFu
#define NTPIPE_FSCTL_INTERNAL_READ_OVFLOW 0x00116000u

/* ---- sessions ------------------------------------------------------------------------------------------------------------ */

struct ntpipe_session_params {
    size_t size; /* sizeof(struct ntpipe_session_params) */
    /* The broker's directory, an absolute path. NULL: $NTPIPE_DIR; else /run/ntpipe where a system broker is, or for root;
     * else $XDG_RUNTIME_DIR/ntpipe. */
    const char* directory;
    /* Start no broker when there is none. By default one is started on demand, except in /run/ntpipe. */
    bool never_start_broker;
    /* Trust no broker but root's, in a directory of root's: for daemons that run as root. */
    bool root_only;
    /* Called around each attempt to connect with the broker, with `private_data`: for programs that take on the rights of
     * others, such as smbd, and must be themselves to the broker. Both, or NULL. */
    void (*before_connect)(void* private_data);
    void (*after_connect)(void* private_data);
    void* private_data;
};
#define NTPIPE_SESSION_PARAMS_INIT {sizeof(struct ntpipe_session_params), NULL, false, false, NULL, NULL, NULL}

/*
 * Opens a session with the broker. Does not wait: the connection is made when it is first needed, is made again when the broker
 * has gone and come back, and then brings the process's instances back with it.
 *   ev      the event context to work on, which must live longer than what comes from the session; NULL: one of its own
 *   params  NULL: all defaults
 * Requests on a session fail with
 *   STATUS_CONNECTION_REFUSED  no broker is there, and none could be started
 *   STATUS_ACCESS_DENIED       the directory or the broker belongs to somebody who must not be trusted
 *   STATUS_REVISION_MISMATCH   the broker speaks another version
 * Once connected, they wait for a broker that has gone.
 */
NTPIPE_PUBLIC ntpipe_status ntpipe_session_open(TALLOC_CTX* mem_ctx, struct tevent_context* ev,
                                                const struct ntpipe_session_params* params,
                                                struct ntpipe_session** session);

/*
 * A namespace within this process: no broker, nothing that other processes see. For tests and for programs that want pipes
 * between their own parts. The session's user may do everything in it.
 */
NTPIPE_PUBLIC ntpipe_status ntpipe_namespace_create_local(TALLOC_CTX* mem_ctx, struct tevent_context* ev,
                                                          struct ntpipe_session** session);

/* The context that requests on the session take as `ev`. */
NTPIPE_PUBLIC struct tevent_context* ntpipe_session_event_context(struct ntpipe_session* session);

/*
 * For other event loops: a descriptor that is readable whenever ntpipe_session_dispatch() has something to do, also after
 * calls of this API. Only for sessions with an event context of their own; else -1, and also -1 with errno ENOMEM or ENOSPC
 * where the system has no room for watching. Owned by the session.
 */
NTPIPE_PUBLIC int ntpipe_session_fd(struct ntpipe_session* session);
/* Does what there is to do, without waiting; calls back. */
NTPIPE_PUBLIC void ntpipe_session_dispatch(struct ntpipe_session* session);

/* The broker's directory; "" for a local namespace. Valid while the session lives. */
NTPIPE_PUBLIC const char* ntpipe_session_directory(struct ntpipe_session* session);

/* Over when everything that was asked before on this session has been carried out by the broker. */
NTPIPE_PUBLIC struct tevent_req* ntpipe_ping_send(TALLOC_CTX* mem_ctx, struct tevent_context* ev,
                                                  struct ntpipe_session* session);
NTPIPE_PUBLIC ntpipe_status ntpipe_ping_recv(struct tevent_req* req);
NTPIPE_PUBLIC ntpipe_status ntpipe_ping(struct ntpipe_session* session);

/* One line of what the broker counts and limits (docs/SPEC.md, section 14). */
struct ntpipe_usage_line {
    const char* resource; /* "pipes", "memory"... */
    uint64_t used;
    uint64_t limit;   /* UINT64_MAX: none */
    uint64_t refused; /* how often more was wanted */
};
#define NTPIPE_USAGE_TOTAL UINT64_MAX
struct ntpipe_usage_report {
    size_t count;
    const struct ntpipe_usage_line* lines;
    size_t user_count;
    const uint32_t* users; /* of NTPIPE_USAGE_TOTAL: the Unix users who have something */
};

/*
 * How much a Unix user has of what the broker limits, and may have at most.
 *   user    NTPIPE_USAGE_TOTAL: all but root together
 *   report  on mem_ctx
 * STATUS_ACCESS_DENIED  about others than oneself: only root and the broker's own user may know
 * STATUS_NOT_SUPPORTED  a local namespace, or a broker that is older than this
 */
NTPIPE_PUBLIC struct tevent_req* ntpipe_usage_send(TALLOC_CTX* mem_ctx, struct tevent_context* ev,
                                                   struct ntpipe_session* session, uint64_t user);
NTPIPE_PUBLIC ntpipe_status ntpipe_usage_recv(struct tevent_req* req, TALLOC_CTX* mem_ctx,
                                              struct ntpipe_usage_report** report);
NTPIPE_PUBLIC ntpipe_status ntpipe_usage(TALLOC_CTX* mem_ctx, struct ntpipe_session* session, uint64_t user,
                                         struct ntpipe_usage_report** report);

/* ---- creating: server ends (S 2.1, 2.2) ---------------------------------------------------------------------------------- */

enum ntpipe_scope {
    NTPIPE_SCOPE_DEFAULT = 0, /* the user's own; for root the global one */
    NTPIPE_SCOPE_USER = 1,
    NTPIPE_SCOPE_GLOBAL = 2, /* by permission */
};

/* The parameters of NtCreateNamedPipeFile. */
struct ntpipe_create_params {
    size_t size;             /* sizeof(struct ntpipe_create_params) */
    uint32_t desired_access; /* of the server end; any, data access is not required to create */
    uint32_t share_access;   /* enum ntpipe_share: the direction */
    uint32_t
        disposition;  /* FILE_CREATE: be the first, or fail. FILE_OPEN: a further instance only. FILE_OPEN_IF: either */
    uint32_t options; /* create options, as FileModeInformation reports them */
    uint32_t type;    /* enum ntpipe_type, perhaps with NTPIPE_REJECT_REMOTE_CLIENTS */
    uint32_t read_mode; /* of this end */
    uint32_t completion_mode;
    uint32_t max_instances;  /* 1 to 0xFFFFFFFE, or NTPIPE_UNLIMITED_INSTANCES; the first creator's counts */
    uint32_t inbound_quota;  /* bytes that may be unread before a write of the client waits; any, also 0 */
    uint32_t outbound_quota; /* the same for the server's writes */
    int64_t default_timeout; /* of waits without one; 100 ns units, negative: relative. Needed for a new pipe */
    const uint8_t* security_descriptor; /* self-relative; NULL: the default (S 6.2). Ignored for further instances */
    size_t security_descriptor_length;
    enum ntpipe_scope scope;
};
/* A duplex message pipe, read in message mode, any number of instances, quotas of 4096 bytes, 50 ms. */
#define NTPIPE_CREATE_PARAMS_INIT                                                                                      \
    {sizeof(struct ntpipe_create_params),                                                                              \
     NTPIPE_GENERIC_READ | NTPIPE_GENERIC_WRITE | NTPIPE_SYNCHRONIZE,                                                  \
     NTPIPE_DUPLEX,                                                                                                    \
     NTPIPE_FILE_OPEN_IF,                                                                                              \
     0,                                                                                                                \
     NTPIPE_TYPE_MESSAGE,                                                                                              \
     NTPIPE_READ_MESSAGE,                                                                                              \
     NTPIPE_QUEUE,                                                                                                     \
     NTPIPE_UNLIMITED_INSTANCES,                                                                                       \
     4096,                                                                                                             \
     4096,                                                                                                             \
     -500000,                                                                                                          \
     NULL,                                                                                                             \
     0,                                                                                                                \
     NTPIPE_SCOPE_DEFAULT}

/*
 * Creates an instance of a pipe: a server end in the state LISTENING, to which a client may connect at once.
 *   name    `\\.\pipe\NAME`, the other forms of S 1.1, or plain NAME. UTF-8. Any character but NUL is part of the name
 *   params  NULL: all defaults
 * recv
 *   pipe         the server end, on mem_ctx
 *   information  NTPIPE_FILE_CREATED: the pipe is new; NTPIPE_FILE_OPENED: a further instance. May be NULL
 * STATUS_OBJECT_NAME_INVALID, STATUS_OBJECT_PATH_SYNTAX_BAD   not a name; a path on another host
 * STATUS_INVALID_PARAMETER          parameters that NT refuses (S 2.1), in the order of S 2.2
 * STATUS_INVALID_SECURITY_DESCR, STATUS_INVALID_ACL, STATUS_INVALID_SID   a malformed security descriptor
 * STATUS_OBJECT_NAME_NOT_FOUND      FILE_OPEN, and there is no such pipe
 * STATUS_ACCESS_DENIED              FILE_CREATE and the pipe exists; another direction than the pipe's; its security descriptor
 *                                   does not allow this user a further instance; a reserved name; global scope not permitted
 * STATUS_INSTANCE_NOT_AVAILABLE     the maximum of instances is reached
 */
NTPIPE_PUBLIC struct tevent_req* ntpipe_create_send(TALLOC_CTX* mem_ctx, struct tevent_context* ev,
                                                    struct ntpipe_session* session, const char* name,
                                                    const struct ntpipe_create_params* params);
NTPIPE_PUBLIC ntpipe_status ntpipe_create_recv(struct tevent_req* req, TALLOC_CTX* mem_ctx, struct ntpipe_end** pipe,
                                               uint32_t* information);
NTPIPE_PUBLIC ntpipe_status ntpipe_create(TALLOC_CTX* mem_ctx, struct ntpipe_session* session, const char* name,
                                          const struct ntpipe_create_params* params, struct ntpipe_end** pipe,
                                          uint32_t* information);

/* ---- who somebody is ----------------------------------------------------------------------------------------------------- */

#define NTPIPE_IDENTITY_REMOTE 1u    /* came over the network */
#define NTPIPE_IDENTITY_ANONYMOUS 2u /* nobody proved anything */
#define NTPIPE_IDENTITY_GUEST 4u     /* mapped to the guest account */
#define NTPIPE_IDENTITY_SIGNED 8u    /* the transport signs */
#define NTPIPE_IDENTITY_ENCRYPTED 16u

/* All strings are UTF-8 and never NULL in what the library returns; NULL is "" in what it is given. */
struct ntpipe_identity {
    size_t size; /* sizeof(struct ntpipe_identity) */
    uint32_t flags;
    uint32_t uid; /* Unix user: the one that the client is mapped to */
    uint32_t gid;
    uint32_t process_id; /* 0: unknown */
    uint32_t session_id;
    uint64_t privileges; /* held; the bits are Samba's SEC_PRIV_..._BIT. A local user has none, root all */
    size_t num_sids;     /* the user first, then the groups; as text: "S-1-5-21-..." */
    const char* const* sids;
    const char* account;
    const char* domain;
    const char* computer;
    const char* address;
    const uint8_t* authorization; /* opaque; from a trusted front such as smbd */
    size_t authorization_length;
    uint64_t disabled_privileges; /* of `privileges` those that are held, but not enabled */
    /* The same as `authorization` with the session key and the credentials that were handed on: whoever has it can act as the
     * client elsewhere. Only servers that might speak for the client anyway get it (root, or a member of the broker's trusted
     * group), and only if the client allows impersonation. */
    const uint8_t* secret_authorization;
    size_t secret_authorization_length;
};

/* ---- opening: client ends (S 2.7) ---------------------------------------------------------------------------------------- */

struct ntpipe_open_params {
    size_t size; /* sizeof(struct ntpipe_open_params) */
    uint32_t desired_access;
    uint32_t disposition;         /* pipes are opened whatever it says */
    uint32_t options;             /* create options, as FileModeInformation reports them */
    uint32_t impersonation_level; /* 0 anonymous, 1 identification, 2 impersonation, 3 delegation */
    bool
        dynamic_tracking; /* ntpipe_set_client_context_send() changes whom the server acts for; else it stays who opened */
    bool effective_only; /* the server does not get privileges that are not enabled */
    uint32_t process_id; /* of whom this process stands for; 0: this process */
    uint32_t session_id;
    /* Whom this process speaks for. Only for trusted fronts (root, or members of the broker's trusted group). NULL: itself. */
    const struct ntpipe_identity* identity;
    /* Begins in message read mode if the pipe is of message type, whatever access it has: what SMB servers do for their clients. */
    bool message_mode;
};
#define NTPIPE_OPEN_PARAMS_INIT                                                                                        \
    {sizeof(struct ntpipe_open_params),                                                                                \
     NTPIPE_GENERIC_READ | NTPIPE_GENERIC_WRITE,                                                                       \
     NTPIPE_FILE_OPEN,                                                                                                 \
     0,                                                                                                                \
     2,                                                                                                                \
     true,                                                                                                             \
     true,                                                                                                             \
     0,                                                                                                                \
     0,                                                                                                                \
     NULL,                                                                                                             \
     false}

/*
 * Opens a client end, connected to the instance that has been listening longest. It begins in byte read mode, unless told otherwise, and
 * queue mode.
 * STATUS_OBJECT_NAME_INVALID, STATUS_OBJECT_PATH_SYNTAX_BAD   as for create
 * STATUS_OBJECT_NAME_NOT_FOUND      no such pipe
 * STATUS_ACCESS_DENIED              the pipe's security descriptor; access against the pipe's direction; a remote client and
 *                                   NTPIPE_REJECT_REMOTE_CLIENTS; an identity from somebody who may not state one
 * STATUS_BAD_IMPERSONATION_LEVEL    above 3
 * STATUS_PIPE_NOT_AVAILABLE         no instance is listening: see ntpipe_wait_send()
 */
NTPIPE_PUBLIC struct tevent_req* ntpipe_open_send(TALLOC_CTX* mem_ctx, struct tevent_context* ev,
                                                  struct ntpipe_session* session, const char* name,
                                                  const struct ntpipe_open_params* params);
NTPIPE_PUBLIC ntpipe_status ntpipe_open_recv(struct tevent_req* req, TALLOC_CTX* mem_ctx, struct ntpipe_end** pipe);
NTPIPE_PUBLIC ntpipe_status ntpipe_open(TALLOC_CTX* mem_ctx, struct ntpipe_session* session, const char* name,
                                        const struct ntpipe_open_params* params, struct ntpipe_end** pipe);

#define NTPIPE_WAIT_DEFAULT INT64_C(0) /* the pipe's default timeout */
#define NTPIPE_WAIT_FOREVER INT64_C(-1)

/*
 * Waits until an instance of the pipe is listening. Success reserves nothing: another client may open it first (S 4.3).
 *   timeout_ms  milliseconds, NTPIPE_WAIT_DEFAULT or NTPIPE_WAIT_FOREVER
 *   identity    whom a trusted front waits for: decides in which scopes the name is looked up. NULL: this process
 * STATUS_OBJECT_NAME_NOT_FOUND  no such pipe, or it went while waiting
 * STATUS_IO_TIMEOUT             the time is over
 */
NTPIPE_PUBLIC struct tevent_req* ntpipe_wait_send(TALLOC_CTX* mem_ctx, struct tevent_context* ev,
                                                  struct ntpipe_session* session, const char* name, int64_t timeout_ms,
                                                  const struct ntpipe_identity* identity);
NTPIPE_PUBLIC ntpipe_status ntpipe_wait_recv(struct tevent_req* req);
NTPIPE_PUBLIC ntpipe_status ntpipe_wait(struct ntpipe_session* session, const char* name, int64_t timeout_ms);

/*
 * FSCTL_PIPE_WAIT with its structure as it comes from an NT program or an SMB client (S 4.3).
 *   identity    with NTPIPE_IDENTITY_REMOTE a positive timeout is a duration, as SMB clients mean it, else a point in time
 * STATUS_INVALID_PARAMETER  the structure is cut or its name does not fit
 */
NTPIPE_PUBLIC struct tevent_req* ntpipe_wait_control_send(TALLOC_CTX* mem_ctx, struct tevent_context* ev,
                                                          struct ntpipe_session* session, const uint8_t* input,
                                                          size_t input_length, const struct ntpipe_identity* identity);
NTPIPE_PUBLIC ntpipe_status ntpipe_wait_control_recv(struct tevent_req* req);

/* ---- a server end and its clients (S 2.3 to 2.5) ------------------------------------------------------------------------- */

/*
 * Waits until a client is connected.
 * STATUS_PIPE_CONNECTED   one is already: as good as success
 * STATUS_PIPE_CLOSING     the last client has closed its end: disconnect first
 * STATUS_PIPE_LISTENING   complete mode: the instance listens now
 * STATUS_ILLEGAL_FUNCTION client end
 * STATUS_PIPE_BROKEN, STATUS_PIPE_DISCONNECTED   this end was closed or disconnected meanwhile
 * STATUS_CONNECTION_DISCONNECTED   the name was lost to somebody else while the broker was away
 */
NTPIPE_PUBLIC struct tevent_req* ntpipe_listen_send(TALLOC_CTX* mem_ctx, struct tevent_context* ev,
                                                    struct ntpipe_end* pipe);
NTPIPE_PUBLIC ntpipe_status ntpipe_listen_recv(struct tevent_req* req);
NTPIPE_PUBLIC ntpipe_status ntpipe_listen(struct ntpipe_end* pipe);

/*
 * Drops the client. Unread data in both directions is lost, pending operations of both ends end with STATUS_PIPE_DISCONNECTED.
 * Listen again for the next client.
 * STATUS_PIPE_DISCONNECTED  there is none
 * STATUS_ILLEGAL_FUNCTION   client end
 */
NTPIPE_PUBLIC ntpipe_status ntpipe_disconnect(struct ntpipe_end* pipe);

/* Closes an end without freeing it. talloc_free() closes, too. Pending operations end with STATUS_PIPE_BROKEN. */
NTPIPE_PUBLIC void ntpipe_close(struct ntpipe_end* pipe);

/* ---- data (S 3) ---------------------------------------------------------------------------------------------------------- */

/*
 * Reads up to `length` bytes (0 is allowed; more than 4 GiB - 1 are not used) into `buffer`, which must stay until the request
 * is over or freed. In message read mode at most one message.
 *   nread  bytes read; also valid with STATUS_BUFFER_OVERFLOW. May be NULL
 * STATUS_BUFFER_OVERFLOW  message mode: the message is longer, the rest is read next
 * STATUS_PIPE_EMPTY       complete mode: nothing there
 * STATUS_PIPE_BROKEN      the other end is closed and everything was read
 * STATUS_PIPE_LISTENING, STATUS_PIPE_DISCONNECTED   server end without a client
 */
NTPIPE_PUBLIC struct tevent_req* ntpipe_read_send(TALLOC_CTX* mem_ctx, struct tevent_context* ev,
                                                  struct ntpipe_end* pipe, void* buffer, size_t length);
NTPIPE_PUBLIC ntpipe_status ntpipe_read_recv(struct tevent_req* req, size_t* nread);
NTPIPE_PUBLIC ntpipe_status ntpipe_read(struct ntpipe_end* pipe, void* buffer, size_t length, size_t* nread);

/*
 * The functions with _begin start the same operation as those with _send. What is over at once needs no request: they return NULL then,
 * with the result in `status` and in what _recv gives besides. Else `status` is STATUS_PENDING, and the request is returned.
 */
NTPIPE_PUBLIC struct tevent_req* ntpipe_read_begin(TALLOC_CTX* mem_ctx, struct tevent_context* ev,
                                                   struct ntpipe_end* pipe, void* buffer, size_t length,
                                                   ntpipe_status* status, size_t* nread);

/*
 * Writes `length` bytes (at most 4 GiB - 1): on a message pipe one message, which may be empty. `buffer` is not used any more
 * when the call returns. The request is over when what is unread up to its end is within the quota (S 3.3).
 *   nwritten  all of it; in complete mode perhaps less, also 0 (S 3.4). May be NULL
 * STATUS_PIPE_CLOSING     the other end is closed
 * STATUS_PIPE_BROKEN      it was closed before the write was over: the data is lost
 * STATUS_PIPE_LISTENING, STATUS_PIPE_DISCONNECTED   server end without a client
 */
NTPIPE_PUBLIC struct tevent_req* ntpipe_write_send(TALLOC_CTX* mem_ctx, struct tevent_context* ev,
                                                   struct ntpipe_end* pipe, const void* buffer, size_t length);
NTPIPE_PUBLIC struct tevent_req* ntpipe_write_begin(TALLOC_CTX* mem_ctx, struct tevent_context* ev,
                                                    struct ntpipe_end* pipe, const void* buffer, size_t length,
                                                    ntpipe_status* status, size_t* nwritten);
NTPIPE_PUBLIC ntpipe_status ntpipe_write_recv(struct tevent_req* req, size_t* nwritten);
NTPIPE_PUBLIC ntpipe_status ntpipe_write(struct ntpipe_end* pipe, const void* buffer, size_t length, size_t* nwritten);

/*
 * Reads and writes that never wait and need no request, for programs that have a queue of their own or poll: as in complete mode
 * (S 3.1, 3.4), in whatever mode the end is. Nothing that is pending on this end is overtaken.
 *   nread     bytes read. May be 0 with success: an empty message
 *   nwritten  all of it, or what could be written at once: of a message all or nothing
 * Statuses of ntpipe_read() and ntpipe_write(), and
 * STATUS_PIPE_EMPTY  there is nothing to read, or a read is pending, for which it is
 */
NTPIPE_PUBLIC ntpipe_status ntpipe_try_read(struct ntpipe_end* pipe, void* buffer, size_t length, size_t* nread);
NTPIPE_PUBLIC ntpipe_status ntpipe_try_write(struct ntpipe_end* pipe, const void* buffer, size_t length,
                                             size_t* nwritten);

#define NTPIPE_READY_READ 1U
#define NTPIPE_READY_WRITE 2U

/*
 * When to try again. `ready` is called from the event loop, once after each try whose outcome was STATUS_PIPE_EMPTY or a write of less
 * than was to be written: when there is data (NTPIPE_READY_READ), when there is room for what was refused (NTPIPE_READY_WRITE; for a
 * message smaller than an eighth of the quota not before half of the quota is free, since nobody should be woken for each that
 * the other end reads), and when the other end has closed or disconnected (then a try says which). Also when there is data first
 * after this call. It may try, free the end, and call anything that does not block. It is called no more after ntpipe_close().
 *   ready  NULL: nobody any more
 */
typedef void (*ntpipe_ready_fn)(struct ntpipe_end* pipe, uint32_t ready, void* private_data);
NTPIPE_PUBLIC ntpipe_status ntpipe_set_ready(struct ntpipe_end* pipe, ntpipe_ready_fn ready, void* private_data);

/*
 * Writes one message and reads one: FSCTL_PIPE_TRANSCEIVE (S 3.7). Either end may, in message read mode on a duplex pipe.
 * Statuses of the read, and
 * STATUS_INVALID_PIPE_STATE  not connected, not duplex, or not in message read mode
 * STATUS_PIPE_BUSY           there is unread data, or a read is pending: nothing was written
 */
NTPIPE_PUBLIC struct tevent_req* ntpipe_transceive_send(TALLOC_CTX* mem_ctx, struct tevent_context* ev,
                                                        struct ntpipe_end* pipe, const void* request,
                                                        size_t request_length, void* reply, size_t reply_length);
NTPIPE_PUBLIC struct tevent_req* ntpipe_transceive_begin(TALLOC_CTX* mem_ctx, struct tevent_context* ev,
                                                         struct ntpipe_end* pipe, const void* request,
                                                         size_t request_length, void* reply, size_t reply_length,
                                                         ntpipe_status* status, size_t* nread);
NTPIPE_PUBLIC ntpipe_status ntpipe_transceive_recv(struct tevent_req* req, size_t* nread);
NTPIPE_PUBLIC ntpipe_status ntpipe_transceive(struct ntpipe_end* pipe, const void* request, size_t request_length,
                                              void* reply, size_t reply_length, size_t* nread);

/*
 * Waits until everything that this end wrote before has been read (S 3.6).
 * STATUS_PIPE_BROKEN, STATUS_PIPE_DISCONNECTED  the other end did not read it all
 */
NTPIPE_PUBLIC struct tevent_req* ntpipe_flush_send(TALLOC_CTX* mem_ctx, struct tevent_context* ev,
                                                   struct ntpipe_end* pipe);
NTPIPE_PUBLIC ntpipe_status ntpipe_flush_recv(struct tevent_req* req);
NTPIPE_PUBLIC ntpipe_status ntpipe_flush(struct ntpipe_end* pipe);

struct ntpipe_peek_info {
    uint32_t state;               /* NTPIPE_STATE_CONNECTED or _CLOSING */
    uint32_t read_data_available; /* bytes unread */
    uint32_t number_of_messages;  /* message type: unread messages, empty ones included */
    uint32_t message_length;      /* message type: unread bytes of the first message */
    size_t copied;                /* bytes copied to the buffer */
};

/*
 * Looks at what could be read, consuming nothing (S 3.8). `buffer` may be NULL with length 0.
 * STATUS_BUFFER_OVERFLOW     message type: the first message is longer than what was copied
 * STATUS_INVALID_PIPE_STATE  server end without a client
 * STATUS_PIPE_BROKEN         the other end is closed and everything was read
 */
NTPIPE_PUBLIC ntpipe_status ntpipe_peek(struct ntpipe_end* pipe, void* buffer, size_t length,
                                        struct ntpipe_peek_info* info);

/*
 * Looking ahead and taking later, for programs that hand data on to somebody else, whom the writer waits for: its data counts as
 * unread (quota, flush, peek) until it is taken. Nothing of NT's.
 */
struct ntpipe_look_info {
    size_t length; /* bytes copied */
    uint32_t rest; /* message type: bytes of the same message behind them. They may still have to come */
    bool
        continued; /* message type: goes on with the message of the look before. If that had a rest and this is false, the rest
                     * was taken back by its writer */
    /*
     * Not 0: the look brings nothing, but tells that the writer of so many bytes that were looked at, and not taken, has cancelled, or has gone.
     * A writer that cancels waits for ntpipe_settle_revoked(), or until they are taken.
     */
    size_t revoked;
    size_t revoked_at; /* before them are so many that were not taken */
    /* The look brings nothing, but tells that the read of ntpipe_posted_read() is to be cancelled, or has gone: ntpipe_release_posted_read(). */
    bool withdrawn;
};

/*
 * Waits for data that no look of this end has seen yet, and copies it. As ntpipe_read_send(), by message on a message pipe
 * whatever the modes are, but it consumes nothing and always waits. Reads count as having looked. Of a byte pipe it brings what may
 * still be taken back, since its write waits for room, apart from all else. `buffer` must stay until the
 * request is over or freed. Shared memory holds a limited amount: the rest of a message may not come before something is taken.
 * STATUS_BUFFER_OVERFLOW    there is a rest: the next look goes on with it
 * STATUS_PIPE_BROKEN        the other end is closed and everything was looked at
 * STATUS_INVALID_PARAMETER  no buffer
 * STATUS_PIPE_LISTENING, STATUS_PIPE_DISCONNECTED   server end without a client
 */
NTPIPE_PUBLIC struct tevent_req* ntpipe_look_send(TALLOC_CTX* mem_ctx, struct tevent_context* ev,
                                                  struct ntpipe_end* pipe, void* buffer, size_t length);
NTPIPE_PUBLIC ntpipe_status ntpipe_look_recv(struct tevent_req* req, struct ntpipe_look_info* info);
NTPIPE_PUBLIC ntpipe_status ntpipe_look(struct ntpipe_end* pipe, void* buffer, size_t length,
                                        struct ntpipe_look_info* info);

/*
 * Answers a look that told of revoked bytes, as soon as that is known: has somebody got them? They are counted as revoked_at is, by now;
 * they may be more or fewer than were told of, but are those of whole looks. Others are left alone.
 *   given_back  true: nobody has or will. They are no longer among what was looked at, and their write is cancelled.
 *               false: they are read, or will be. Their write is over with success, and they are to be taken.
 * STATUS_PIPE_LISTENING, STATUS_PIPE_DISCONNECTED   server end without a client
 */
NTPIPE_PUBLIC ntpipe_status ntpipe_settle_revoked(struct ntpipe_end* pipe, size_t at, size_t length, bool given_back);

/*
 * Consumes the first `length` bytes of what was looked at and not taken, and the empty messages before the last of them. Data that its
 * writer has revoked, or that was read, counts as taken. NTPIPE_TAKE_ALL: everything that was looked at.
 * STATUS_PIPE_LISTENING, STATUS_PIPE_DISCONNECTED   server end without a client
 */
#define NTPIPE_TAKE_ALL SIZE_MAX
NTPIPE_PUBLIC ntpipe_status ntpipe_take(struct ntpipe_end* pipe, size_t length);

/*
 * Tells that the other end waits in a read: what is written next is read by it at once, up to `length` bytes, so who hands on need
 * not keep it for unread. A cancel of that read is not over before something is written on this end, or ntpipe_release_posted_read() says
 * that nothing counts on it any more. A look says when that is wanted. If the read's request is freed, or the other end goes, nobody
 * waits: a look says so when it has happened.
 * STATUS_NOT_FOUND  it does not, or something is there that it has yet to read
 */
NTPIPE_PUBLIC ntpipe_status ntpipe_posted_read(struct ntpipe_end* pipe, size_t* length);
/* Without effect if nothing was told, or something was written since. */
NTPIPE_PUBLIC ntpipe_status ntpipe_release_posted_read(struct ntpipe_end* pipe);

/* ---- information (S 5) --------------------------------------------------------------------------------------------------- */

struct ntpipe_pipe_info { /* FilePipeInformation */
    uint32_t read_mode;
    uint32_t completion_mode;
};

/* Needs READ_ATTRIBUTES. */
NTPIPE_PUBLIC ntpipe_status ntpipe_query_pipe_info(struct ntpipe_end* pipe, struct ntpipe_pipe_info* info);
/*
 * Needs WRITE_ATTRIBUTES. Both values are set, or none.
 * STATUS_INVALID_PARAMETER  no such mode; message read mode on a byte pipe
 * STATUS_PIPE_BUSY          change to complete mode while this end has reads or writes pending
 */
NTPIPE_PUBLIC ntpipe_status ntpipe_set_pipe_info(struct ntpipe_end* pipe, const struct ntpipe_pipe_info* info);

struct ntpipe_local_info { /* FilePipeLocalInformation */
    uint32_t type;
    uint32_t configuration; /* 0 inbound, 1 outbound, 2 full duplex */
    uint32_t maximum_instances;
    uint32_t current_instances;
    uint32_t inbound_quota;
    uint32_t read_data_available;
    uint32_t outbound_quota;
    uint32_t write_quota_available;
    uint32_t state;
    uint32_t end;
};

/* Needs READ_ATTRIBUTES. */
NTPIPE_PUBLIC ntpipe_status ntpipe_query_local_info(struct ntpipe_end* pipe, struct ntpipe_local_info* info);

/*
 * What a server of another protocol tells its client of a pipe that it has just opened for it (SMB1, S 7.3), and what it must know to
 * obey that protocol. It comes with the end: it needs no access right, and is there for an end that may not be asked, too.
 */
struct ntpipe_traits {
    uint32_t type;          /* enum ntpipe_type */
    uint32_t configuration; /* 0 inbound, 1 outbound, 2 full duplex */
    uint32_t maximum_instances;
    uint32_t read_mode; /* as it is now */
    uint32_t completion_mode;
    int64_t default_timeout; /* of waits without one; 100 ns units, negative: relative */
};
NTPIPE_PUBLIC void ntpipe_query_traits(struct ntpipe_end* pipe, struct ntpipe_traits* traits);

/*
 * Any class of file information, as its bytes.
 *   information  bytes put into the buffer
 * STATUS_INFO_LENGTH_MISMATCH  the buffer is too small for the fixed part
 * STATUS_BUFFER_OVERFLOW       the name did not fit as a whole
 * STATUS_INVALID_PARAMETER     pipes do not have that class
 */
NTPIPE_PUBLIC ntpipe_status ntpipe_query_information(struct ntpipe_end* pipe, uint32_t information_class, void* buffer,
                                                     size_t length, size_t* information);
NTPIPE_PUBLIC ntpipe_status ntpipe_set_information(struct ntpipe_end* pipe, uint32_t information_class,
                                                   const void* buffer, size_t length);

/* Volume information, as ntpipe_directory_query_volume_information() gives it. */
NTPIPE_PUBLIC ntpipe_status ntpipe_query_volume_information(struct ntpipe_end* pipe, uint32_t information_class,
                                                            void* buffer, size_t length, size_t* information);
/*
 * ObjectNameInformation: `\Device\NamedPipe\NAME` on mem_ctx.
 * STATUS_OBJECT_PATH_INVALID  the pipe has no name
 */
NTPIPE_PUBLIC ntpipe_status ntpipe_query_object_name(struct ntpipe_end* pipe, TALLOC_CTX* mem_ctx, char** name);

/*
 * Any FSCTL_PIPE_* on an end, as its bytes, with the statuses of S 4. `output` must stay until the request is over or freed; `input` is not used any more
 * when the call returns.
 *   information  bytes put into `output`; for NTPIPE_FSCTL_INTERNAL_WRITE bytes written
 * STATUS_ACCESS_DENIED     the end lacks a right that the code asks for; attributes can only be got
 * STATUS_ILLEGAL_FUNCTION  the code is for the other side, or for the root of the file system
 * STATUS_NOT_SUPPORTED     an end does not know that code, or does nothing with it (events, SET_CLIENT_PROCESS)
 */
NTPIPE_PUBLIC struct tevent_req* ntpipe_control_send(TALLOC_CTX* mem_ctx, struct tevent_context* ev,
                                                     struct ntpipe_end* pipe, uint32_t code, const void* input,
                                                     size_t input_length, void* output, size_t output_length);
NTPIPE_PUBLIC struct tevent_req* ntpipe_control_begin(TALLOC_CTX* mem_ctx, struct tevent_context* ev,
                                                      struct ntpipe_end* pipe, uint32_t code, const void* input,
                                                      size_t input_length, void* output, size_t output_length,
                                                      ntpipe_status* status, size_t* information);
NTPIPE_PUBLIC ntpipe_status ntpipe_control_recv(struct tevent_req* req, size_t* information);

/* The access that the end was granted. */
NTPIPE_PUBLIC uint32_t ntpipe_granted_access(struct ntpipe_end* pipe);
/* The name as its creator spelled it, UTF-8, without prefix. Valid while the end lives. */
NTPIPE_PUBLIC const char* ntpipe_name(struct ntpipe_end* pipe);

/*
 * Who the client of the connection is; on either end.
 *   identity  on mem_ctx, in one piece
 * STATUS_NOT_FOUND  server end that has no client
 */
NTPIPE_PUBLIC ntpipe_status ntpipe_get_client_info(struct ntpipe_end* pipe, TALLOC_CTX* mem_ctx,
                                                   struct ntpipe_identity** identity);
NTPIPE_PUBLIC ntpipe_status ntpipe_get_server_process_id(struct ntpipe_end* pipe, uint32_t* process_id);

/*
 * An attribute of the connection by its name (S 4.2): "ClientProcessId", "ServerProcessId", "ClientSessionId", "ServerSessionId"
 * (uint32_t each; a session is the login session that the kernel's audit knows, 0: none), "ClientComputerName" (UTF-16 with its
 * NUL; remote clients only). The same as NTPIPE_FSCTL_GET_CONNECTION_ATTRIBUTE. On either end; needs no access right.
 *   information  bytes put into the buffer
 * STATUS_NOT_FOUND         server end that has no client, for what is the client's; no such attribute
 * STATUS_BUFFER_TOO_SMALL  the value does not fit
 */
NTPIPE_PUBLIC ntpipe_status ntpipe_get_connection_attribute(struct ntpipe_end* pipe, const char* name, void* buffer,
                                                            size_t length, size_t* information);

/* ---- the namespace ------------------------------------------------------------------------------------------------------- */

struct ntpipe_listing {
    const char* name; /* without prefix */
    bool global;
    uint32_t owner;      /* Unix user that created it */
    uint32_t process_id; /* of the oldest instance's server */
    uint32_t type;
    uint32_t configuration;
    uint32_t maximum_instances;
    uint32_t listening; /* instances in that state */
    uint32_t connected;
    uint32_t closing;
    uint32_t disconnected;
    const char* origin; /* label of the gateway that it came from, or that offers it; "": a native pipe */
    bool offered;       /* no pipe is here: a gateway offers the name */
};

/*
 * Lists the pipes that this process sees.
 *   pattern   with * and ?, compared as names are; NULL: all
 *   listings  an array on mem_ctx, in the order of the folded names
 */
NTPIPE_PUBLIC struct tevent_req* ntpipe_list_send(TALLOC_CTX* mem_ctx, struct tevent_context* ev,
                                                  struct ntpipe_session* session, const char* pattern);
NTPIPE_PUBLIC ntpipe_status ntpipe_list_recv(struct tevent_req* req, TALLOC_CTX* mem_ctx,
                                             struct ntpipe_listing** listings, size_t* count);
NTPIPE_PUBLIC ntpipe_status ntpipe_list(TALLOC_CTX* mem_ctx, struct ntpipe_session* session, const char* pattern,
                                        struct ntpipe_listing** listings, size_t* count);

/* What a watch calls. Names come without prefix; `scope_uid` is the user of the scope, or NTPIPE_WATCH_GLOBAL. */
#define NTPIPE_WATCH_GLOBAL UINT64_MAX
struct ntpipe_watch_handlers {
    size_t size; /* sizeof(struct ntpipe_watch_handlers) */
    /* `offered`: no pipe, but a name that a gateway of `owner` offers. Both may be there, under numbers of their own. Told again
     * under the same number when somebody else offers it. */
    void (*appeared)(void* private_data, uint64_t pipe, const char* name, uint64_t scope_uid, uint32_t owner,
                     bool offered);
    void (*gone)(void* private_data, uint64_t pipe);
    /* All names that are there have been told. */
    void (*complete)(void* private_data);
    /* The broker is lost, and with it what was told; when it is back everything is told anew. */
    void (*reset)(void* private_data);
};
struct ntpipe_watch;

/*
 * Hears of names that come and go, until talloc_free(*watch). A new name is told before its creator knows that it has
 * created it. The handlers are called from the event context and from ntpipe_session_take_in(); they must not free the watch,
 * nor start or end anything on the session.
 */
NTPIPE_PUBLIC ntpipe_status ntpipe_watch_names(TALLOC_CTX* mem_ctx, struct ntpipe_session* session,
                                               const struct ntpipe_watch_handlers* handlers, void* private_data,
                                               struct ntpipe_watch** watch);
/* Takes in what the broker has said so far, without waiting and without calling back for requests. */
NTPIPE_PUBLIC void ntpipe_session_take_in(struct ntpipe_session* session);

/*
 * Before the session waits it looks for so long whether the other ends have answered: who answers soon is heard without a system call, and
 * without being woken. It costs processor time. 0, as at first: not at all. Without effect if the process may use one processor only, and, but for
 * transceives, on an event context of the caller's or where ntpipe_session_fd() was asked for.
 */
NTPIPE_PUBLIC void ntpipe_session_set_spin(struct ntpipe_session* session, uint32_t microseconds);

/*
 * For programs whose threads use a session in turn while one of them waits for ntpipe_session_fd(): calls within a turn leave that
 * descriptor alone. Nothing else may be done on the session meanwhile, dispatching included: a lock of the program's sees to that.
 * Without effect on sessions with an event context of the caller's.
 *   work      does what is left to do, and calls back; if nothing is, looks for so many microseconds (0: once) whether the other
 *             ends have answered what was written in this turn: who answers meanwhile rings nobody. True: it has called back
 *   end_turn  what is still left, and what the other ends do from now on, the descriptor tells
 */
NTPIPE_PUBLIC void ntpipe_session_begin_turn(struct ntpipe_session* session);
NTPIPE_PUBLIC bool ntpipe_session_work(struct ntpipe_session* session, uint32_t microseconds);
NTPIPE_PUBLIC void ntpipe_session_end_turn(struct ntpipe_session* session);

/* True if `name` is one that Samba serves itself (lsarpc, srvsvc...). Such names are root's on a system broker. */
NTPIPE_PUBLIC bool ntpipe_name_is_sambas(const char* name);

/* True if `name` matches `pattern`, which may contain * and ?, as names are compared. False also if either is not UTF-8. */
NTPIPE_PUBLIC bool ntpipe_name_matches(const char* pattern, const char* name);

/*
 * Another name under which clients find a pipe (S 1.6). Opens and waits are translated before anything is looked up, creates are
 * not; listings do not show aliases, and the client's end tells the real name. It lives as long as the session.
 *   alias  either in one of the forms of S 1.1
 *   name   the pipe's; NULL: remove the alias
 * STATUS_PRIVILEGE_NOT_HELD      only root may, and the user whose broker or local namespace it is
 * STATUS_OBJECT_NAME_COLLISION   it is an alias already
 * STATUS_OBJECT_NAME_NOT_FOUND   no alias of that name was added
 */
NTPIPE_PUBLIC struct tevent_req* ntpipe_alias_send(TALLOC_CTX* mem_ctx, struct tevent_context* ev,
                                                   struct ntpipe_session* session, const char* alias, const char* name);
NTPIPE_PUBLIC ntpipe_status ntpipe_alias_recv(struct tevent_req* req);
NTPIPE_PUBLIC ntpipe_status ntpipe_alias(struct ntpipe_session* session, const char* alias, const char* name);

/* ---- the device and the directory of pipes (S 1.4) ----------------------------------------------------------------------- */

/*
 * Opens a handle that is no pipe: the directory of all pipes, `\\.\pipe\` (or another prefix of S 1.1 with its last backslash), or
 * the volume, `\\.\pipe`. Asks nobody. talloc_free() closes it; requests that are under way on it go on.
 *   desired_access  is granted as it is. Listing and notification need LIST_DIRECTORY, the bit of NTPIPE_READ_DATA
 *   options         create options, as FileModeInformation reports them
 * STATUS_OBJECT_NAME_INVALID  neither of the two
 */
NTPIPE_PUBLIC ntpipe_status ntpipe_open_directory(TALLOC_CTX* mem_ctx, struct ntpipe_session* session, const char* name,
                                                  uint32_t desired_access, uint32_t options,
                                                  struct ntpipe_directory** directory);
/* ObjectNameInformation: `\Device\NamedPipe\` or `\Device\NamedPipe`. Valid while the handle lives. */
NTPIPE_PUBLIC const char* ntpipe_directory_object_name(struct ntpipe_directory* directory);
NTPIPE_PUBLIC uint32_t ntpipe_directory_granted_access(struct ntpipe_directory* directory);

/* What NT answers to reads and writes on these handles: STATUS_INVALID_PARAMETER. */
NTPIPE_PUBLIC ntpipe_status ntpipe_directory_read(struct ntpipe_directory* directory);
NTPIPE_PUBLIC ntpipe_status ntpipe_directory_write(struct ntpipe_directory* directory);

/*
 * File information of the handle: FileName (of the root directory), FileAccess, FileMode, FileAlignment.
 * STATUS_INFO_LENGTH_MISMATCH  the buffer is too small
 * STATUS_INVALID_PARAMETER     another class; FileName of the volume
 */
NTPIPE_PUBLIC ntpipe_status ntpipe_directory_query_information(struct ntpipe_directory* directory,
                                                               uint32_t information_class, void* buffer, size_t length,
                                                               size_t* information);
/* STATUS_INVALID_PARAMETER: there is nothing to set. */
NTPIPE_PUBLIC ntpipe_status ntpipe_directory_set_information(struct ntpipe_directory* directory,
                                                             uint32_t information_class, const void* buffer,
                                                             size_t length);
/*
 * Volume information, the same for every handle (S 1.8): classes 1 Volume, 3 Size, 4 Device, 5 Attribute, 7 FullSize.
 *   information  bytes put into the buffer
 * STATUS_INFO_LENGTH_MISMATCH  no room for the fixed part
 * STATUS_BUFFER_OVERFLOW       the name at the end is cut
 * STATUS_NOT_SUPPORTED         another class
 */
NTPIPE_PUBLIC ntpipe_status ntpipe_directory_query_volume_information(struct ntpipe_directory* directory,
                                                                      uint32_t information_class, void* buffer,
                                                                      size_t length, size_t* information);

/*
 * Any FSCTL_PIPE_* on the handle. On the root directory WAIT (S 4.3) and, for root, CREATE_SYMLINK and DELETE_SYMLINK, which make
 * and remove aliases, do what they say; every other one has the status of S 1.4. `input` is not used any more when the call returns.
 */
NTPIPE_PUBLIC struct tevent_req* ntpipe_directory_control_send(TALLOC_CTX* mem_ctx, struct tevent_context* ev,
                                                               struct ntpipe_directory* directory, uint32_t code,
                                                               const void* input, size_t input_length);
NTPIPE_PUBLIC ntpipe_status ntpipe_directory_control_recv(struct tevent_req* req);
NTPIPE_PUBLIC ntpipe_status ntpipe_directory_control(struct ntpipe_directory* directory, uint32_t code,
                                                     const void* input, size_t input_length);

#define NTPIPE_RESTART_SCAN 1u
#define NTPIPE_SINGLE_ENTRY 2u

/*
 * NtQueryDirectoryFile on the root directory (S 1.7): entries of the pipes that an open by this session finds, in the order of
 * their folded names, each with the number of its instances as EndOfFile and their maximum as AllocationSize. Several calls go on
 * one behind the other.
 *   information_class  1 Directory, 2 FullDirectory, 3 BothDirectory, 12 Names ([MS-FSCC] 2.4)
 *   pattern            NT's wildcards, compared as names are; NULL: all. That of the handle's first call counts
 *   flags              NTPIPE_RESTART_SCAN, NTPIPE_SINGLE_ENTRY
 *   buffer             must stay until the request is over or freed. Entries begin at multiples of 8
 *   information        bytes put into the buffer
 * STATUS_NO_SUCH_FILE          the first call finds nothing
 * STATUS_NO_MORE_FILES         a later one
 * STATUS_BUFFER_OVERFLOW       the name of the one entry is cut
 * STATUS_INFO_LENGTH_MISMATCH  no room for the fixed part of an entry
 * STATUS_INVALID_INFO_CLASS    another class
 * STATUS_INVALID_PARAMETER     the volume; unknown flags
 */
NTPIPE_PUBLIC struct tevent_req* ntpipe_directory_enumerate_send(TALLOC_CTX* mem_ctx, struct tevent_context* ev,
                                                                 struct ntpipe_directory* directory,
                                                                 uint32_t information_class, const char* pattern,
                                                                 uint32_t flags, void* buffer, size_t length);
NTPIPE_PUBLIC ntpipe_status ntpipe_directory_enumerate_recv(struct tevent_req* req, size_t* information);
NTPIPE_PUBLIC ntpipe_status ntpipe_directory_enumerate(struct ntpipe_directory* directory, uint32_t information_class,
                                                       const char* pattern, uint32_t flags, void* buffer, size_t length,
                                                       size_t* information);

/*
 * For servers of other protocols, who choose by themselves which pipes a client sees: the entries that an enumeration of these would
 * give, as far as there is room. Asks nobody. Statuses as of ntpipe_directory_enumerate_send().
 *   pipes    in the order of the entries
 *   pattern  what it does not match is left out
 *   flags    NTPIPE_RESTART_SCAN: the handle's first call, NTPIPE_SINGLE_ENTRY
 *   done     how many of the pipes the next call is to leave away
 */
NTPIPE_PUBLIC ntpipe_status ntpipe_directory_entries(const struct ntpipe_listing* pipes, size_t count,
                                                     uint32_t information_class, const char* pattern, uint32_t flags,
                                                     void* buffer, size_t length, size_t* done, size_t* information);

/*
 * NtNotifyChangeDirectoryFile on the root directory (S 1.7): over at the next change, of which it says nothing more: enumerate.
 *   completion_filter  with FILE_NOTIFY_CHANGE_FILE_NAME (1) and _DIR_NAME (2) alone: when a name appears or goes; with any
 *                      other: also when an instance does, or changes its state
 * Success may also mean that the broker was lost, and changes with it.
 * STATUS_INVALID_PARAMETER  the volume; an empty or unknown filter
 */
NTPIPE_PUBLIC struct tevent_req* ntpipe_directory_notify_send(TALLOC_CTX* mem_ctx, struct tevent_context* ev,
                                                              struct ntpipe_directory* directory,
                                                              uint32_t completion_filter);
NTPIPE_PUBLIC ntpipe_status ntpipe_directory_notify_recv(struct tevent_req* req);
NTPIPE_PUBLIC ntpipe_status ntpipe_directory_notify(struct ntpipe_directory* directory, uint32_t completion_filter);

/* ---- names relative to a handle; pipes without a name (S 1.5) ------------------------------------------------------------ */

/*
 * As ntpipe_create_send(), whose recv it shares, with RootDirectory.
 *   name  relative to the root directory, verbatim; "": a new pipe without a name, which only ntpipe_open_relative_send() finds,
 *         which no listing shows, and which has no further instances
 * STATUS_OBJECT_NAME_INVALID    the volume
 * STATUS_OBJECT_NAME_NOT_FOUND  FILE_OPEN and no name
 */
NTPIPE_PUBLIC struct tevent_req* ntpipe_create_at_send(TALLOC_CTX* mem_ctx, struct tevent_context* ev,
                                                       struct ntpipe_directory* directory, const char* name,
                                                       const struct ntpipe_create_params* params);
NTPIPE_PUBLIC ntpipe_status ntpipe_create_at(TALLOC_CTX* mem_ctx, struct ntpipe_directory* directory, const char* name,
                                             const struct ntpipe_create_params* params, struct ntpipe_end** pipe,
                                             uint32_t* information);
/* As ntpipe_open_send(), whose recv it shares; `name` relative to the root directory. STATUS_OBJECT_NAME_INVALID: the volume. */
NTPIPE_PUBLIC struct tevent_req* ntpipe_open_at_send(TALLOC_CTX* mem_ctx, struct tevent_context* ev,
                                                     struct ntpipe_directory* directory, const char* name,
                                                     const struct ntpipe_open_params* params);
NTPIPE_PUBLIC ntpipe_status ntpipe_open_at(TALLOC_CTX* mem_ctx, struct ntpipe_directory* directory, const char* name,
                                           const struct ntpipe_open_params* params, struct ntpipe_end** pipe);
/*
 * Opens the client end of that very instance, of a pipe with or without a name. As ntpipe_open_send(), whose recv it shares.
 *   server  a server end of this session
 *   name    must be ""
 * STATUS_OBJECT_NAME_INVALID  it is not
 * STATUS_PIPE_NOT_AVAILABLE   the instance is not listening
 */
NTPIPE_PUBLIC struct tevent_req* ntpipe_open_relative_send(TALLOC_CTX* mem_ctx, struct tevent_context* ev,
                                                           struct ntpipe_end* server, const char* name,
                                                           const struct ntpipe_open_params* params);
NTPIPE_PUBLIC ntpipe_status ntpipe_open_relative(TALLOC_CTX* mem_ctx, struct ntpipe_end* server, const char* name,
                                                 const struct ntpipe_open_params* params, struct ntpipe_end** pipe);

/*
 * What CreatePipe() makes: the two ends of a pipe without a name, for bytes in one direction (S 5.3).
 *   size       quota in bytes; 0: 4096
 *   read_end   the server end; write_end the client end; both on mem_ctx
 */
NTPIPE_PUBLIC struct tevent_req* ntpipe_create_pair_send(TALLOC_CTX* mem_ctx, struct tevent_context* ev,
                                                         struct ntpipe_session* session, uint32_t size);
NTPIPE_PUBLIC ntpipe_status ntpipe_create_pair_recv(struct tevent_req* req, TALLOC_CTX* mem_ctx,
                                                    struct ntpipe_end** read_end, struct ntpipe_end** write_end);
NTPIPE_PUBLIC ntpipe_status ntpipe_create_pair(TALLOC_CTX* mem_ctx, struct ntpipe_session* session, uint32_t size,
                                               struct ntpipe_end** read_end, struct ntpipe_end** write_end);

/* ---- gateways: names that live elsewhere --------------------------------------------------------------------------------- */

/*
 * A gateway joins the namespace with another place that has pipes. It *publishes* (is told of the pipes that are here, so that it
 * can offer them there) and *resolves* (is asked when somebody here opens or waits for a name that has no instance here). Each pipe
 * knows the gateway that it came from, its *origin*. A gateway is never told of, nor asked for, what came from itself, and nobody
 * is asked because of an open by a process that is itself being asked about that name: so there are no loops.
 *
 * What a gateway of a Unix user may: it sees what that user's sessions see, and is asked for opens and waits of that user alone.
 * What it serves is in the user's own scope. A gateway of root, or of a user whom the broker's configuration allows it
 * (ntpiped --global-gateways), is asked for everybody, and what it serves is in the global scope. Reserved names (Samba's) are
 * asked of root's gateways only, and never for an open that a trusted front such as smbd makes for somebody else. Gateways are
 * asked one after the other, the user's own first, in the order in which they came, until one does not say
 * STATUS_OBJECT_NAME_NOT_FOUND.
 *
 * A gateway lives in the library: when the broker has gone and come back it is registered again with what it offers. Opens and
 * waits for which a gateway would be asked wait for it then.
 */
struct ntpipe_gateway;
struct ntpipe_question;

#define NTPIPE_GATEWAY_PUBLISH 1u      /* wants `published` and `gone` */
#define NTPIPE_GATEWAY_RESOLVE 2u      /* wants `asked` */
#define NTPIPE_GATEWAY_OFFERED_ONLY 4u /* with RESOLVE: only for names that it offers; else for any */

/* A pipe that is here, or a name that another gateway offers. Strings are valid during the call. */
struct ntpipe_published {
    size_t size;                /* sizeof(struct ntpipe_published) */
    uint64_t pipe;              /* its number while it is here. A name that comes anew has another one */
    const char* name;           /* without prefix, as its creator spelled it */
    const char* origin;         /* label of the gateway that it came from; "": a native pipe */
    bool offered;               /* no pipe is here: a gateway offers the name. All numbers below are 0 */
    bool reject_remote;         /* made with NTPIPE_REJECT_REMOTE_CLIENTS */
    uint64_t scope_uid;         /* the user of the scope, or NTPIPE_WATCH_GLOBAL */
    uint32_t owner;             /* Unix user that created it, or whose gateway offers it */
    uint32_t type;              /* enum ntpipe_type */
    uint32_t configuration;     /* 0 inbound, 1 outbound, 2 full duplex */
    uint32_t maximum_instances; /* NTPIPE_UNLIMITED_INSTANCES: unlimited */
    uint32_t inbound_quota;     /* bytes; of the oldest instance */
    uint32_t outbound_quota;
    int64_t default_timeout;      /* 100 ns units, negative */
    uint32_t current_instances;   /* in any state */
    uint32_t listening_instances; /* of these */
};

/* What a gateway is told. Called from the session's event context. Handlers may call anything of this API, but must not free the
 * gateway or the session. Those that its `what` does not need may be NULL. */
struct ntpipe_gateway_handlers {
    size_t size; /* sizeof(struct ntpipe_gateway_handlers) */
    /* The broker has taken the gateway in; again after each restart of the broker. May be NULL. */
    void (*registered)(void* private_data);
    /* The broker refuses it (STATUS_INVALID_PARAMETER, STATUS_QUOTA_EXCEEDED: too many gateways of this user), or there is none
     * (the statuses of requests on a session). It stays out. May be NULL. */
    void (*refused)(void* private_data, ntpipe_status status);
    /* The broker is lost: what was published may no longer be true. It is told anew, then `complete`, when it is back. */
    void (*reset)(void* private_data);
    /* PUBLISH: a pipe is here, or something about it has changed: told anew, whole. Changes that come close together may be one. */
    void (*published)(void* private_data, const struct ntpipe_published* pipe);
    /* PUBLISH: it has gone. */
    void (*gone)(void* private_data, uint64_t pipe);
    /* PUBLISH: all that was here at the registration has been told. */
    void (*complete)(void* private_data);
    /* RESOLVE: somebody asks. The question belongs to the handler from here on: see below. */
    void (*asked)(void* private_data, struct ntpipe_question* question);
    /* RESOLVE: the broker does not show a name that was offered, and it is not offered any more. May be NULL.
     *   name  as it was offered; valid during the call
     * STATUS_ACCESS_DENIED           a reserved name, and the gateway is not root's
     * STATUS_QUOTA_EXCEEDED          the gateway's user has no memory left in the broker
     * STATUS_INSUFFICIENT_RESOURCES  nobody has */
    void (*not_offered)(void* private_data, const char* name, ntpipe_status status);
};

struct ntpipe_gateway_params {
    size_t size;       /* sizeof(struct ntpipe_gateway_params) */
    const char* label; /* what it is called in listings and logs: 1 to 64 bytes of printable ASCII */
    uint32_t what;     /* NTPIPE_GATEWAY_... */
    /* In which time it answers each question, in milliseconds, 1 to 30000; 0: 5000. When it is over the answer is "no". */
    uint32_t deadline_ms;
};
#define NTPIPE_GATEWAY_PARAMS_INIT {sizeof(struct ntpipe_gateway_params), NULL, 0, 0}

/*
 * Makes this process a gateway, until talloc_free(*gateway). Does not wait; ntpipe_ping() afterwards does, `registered` tells.
 * A gateway keeps what it needs of its session. It needs a broker: a local namespace has none.
 * STATUS_NOT_SUPPORTED  the session is a local namespace
 */
NTPIPE_PUBLIC ntpipe_status ntpipe_gateway_open(TALLOC_CTX* mem_ctx, struct ntpipe_session* session,
                                                const struct ntpipe_gateway_params* params,
                                                const struct ntpipe_gateway_handlers* handlers, void* private_data,
                                                struct ntpipe_gateway** gateway);

/*
 * Says that the gateway could serve this name: listings and watches show it as `offered` while no pipe of that name is here. Only
 * names that are offered can be opened by SMB clients. Offering twice is once. Does not wait: what the broker says against it,
 * now or when it has come back, `not_offered` tells.
 *   name  as for ntpipe_create_send()
 * STATUS_OBJECT_NAME_INVALID, STATUS_OBJECT_PATH_SYNTAX_BAD   not a name
 * STATUS_ACCESS_DENIED   not a RESOLVE gateway
 * STATUS_QUOTA_EXCEEDED  more than 16384 names
 */
NTPIPE_PUBLIC ntpipe_status ntpipe_gateway_offer(struct ntpipe_gateway* gateway, const char* name);
/* Takes that back. STATUS_OBJECT_NAME_NOT_FOUND: it was not offered. */
NTPIPE_PUBLIC ntpipe_status ntpipe_gateway_withdraw(struct ntpipe_gateway* gateway, const char* name);

/*
 * As ntpipe_create_send(), whose recv it shares: an instance whose pipe's origin is the gateway, for any client.
 * STATUS_OBJECT_NAME_COLLISION  a pipe of that name is here that is not of this gateway
 * STATUS_FILE_CLOSED            the gateway is not registered
 */
NTPIPE_PUBLIC struct tevent_req* ntpipe_gateway_create_send(TALLOC_CTX* mem_ctx, struct tevent_context* ev,
                                                            struct ntpipe_gateway* gateway, const char* name,
                                                            const struct ntpipe_create_params* params);

/*
 * A question is a talloc object that belongs to who was asked: talloc_free() it when done with it, in whatever order with the
 * gateway and the session. Freed without an answer it is answered STATUS_OBJECT_NAME_NOT_FOUND. One answer counts: one of
 * ntpipe_question_answer() and ntpipe_question_serve_send().
 */
struct ntpipe_question_info {
    size_t size;                  /* sizeof(struct ntpipe_question_info) */
    const char* name;             /* without prefix, as it was asked for; aliases are translated */
    bool wait;                    /* FSCTL_PIPE_WAIT; else an open */
    bool global;                  /* what is served will be in the global scope; else in the scope of identity->uid */
    uint32_t desired_access;      /* open: access mask */
    uint32_t impersonation_level; /* open: 0 to 3, that the gateway gets */
    int64_t timeout_ms; /* wait: what is left of it, NTPIPE_WAIT_DEFAULT: the pipe's default; or NTPIPE_WAIT_FOREVER */
    uint32_t deadline_ms; /* time to answer in, from when it was asked */
    /* Who asks, as much as a server would learn. Of a wait: without `authorization`. */
    const struct ntpipe_identity* identity;
};
/* Valid while the question lives. */
NTPIPE_PUBLIC const struct ntpipe_question_info* ntpipe_question_get_info(struct ntpipe_question* question);

/*
 * `over` is called, once, when the question needs no answer any more: who asked has gone, the time is over, a pipe of that name has
 * come, the broker is lost, the gateway is freed. It may free the question. From then on answers have no effect.
 */
NTPIPE_PUBLIC void ntpipe_question_set_over(struct ntpipe_question* question,
                                            void (*over)(void* private_data, struct ntpipe_question* question),
                                            void* private_data);
NTPIPE_PUBLIC bool ntpipe_question_is_over(struct ntpipe_question* question);
/* Of its session: what ntpipe_question_serve_send() takes as `ev`. */
NTPIPE_PUBLIC struct tevent_context* ntpipe_question_event_context(struct ntpipe_question* question);

/*
 * Answers.
 *   status  STATUS_OBJECT_NAME_NOT_FOUND: no such pipe: the next gateway is asked, if there is one. Any other error: who asked
 *           gets that (STATUS_PIPE_NOT_AVAILABLE, STATUS_ACCESS_DENIED, STATUS_IO_TIMEOUT of a wait...). STATUS_SUCCESS: of a wait
 *           only: an instance is available; none is made
 * STATUS_NOT_FOUND          the question is over
 * STATUS_INVALID_PARAMETER  no such answer
 */
NTPIPE_PUBLIC ntpipe_status ntpipe_question_answer(struct ntpipe_question* question, ntpipe_status status);
/*
 * Of a wait: the name exists, but nothing of it is available now: the answer may take as long as the wait does instead of
 * deadline_ms.
 * STATUS_NOT_FOUND          the question is over
 * STATUS_INVALID_PARAMETER  it is an open
 */
NTPIPE_PUBLIC ntpipe_status ntpipe_question_hold(struct ntpipe_question* question);

/*
 * Answers an open with an instance: creates it for exactly that client. As ntpipe_create_send(), whose recv it shares. The client
 * is connected right after: listen on the end. The end serves that client only: when it has gone, or did not come, listening gives
 * STATUS_CONNECTION_DISCONNECTED: close it. The question may be freed while the request runs; cancelling or freeing the request
 * answers "no".
 *   name    as the pipe's own spelling, the same name as was asked for; NULL: as it was asked for
 *   params  as for ntpipe_create_send(); disposition and scope are not looked at. The descriptor decides what the client gets: the
 *           default one gives others than the gateway's user read access only
 * STATUS_NOT_FOUND              the question is over
 * STATUS_OBJECT_NAME_COLLISION  a pipe of that name is here that is not of this gateway: the client has been sent there
 * STATUS_ACCESS_DENIED          the descriptor does not let the client in; it has got that answer
 * STATUS_INVALID_PARAMETER      it is a wait; another name; and the statuses of ntpipe_create_send(): the client gets "no"
 */
NTPIPE_PUBLIC struct tevent_req* ntpipe_question_serve_send(TALLOC_CTX* mem_ctx, struct tevent_context* ev,
                                                            struct ntpipe_question* question, const char* name,
                                                            const struct ntpipe_create_params* params);

/* ---- security descriptors ------------------------------------------------------------------------------------------------ */

/*
 * From SDDL text to the self-relative form.
 *   error_at  where in the text it went wrong. May be NULL
 * STATUS_INVALID_SECURITY_DESCR
 */
NTPIPE_PUBLIC ntpipe_status ntpipe_sddl_to_descriptor(TALLOC_CTX* mem_ctx, const char* sddl, uint8_t** descriptor,
                                                      size_t* length, size_t* error_at);
/* And back. STATUS_INVALID_SECURITY_DESCR, STATUS_INVALID_ACL, STATUS_INVALID_SID. */
NTPIPE_PUBLIC ntpipe_status ntpipe_descriptor_to_sddl(TALLOC_CTX* mem_ctx, const uint8_t* descriptor, size_t length,
                                                      char** sddl);

/* Parts of a security descriptor. Other bits are ignored. */
#define NTPIPE_OWNER_SECURITY_INFORMATION 1u
#define NTPIPE_GROUP_SECURITY_INFORMATION 2u
#define NTPIPE_DACL_SECURITY_INFORMATION 4u
#define NTPIPE_SACL_SECURITY_INFORMATION 8u

/*
 * The security descriptor of the end's pipe (S 6.2): one for all instances and both ends; a client may ask for it also when the
 * server has closed. Costs no round trip. Needs READ_CONTROL for owner, group and DACL, ACCESS_SYSTEM_SECURITY for the SACL.
 *   information  NTPIPE_..._SECURITY_INFORMATION: the parts that are wanted
 *   descriptor   self-relative, with these parts, on mem_ctx
 */
NTPIPE_PUBLIC ntpipe_status ntpipe_query_security(struct ntpipe_end* pipe, TALLOC_CTX* mem_ctx, uint32_t information,
                                                  uint8_t** descriptor, size_t* length);
/*
 * The same into a buffer, as NtQuerySecurityObject.
 *   needed  bytes of the descriptor; also with STATUS_BUFFER_TOO_SMALL
 */
NTPIPE_PUBLIC ntpipe_status ntpipe_query_security_buffer(struct ntpipe_end* pipe, uint32_t information, void* buffer,
                                                         size_t length, size_t* needed);

/*
 * Sets parts of the descriptor of the end's pipe, for both ends and all instances, present and future. Rights that were granted
 * stay granted. Needs WRITE_OWNER for owner and group, WRITE_DAC for the DACL, ACCESS_SYSTEM_SECURITY for the SACL; the broker
 * goes by what it has granted to the end. Generic rights in entries are mapped. A descriptor without a DACL sets the DACL that
 * lets everybody do everything.
 * STATUS_INVALID_OWNER, STATUS_INVALID_PRIMARY_GROUP  the descriptor has none, or an owner whom this user may not set: that
 *                                is itself, Administrators for root, and anybody for who has the privilege Restore
 * STATUS_INVALID_SECURITY_DESCR, STATUS_INVALID_ACL, STATUS_INVALID_SID  malformed, or too large
 * STATUS_INVALID_HANDLE          after a restart of the broker: a client end whose server has gone
 */
NTPIPE_PUBLIC struct tevent_req* ntpipe_set_security_send(TALLOC_CTX* mem_ctx, struct tevent_context* ev,
                                                          struct ntpipe_end* pipe, uint32_t information,
                                                          const uint8_t* descriptor, size_t length);
NTPIPE_PUBLIC ntpipe_status ntpipe_set_security_recv(struct tevent_req* req);
NTPIPE_PUBLIC ntpipe_status ntpipe_set_security(struct ntpipe_end* pipe, uint32_t information,
                                                const uint8_t* descriptor, size_t length);

/*
 * What somebody would be granted by a descriptor ([MS-DTYP] 2.5.3.2): the check that the broker makes. Of the identity only
 * `sids`, `privileges` and `disabled_privileges` count.
 * STATUS_ACCESS_DENIED       not all of it
 * STATUS_PRIVILEGE_NOT_HELD  ACCESS_SYSTEM_SECURITY without the privilege Security
 */
NTPIPE_PUBLIC ntpipe_status ntpipe_check_access(const uint8_t* descriptor, size_t length,
                                                const struct ntpipe_identity* identity, uint32_t desired_access,
                                                uint32_t* granted_access);

/*
 * What a client with that identity would be granted if it opened the end's pipe with NTPIPE_MAXIMUM_ALLOWED. Needs no access right and
 * costs no round trip. Of the identity counts what counts for ntpipe_check_access().
 * STATUS_ACCESS_DENIED  nothing
 */
NTPIPE_PUBLIC ntpipe_status ntpipe_query_maximal_access(struct ntpipe_end* pipe, const struct ntpipe_identity* identity,
                                                        uint32_t* access);

/* ---- acting for a client (S 6.4) ----------------------------------------------------------------------------------------- */

enum ntpipe_impersonation_level {
    NTPIPE_ANONYMOUS = 0,
    NTPIPE_IDENTIFICATION = 1,
    NTPIPE_IMPERSONATION = 2,
    NTPIPE_DELEGATION = 3,
};

/*
 * Server end: whom it acts for: the client as it was when it wrote the data that this end read last. Stays after the client has
 * closed; over with the connection. Nothing of the process or thread changes.
 *   identity  on mem_ctx, in one piece. At the level Anonymous: nobody
 *   level     enum ntpipe_impersonation_level: what the client allowed; no more than Identification for a server that is
 *             neither root or a trusted front nor the client's own user. With Identification the identity is for checks and
 *             for the log only
 * STATUS_CANNOT_IMPERSONATE  nothing of this client was read yet; there is no client; the client has forbidden it
 * STATUS_ILLEGAL_FUNCTION    client end
 */
NTPIPE_PUBLIC ntpipe_status ntpipe_impersonate(struct ntpipe_end* pipe, TALLOC_CTX* mem_ctx,
                                               struct ntpipe_identity** identity, uint32_t* level);

/* Client end: the server acts for nobody on what this end writes from now on. The same as NTPIPE_FSCTL_DISABLE_IMPERSONATE.
 * STATUS_ILLEGAL_FUNCTION on a server end. */
NTPIPE_PUBLIC ntpipe_status ntpipe_disable_impersonation(struct ntpipe_end* pipe);

/*
 * Client end: what it writes from now on it writes as somebody else: what a thread's change of its token means to NT. Without
 * effect unless the end was opened with dynamic_tracking.
 *   identity  whom a trusted front writes for. NULL: this process with the user and groups that it has now
 * STATUS_ACCESS_DENIED             an identity from somebody who may not state one
 * STATUS_CONNECTION_DISCONNECTED   the broker, or the server after a restart of the broker, is not back yet: try again
 * STATUS_ILLEGAL_FUNCTION          server end
 */
NTPIPE_PUBLIC struct tevent_req* ntpipe_set_client_context_send(TALLOC_CTX* mem_ctx, struct tevent_context* ev,
                                                                struct ntpipe_end* pipe,
                                                                const struct ntpipe_identity* identity);
NTPIPE_PUBLIC ntpipe_status ntpipe_set_client_context_recv(struct tevent_req* req);
NTPIPE_PUBLIC ntpipe_status ntpipe_set_client_context(struct ntpipe_end* pipe, const struct ntpipe_identity* identity);

#ifdef __cplusplus
}
#endif

#endif

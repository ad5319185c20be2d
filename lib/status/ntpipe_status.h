/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ntpipe_status.h: the NTSTATUS values that ntpipe returns, in one list. */
#ifndef NTPIPE_STATUS_H
#define NTPIPE_STATUS_H

#include <stdint.h>

/* What the shared library shows. */
#define NTPIPE_PUBLIC __attribute__((visibility("default")))

#ifdef __cplusplus
extern "C" {
#endif

/* X(NAME, name, NTSTATUS value, Win32 error, errno, what it says to a person)
 *
 * Values and the Win32 column: [MS-ERREF] 2.3.1 and the mapping that ntdll applies. The errno column is ours: the nearest
 * thing that a POSIX program expects. Every other spelling of a status in ntpipe comes from this list. */
#define NTPIPE_STATUS_LIST(X)                                                                                          \
    X(SUCCESS, success, 0x00000000u, 0, 0, "success")                                                                  \
    X(PENDING, pending, 0x00000103u, 997, EINPROGRESS, "the operation is under way")                                   \
    X(BUFFER_OVERFLOW, buffer_overflow, 0x80000005u, 234, EMSGSIZE, "more data is available")                          \
    X(NO_MORE_FILES, no_more_files, 0x80000006u, 18, ENOENT, "no more entries")                                        \
    X(UNSUCCESSFUL, unsuccessful, 0xC0000001u, 31, EIO, "the operation failed")                                        \
    X(INVALID_INFO_CLASS, invalid_info_class, 0xC0000003u, 87, EINVAL, "unknown information class")                    \
    X(INFO_LENGTH_MISMATCH, info_length_mismatch, 0xC0000004u, 24, EINVAL, "the buffer has the wrong length")          \
    X(INVALID_HANDLE, invalid_handle, 0xC0000008u, 6, EBADF, "the handle is invalid")                                  \
    X(INVALID_PARAMETER, invalid_parameter, 0xC000000Du, 87, EINVAL, "a parameter is invalid")                         \
    X(NO_SUCH_FILE, no_such_file, 0xC000000Fu, 2, ENOENT, "nothing matches")                                           \
    X(INVALID_DEVICE_REQUEST, invalid_device_request, 0xC0000010u, 1, ENOTTY, "not a request for this object")         \
    X(END_OF_FILE, end_of_file, 0xC0000011u, 38, ENODATA, "end of file")                                               \
    X(NO_MEMORY, no_memory, 0xC0000017u, 8, ENOMEM, "out of memory")                                                   \
    X(ACCESS_DENIED, access_denied, 0xC0000022u, 5, EACCES, "access denied")                                           \
    X(BUFFER_TOO_SMALL, buffer_too_small, 0xC0000023u, 122, ENOBUFS, "the buffer is too small")                        \
    X(OBJECT_TYPE_MISMATCH, object_type_mismatch, 0xC0000024u, 6, EBADF, "the object has another type")                \
    X(OBJECT_NAME_INVALID, object_name_invalid, 0xC0000033u, 123, EINVAL, "the pipe name is invalid")                  \
    X(OBJECT_NAME_NOT_FOUND, object_name_not_found, 0xC0000034u, 2, ENOENT, "no pipe of that name exists")             \
    X(OBJECT_NAME_COLLISION, object_name_collision, 0xC0000035u, 183, EEXIST, "the name is taken")                     \
    X(OBJECT_PATH_INVALID, object_path_invalid, 0xC0000039u, 161, EINVAL, "the path is invalid")                       \
    X(OBJECT_PATH_NOT_FOUND, object_path_not_found, 0xC000003Au, 3, ENOENT, "the path was not found")                  \
    X(OBJECT_PATH_SYNTAX_BAD, object_path_syntax_bad, 0xC000003Bu, 161, EINVAL, "the path is malformed")               \
    X(QUOTA_EXCEEDED, quota_exceeded, 0xC0000044u, 1816, EDQUOT, "a limit of this user is reached")                    \
    X(REVISION_MISMATCH, revision_mismatch, 0xC0000059u, 1306, EPROTO, "the other side speaks another version")        \
    X(INVALID_OWNER, invalid_owner, 0xC000005Au, 1307, EPERM, "not somebody whom this user may make an owner")         \
    X(INVALID_PRIMARY_GROUP, invalid_primary_group, 0xC000005Bu, 1308, EINVAL, "no primary group")                     \
    X(PRIVILEGE_NOT_HELD, privilege_not_held, 0xC0000061u, 1314, EPERM, "a privilege is missing")                      \
    X(INVALID_ACL, invalid_acl, 0xC0000077u, 1336, EINVAL, "the access control list is malformed")                     \
    X(INVALID_SID, invalid_sid, 0xC0000078u, 1337, EINVAL, "the security identifier is malformed")                     \
    X(INVALID_SECURITY_DESCR, invalid_security_descr, 0xC0000079u, 1338, EINVAL,                                       \
      "the security descriptor is malformed")                                                                          \
    X(INSUFFICIENT_RESOURCES, insufficient_resources, 0xC000009Au, 1450, ENOSPC,                                       \
      "a resource of the system is used up")                                                                           \
    X(BAD_IMPERSONATION_LEVEL, bad_impersonation_level, 0xC00000A5u, 1346, EINVAL, "bad impersonation level")          \
    X(INSTANCE_NOT_AVAILABLE, instance_not_available, 0xC00000ABu, 231, EBUSY,                                         \
      "the pipe has its maximum of instances")                                                                         \
    X(PIPE_NOT_AVAILABLE, pipe_not_available, 0xC00000ACu, 231, EBUSY, "every instance of the pipe is busy")           \
    X(INVALID_PIPE_STATE, invalid_pipe_state, 0xC00000ADu, 230, ENOTCONN, "the pipe is not in the state for this")     \
    X(PIPE_BUSY, pipe_busy, 0xC00000AEu, 231, EBUSY, "the pipe has unread data or a pending read")                     \
    X(ILLEGAL_FUNCTION, illegal_function, 0xC00000AFu, 1, ENOTTY, "not a function of this end")                        \
    X(PIPE_DISCONNECTED, pipe_disconnected, 0xC00000B0u, 233, ENOTCONN, "the pipe is disconnected")                    \
    X(PIPE_CLOSING, pipe_closing, 0xC00000B1u, 232, EPIPE, "the other end is closed")                                  \
    X(PIPE_CONNECTED, pipe_connected, 0xC00000B2u, 535, EISCONN, "a client is connected already")                      \
    X(PIPE_LISTENING, pipe_listening, 0xC00000B3u, 536, EAGAIN, "no client is connected yet")                          \
    X(INVALID_READ_MODE, invalid_read_mode, 0xC00000B4u, 230, EINVAL, "the read mode does not allow this")             \
    X(IO_TIMEOUT, io_timeout, 0xC00000B5u, 121, ETIMEDOUT, "the time is over")                                         \
    X(NOT_SUPPORTED, not_supported, 0xC00000BBu, 50, EOPNOTSUPP, "not supported")                                      \
    X(NETWORK_ACCESS_DENIED, network_access_denied, 0xC00000CAu, 65, EACCES, "network access is denied")               \
    X(PIPE_EMPTY, pipe_empty, 0xC00000D9u, 232, EAGAIN, "the pipe is empty")                                           \
    X(INTERNAL_ERROR, internal_error, 0xC00000E5u, 1359, EIO, "an internal error")                                     \
    X(INVALID_USER_BUFFER, invalid_user_buffer, 0xC00000E8u, 1784, EFAULT, "the buffer cannot be used")                \
    X(CANNOT_IMPERSONATE, cannot_impersonate, 0xC000010Du, 1368, EACCES, "no client data has been read yet")           \
    X(TOO_MANY_OPENED_FILES, too_many_opened_files, 0xC000011Fu, 4, EMFILE, "too many open descriptors")               \
    X(CANCELLED, cancelled, 0xC0000120u, 995, ECANCELED, "cancelled")                                                  \
    X(FILE_CLOSED, file_closed, 0xC0000128u, 6, EBADF, "the end is closed")                                            \
    X(INVALID_ADDRESS, invalid_address, 0xC0000141u, 487, EFAULT, "an address is invalid")                             \
    X(INVALID_LEVEL, invalid_level, 0xC0000148u, 124, EINVAL, "unknown level")                                         \
    X(PIPE_BROKEN, pipe_broken, 0xC000014Bu, 109, EPIPE, "the other end is closed and everything is read")             \
    X(FS_DRIVER_REQUIRED, fs_driver_required, 0xC000019Cu, 588, ENOTTY, "no driver for this request")                  \
    X(CONNECTION_DISCONNECTED, connection_disconnected, 0xC000020Cu, 64, ECONNRESET,                                   \
      "the connection to the broker was lost")                                                                         \
    X(NOT_FOUND, not_found, 0xC0000225u, 1168, ENOENT, "not found")                                                    \
    X(CONNECTION_REFUSED, connection_refused, 0xC0000236u, 1225, ECONNREFUSED, "no broker can be reached")

typedef uint32_t ntpipe_status;

/* __extension__: values above INT_MAX, which every compiler that this library knows takes. */
__extension__ enum {
#define NTPIPE_STATUS_CONSTANT(NAME, name, value, win32, err, text) NTPIPE_STATUS_##NAME = (value),
    NTPIPE_STATUS_LIST(NTPIPE_STATUS_CONSTANT)
#undef NTPIPE_STATUS_CONSTANT
};

/* True for STATUS_SUCCESS and other values of severity "success" or "information"; false for warnings, so
 * STATUS_BUFFER_OVERFLOW is not "ok" though its data is valid: compare with it first where data may be cut. */
static inline int ntpipe_status_ok(ntpipe_status status)
{
    return (status >> 30) < 2;
}

/* True for severity "error": nothing was transferred. */
static inline int ntpipe_status_is_error(ntpipe_status status)
{
    return (status >> 30) == 3;
}

/* "STATUS_PIPE_BROKEN"; "STATUS_UNKNOWN" for a value that is not in the list. Never NULL, never freed. */
NTPIPE_PUBLIC const char* ntpipe_status_name(ntpipe_status status);
/* The list's text for a person; never NULL, never freed. */
NTPIPE_PUBLIC const char* ntpipe_status_text(ntpipe_status status);
/* The Win32 error that RtlNtStatusToDosError gives; 317 (ERROR_MR_MID_NOT_FOUND) for a value that is not in the list. */
NTPIPE_PUBLIC uint32_t ntpipe_status_win32(ntpipe_status status);
/* The nearest errno; EIO for a value that is not in the list, 0 for success. */
NTPIPE_PUBLIC int ntpipe_status_errno(ntpipe_status status);

#ifdef __cplusplus
}
#endif

#endif

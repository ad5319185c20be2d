// SPDX-License-Identifier: GPL-3.0-or-later
// module.cc: what smbd calls when it loads the module: checks that it fits, and redirects smbd's functions.
//
// smbd loads it in each process that serves a connection: before the first request ("preload modules" in [global] of smb.conf), or
// when the client connects with IPC$ ("vfs objects" there), or both. If anything is not as it must be, smbd's log gets one line and
// smbd goes on as if the module were not there; but a VFS module for another Samba costs the client the share.
#include "guards.hpp"
#include "smbd_hooks.hpp"
#include "smbd_redirections.hpp"

#include <array>
#include <exception>

namespace ntpipe::samba::smbd {

std::span<const Redirection> redirections()
{
#define NTPIPE_REDIRECT(function, replacement) redirection(#function, ::function, replacement)
#define NTPIPE_COMMAND(function, code) NTPIPE_REDIRECT(function, (process<code, ::function>))
#define NTPIPE_SMB1(function, code) NTPIPE_REDIRECT(function, (process_smb1<code, ::function>))
// smbd's table of SMB1 commands allows it on files only, so nothing of ours would be called for a pipe.
#define NTPIPE_FOR_FILES(row, function, replacement)                                                                   \
    redirection(#function, ::function, replacement, {row, as_user, as_user | can_ipc})
#define NTPIPE_TRANSACTION(first, further, kind)                                                                       \
    NTPIPE_REDIRECT(first, (process_primary<kind, ::first>)),                                                          \
        NTPIPE_REDIRECT(further, (process_further<kind, ::further>))
    // smbd's AS_USER and CAN_IPC, which no header has.
    constexpr int as_user = 1;
    constexpr int can_ipc = 8;
    static const std::array list{
        NTPIPE_REDIRECT(smbd_smb2_request_process_create, process_create),
        NTPIPE_REDIRECT(smbd_smb2_request_process_close, process_close),
        NTPIPE_REDIRECT(smbd_smb2_request_process_ioctl, process_ioctl),
        NTPIPE_COMMAND(smbd_smb2_request_process_flush, smb2::code_flush),
        NTPIPE_COMMAND(smbd_smb2_request_process_read, smb2::code_read),
        NTPIPE_COMMAND(smbd_smb2_request_process_write, smb2::code_write),
        NTPIPE_COMMAND(smbd_smb2_request_process_lock, smb2::code_lock),
        NTPIPE_COMMAND(smbd_smb2_request_process_query_directory, smb2::code_query_directory),
        NTPIPE_COMMAND(smbd_smb2_request_process_notify, smb2::code_change_notify),
        NTPIPE_COMMAND(smbd_smb2_request_process_getinfo, smb2::code_query_info),
        NTPIPE_COMMAND(smbd_smb2_request_process_setinfo, smb2::code_set_info),
        NTPIPE_REDIRECT(reply_open_and_X, process_open_andx),
        NTPIPE_REDIRECT(reply_ntcreate_and_X, process_nt_create_andx),
        NTPIPE_SMB1(reply_read_and_X, smb1::code_read_andx),
        NTPIPE_SMB1(reply_write_and_X, smb1::code_write_andx),
        NTPIPE_SMB1(reply_write, smb1::code_write),
        NTPIPE_FOR_FILES("SMBread", reply_read, (process_smb1<smb1::code_read, unless_in_ipc<::reply_read>>)),
        NTPIPE_FOR_FILES("SMBflush", reply_flush, (process_smb1<smb1::code_flush, unless_in_ipc<::reply_flush>>)),
        NTPIPE_FOR_FILES("SMBreadbraw", reply_readbraw,
                         (process_smb1<smb1::code_read_raw, unless_in_ipc<::reply_readbraw>>)),
        NTPIPE_FOR_FILES("SMBwritebraw", reply_writebraw, (refuse<smb1::code_write_complete, ::reply_writebraw>)),
        NTPIPE_FOR_FILES("SMBreadBmpx", reply_readbmpx, (refuse<smb1::code_read_mpx, ::reply_readbmpx>)),
        NTPIPE_TRANSACTION(reply_trans, reply_transs, smb1::Kind::transaction),
        NTPIPE_TRANSACTION(reply_trans2, reply_transs2, smb1::Kind::transaction2),
        NTPIPE_TRANSACTION(reply_nttrans, reply_nttranss, smb1::Kind::nt_transact),
        NTPIPE_REDIRECT(reply_ntcancel, process_nt_cancel),
        NTPIPE_REDIRECT(reply_tdis, process_tree_disconnect),
        NTPIPE_REDIRECT(reply_ulogoffX, process_logoff),
        NTPIPE_REDIRECT(np_open, open_pipe),
        NTPIPE_REDIRECT(close_fake_file, close_pipe),
        NTPIPE_REDIRECT(conn_force_tdis, force_tree_disconnect),
        NTPIPE_REDIRECT(smbd_server_connection_terminate_ex, terminate_connection),
    };
#undef NTPIPE_TRANSACTION
#undef NTPIPE_FOR_FILES
#undef NTPIPE_SMB1
#undef NTPIPE_COMMAND
#undef NTPIPE_REDIRECT
    return list;
}

namespace {

struct State {
    bool fits = false;   ///< it is the smbd that we were built for: its structs may be looked at
    bool active = false; ///< its functions are redirected
};

State start()
{
    State state;
    const LoadedLibrary smbd_base = LoadedLibrary::find("libsmbd-base");
    std::string problem = compare_with_built_for(smbd_base, samba_version_string());
    state.fits = problem.empty();
    state.active = state.fits && smbd_base.redirect(redirections(), problem);
    if (!state.active) {
        log_error("not active: " + problem);
    }
    return state;
}

} // namespace
} // namespace ntpipe::samba::smbd

extern "C" __attribute__((visibility("default"))) NTSTATUS samba_init_module(TALLOC_CTX* /*memory*/)
{
    using namespace ntpipe::samba::smbd;
    static State state;
    try {
        if (!state.active) { // else it is named twice
            state = start();
        }
    } catch (const std::exception& error) {
        log_error(std::string("not active: ") + error.what());
        return NT_STATUS_NO_MEMORY;
    }
    // Without it the client would be refused the share.
    if (state.fits && loaded_for_share()) {
        return register_vfs_module();
    }
    return state.active ? NT_STATUS_OK : NT_STATUS_REVISION_MISMATCH;
}

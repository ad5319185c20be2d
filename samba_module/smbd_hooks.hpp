// SPDX-License-Identifier: GPL-3.0-or-later
// smbd_hooks.hpp: what is called in place of smbd's own functions. Each passes on what is not ours.
#pragma once

#include "smb1_transaction.hpp"
#include "smbd_operation.hpp"

namespace ntpipe::samba::smbd {

// smbd_file.cc
/// Hands over the handle for which we ourselves have called open_np_file().
extern decltype(::np_open) open_pipe;

// smbd_smb2_create.cc
NTSTATUS process_create(smbd_smb2_request* request);

// smbd_smb2_commands.cc
NTSTATUS process_ioctl(smbd_smb2_request* request);
NTSTATUS process_command(smbd_smb2_request* request, std::uint16_t code, NTSTATUS (*original)(smbd_smb2_request*));
/// For a command of which all that is special stands in its row of the table.
template <std::uint16_t code, NTSTATUS (*original)(smbd_smb2_request*)>
NTSTATUS process(smbd_smb2_request* request)
{
    return process_command(request, code, original);
}

// smbd_smb1_open.cc
void process_open_andx(smb_request* request);
void process_nt_create_andx(smb_request* request);

// smbd_smb1_commands.cc
void process_command(smb_request* request, std::uint8_t code, void (*original)(smb_request*));
void refuse_raw(smb_request* request, std::uint8_t code, void (*original)(smb_request*));
/// smbd itself allows the command on files only. What calls `original` in a tree that is IPC$ is told what smbd would have told it.
void refuse_in_ipc(smb_request* request, void (*original)(smb_request*));
void process_nt_cancel(smb_request* request);
/// For a command of which all that is special stands in its row of the table.
template <std::uint8_t code, void (*original)(smb_request*)>
void process_smb1(smb_request* request)
{
    process_command(request, code, original);
}
template <void (*original)(smb_request*)>
void unless_in_ipc(smb_request* request)
{
    refuse_in_ipc(request, original);
}
template <std::uint8_t code, void (*original)(smb_request*)>
void refuse(smb_request* request)
{
    refuse_raw(request, code, unless_in_ipc<original>);
}

// smbd_smb1_transaction.cc
void process_transaction(smb_request* request, smb1::Kind kind, void (*original)(smb_request*));
void process_secondary(smb_request* request, smb1::Kind kind, void (*original)(smb_request*));
/// Gives up a transaction of which not everything has come yet, if it has the ids of this NT_CANCEL.
void forget_transaction(smb_request* request);
template <smb1::Kind kind, void (*original)(smb_request*)>
void process_primary(smb_request* request)
{
    process_transaction(request, kind, original);
}
template <smb1::Kind kind, void (*original)(smb_request*)>
void process_further(smb_request* request)
{
    process_secondary(request, kind, original);
}

// smbd_close.cc
NTSTATUS process_close(smbd_smb2_request* request);
extern decltype(::close_fake_file) close_pipe;
extern decltype(::conn_force_tdis) force_tree_disconnect;
extern decltype(::smbd_server_connection_terminate_ex) terminate_connection;
void process_tree_disconnect(smb_request* request);
void process_logoff(smb_request* request);

// smbd_vfs.cc
/// smbd is loading the module for a share: it wants a VFS module of it.
[[nodiscard]] bool loaded_for_share();
[[nodiscard]] NTSTATUS register_vfs_module();

} // namespace ntpipe::samba::smbd

// SPDX-License-Identifier: GPL-3.0-or-later
// smbd_hooks.hpp: what is called in place of smbd's own functions. Each passes on what is not ours.
#pragma once

#include "smbd_operation.hpp"

namespace ntpipe::samba::smbd {

// smbd_create.cc
NTSTATUS process_create(smbd_smb2_request* request);
/// Hands over the handle for which we ourselves have called open_np_file().
extern decltype(::np_open) open_pipe;

// smbd_commands.cc
NTSTATUS process_ioctl(smbd_smb2_request* request);
NTSTATUS process_command(smbd_smb2_request* request, std::uint16_t code, NTSTATUS (*original)(smbd_smb2_request*));
/// For a command of which all that is special stands in its row of the table.
template <std::uint16_t code, NTSTATUS (*original)(smbd_smb2_request*)>
NTSTATUS process(smbd_smb2_request* request)
{
    return process_command(request, code, original);
}

// smbd_close.cc
NTSTATUS process_close(smbd_smb2_request* request);
extern decltype(::close_fake_file) close_pipe;
extern decltype(::conn_force_tdis) force_tree_disconnect;

// smbd_vfs.cc
/// smbd is loading the module for a share: it wants a VFS module of it.
[[nodiscard]] bool loaded_for_share();
[[nodiscard]] NTSTATUS register_vfs_module();

} // namespace ntpipe::samba::smbd

// SPDX-License-Identifier: GPL-3.0-or-later
// smbd_vfs.cc: the second way to be loaded, "vfs objects = ntpipe" in [IPC$]. There the module is one that does nothing.
#include "smbd_hooks.hpp"

#include "samba.h"

namespace ntpipe::samba::smbd {

// The modules of "preload modules" come before the first share. A share's come when there is already a connection with it.
bool loaded_for_share()
{
    const smbXsrv_client* client = global_smbXsrv_client;
    return client != nullptr && client->sconn != nullptr && client->sconn->connections != nullptr;
}

// Only when smbd asks for it: whoever registers earlier keeps smbd from registering its own modules, and without them it crashes.
NTSTATUS register_vfs_module()
{
    static const vfs_fn_pointers nothing{};
    return smb_register_vfs(SMB_VFS_INTERFACE_VERSION, "ntpipe", &nothing);
}

} // namespace ntpipe::samba::smbd

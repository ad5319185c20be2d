/* SPDX-License-Identifier: GPL-3.0-or-later */
/* samba.h: all of smbd's private headers that the module needs, for C and C++. The only way in: `generate` makes what they need. */
#ifndef NTPIPE_SAMBA_H
#define NTPIPE_SAMBA_H

#ifdef __cplusplus
/* Samba's headers redefine names that these use (strcasecmp, bool, uint8, ...), so these must have been read before. */
#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>
extern "C" {
#endif

/* These first, and in this order: the rest expects them. */
/* clang-format off */
#include "replace.h"
#include <talloc.h>
#include <tevent.h>
#include "lib/util/samba_util.h"
#include "libcli/util/ntstatus.h"
#include "libcli/smb/smb_constants.h"
#include "auth/credentials/credentials.h"
#include "includes.h"
#include "smbd/smbd.h"
#include "smbd/globals.h"
/* clang-format on */

#include "fake_file.h"
#include "include/ntioctl.h"
#include "lib/global_contexts.h"
#include "lib/substitute.h"
#include "lib/tsocket/tsocket.h"
#include "lib/util/tevent_ntstatus.h"
#include "libcli/security/security.h"
#include "libcli/security/session.h"
#include "libcli/smb/smb2_create_blob.h"
#include "libcli/smb/smb_common.h"
#include "libcli/smb/smb_signing.h"
#include "librpc/gen_ndr/ndr_auth.h"
#include "librpc/rpc/dcerpc_helper.h"
#include "rpc_server/srv_pipe_hnd.h"
#include "smbd/smb2_ioctl_private.h"
#include "smbprofile.h"

#ifdef __cplusplus
}
#endif

#endif

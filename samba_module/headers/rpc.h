/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rpc.h: the headers of Samba's DCE/RPC server, beside those of samba.h. */
#ifndef NTPIPE_SAMBA_RPC_H
#define NTPIPE_SAMBA_RPC_H

#include "samba.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Public ones (package samba-dev): all that serving an interface takes. */
#include "lib/tsocket/tsocket_internal.h"
#include "lib/util/idtree_random.h"
#include "librpc/rpc/dcesrv_core.h"

/* Private ones: reading the client's session (ndr_pull_auth_session_info_transport(), by samba.h), the configuration as smbd
 * reads it, and authentication within DCE/RPC (auth_generic_prepare()). */
#include "auth.h"

#ifdef __cplusplus
}
#endif

#endif

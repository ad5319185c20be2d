/* SPDX-License-Identifier: GPL-3.0-or-later */
/* npa.h: the headers of Samba's libraries that the gateway ntpipe-samba needs, beside those of samba.h. */
#ifndef NTPIPE_SAMBA_NPA_H
#define NTPIPE_SAMBA_NPA_H

#include "samba.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Sessions of local users (auth.h includes the prototypes), and named_pipe_auth: its side that connects with a pipe of Samba's,
 * starting samba-dcerpcd, and its side that accepts an smbd. What a program prints. */
#include "auth.h"
#include "lib/util_file.h"
#include "libcli/named_pipe_auth/npa_tstream.h"
#include "rpc_client/local_np.h"

#ifdef __cplusplus
}
#endif

#endif

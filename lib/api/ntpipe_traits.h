/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ntpipe_traits.h: what a server of another protocol tells its client of a pipe that it has just opened for it (SMB1, S 7.3), and what
 * it must know to obey that protocol. Programs of their own need ntpipe_query_local_info() and ntpipe_query_pipe_info() instead.
 */
#ifndef NTPIPE_TRAITS_H
#define NTPIPE_TRAITS_H

#include "ntpipe.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ntpipe_traits {
    uint32_t type;          /* enum ntpipe_type */
    uint32_t configuration; /* 0 inbound, 1 outbound, 2 full duplex */
    uint32_t maximum_instances;
    uint32_t read_mode;       /* byte for an end that may not be asked (no READ_ATTRIBUTES) */
    uint32_t completion_mode; /* queue for such an end */
    int64_t default_timeout;  /* of waits without one; 100 ns units, negative: relative */
};

/* Needs no access right. */
NTPIPE_PUBLIC void ntpipe_query_traits(struct ntpipe_end* pipe, struct ntpipe_traits* traits);

/*
 * What a client with that identity would be granted if it opened the end's pipe with NTPIPE_MAXIMUM_ALLOWED. Needs no access right and
 * costs no round trip. Of the identity counts what counts for ntpipe_check_access().
 * STATUS_ACCESS_DENIED  nothing
 */
NTPIPE_PUBLIC ntpipe_status ntpipe_query_maximal_access(struct ntpipe_end* pipe, const struct ntpipe_identity* identity,
                                                        uint32_t* access);

#ifdef __cplusplus
}
#endif

#endif

// SPDX-License-Identifier: GPL-3.0-or-later
// samba_functions.hpp: functions of Samba's private libraries whose own headers need more of Samba's build than we make. These
// declarations are those of Samba 4.17 to 4.22; what differs in later ones is to be told here. (4.25: local_np_connect_send() can
// also ask whether there is such a pipe and no more, with a last argument.)
#pragma once

#include "samba.h"

extern "C" {

struct tstream_context;
struct tsocket_address;

/// enum dcerpc_transport_t, which is an int to C.
inline constexpr int transport_named_pipe = 1;

NTSTATUS make_session_info_from_username(TALLOC_CTX* memory, const char* user, bool is_guest,
                                         auth_session_info** session);

tevent_req* local_np_connect_send(TALLOC_CTX* memory, tevent_context* events, const char* pipe, int transport,
                                  const char* client_name, const tsocket_address* client, const char* server_name,
                                  const tsocket_address* server, const auth_session_info* session,
                                  bool need_idle_server);
int local_np_connect_recv(tevent_req* request, TALLOC_CTX* memory, tstream_context** stream);

tevent_req* tstream_npa_accept_existing_send(TALLOC_CTX* memory, tevent_context* events, tstream_context* plain,
                                             std::uint16_t file_type, std::uint16_t device_state,
                                             std::uint64_t allocation_size);
/// `info`: the whole request, may be NULL.
int _tstream_npa_accept_existing_recv(tevent_req* request, int* error, TALLOC_CTX* memory, tstream_context** stream,
                                      void** info, int* transport, tsocket_address** client, char** client_name,
                                      tsocket_address** server, char** server_name,
                                      auth_session_info_transport** session, const char* location);

const char* set_dyn_CONFIGFILE(const char* path);
const char* get_dyn_CONFIGFILE(void);

} // extern "C"

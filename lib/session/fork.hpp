// SPDX-License-Identifier: LGPL-2.1-or-later
// fork.hpp: nothing of a session survives fork() by accident.
//
// In the child of a fork every session gives up its sockets and memory without a sign to anybody: the parent's ends go on in
// the parent. The child's inherited ends answer STATUS_INVALID_HANDLE; its sessions connect anew, as the new process, when
// they are used.
#pragma once

namespace ntpipe::session {

class Session;

void add_to_fork_registry(Session& session);
void remove_from_fork_registry(Session& session);

} // namespace ntpipe::session

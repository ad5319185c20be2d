// SPDX-License-Identifier: LGPL-2.1-or-later
// alias.cc: other names of pipes (SEMANTICS 1.6). Clients find a pipe by them; servers cannot create by them, and listings do not
// show them.
#include "namespace/objects.hpp"

namespace ntpipe::space {

const name::Name& Namespace::translated(const name::Name& name) const
{
    if (const auto fixed = fixed_aliases_.find(name.folded); fixed != fixed_aliases_.end()) {
        return fixed->second;
    }
    const auto found = session_aliases_.find(name.folded);
    return found == session_aliases_.end() ? name : found->second.second;
}

Status Namespace::add_alias(SessionId session, const name::Name& alias, const name::Name& real)
{
    const Session* adding = find_session(session);
    if (adding == nullptr || !adding->party.may_alias) {
        return Status::privilege_not_held;
    }
    if (fixed_aliases_.contains(alias.folded) || !session_aliases_.try_emplace(alias.folded, session, real).second) {
        return Status::object_name_collision;
    }
    return Status::success;
}

Status Namespace::remove_alias(SessionId session, const name::Name& alias)
{
    const Session* removing = find_session(session);
    if (removing == nullptr || !removing->party.may_alias) {
        return Status::privilege_not_held;
    }
    return session_aliases_.erase(alias.folded) != 0 ? Status::success : Status::object_name_not_found;
}

} // namespace ntpipe::space

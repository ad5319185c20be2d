// SPDX-License-Identifier: LGPL-2.1-or-later
// notify.cc: change notification (SEMANTICS 1.7). A notification carries nothing: whoever asked for it looks anew.
#include "namespace/objects.hpp"

namespace ntpipe::space {

void Namespace::notify(SessionId session, RequestId request, bool names_only)
{
    const Session* asking = find_session(session);
    Result<Charge> charge =
        asking == nullptr ? Result<Charge>(Status::invalid_parameter) : charge_request(*asking, nullptr);
    if (!charge) {
        answer(session, request, charge.status());
        return;
    }
    notifiers_.push_back({session, request, names_only, *std::move(charge)});
}

void Namespace::notify_of(const Pipe& pipe, bool name_changed)
{
    if (!pipe.has_name()) {
        return;
    }
    if (!gateways_.empty()) {
        changed_pipes_.insert(pipe.id);
    }
    notify_of_name(pipe.scope, name_changed);
}

void Namespace::notify_of_name(Scope scope, bool name_changed)
{
    for (auto notifier = notifiers_.begin(); notifier != notifiers_.end();) {
        if ((name_changed || !notifier->names_only) && sees(notifier->session, scope)) {
            answer(notifier->session, notifier->request, Status::success);
            notifier = notifiers_.erase(notifier);
        } else {
            ++notifier;
        }
    }
}

} // namespace ntpipe::space

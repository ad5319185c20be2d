// SPDX-License-Identifier: GPL-3.0-or-later
// smbd_operation.cc: how a request of ours waits, and the one way in which it ends.
#include "smbd_operation.hpp"

#include <new>

namespace ntpipe::samba::smbd {

void Operation::await(glue::List<Operation>& list)
{
    tevent_req_set_callback(inner(), inner_done, this);
    list.push_back(*this);
}

void Operation::give_up(Status status)
{
    talloc_free(inner());
    inner() = nullptr;
    fail(status);
}

void Operation::inner_done(tevent_req* inner)
{
    auto& operation = *static_cast<Operation*>(tevent_req_callback_data_void(inner));
    try {
        operation.receive();
    } catch (const std::bad_alloc&) {
        operation.give_up(Status::no_memory);
    }
    if (operation.outcome() == Status::pending) {
        tevent_req_set_callback(operation.inner(), inner_done, &operation);
        return;
    }
    if (operation.outcome() == Status::cancelled && operation.is_bereft()) {
        operation.fail(operation.if_bereft());
    }
    operation.unlink(); // whoever walks through a list and ends its members must not meet it again
    operation.send_answer();
}

void Operation::end(Status status)
{
    give_up(status);
    unlink();
    send_answer();
}

glue::List<Operation>& operations_without_handle()
{
    static glue::List<Operation> list;
    return list;
}

void end_bereft_operations()
{
    auto& list = operations_without_handle();
    for (Operation* operation = list.front(); operation != nullptr;) {
        Operation* next = list.after(*operation);
        if (operation->is_bereft()) {
            operation->end(tree_gone);
        }
        operation = next;
    }
}

} // namespace ntpipe::samba::smbd

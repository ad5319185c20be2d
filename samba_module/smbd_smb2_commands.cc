// SPDX-License-Identifier: GPL-3.0-or-later
// smbd_smb2_commands.cc: the SMB2 commands on a pipe of ours, each a row of the table in smb2_dispatch.cc.
#include "smbd_hooks.hpp"
#include "smbd_smb2_operation.hpp"

#include "smbd_version.hpp"

namespace ntpipe::samba::smbd {
namespace {

class ExchangeOperation final : public ExchangeOf<Smb2Operation> {
public:
    ExchangeOperation(smbd_smb2_request* request, const smb2::Command& command) : ExchangeOf(request), command_(command)
    {
    }

    /// Reads the request. False: it is wrong, and the exchange has the status.
    [[nodiscard]] bool decode()
    {
        std::uint32_t payload = 0;
        Status& status = exchange().status;
        status = command_.decode(message_of(request()), exchange(), payload);
        if (!is_error(status)) {
            status = from_nt(smbd_smb2_request_verify_creditcharge(request(), payload));
        }
        return !is_error(status);
    }
    [[nodiscard]] NTSTATUS start(glue::List<Operation>& list)
    {
        exchange().status = Status::pending;
        command_.call(exchange());
        return answer_or_pend(list, command_.interim_after);
    }
    [[nodiscard]] NTSTATUS answer() override;

private:
    const smb2::Command& command_;
};

// Warnings and successes that are answered as errors are.
bool brings_nothing(Status status)
{
    return status == notify_cleanup || status == Status::no_more_files;
}

NTSTATUS ExchangeOperation::answer()
{
    smbd_smb2_request* request = this->request();
    const Exchange exchange = this->exchange();
    const smb2::Command& command = command_;
    (void)talloc_steal(request, exchange.output);
    leave();
    if (exchange.status == Status::buffer_too_small && exchange.needed != 0) {
        return answer_error_with(request, exchange.status, smb2::error_data(exchange));
    }
    if (is_error(exchange.status) || brings_nothing(exchange.status)) {
        return answer_error(request, exchange.status);
    }
    const DATA_BLOB body = smbd_smb2_generate_outbody(request, command.answer_size);
    if (body.data == nullptr) {
        return answer_error(request, Status::no_memory);
    }
    std::fill_n(body.data, body.length, std::uint8_t{0});
    command.encode(message_of(request), exchange, body.data);
    DATA_BLOB result{exchange.output, exchange.output == nullptr ? 0 : exchange.transferred};
    return smbd_smb2_request_done_ex(request, to_nt(exchange.status), body, &result, __location__);
}

ExchangeOperation* make_operation(smbd_smb2_request* request, const smb2::Command& command)
{
    return glue::make_talloc<ExchangeOperation>(request, "struct ntpipe_exchange", request, command);
}

NTSTATUS process_own(smbd_smb2_request* request, const smb2::Command& command, PipeHandle& handle)
{
    return guarded(request, [&] {
        ExchangeOperation* operation = make_operation(request, command);
        if (operation == nullptr) {
            return answer_error(request, Status::no_memory);
        }
        operation->exchange().end = handle.end;
        operation->exchange().root = handle.root.get();
        return operation->decode() ? operation->start(handle.pending) : operation->answer();
    });
}

bool has_size(smbd_smb2_request* request, const smb2::Command& command)
{
    return NT_STATUS_IS_OK(smbd_smb2_request_verify_sizes(request, command.structure_size));
}

NTSTATUS process_wait(smbd_smb2_request* request, Gateway& gateway)
{
    ExchangeOperation* operation = make_operation(request, smb2::wait_command);
    if (operation == nullptr) {
        return answer_error(request, Status::no_memory);
    }
    Exchange& exchange = operation->exchange();
    if (!operation->decode()) {
        return operation->answer();
    }
    if (!gateway.concerns(exchange.wanted.name)) {
        talloc_free(operation);
        return smbd_smb2_request_process_ioctl(request);
    }
    exchange.gateway = &gateway;
    exchange.wanted.identity = identity_of(operation, caller_of(request));
    if (exchange.wanted.identity == nullptr) {
        exchange.status = Status::no_memory;
        return operation->answer();
    }
    return operation->start(operations_without_handle());
}

} // namespace

// A request of the wrong size, smbd refuses by itself.
NTSTATUS process_command(smbd_smb2_request* request, std::uint16_t code, NTSTATUS (*original)(smbd_smb2_request*))
{
    const smb2::Command& command = smb2::command(code);
    PipeHandle* handle =
        is_for_pipes(request) && has_size(request, command) ? handle_of(file_of(request, command.file_id)) : nullptr;
    if (handle == nullptr) {
        return original(request);
    }
    return process_own(request, handle->root == nullptr ? command : smb2::root_command(code), *handle);
}

NTSTATUS process_ioctl(smbd_smb2_request* request)
{
    const bool is_wait =
        is_for_pipes(request) && has_size(request, smb2::wait_command) && smb2::is_wait(message_of(request).body);
    if (!is_wait || !lp_nt_pipe_support()) {
        return process_command(request, smb2::code_ioctl, smbd_smb2_request_process_ioctl);
    }
    return guarded(request, [&] {
        Gateway* gateway = gateway_for(request->xconn);
        return gateway != nullptr ? process_wait(request, *gateway)
                                  : process_command(request, smb2::code_ioctl, smbd_smb2_request_process_ioctl);
    });
}

} // namespace ntpipe::samba::smbd

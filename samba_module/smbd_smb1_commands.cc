// SPDX-License-Identifier: GPL-3.0-or-later
// smbd_smb1_commands.cc: the SMB1 commands on a pipe of ours, each a row of the table in smb1_dispatch.cc; NT_CANCEL.
#include "smbd_hooks.hpp"
#include "smbd_smb1_operation.hpp"

#include <algorithm>
#include <array>

namespace ntpipe::samba::smbd {
namespace {

class CommandOperation final : public ExchangeOf<Smb1Operation> {
public:
    CommandOperation(smb_request* request, const smb1::Command& command) : ExchangeOf(request), command_(command) {}

    void start(PipeHandle& handle)
    {
        Exchange& exchange = this->exchange();
        exchange.end = handle.end;
        exchange.status = command_.decode(packet_of(request()), handle.message, exchange);
        exchange.length = std::min<std::uint32_t>(exchange.length, room());
        if (exchange.status == Status::pending) {
            command_.call(exchange);
        }
        answer_or_pend(handle.pending);
    }

protected:
    void answer() override;

private:
    [[nodiscard]] std::uint32_t room() const;
    void send_raw();
    void reply_error();

    const smb1::Command& command_;
};

// The data that an answer can hold. A read of more does not take it from the pipe.
std::uint32_t CommandOperation::room() const
{
    constexpr std::uint32_t largest = 0xFFFF;
    constexpr std::uint32_t all_but_data = 64;
    constexpr std::uint32_t for_the_others = 1024; // that follow in the chain
    if (command_.payload == smb1::Payload::core) {
        const int buffer = std::max(request()->xconn->smb1.sessions.max_send, int{2 * all_but_data});
        return static_cast<std::uint32_t>(buffer) - all_but_data;
    }
    if (command_.payload != smb1::Payload::andx || request()->chain == nullptr) {
        return std::numeric_limits<std::uint32_t>::max();
    }
    const auto used = static_cast<std::uint32_t>(size_of_chain_before(request())) + all_but_data + for_the_others;
    return largest - std::min(largest, used);
}

// Without signature: such packets have no place for it.
void CommandOperation::send_raw()
{
    const Exchange& exchange = this->exchange();
    const std::size_t size = is_error(exchange.status) ? 0 : exchange.transferred;
    auto* packet = talloc_array(request(), std::uint8_t, static_cast<unsigned>(NBT_HDR_SIZE + size));
    if (packet == nullptr) {
        smbd_server_connection_terminate(request()->xconn, "ntpipe: out of memory");
        return;
    }
    SIVAL(packet, 0, 0);
    _smb_setlen_large(packet, size);
    std::copy_n(exchange.output, size, packet + NBT_HDR_SIZE);
    send_now(request(), packet, true);
}

// smbd gives up a chain at the end of which there is a READ_ANDX without words, and sends what is in its memory. The error is in the
// header: the words are all zero.
void CommandOperation::reply_error()
{
    if (command_.code != smb1::code_read_andx || size_of_chain_before(request()) == 0) {
        reply_status(request(), exchange().status);
        return;
    }
    constexpr std::uint8_t no_andx = 0xFF;
    reply_smb1_outbuf(request(), command_.answer_words, 0);
    SCVAL(request()->outbuf, smb_vwv0, no_andx);
    set_status(request(), exchange().status);
}

void CommandOperation::answer()
{
    constexpr std::size_t andx_padding = 1;
    constexpr std::size_t core_header = 3;
    const Exchange& exchange = this->exchange();
    if (command_.payload == smb1::Payload::raw) {
        send_raw();
        return;
    }
    if (is_error(exchange.status)) {
        reply_error();
        return;
    }
    const std::size_t before = command_.payload == smb1::Payload::andx   ? andx_padding
                               : command_.payload == smb1::Payload::core ? core_header
                                                                         : 0;
    const std::size_t size = before == 0 ? 0 : exchange.transferred;
    reply_smb1_outbuf(request(), command_.answer_words, static_cast<std::uint32_t>(before + size));
    std::uint8_t* bytes = reinterpret_cast<std::uint8_t*>(smb_buf(request()->outbuf));
    std::fill_n(bytes, before, std::uint8_t{0});
    if (command_.payload == smb1::Payload::core) {
        constexpr std::uint8_t data_block = 1;
        bytes[0] = data_block;
        put(bytes, 1, static_cast<std::uint16_t>(size));
    }
    std::copy_n(exchange.output, size, bytes + before);
    command_.encode(exchange, request()->outbuf + smb_vwv);
    set_status(request(), exchange.status);
}

bool has_signatures(const smb_request* request)
{
    return smb1_srv_is_signing_active(request->xconn) || request->encrypted;
}

void process_own(smb_request* request, const smb1::Command& command, const Found& found)
{
    auto* operation = glue::make_talloc<CommandOperation>(request, "struct ntpipe_command", request, command);
    if (operation == nullptr) {
        reply_status(request, Status::no_memory);
        return;
    }
    Exchange& exchange = operation->exchange();
    const bool is_raw = command.payload == smb1::Payload::raw;
    if (found.is_foreign) {
        exchange.status = Status::invalid_handle;
    } else if (std::ranges::find(command.word_counts, request->wct) == command.word_counts.end() ||
               (is_raw && has_signatures(request))) {
        exchange.status = Status::invalid_parameter;
    } else {
        operation->start(*found.handle);
        return;
    }
    operation->answer_or_pend(found.handle->pending);
}

Found find_pipe_by_word(smb_request* request, std::size_t number)
{
    const bool is_there = is_for_pipes(request) && request->wct > number && request->unread_bytes == 0;
    return is_there ? find_pipe(request, get<std::uint16_t>(packet_of(request).words, 2 * number)) : Found{};
}

} // namespace

void process_command(smb_request* request, std::uint8_t code, void (*original)(smb_request*))
{
    guarded(request, [&] {
        const smb1::Command& command = smb1::command(code);
        const Found found = find_pipe_by_word(request, command.fid_at);
        if (found.handle == nullptr) {
            original(request);
        } else {
            process_own(request, command, found);
        }
    });
}

// [MS-CIFS] 2.2.4.23, 2.2.4.25: the client is to use other commands. The answer to WRITE_RAW has the code of its last answer, so that the
// client does not send more.
void refuse_raw(smb_request* request, std::uint8_t code, void (*original)(smb_request*))
{
    const Found found = find_pipe_by_word(request, 0);
    if (found.handle == nullptr) {
        original(request);
        return;
    }
    request->cmd = code;
    if (found.is_foreign) {
        reply_status(request, Status::invalid_handle);
    } else {
        reply_force_doserror(request, ERRSRV, ERRuseSTD);
    }
}

void refuse_in_ipc(smb_request* request, void (*original)(smb_request*))
{
    if (request->conn != nullptr && IS_IPC(request->conn)) {
        reply_nterror(request, NT_STATUS_ACCESS_DENIED);
    } else {
        original(request);
    }
}

// ---- NT_CANCEL ----

namespace {

bool is_same(const smb_request* one, const smb_request* other)
{
    return one->mid == other->mid && one->smbpid == other->smbpid && one->tid == other->tid && one->vuid == other->vuid;
}

Operation* find_operation(const glue::List<Operation>& list, const smb_request* wanted)
{
    for (Operation* operation = list.front(); operation != nullptr; operation = list.after(*operation)) {
        const smb_request* request = operation->smb1_request();
        if (request != nullptr && is_same(request, wanted)) {
            return operation;
        }
    }
    return nullptr;
}

Operation* find_operation(const smb_request* wanted)
{
    for (const files_struct* file = wanted->sconn->files; file != nullptr; file = file->next) {
        const PipeHandle* handle = handle_of(file);
        Operation* found = handle == nullptr ? nullptr : find_operation(handle->pending, wanted);
        if (found != nullptr) {
            return found;
        }
    }
    return find_operation(operations_without_handle(), wanted);
}

} // namespace

void process_nt_cancel(smb_request* request)
{
    reply_ntcancel(request);
    if (Operation* operation = find_operation(request)) {
        static_cast<Smb1Operation*>(operation)->cancel();
    } else {
        forget_transaction(request);
    }
}

} // namespace ntpipe::samba::smbd

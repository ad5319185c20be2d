// SPDX-License-Identifier: GPL-3.0-or-later
// smbd_smb1_operation.cc: how an SMB1 request of ours waits in smbd, and what all of them need.
#include "smbd_smb1_operation.hpp"

#include "smbd_version.hpp"

#include <algorithm>

namespace ntpipe::samba::smbd {

/// Belongs to smbd's tree connection, which is freed without a word to those who wait: its request must not point there any more.
struct Smb1Operation::Tree {
    explicit Tree(Smb1Operation& operation_) : operation(&operation_) {}
    Tree(const Tree&) = delete;
    Tree& operator=(const Tree&) = delete;
    ~Tree()
    {
        if (operation != nullptr) {
            operation->request_->conn = nullptr;
            operation->tree_ = nullptr;
        }
    }
    Smb1Operation* operation;
};

Smb1Operation::~Smb1Operation()
{
    if (tree_ != nullptr) {
        tree_->operation = nullptr;
        talloc_free(tree_);
    }
}

bool Smb1Operation::is_bereft() const
{
    if (request_->conn == nullptr || !NT_STATUS_IS_OK(request_->conn->tcon->status)) {
        return true;
    }
    smbXsrv_session* session = nullptr;
    const NTSTATUS status =
        smb1srv_session_lookup(request_->xconn, static_cast<std::uint16_t>(request_->vuid), 0, &session);
    return NT_STATUS_EQUAL(status, NT_STATUS_USER_SESSION_DELETED);
}

bool Smb1Operation::can_answer() const
{
    return NT_STATUS_IS_OK(request_->xconn->transport.status);
}

void Smb1Operation::vanish()
{
    smb_request* request = request_;
    TALLOC_CTX* chain = static_cast<void*>(request->chain);
    talloc_free(chain == nullptr ? request : chain);
}

void Smb1Operation::answer_or_pend(glue::List<Operation>& list)
{
    if (outcome() == Status::pending) {
        tree_ = glue::make_talloc<Tree>(request_->conn, "struct ntpipe_tree", *this);
        if (tree_ != nullptr) {
            if (request_->chain == nullptr) {
                (void)talloc_steal(request_->xconn, request_);
            }
            await(list);
            return;
        }
        give_up(Status::no_memory);
    }
    answer();
    talloc_free(this);
}

void Smb1Operation::cancel()
{
    tevent_req_defer_callback(inner(), events());
    (void)tevent_req_cancel(inner()); // false: it is over, and the callback is on its way
}

// With the rest of its chain, if that goes on.
void Smb1Operation::send_answer()
{
    smb_request* request = request_;
    guarded(request, [this] { answer(); });
    talloc_free(this);
    if (request->outbuf != nullptr) {
        smb_request_done(request);
    } else {
        talloc_free(request);
    }
}

// ---- requests ----

smb1::Packet packet_of(const smb_request* request)
{
    const std::size_t size =
        std::min<std::size_t>(smb_len(request->inbuf), talloc_get_size(request->inbuf) - NBT_HDR_SIZE);
    return {(request->flags2 & FLAGS2_UNICODE_STRINGS) != 0,
            {request->inbuf + NBT_HDR_SIZE, size},
            {reinterpret_cast<const std::uint8_t*>(request->vwv), std::size_t{request->wct} * 2},
            {request->buf, request->buflen}};
}

// smbd notes the file of a FID that was looked up as the one of the whole request. If it is smbd's, smbd shall do so.
Found find_pipe(smb_request* request, std::uint16_t fid)
{
    files_struct* noted = request->chain_fsp;
    const files_struct* file = file_fsp(request, fid);
    PipeHandle* handle = handle_of(file);
    if (handle == nullptr) {
        request->chain_fsp = noted;
        return {};
    }
    // Samba's table of ids may find one that differs in its highest bits. In a chain, the file counts and not the FID.
    const bool is_another = noted == nullptr && file->fnum != fid;
    return {handle, is_another || file->conn != request->conn || file->vuid != request->vuid};
}

void reply_status(smb_request* request, Status status)
{
    reply_nterror(request, to_nt(status));
}

void set_status(smb_request* request, Status status)
{
    if (status == Status::buffer_overflow) {
        error_packet_set(reinterpret_cast<char*>(request->outbuf), ERRDOS, ERRmoredata, STATUS_BUFFER_OVERFLOW,
                         __LINE__, __FILE__);
    } else if (status != Status::success) {
        error_packet_set(reinterpret_cast<char*>(request->outbuf), 0, 0, to_nt(status), __LINE__, __FILE__);
    }
}

void send_now(smb_request* request, std::uint8_t* packet, bool is_raw)
{
    const bool is_encrypted = IS_CONN_ENCRYPTED(request->conn) || request->encrypted;
    const bool sent = is_raw ? send_packet(request, packet, false, 0, false)
                             : send_packet(request, packet, true, request->seqnum + 1, is_encrypted);
    if (!sent) {
        smbd_server_connection_terminate(request->xconn, "ntpipe: an answer cannot be sent");
    }
}

// As smbd will put them behind each other.
std::size_t size_of_chain_before(const smb_request* request)
{
    if (request->chain == nullptr || request->chain[0] == request) {
        return 0;
    }
    constexpr std::size_t alignment = 4;
    std::size_t size = talloc_get_size(request->chain[0]->outbuf);
    for (std::size_t i = 1; request->chain[i] != request; ++i) {
        const std::uint8_t* answer = request->chain[i]->outbuf;
        size = (size + alignment - 1) / alignment * alignment;
        size += 1 + std::size_t{CVAL(answer, smb_wct)} * 2 + 2 + smb_buflen(answer);
    }
    return (size + alignment - 1) / alignment * alignment;
}

} // namespace ntpipe::samba::smbd

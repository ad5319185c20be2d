// SPDX-License-Identifier: GPL-3.0-or-later
// smbd_create.cc: CREATE: whether the name is ours, and then an open that smbd does not wait for.
#include "smbd_hooks.hpp"

#include "smbd_version.hpp"

namespace ntpipe::samba::smbd {
namespace {

/// The handle that smbd is to get from np_open(): set only while we call open_np_file() ourselves.
fake_file_handle* stashed_handle = nullptr;

class CreateOperation final : public Operation {
public:
    CreateOperation(smbd_smb2_request* request, smb2::Create create) : Operation(request), create_(std::move(create)) {}

    [[nodiscard]] NTSTATUS start(Gateway& gateway)
    {
        ntpipe_identity* identity = identity_of(this, request());
        create_.open.identity = identity;
        inner_ = identity == nullptr ? nullptr : open_pipe_send(this, gateway, create_.open);
        if (inner_ == nullptr) {
            fail(Status::no_memory);
        } else if (!tevent_req_is_in_progress(inner_)) {
            receive();
        }
        return answer_or_pend(operations_without_handle(), smb2::create_interim_after);
    }

protected:
    [[nodiscard]] tevent_req*& inner() override { return inner_; }
    void receive() override
    {
        opened_ = open_pipe_recv(inner_, this);
        talloc_free(inner_);
        inner_ = nullptr;
    }
    void fail(Status status) override
    {
        talloc_free(opened_.end);
        opened_ = {false, status, nullptr};
    }
    [[nodiscard]] Status outcome() const override { return opened_.status; }
    [[nodiscard]] Status if_bereft() const override { return tree_gone; }
    [[nodiscard]] NTSTATUS answer() override;

private:
    smb2::Create create_;
    tevent_req* inner_ = nullptr;
    Opened opened_{false, Status::pending, nullptr};
};

/// What remains of a CREATE when the operation is gone, so that smbd may have the request back.
struct Result {
    smbd_smb2_request* request;
    std::string name;
    Opened opened; ///< the end is a child of the request
};

// The rest of a chain gets the same status, as with smbd's own CREATE.
NTSTATUS answer_failed(smbd_smb2_request* request, Status status)
{
    if (smbd_smb2_is_compound(request)) {
        request->compound_create_err = to_nt(status);
    }
    return answer_error(request, status);
}

// smbd has counted a chained CREATE as a request of the chain's previous file, and would take it back from the new one.
void give_back_request_count(smbd_smb2_request* request)
{
    smbXsrv_open* open = request->compat_chain_fsp == nullptr ? nullptr : request->compat_chain_fsp->op;
    if (!request->request_counters_updated || open == nullptr) {
        return;
    }
    request->request_counters_updated = false;
    const bool same_channel =
        open->global->channel_sequence == SVAL(SMBD_SMB2_IN_HDR_PTR(request), SMB2_HDR_CHANNEL_SEQUENCE) &&
        open->global->channel_generation == request->channel_generation;
    auto& count = same_channel ? open->request_count : open->pre_request_count;
    if (count > 0) {
        --count;
    }
}

// What CLOSE tells of the file if it is asked to: the same as CREATE.
void describe(files_struct& file, std::uint32_t granted)
{
    constexpr timespec none{0, SAMBA_UTIME_OMIT};
    constexpr int allocated_blocks = 8; // of 512 bytes
    file.access_mask = granted;
    stat_ex& stat = file.fsp_name->st;
    stat.st_ex_blocks = allocated_blocks;
    stat.st_ex_size = 0;
    stat.st_ex_nlink = 1;
    stat.st_ex_atime = stat.st_ex_mtime = stat.st_ex_ctime = stat.st_ex_btime = none;
    file.op->create_action = FILE_WAS_OPENED;
}

NTSTATUS open_file(smb_request* smb1_view, const Result& result, files_struct*& file)
{
    const std::uint32_t granted = ntpipe_granted_access(result.opened.end);
    stashed_handle = make_handle(result.request, result.opened.end);
    if (stashed_handle == nullptr) {
        return NT_STATUS_NO_MEMORY;
    }
    const NTSTATUS status = open_np_file(smb1_view, result.name.c_str(), &file);
    TALLOC_FREE(stashed_handle);
    if (NT_STATUS_IS_OK(status)) {
        describe(*file, granted);
    }
    return status;
}

NTSTATUS answer_opened(const Result& result)
{
    smbd_smb2_request* request = result.request;
    smb_request* smb1_view = smb1_view_of(request);
    files_struct* file = nullptr;
    const NTSTATUS status = smb1_view == nullptr ? NT_STATUS_NO_MEMORY : open_file(smb1_view, result, file);
    if (!NT_STATUS_IS_OK(status)) {
        return answer_failed(request, from_nt(status));
    }
    give_back_request_count(request);
    request->compat_chain_fsp = smb1_view->chain_fsp;
    const DATA_BLOB body = smbd_smb2_generate_outbody(request, smb2::create_answer_size);
    if (body.data == nullptr) {
        return answer_failed(request, Status::no_memory);
    }
    std::fill_n(body.data, body.length, std::uint8_t{0});
    smb2::encode_create(file->op->global->open_persistent_id, file->op->global->open_volatile_id, body.data);
    DATA_BLOB no_contexts = data_blob_null;
    return smbd_smb2_request_done(request, body, &no_contexts);
}

// It was not set by anybody if the open has waited: callbacks run as whoever was served last.
bool become_user(const smbd_smb2_request* request)
{
    return change_to_user_and_service(request->tcon->compat, request->session->global->session_wire_id);
}

NTSTATUS CreateOperation::answer()
{
    if (is_bereft() && !is_error(opened_.status)) {
        fail(if_bereft());
    }
    Result result{request(), std::move(create_.open.name), opened_};
    (void)talloc_steal(result.request, result.opened.end);
    leave();
    if (is_error(result.opened.status)) {
        return answer_failed(result.request, result.opened.status);
    }
    if (!become_user(result.request)) {
        talloc_free(result.opened.end);
        return answer_failed(result.request, Status::access_denied);
    }
    if (result.opened.is_sambas) {
        return smbd_smb2_request_process_create(result.request);
    }
    return answer_opened(result);
}

// Durable handles are for files; who wants one back is told what smbd tells.
bool wants_durable_handle_back(smbd_smb2_request* request, std::span<const std::uint8_t> contexts)
{
    smb2_create_blobs blobs{};
    const DATA_BLOB bytes = data_blob_const(contexts.data(), contexts.size());
    if (contexts.empty() || !NT_STATUS_IS_OK(smb2_create_blob_parse(request, bytes, &blobs))) {
        return false;
    }
    return smb2_create_blob_find(&blobs, SMB2_CREATE_TAG_DHNC) != nullptr ||
           smb2_create_blob_find(&blobs, SMB2_CREATE_TAG_DH2C) != nullptr;
}

/// What is to be done about a CREATE.
enum class Way { to_samba, to_broker };

// Nobody is asked here: what is Samba's takes no time.
Way way_of(smbd_smb2_request* request, Gateway& gateway, smb2::Create& create)
{
    if (!NT_STATUS_IS_OK(smbd_smb2_request_verify_sizes(request, smb2::create_structure_size)) ||
        !smb2::decode_create(message_of(request), create) || !lp_nt_pipe_support()) {
        return Way::to_samba;
    }
    const bool concerned = gateway.concerns(create.open.name) && !wants_durable_handle_back(request, create.contexts) &&
                           gateway.place_of(create.open.name, user_of(request)) != Place::samba;
    return concerned ? Way::to_broker : Way::to_samba;
}

} // namespace

NTSTATUS process_create(smbd_smb2_request* request)
{
    Gateway* gateway = is_for_pipes(request) ? gateway_for(request) : nullptr;
    if (gateway == nullptr) {
        return smbd_smb2_request_process_create(request);
    }
    return guarded(request, [&] {
        smb2::Create create;
        if (way_of(request, *gateway, create) == Way::to_samba) {
            return smbd_smb2_request_process_create(request);
        }
        auto* operation =
            glue::make_talloc<CreateOperation>(request, "struct ntpipe_create", request, std::move(create));
        return operation == nullptr ? answer_failed(request, Status::no_memory) : operation->start(*gateway);
    });
}

NTSTATUS open_pipe(TALLOC_CTX* memory, const char* name, const tsocket_address* remote, const tsocket_address* local,
                   auth_session_info* user, tevent_context* events, messaging_context* messaging,
                   dcesrv_context* services, fake_file_handle** handle)
{
    if (stashed_handle != nullptr) {
        *handle = talloc_move(memory, &stashed_handle);
        return NT_STATUS_OK;
    }
    return np_open(memory, name, remote, local, user, events, messaging, services, handle);
}

} // namespace ntpipe::samba::smbd

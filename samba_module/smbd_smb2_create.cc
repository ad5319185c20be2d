// SPDX-License-Identifier: GPL-3.0-or-later
// smbd_smb2_create.cc: CREATE: whether the name is ours, and then an open that smbd does not wait for.
#include "smbd_hooks.hpp"
#include "smbd_smb2_operation.hpp"

#include "smbd_version.hpp"

namespace ntpipe::samba::smbd {
namespace {

class CreateOperation final : public OpeningOf<Smb2Operation> {
public:
    CreateOperation(smbd_smb2_request* request, smb2::Create create, bool wants_maximal_access)
        : OpeningOf(create.open, request),
          name_(std::move(create.open.name)),
          wants_maximal_access_(wants_maximal_access)
    {
    }
    [[nodiscard]] NTSTATUS start(Gateway& gateway)
    {
        begin(gateway);
        return answer_or_pend(operations_without_handle(), smb2::create_interim_after);
    }

protected:
    [[nodiscard]] NTSTATUS answer() override;

private:
    std::string name_;
    bool wants_maximal_access_;
};

/// What remains of a CREATE when the operation is gone, so that smbd may have the request back.
struct Result {
    smbd_smb2_request* request;
    std::string name;
    Opened opened; ///< the end is a child of the request
    std::optional<smb2::MaximalAccess> maximal;
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

// What goes behind the answer, as a child of the request. False: out of memory.
bool make_contexts(const Result& result, DATA_BLOB& contexts)
{
    contexts = data_blob_null;
    if (!result.maximal) {
        return true;
    }
    auto data = smb2::encode_maximal_access(*result.maximal);
    smb2_create_blobs blobs{};
    return NT_STATUS_IS_OK(smb2_create_blob_add(result.request, &blobs, SMB2_CREATE_TAG_MXAC,
                                                data_blob_const(data.data(), data.size()))) &&
           NT_STATUS_IS_OK(smb2_create_blob_push(result.request, &contexts, blobs));
}

NTSTATUS answer_opened(const Result& result)
{
    smbd_smb2_request* request = result.request;
    smb_request* smb1_view = smb1_view_of(request);
    files_struct* file = nullptr;
    const NTSTATUS status =
        smb1_view == nullptr ? NT_STATUS_NO_MEMORY : open_file(smb1_view, result.name, result.opened.end, file);
    if (!NT_STATUS_IS_OK(status)) {
        return answer_failed(request, from_nt(status));
    }
    give_back_request_count(request);
    request->compat_chain_fsp = smb1_view->chain_fsp;
    const DATA_BLOB body = smbd_smb2_generate_outbody(request, smb2::create_answer_size);
    DATA_BLOB contexts{};
    if (body.data == nullptr || !make_contexts(result, contexts)) {
        return answer_failed(request, Status::no_memory);
    }
    std::fill_n(body.data, body.length, std::uint8_t{0});
    smb2::encode_create(file->op->global->open_persistent_id, file->op->global->open_volatile_id, smb2::described_pipe,
                        contexts.length, body.data);
    return smbd_smb2_request_done(request, body, &contexts);
}

// A session without a user sees none of the pipes.
NTSTATUS answer_root(smbd_smb2_request* request, Gateway& gateway, const OpenParameters& wanted)
{
    const Caller caller = caller_of(request);
    const ntpipe_identity* identity = identity_of(request, caller);
    smb_request* smb1_view = smb1_view_of(request);
    if (identity == nullptr || smb1_view == nullptr) {
        return answer_failed(request, Status::no_memory);
    }
    if ((identity->flags & NTPIPE_IDENTITY_ANONYMOUS) != 0) {
        return answer_failed(request, Status::access_denied);
    }
    auto root = std::make_unique<RootDirectory>(gateway, user_of(caller));
    if (const Status status = root->open(wanted.desired_access, wanted.options); is_error(status)) {
        return answer_failed(request, status);
    }
    files_struct* file = nullptr;
    const NTSTATUS status = open_file(smb1_view, std::move(root), file);
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
    smb2::encode_create(file->op->global->open_persistent_id, file->op->global->open_volatile_id, smb2::described_root,
                        0, body.data);
    return smbd_smb2_request_done(request, body, nullptr);
}

// It was not set by anybody if the open has waited: callbacks run as whoever was served last.
bool become_user(const smbd_smb2_request* request)
{
    return change_to_user_and_service(request->tcon->compat, request->session->global->session_wire_id);
}

NTSTATUS CreateOperation::answer()
{
    Result result{request(), std::move(name_), take(request()), std::nullopt};
    if (wants_maximal_access_ && result.opened.end != nullptr) {
        result.maximal.emplace();
        result.maximal->status =
            static_cast<Status>(ntpipe_query_maximal_access(result.opened.end, identity(), &result.maximal->access));
    }
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

/// What is to be done about a CREATE.
enum class Way { to_samba, to_broker, to_broker_and_maximal_access, to_root, to_nobody };

// What is malformed, smbd refuses by itself. Durable handles are for files; who wants one back is told what smbd tells.
Way way_of_contexts(smbd_smb2_request* request, std::span<const std::uint8_t> contexts)
{
    smb2_create_blobs blobs{};
    const DATA_BLOB bytes = data_blob_const(contexts.data(), contexts.size());
    if (!contexts.empty() && !NT_STATUS_IS_OK(smb2_create_blob_parse(request, bytes, &blobs))) {
        return Way::to_samba;
    }
    if (smb2_create_blob_find(&blobs, SMB2_CREATE_TAG_DHNC) != nullptr ||
        smb2_create_blob_find(&blobs, SMB2_CREATE_TAG_DH2C) != nullptr) {
        return Way::to_samba;
    }
    const smb2_create_blob* maximal = smb2_create_blob_find(&blobs, SMB2_CREATE_TAG_MXAC);
    if (maximal == nullptr) {
        return Way::to_broker;
    }
    return smb2::is_maximal_access_query(maximal->data.length) ? Way::to_broker_and_maximal_access : Way::to_nobody;
}

// Nobody is asked here: what is Samba's takes no time.
Way way_of(smbd_smb2_request* request, Gateway& gateway, smb2::Create& create)
{
    if (!NT_STATUS_IS_OK(smbd_smb2_request_verify_sizes(request, smb2::create_structure_size)) ||
        !smb2::decode_create(message_of(request), create) || !lp_nt_pipe_support()) {
        return Way::to_samba;
    }
    if (create.open.name.empty()) {
        return Way::to_root;
    }
    const bool concerned = gateway.concerns(create.open.name) &&
                           gateway.place_of(create.open.name, user_of(caller_of(request))) != Place::samba;
    return concerned ? way_of_contexts(request, create.contexts) : Way::to_samba;
}

} // namespace

NTSTATUS process_create(smbd_smb2_request* request)
{
    return guarded(request, [&] {
        Gateway* gateway = is_for_pipes(request) ? gateway_for(request->xconn) : nullptr;
        if (gateway == nullptr) {
            return smbd_smb2_request_process_create(request);
        }
        smb2::Create create;
        const Way way = way_of(request, *gateway, create);
        if (way == Way::to_samba) {
            return smbd_smb2_request_process_create(request);
        }
        if (way == Way::to_root) {
            return answer_root(request, *gateway, create.open);
        }
        if (way == Way::to_nobody) {
            return answer_failed(request, Status::invalid_parameter);
        }
        auto* operation = glue::make_talloc<CreateOperation>(
            request, "struct ntpipe_create", request, std::move(create), way == Way::to_broker_and_maximal_access);
        return operation == nullptr ? answer_failed(request, Status::no_memory) : operation->start(*gateway);
    });
}

} // namespace ntpipe::samba::smbd

// SPDX-License-Identifier: GPL-3.0-or-later
// smbd_smb1_open.cc: OPEN_ANDX, NT_CREATE_ANDX and NT_TRANSACT_CREATE: whether the name is ours, and then an open that smbd does not wait for.
#include "smbd_smb1_open.hpp"
#include "doubt.hpp"
#include "smbd_hooks.hpp"

#include <algorithm>

namespace ntpipe::samba::smbd {
namespace {

class OpenOperation final : public OpeningOf<Smb1Operation> {
public:
    OpenOperation(smb_request* request, const smb1::Open& open, const OpenForm& form)
        : OpeningOf(open.parameters, request), form_(form), is_extended_(open.is_extended)
    {
    }
    void start(Gateway& gateway)
    {
        begin(gateway);
        answer_or_pend(operations_without_handle());
    }

protected:
    void answer() override;

private:
    void answer_opened(ntpipe_end* end);

    const OpenForm& form_;
    bool is_extended_;
};

// Clients that know DOS errors only expect one of pipes, whatever smbd's table says of the status.
void reply_open_error(smb_request* request, Status status)
{
    if (status == Status::object_name_not_found) {
        reply_botherror(request, NT_STATUS_OBJECT_NAME_NOT_FOUND, ERRDOS, ERRbadpipe);
    } else {
        reply_status(request, status);
    }
}

void OpenOperation::answer()
{
    const Opened opened = take(request());
    if (is_error(opened.status)) {
        reply_open_error(request(), opened.status);
    } else if (!change_to_user_and_service(request()->conn,
                                           request()->vuid)) { // callbacks run as whoever was served last
        talloc_free(opened.end);
        reply_status(request(), Status::access_denied);
    } else if (opened.is_sambas) {
        form_.original(request());
    } else {
        answer_opened(opened.end);
    }
}

void OpenOperation::answer_opened(ntpipe_end* end)
{
    smb1::OpenedPipe pipe{0, ntpipe_granted_access(end), {}};
    ntpipe_query_traits(end, &pipe.traits);
    files_struct* file = nullptr;
    const NTSTATUS status = open_file(request(), ntpipe_name(end), end, file);
    if (!NT_STATUS_IS_OK(status)) {
        reply_open_error(request(), from_nt(status));
        return;
    }
    pipe.fid = static_cast<std::uint16_t>(file->fnum);
    form_.reply(request(), pipe, is_extended_);
}

// ---- forms ----

std::uint8_t* make_words(smb_request* request, std::uint8_t words)
{
    reply_smb1_outbuf(request, words, 0);
    return request->outbuf + smb_vwv;
}

constexpr OpenForm open_andx_form{::reply_open_and_X,
                                  [](smb_request* request, const smb1::OpenedPipe& pipe, bool /*is_extended*/) {
                                      smb1::encode_open_andx(pipe, make_words(request, smb1::open_andx_words));
                                  }};

constexpr OpenForm nt_create_form{
    ::reply_ntcreate_and_X, [](smb_request* request, const smb1::OpenedPipe& pipe, bool is_extended) {
        std::uint8_t* words = make_words(request, is_extended ? smb1::nt_create_extended_words : smb1::nt_create_words);
        smb1::encode_nt_create_andx(pipe, is_extended, words);
        if (is_extended) {
            SCVAL(request->outbuf, smb_wct, smb1::nt_create_extended_word_count);
        }
    }};

using Decode = bool (*)(const smb1::Packet&, smb1::Open&);

void process_open(smb_request* request, Decode decode, const OpenForm& form)
{
    guarded(request, [&] {
        smb1::Open open;
        if (!is_for_pipes(request) || !decode(packet_of(request), open) || !start_open(request, open, form)) {
            form.original(request);
        }
    });
}

} // namespace

bool start_open(smb_request* request, smb1::Open& open, const OpenForm& form)
{
    Gateway* gateway = lp_nt_pipe_support() ? gateway_for(request->xconn) : nullptr;
    if (gateway == nullptr || !may_be_ours(*gateway, open.parameters, user_of(caller_of(request)))) {
        return false;
    }
    open.parameters.message_mode = doubt::smb_opens_in_message_mode;
    auto* operation = glue::make_talloc<OpenOperation>(request, "struct ntpipe_open", request, open, form);
    if (operation == nullptr) {
        reply_status(request, Status::no_memory);
    } else {
        operation->start(*gateway);
    }
    return true;
}

void process_open_andx(smb_request* request)
{
    process_open(request, smb1::decode_open_andx, open_andx_form);
}

void process_nt_create_andx(smb_request* request)
{
    process_open(request, smb1::decode_nt_create_andx, nt_create_form);
}

} // namespace ntpipe::samba::smbd

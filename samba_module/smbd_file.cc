// SPDX-License-Identifier: GPL-3.0-or-later
// smbd_file.cc: smbd's handles for our pipes: how they are made, and how they are told from smbd's own.
#include "smbd_hooks.hpp"

namespace ntpipe::samba::smbd {
namespace {

/// The handle that smbd is to get from np_open(): set only while we call open_np_file() ourselves.
fake_file_handle* stashed_handle = nullptr;

// Makes a handle below `memory`. nullptr: out of memory.
template <typename What>
fake_file_handle* make_handle(TALLOC_CTX* memory, What what)
{
    fake_file_handle* handle = talloc_zero(memory, fake_file_handle);
    PipeHandle* ours =
        handle == nullptr ? nullptr : glue::make_talloc<PipeHandle>(handle, pipe_handle_type, std::move(what));
    if (ours == nullptr) {
        talloc_free(handle);
        return nullptr;
    }
    (void)talloc_steal(ours, ours->end);
    handle->type = FAKE_FILE_TYPE_NAMED_PIPE_PROXY;
    handle->private_data = ours;
    return handle;
}

// What CLOSE tells of the file if it is asked to: the same as CREATE.
void describe(files_struct& file, std::uint32_t granted, const smb2::Described& described)
{
    constexpr timespec none{0, SAMBA_UTIME_OMIT};
    constexpr std::uint64_t block = 512;
    file.access_mask = granted;
    stat_ex& stat = file.fsp_name->st;
    stat.st_ex_blocks = static_cast<blkcnt_t>(described.allocation_size / block);
    stat.st_ex_size = 0;
    stat.st_ex_nlink = 1;
    stat.st_ex_atime = stat.st_ex_mtime = stat.st_ex_ctime = stat.st_ex_btime = none;
    file.op->create_action = FILE_WAS_OPENED;
}

NTSTATUS open_stashed(smb_request* smb1_view, const std::string& name, std::uint32_t granted,
                      const smb2::Described& described, files_struct*& file)
{
    const NTSTATUS status = open_np_file(smb1_view, name.c_str(), &file);
    TALLOC_FREE(stashed_handle);
    if (NT_STATUS_IS_OK(status)) {
        describe(*file, granted, described);
    }
    return status;
}

} // namespace

PipeHandle* handle_of(const files_struct* file)
{
    const fake_file_handle* handle = file == nullptr ? nullptr : file->fake_file_handle;
    if (handle == nullptr || handle->type != FAKE_FILE_TYPE_NAMED_PIPE_PROXY || handle->private_data == nullptr) {
        return nullptr;
    }
    return static_cast<PipeHandle*>(talloc_check_name(handle->private_data, pipe_handle_type));
}

NTSTATUS open_file(smb_request* smb1_view, const std::string& name, ntpipe_end* end, files_struct*& file)
{
    const std::uint32_t granted = ntpipe_granted_access(end);
    stashed_handle = make_handle(smb1_view, end);
    if (stashed_handle == nullptr) {
        talloc_free(end);
        return NT_STATUS_NO_MEMORY;
    }
    return open_stashed(smb1_view, name, granted, smb2::described_pipe, file);
}

NTSTATUS open_file(smb_request* smb1_view, std::unique_ptr<RootDirectory> root, files_struct*& file)
{
    const std::uint32_t granted = root->granted_access();
    stashed_handle = make_handle(smb1_view, std::move(root));
    return stashed_handle == nullptr ? NT_STATUS_NO_MEMORY
                                     : open_stashed(smb1_view, "", granted, smb2::described_root, file);
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

// SPDX-License-Identifier: GPL-3.0-or-later
// smbd_smb1_open.hpp: what the commands that open a pipe share.
#pragma once

#include "smbd_smb1_operation.hpp"

namespace ntpipe::samba::smbd {

/// A command that opens. It lives as long as the program.
struct OpenForm {
    void (*original)(smb_request* request); ///< for what turns out to be Samba's
    void (*reply)(smb_request* request, const smb1::OpenedPipe& pipe, bool is_extended);
};

/// False: the name is Samba's, and nothing was done. Else it is answered, or will be.
[[nodiscard]] bool start_open(smb_request* request, smb1::Open& open, const OpenForm& form);

} // namespace ntpipe::samba::smbd

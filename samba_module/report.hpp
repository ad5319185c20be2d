// SPDX-License-Identifier: GPL-3.0-or-later
// report.hpp: what the module says of itself to the program report/, outside of smbd. Needs no header but this one.
#pragma once

/// Hears one line: what it is about, and what there is to say. `fault`: the module will not work because of that.
using NtpipeSambaSay = void (*)(void* context, const char* what, const char* text, int fault);

/// The function's name and type in ntpipe.so, which must have been loaded with RTLD_GLOBAL. It says
///   samba       the Samba whose libraries are loaded, and whether it is the one that the module was built for
///   redirects   each function of smbd that would be redirected; nothing is
///   and, with the configuration's file, what stands in it (SambaConfiguration): where the module is loaded, each option of
///   ours, each item of ntpipe:export, and whether the broker answers.
/// `configuration`: the path of smb.conf; "": Samba's default; NULL: leave that part out. Returns the number of faults.
using NtpipeSambaReport = int (*)(const char* configuration, NtpipeSambaSay say, void* context);
inline constexpr char ntpipe_samba_report_name[] = "ntpipe_samba_report";

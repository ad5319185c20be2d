// SPDX-License-Identifier: GPL-3.0-or-later
// smbd.cc: smbd's services for the parts that do not see its headers.
#include "smbd.hpp"

#include "samba.h"

#undef DBGC_CLASS
#define DBGC_CLASS DBGC_RPC_SRV

namespace ntpipe::samba::smbd {
namespace {

constexpr unsigned default_open_timeout = 5000;

std::string option(const char* name, const char* otherwise)
{
    const char* value = lp_parm_const_string(GLOBAL_SECTION_SNUM, "ntpipe", name, otherwise);
    return value == nullptr ? "" : value;
}

bool convert(charset_t from, charset_t to, std::span<const std::uint8_t> text, std::string& converted)
{
    converted.clear();
    if (text.empty()) {
        return true;
    }
    char* result = nullptr;
    std::size_t size = 0;
    if (!convert_string_talloc(talloc_tos(), from, to, text.data(), text.size(), static_cast<void*>(&result), &size)) {
        return false;
    }
    converted.assign(result, size);
    talloc_free(result);
    return true;
}

std::string convert(charset_t from, charset_t to, const std::string& text)
{
    std::string converted;
    const std::span bytes(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
    return convert(from, to, bytes, converted) ? converted : std::string();
}

} // namespace

Settings read_settings()
{
    Settings settings;
    settings.directory = option("directory", "/run/ntpipe");
    settings.exports = option("export", "");
    settings.overrides = option("override", "");
    settings.null_session_pipes = option("null session pipes", "");
    const int timeout = lp_parm_int(GLOBAL_SECTION_SNUM, "ntpipe", "open timeout", default_open_timeout);
    settings.open_timeout = timeout > 0 ? static_cast<unsigned>(timeout) : default_open_timeout;
    return settings;
}

const char* samba_version()
{
    return samba_version_string();
}

bool load_configuration(const char* path)
{
    // What lp_*() allocates on, for as long as the program lives.
    (void)talloc_stackframe();
    return lp_load_with_registry_shares(*path == '\0' ? get_dyn_CONFIGFILE() : path);
}

Loading loading()
{
    constexpr std::string_view file_name = "/ntpipe.so";
    Loading loading;
    const char** preloaded = lp_preload_modules();
    for (; preloaded != nullptr && *preloaded != nullptr; ++preloaded) {
        if (std::string_view(*preloaded).ends_with(file_name)) {
            loading.preloaded.emplace_back(*preloaded);
        }
    }
    const int share = lp_servicenumber("IPC$");
    const char** objects = share < 0 ? nullptr : lp_vfs_objects(share);
    for (; objects != nullptr && *objects != nullptr; ++objects) {
        loading.by_vfs = loading.by_vfs || std::string_view(*objects) == "ntpipe";
    }
    return loading;
}

void log_error(const std::string& line)
{
    DEBUG(0, ("ntpipe: %s\n", line.c_str()));
}

void log_debug(const std::string& line)
{
    DEBUG(5, ("ntpipe: %s\n", line.c_str()));
}

bool utf8_from(std::span<const std::uint8_t> utf16, std::string& utf8)
{
    return convert(CH_UTF16, CH_UTF8, utf16, utf8) && utf8.find('\0') == std::string::npos;
}

bool utf8_from_oem(std::span<const std::uint8_t> oem, std::string& utf8)
{
    return convert(CH_DOS, CH_UTF8, oem, utf8) && utf8.find('\0') == std::string::npos;
}

std::string utf16_from(const std::string& utf8)
{
    return convert(CH_UTF8, CH_UTF16, utf8);
}

std::string oem_from(const std::string& utf8)
{
    return convert(CH_UTF8, CH_DOS, utf8);
}

void become_root()
{
    ::become_root();
}

void unbecome_root()
{
    ::unbecome_root();
}

} // namespace ntpipe::samba::smbd

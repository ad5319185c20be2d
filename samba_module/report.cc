// SPDX-License-Identifier: GPL-3.0-or-later
// report.cc: tells an administrator whether the module fits the Samba that is installed, and what smb.conf makes of it.
#include "report.hpp"

#include "exports.hpp"
#include "guards.hpp"
#include "smbd.hpp"
#include "smbd_redirections.hpp"

#include <ntpipe.h>

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <exception>

namespace ntpipe::samba {
namespace {

class Report {
public:
    Report(NtpipeSambaSay say, void* context) : say_(say), context_(context) {}

    void tell(const char* what, const std::string& text) { say_(context_, what, text.c_str(), 0); }
    void fault(const char* what, const std::string& text)
    {
        ++faults_;
        say_(context_, what, text.c_str(), 1);
    }
    [[nodiscard]] int faults() const { return faults_; }

private:
    NtpipeSambaSay say_;
    void* context_;
    int faults_ = 0;
};

// What the module itself does when smbd loads it, but for the writing.
void report_fit(Report& report)
{
    const LoadedLibrary smbd_base = LoadedLibrary::find("libsmbd-base");
    const char* version = smbd::samba_version();
    if (const std::string problem = compare_with_built_for(smbd_base, version); !problem.empty()) {
        report.fault("samba", problem);
        return;
    }
    report.tell("samba", std::string(version) + ", which the module was built for");
    const auto redirections = smbd::redirections();
    std::vector<std::string> problems = smbd_base.check(redirections);
    for (std::size_t i = 0; i < redirections.size(); ++i) {
        if (problems[i].empty()) {
            report.tell("redirects", redirections[i].name);
        } else {
            report.fault("redirects", problems[i]);
        }
    }
}

void report_loading(Report& report, const smbd::Loading& loading)
{
    for (const std::string& path : loading.preloaded) {
        if (::access(path.c_str(), R_OK) == 0) {
            report.tell("loaded by", "preload modules = " + path);
        } else {
            report.fault("loaded by", "preload modules = " + path + ", which cannot be read: " + std::strerror(errno));
        }
    }
    if (loading.by_vfs) {
        report.tell("loaded by", "vfs objects in [IPC$]");
    }
    if (loading.preloaded.empty() && !loading.by_vfs) {
        report.fault("loaded by",
                     "nothing: there is neither 'preload modules = .../ntpipe.so' in [global] nor 'vfs objects = "
                     "ntpipe' in [IPC$]");
    }
}

void report_exports(Report& report, const smbd::Settings& settings)
{
    const auto complain = [&](const char* option) {
        return [&report, option](const std::string& fault) { report.fault(option, fault); };
    };
    const auto exports = Exports::parse(settings.exports, complain("ntpipe:export"));
    for (const std::string& item : exports.explain()) {
        report.tell("ntpipe:export", item);
    }
    if (exports.empty()) {
        report.tell("ntpipe:export", "nothing: SMB clients see no pipe but Samba's");
    }
    (void)SambaNames::except(settings.overrides, complain("ntpipe:override"));
    (void)NullSessionPipes::parse(settings.null_session_pipes, complain("ntpipe:null session pipes"));
    if (!settings.overrides.empty()) {
        report.tell("ntpipe:override", settings.overrides);
    }
    if (!settings.null_session_pipes.empty()) {
        report.tell("ntpipe:null session pipes", settings.null_session_pipes);
    }
}

void report_broker(Report& report, const std::string& directory)
{
    ntpipe_session_params parameters = NTPIPE_SESSION_PARAMS_INIT;
    parameters.directory = directory.c_str();
    parameters.never_start_broker = true;
    parameters.root_only = true;
    ntpipe_session* session = nullptr;
    ntpipe_status status = ntpipe_session_open(nullptr, nullptr, &parameters, &session);
    if (status == NTPIPE_STATUS_SUCCESS) {
        status = ntpipe_ping(session);
    }
    talloc_free(session);
    if (status == NTPIPE_STATUS_SUCCESS) {
        report.tell("broker", "answers in " + directory);
    } else {
        report.fault("broker", "none that smbd would trust in " + directory + ": " + ntpipe_status_name(status));
    }
}

void report_configuration(Report& report, const char* path)
{
    if (!smbd::load_configuration(path)) {
        report.fault("smb.conf", std::string("Samba cannot read it") + (*path == '\0' ? "" : ": ") + path);
        return;
    }
    report_loading(report, smbd::loading());
    const smbd::Settings settings = smbd::read_settings();
    report_exports(report, settings);
    report.tell("ntpipe:open timeout", std::to_string(settings.open_timeout) + " ms");
    report_broker(report, settings.directory);
}

} // namespace
} // namespace ntpipe::samba

extern "C" __attribute__((visibility("default"))) int ntpipe_samba_report(const char* configuration, NtpipeSambaSay say,
                                                                          void* context)
{
    ntpipe::samba::Report report(say, context);
    try {
        ntpipe::samba::report_fit(report);
        if (configuration != nullptr) {
            ntpipe::samba::report_configuration(report, configuration);
        }
    } catch (const std::exception& error) {
        report.fault("report", error.what());
    }
    return report.faults();
}

static_assert(std::is_same_v<decltype(&ntpipe_samba_report), NtpipeSambaReport>);

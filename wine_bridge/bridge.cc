// SPDX-License-Identifier: LGPL-2.1-or-later
// bridge.cc: between the broker, the lists and the two directions.
#include "bridge.hpp"

#include "log.hpp"

#include <algorithm>
#include <new>
#include <utility>

namespace wine_bridge {
namespace {

constexpr const char* label = "wine";
// Of a name that another gateway offers only the open can tell more.
constexpr std::uint32_t offered_quota = 4096;
constexpr std::uint32_t offered_listening = 4;
constexpr std::int64_t usual_timeout = -500'000;

bool is_no_memory(std::uint32_t status)
{
    return status == NTPIPE_STATUS_NO_MEMORY || status == NTPIPE_STATUS_INSUFFICIENT_RESOURCES;
}

Bridge& self(void* data)
{
    return *static_cast<Bridge*>(data);
}

} // namespace

// What comes from the broker, or from a list. What there is no memory for is asked for again.
template <typename Work>
void Bridge::take_in(Work&& work) noexcept
{
    try {
        work();
    } catch (const std::bad_alloc&) {
        is_incomplete_ = true;
    }
}

const ntpipe_gateway_handlers Bridge::handlers = {
    sizeof(ntpipe_gateway_handlers),
    [](void* data) {
        self(data).connected_ = true;
        self(data).take_in([&] { self(data).offer(); });
        self(data).status_->changed();
    },
    [](void* data, ntpipe_status status) { self(data).refused(status); },
    [](void* data) {
        if (std::exchange(self(data).connected_, false)) {
            log_line("the broker is gone; waiting for it");
        }
        self(data).take_in([&] { self(data).importer_.reset(); });
        self(data).status_->changed();
    },
    [](void* data, const ntpipe_published* pipe) { self(data).take_in([&] { self(data).published(*pipe); }); },
    [](void* data, std::uint64_t pipe) { self(data).take_in([&] { self(data).importer_.gone(pipe); }); },
    [](void* data) { self(data).take_in([&] { self(data).complete(); }); },
    [](void* data, ntpipe_question* question) { self(data).exporter_.asked(question); },
    [](void* data, const char* name, ntpipe_status status) {
        self(data).take_in([&] { self(data).not_offered(name, status); });
    },
};

Bridge::Bridge(Engine& engine, ntpipe_session* session, const std::string& prefix)
    : engine_(engine),
      session_(session),
      status_(std::make_shared<StatusFile>(engine, prefix + "/ntpipe.status", [this] { return describe(); })),
      configuration_(engine, prefix, [this] { lists_changed(); }),
      importer_(
          engine, session, [this](const std::string& name) { return configuration_.lists().import.matches(name); },
          [this] { status_->changed(); }),
      exporter_(
          engine, [this](const ntpipe_question_info& question) { return why_not_exported(question); },
          [this](const std::string& name) { return configuration_.lists().smb.matches(name); },
          [this] { status_->changed(); })
{
}

std::uint32_t Bridge::start()
{
    engine_.each_second([this] { look_after(); });
    return register_gateway();
}

std::uint32_t Bridge::register_gateway()
{
    ntpipe_gateway_params params = NTPIPE_GATEWAY_PARAMS_INIT;
    params.label = label;
    params.what = NTPIPE_GATEWAY_PUBLISH | NTPIPE_GATEWAY_RESOLVE;
    return ntpipe_gateway_open(nullptr, session_, &params, &handlers, this, &gateway_);
}

void Bridge::refused(std::uint32_t status)
{
    if (is_no_memory(status)) {
        is_incomplete_ = true;
        return;
    }
    log_line("the broker takes no gateway:");
    log_line(ntpipe_status_name(status));
    failure_ = status;
    engine_.stop();
}

// What could not be done for lack of memory is tried again every second.
void Bridge::look_after() noexcept
{
    configuration_.heal();
    importer_.look_after();
    status_->heal();
    if (std::exchange(offers_again_, false)) {
        take_in([this] { offer(); });
    }
    if (!std::exchange(is_incomplete_, false)) {
        return;
    }
    log_line("there was no memory for something that the broker had said; it is asked again");
    take_in([this] {
        importer_.reset();
        offered_.clear();
        TALLOC_FREE(gateway_);
        is_incomplete_ = is_error(register_gateway());
    });
}

void Bridge::published(const ntpipe_published& pipe)
{
    NativePipe native;
    native.name = pipe.name;
    native.owner = pipe.owner;
    if (pipe.offered) {
        native.type = NTPIPE_TYPE_MESSAGE;
        native.configuration = NT_DUPLEX;
        native.maximum_instances = NTPIPE_UNLIMITED_INSTANCES;
        native.inbound_quota = native.outbound_quota = offered_quota;
        native.default_timeout = usual_timeout;
        native.listening = offered_listening;
    } else {
        native.type = pipe.type;
        native.configuration = pipe.configuration;
        native.maximum_instances = pipe.maximum_instances;
        native.inbound_quota = pipe.inbound_quota;
        native.outbound_quota = pipe.outbound_quota;
        native.default_timeout = pipe.default_timeout;
        native.listening = pipe.listening_instances;
    }
    importer_.published(pipe.pipe, native);
}

void Bridge::complete()
{
    importer_.complete();
    log_line(ready_ ? "the broker is back" : "ready");
    ready_ = true;
    status_->changed();
}

void Bridge::lists_changed() noexcept
{
    take_in([this] {
        importer_.reconsider();
        offer();
    });
    status_->changed();
}

// SMB users find names only that somebody offers.
void Bridge::offer()
{
    if (gateway_ == nullptr) {
        return; // the next one will be told
    }
    std::vector<std::string> names;
    for (const std::string& name : configuration_.lists().smb.plain()) {
        if (configuration_.lists().exports.matches(name)) {
            names.push_back(name);
        } else {
            log_line("refused " + name + " to SMB users: it is not exported");
        }
    }
    for (const std::string& name : offered_) {
        if (std::find(names.begin(), names.end(), name) == names.end()) {
            (void)ntpipe_gateway_withdraw(gateway_, name.c_str());
        }
    }
    for (const std::string& name : names) {
        if (const ntpipe_status status = ntpipe_gateway_offer(gateway_, name.c_str()); is_error(status)) {
            offers_again_ = offers_again_ || is_no_memory(status);
            log_line("cannot offer " + name + ": " + ntpipe_status_name(status));
        } else if (std::find(offered_.begin(), offered_.end(), name) == offered_.end()) {
            log_line("offered " + name + " to SMB users");
        }
    }
    offered_ = names;
}

void Bridge::not_offered(const std::string& name, std::uint32_t status)
{
    log_line("cannot offer " + name + ": " + ntpipe_status_name(status));
    std::erase(offered_, name);
    status_->changed();
}

std::string Bridge::why_not_exported(const ntpipe_question_info& question) const
{
    if (importer_.has(question.name)) {
        return "that name is here because of a native pipe";
    }
    if (!configuration_.lists().exports.matches(question.name)) {
        return "the list `export` does not have it";
    }
    const bool remote = question.identity != nullptr && (question.identity->flags & NTPIPE_IDENTITY_REMOTE) != 0;
    return remote && !configuration_.lists().smb.matches(question.name) ? "the list `smb` does not have it" : "";
}

std::vector<std::string> Bridge::describe() const
{
    std::vector<std::string> lines = {connected_ ? "broker connected" : "broker waiting"};
    for (const auto& more : {importer_.describe(), exporter_.describe()}) {
        lines.insert(lines.end(), more.begin(), more.end());
    }
    for (const std::string& name : offered_) {
        lines.push_back("offered " + name);
    }
    return lines;
}

} // namespace wine_bridge

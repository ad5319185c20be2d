// SPDX-License-Identifier: LGPL-2.1-or-later
// native_names.cc: listing again when something has changed.
#include "native_names.hpp"

#include "log.hpp"

#include <utility>

namespace wine_bridge {

NativeNames::NativeNames(Engine& engine, ntpipe_session* session, Importer& importer, std::function<void()> complete)
    : engine_(engine), session_(session), importer_(importer), complete_(std::move(complete))
{
    (void)ntpipe_open_directory(nullptr, session, R"(\\.\pipe\)", NTPIPE_READ_DATA, 0, &directory_);
    watch();
    list();
}

NativeNames::~NativeNames()
{
    list_.reset();
    notify_.reset();
    talloc_free(directory_);
}

void NativeNames::watch()
{
    const auto over = [this] {
        const std::uint32_t status = ntpipe_directory_notify_recv(notify_.get());
        notify_.reset();
        if (!is_error(status)) {
            watch();
            list();
        }
    };
    if (notify_.start(ntpipe_directory_notify_send(nullptr, engine_.events(), directory_, 0xFF), over)) {
        notify_.reset();
    }
}

void NativeNames::list()
{
    if (list_.pending()) {
        again_ = true;
        return;
    }
    if (list_.start(ntpipe_list_send(nullptr, engine_.events(), session_, nullptr), [this] { listed(); })) {
        listed();
    }
}

void NativeNames::listed()
{
    ntpipe_listing* listings = nullptr;
    std::size_t count = 0;
    const std::uint32_t status = ntpipe_list_recv(list_.get(), nullptr, &listings, &count);
    list_.reset();
    if (is_error(status)) {
        log_line(std::string("no broker: ") + ntpipe_status_name(status));
        engine_.stop();
        return;
    }
    importer_.reset();
    for (std::size_t i = 0; i < count; ++i) {
        const ntpipe_listing& one = listings[i];
        NativePipe pipe;
        pipe.name = one.name;
        pipe.owner = one.owner;
        pipe.type = one.type;
        pipe.configuration = one.configuration;
        pipe.maximum_instances = one.maximum_instances;
        pipe.inbound_quota = pipe.outbound_quota = 4096;
        pipe.default_timeout = -500000;
        pipe.listening = one.listening;
        std::uint64_t& number = numbers_[folded(pipe.name)];
        number = number == 0 ? ++last_ : number;
        importer_.published(number, pipe);
    }
    talloc_free(listings);
    importer_.complete();
    if (complete_) {
        std::exchange(complete_, nullptr)();
    }
    if (std::exchange(again_, false)) {
        list();
    }
}

} // namespace wine_bridge

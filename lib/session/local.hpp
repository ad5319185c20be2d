// SPDX-License-Identifier: LGPL-2.1-or-later
// local.hpp: a namespace within one process: no broker, no sockets, memory of its own. Everything belongs to one event loop.
#pragma once

#include "namespace/namespace.hpp"
#include "session/gate.hpp"

#include <map>
#include <memory>
#include <unordered_map>

namespace ntpipe::session {

class LocalEnd;

class LocalGate final : public Gate {
public:
    explicit LocalGate(std::unique_ptr<glue::Loop> loop);
    ~LocalGate() override;

    void start(CreateRequest& request) override;
    void start(OpenRequest& request) override;
    void start(WaitRequest& request) override;
    void start(ListRequest& request) override;
    void start(PingRequest& request) override;
    void start(NotifyRequest& request) override;
    void start(AliasRequest& request) override;
    void start(SetSecurityRequest& request) override;
    void start(SetContextRequest& request) override;
    void cancel(Request& request) override;
    void watch(NameWatcher& watcher) override;
    void take_in() override {}

    // ---- for ends ----

    void add_end(LocalEnd& end);
    void remove_end(LocalEnd& end);
    void listening(space::InstanceHandle handle, std::uint64_t period);
    void disconnected(space::InstanceHandle handle);
    void closed(space::InstanceHandle handle);
    void client_closed(space::InstanceHandle handle, std::uint64_t period);
    void client_end_closed(space::ClientEndId client_end);

private:
    struct Page {
        channel::PipePageWriter writer;
        std::shared_ptr<const channel::PipeView> view;
        NameWatcher::Name name;
        bool has_name = true;
    };

    void abandon(Request& request) override;
    void begin_request(Request& request);
    void carry_out_effects();
    void carry_out(space::Connect& connect);
    void carry_out(space::Answer& answer);
    void carry_out(space::Retry& retry);
    void carry_out(space::PipeAppeared& appeared);
    void carry_out(space::ServersChanged& changed);
    void carry_out(space::PipeChanged& changed);
    void carry_out(space::PipeGone& gone);
    void carry_out(space::PipeForgotten& forgotten);
    void carry_out(space::DescriptorChanged& changed);
    template <typename OfGateways>
    void carry_out(OfGateways& /*what*/) // there are none
    {
    }

    space::Namespace namespace_;
    std::shared_ptr<const security::Identity> identity_;
    glue::Loop::Timer timer_;
    space::RequestId next_request_ = 1;
    std::map<space::RequestId, Request*> requests_;
    glue::List<LocalEnd> ends_;
    std::unordered_map<space::InstanceHandle, LocalEnd*> servers_;
    std::unordered_map<space::PipeId, Page> pages_;
    glue::List<NameWatcher> watchers_;
};

} // namespace ntpipe::session

// SPDX-License-Identifier: GPL-3.0-or-later
// gateway.hpp: this process's way to the broker, and what of its pipes SMB clients may have.
#pragma once

#include "exports.hpp"
#include "glue/list.hpp"
#include "names.hpp"
#include "smbd.hpp"

#include <ntpipe.h>
#include <ntpipe_status.hpp>

#include <optional>
#include <string>

namespace ntpipe::samba {

/// Where a name that a client asks for is to be looked for.
enum class Place {
    samba,   ///< it is not ours to open
    broker,  ///< the broker has a pipe of this name, or a gateway offers one, that is exported
    unknown, ///< the broker has not told all names yet
};

/// One in each smbd that serves a connection. The broker is connected when it is first needed, never by a process that has no use
/// for it, and always as root. A talloc object, which owns the session.
class Gateway {
public:
    explicit Gateway(tevent_context* events) : events_(events) {}
    ~Gateway();
    Gateway(const Gateway&) = delete;
    Gateway& operator=(const Gateway&) = delete;

    /// smb.conf may have been read again: takes in what it says now.
    void use(const smbd::Settings& settings);

    /// The name is one that the broker may be asked for. Everything else is Samba's business, at once.
    [[nodiscard]] bool concerns(const std::string& name) const;
    /// For a name that concerns us: what the list of names says for this Unix user.
    [[nodiscard]] Place place_of(const std::string& name, std::uint32_t user);
    /// Whether it is for clients like this one at all, whatever its descriptor says.
    [[nodiscard]] bool admits(const ntpipe_identity& identity, const std::string& name) const;
    /// Whether clients are shown it: what is exported, and what of Samba's own a gateway offers.
    [[nodiscard]] bool shows(const std::string& name, std::uint32_t owner, bool offered) const;
    [[nodiscard]] std::uint64_t appearances() const { return names_.appearances(); }

    [[nodiscard]] ntpipe_session* session() { return session_; }
    /// nullptr: there is something wrong with the settings.
    [[nodiscard]] ntpipe_session* connected_session() { return connect() ? session_ : nullptr; }
    [[nodiscard]] tevent_context* events() { return events_; }
    [[nodiscard]] unsigned open_timeout() const { return settings_.open_timeout; }
    /// The end of that time, if it begins now.
    [[nodiscard]] timeval open_deadline() const;

    /// Waits until the list of names is complete. Any status but success: it will not be, as far as one can see.
    [[nodiscard]] tevent_req* names_send(TALLOC_CTX* memory);
    [[nodiscard]] static Status names_recv(tevent_req* request);

    /// Waits until a pipe that is shown to this Unix user has come or gone.
    [[nodiscard]] tevent_req* change_send(TALLOC_CTX* memory, std::uint32_t user);
    [[nodiscard]] static Status change_recv(tevent_req* request);

private:
    /// Somebody waits for a change.
    struct Observer : glue::ListNode {
        tevent_req* request = nullptr;
        tevent_context* events = nullptr;
        std::uint64_t user = 0;
    };

    /// Somebody waits for the list of names.
    struct Waiter : glue::ListNode {
        tevent_req* request = nullptr;
        tevent_req* ping = nullptr;
        Gateway* gateway = nullptr;
    };

    [[nodiscard]] bool connect();
    void disconnect();
    [[nodiscard]] Status open_session();
    void names_complete();
    void tell_observers(const Names::Pipe& pipe);
    void complain(Status status);
    static void ping_done(tevent_req* ping);

    tevent_context* events_;
    std::optional<smbd::Settings> known_settings_;
    smbd::Settings settings_;
    Exports exports_;
    SambaNames samba_names_;
    NullSessionPipes null_session_pipes_;
    Names names_;
    ntpipe_session* session_ = nullptr;
    ntpipe_watch* watch_ = nullptr;
    bool unusable_ = false;   ///< there is something wrong with the settings
    bool complained_ = false; ///< since the broker was last there
    glue::List<Waiter> waiters_;
    glue::List<Observer> observers_;
};

} // namespace ntpipe::samba

// SPDX-License-Identifier: GPL-3.0-or-later
// publisher.hpp: pipes of programs here for an smbd without the module: each that ntpipe:export names has a socket among Samba's.
#pragma once

#include "exports.hpp"
#include "listener.hpp"
#include "names.hpp"
#include "samba_side.hpp"

#include <map>
#include <memory>
#include <set>

namespace ntpipe::samba::npa {

class Publisher {
public:
    explicit Publisher(Session& session);

    /// Goes by Samba's configuration as it is now. Connections live on.
    void configure();
    void published(const ntpipe_published& pipe);
    void gone(std::uint64_t pipe);
    /// Makes the sockets that could not be made before.
    void fill_gaps();
    /// The broker is lost: sockets stay until it is known what is left of the names, and who connects waits for that.
    void reset();
    void complete();

    [[nodiscard]] const SocketDirectory& sockets() const { return sockets_; }

private:
    struct Known {
        std::string name;
        std::uint32_t owner;
        std::uint32_t type;
        bool offered;
    };
    struct Place {
        std::unique_ptr<Listener> listener; ///< nullptr: there could be none
        int error = 0;                      ///< and why not
        std::set<std::uint64_t> pipes;
        std::uint32_t type = NTPIPE_TYPE_MESSAGE;
    };

    void open_sockets();
    [[nodiscard]] bool is_exported(const std::string& name, std::uint32_t owner) const;
    void show(std::uint64_t pipe, const Known& known);
    void fill(Place& place, const std::string& name, std::uint64_t pipe, const Known& known);
    void listen(Place& place, const std::string& name);
    void hide(std::uint64_t pipe);
    void accept(const std::string& place, glue::UniqueFd socket);
    [[nodiscard]] Task<> serve(std::string name, bool by_message, glue::UniqueFd socket);
    [[nodiscard]] bool is_exported_to(std::uint32_t user, const std::string& name) const;

    Session& session_;
    Exports exports_;
    SambaNames samba_names_;
    SocketDirectory sockets_;
    Names names_;
    std::map<std::uint64_t, Known> known_;          ///< by pipe
    std::map<std::uint64_t, std::string> place_of_; ///< by pipe
    std::map<std::string, Place> places_;           ///< by the name of the socket
    std::set<std::uint64_t> stale_;                 ///< told by a broker that is lost, and not again yet
    Tasks tasks_;
};

} // namespace ntpipe::samba::npa

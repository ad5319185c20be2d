// SPDX-License-Identifier: LGPL-2.1-or-later
// address.hpp: stream sockets by address: unix:PATH, unix:@NAME (abstract), tcp:HOST:PORT.
#pragma once

#include "descriptor.hpp"

#include <sys/socket.h>

#include <string>
#include <vector>

namespace ntpipe::tools {

class Address {
public:
    /// Host names are looked up here, once. Failure: not an address.
    explicit Address(const std::string& text);

    [[nodiscard]] const std::string& text() const { return text_; }
    [[nodiscard]] Task<Descriptor> connect(tevent_context* events) const;

private:
    friend class Listener;
    struct Place {
        sockaddr_storage address{};
        socklen_t length = 0;
    };
    void parse_unix(const std::string& path);
    void parse_tcp(const std::string& host_and_port);
    [[nodiscard]] Task<int> try_connect(tevent_context* events, const Place& place, Descriptor& socket) const;

    std::string text_;
    std::string path_; ///< of a Unix socket in the file system
    std::vector<Place> places_;
};

/// A listening socket. One in the file system is made for this user only, replaces one that nobody serves, and is removed
/// with its owner.
class Listener {
public:
    Listener(tevent_context* events, const Address& address);
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;
    ~Listener();

    [[nodiscard]] Task<Descriptor> accept();
    /// With the port that the system has chosen if it was 0.
    [[nodiscard]] std::string text() const;

private:
    void bind(const Address::Place& place);

    tevent_context* events_;
    std::string text_;
    std::string path_;
    Descriptor socket_;
};

} // namespace ntpipe::tools

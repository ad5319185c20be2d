// SPDX-License-Identifier: GPL-3.0-or-later
// publisher.cc: which pipes have a socket, and what becomes of those who connect.
#include "publisher.hpp"

#include "relay.hpp"

#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

namespace ntpipe::samba::npa {
namespace {

/// In which an smbd has to say who its client is.
constexpr std::chrono::seconds handshake_time(30);
/// In which the pipe has to be open.
constexpr std::chrono::seconds open_time(30);
/// At a time.
constexpr std::size_t most_connections = 4096;

Complain to_log(const char* what)
{
    return [what](const std::string& fault) { log(std::string(what) + ": " + fault); };
}

// The name of a socket; empty: it can have none.
std::string place_for(const std::string& name)
{
    const std::string place = lower_case(name);
    const bool is_file = !place.empty() && place.find('/') == std::string::npos && place.front() != '.';
    return is_file ? place : "";
}

} // namespace

Publisher::Publisher(Session& session)
    : session_(session), samba_names_(SambaNames::except("", to_log("ntpipe:override"))), sockets_(socket_directory())
{
    open_sockets();
}

void Publisher::open_sockets()
{
    exports_ = Exports::parse(option("export", ""), to_log("ntpipe:export"));
    if (const Status status = sockets_.open(); status != Status::success) {
        log("no sockets in " + sockets_.path() + ": it must be a directory of root, for nobody else");
        exports_ = Exports::parse("", to_log("ntpipe:export"));
    }
}

void Publisher::configure()
{
    if (sockets_.path() != socket_directory()) {
        places_.clear();
        place_of_.clear();
        sockets_ = SocketDirectory(socket_directory());
    }
    open_sockets();
    for (const auto& [pipe, known] : known_) {
        if (is_exported(known.name, known.owner)) {
            show(pipe, known);
        } else {
            hide(pipe);
        }
    }
}

// ---- which pipes there are ----

bool Publisher::is_exported(const std::string& name, std::uint32_t owner) const
{
    return !samba_names_.contain(name) && exports_.allow(name, owner);
}

void Publisher::published(const ntpipe_published& pipe)
{
    stale_.erase(pipe.pipe);
    if (const auto found = known_.find(pipe.pipe); found != known_.end() && found->second.name != pipe.name) {
        hide(pipe.pipe); // another broker calls something else by that number
    }
    names_.appeared(pipe.pipe, {pipe.name, pipe.scope_uid, pipe.owner, pipe.offered});
    const Known& known = known_[pipe.pipe] = {pipe.name, pipe.owner, pipe.type, pipe.offered};
    if (is_exported(known.name, known.owner)) {
        show(pipe.pipe, known);
    }
}

void Publisher::show(std::uint64_t pipe, const Known& known)
{
    if (place_of_.contains(pipe)) {
        return;
    }
    const std::string name = place_for(known.name);
    if (name.empty()) {
        log("'" + known.name + "' cannot be the name of a socket");
        return;
    }
    Place& place = places_[name];
    try {
        fill(place, name, pipe, known);
        place_of_[pipe] = name;
    } catch (const std::bad_alloc&) { // as if it had not been told of
        place.pipes.erase(pipe);
        if (place.pipes.empty()) {
            places_.erase(name);
        }
        throw;
    }
}

void Publisher::fill(Place& place, const std::string& name, std::uint64_t pipe, const Known& known)
{
    if (!known.offered || place.pipes.empty()) {
        place.type = known.offered ? static_cast<std::uint32_t>(NTPIPE_TYPE_MESSAGE) : known.type;
    }
    place.pipes.insert(pipe);
    if (place.listener == nullptr) {
        listen(place, name);
    }
}

void Publisher::listen(Place& place, const std::string& name)
{
    place.listener = Listener::make(session_.events(), sockets_, name,
                                    [this, name](glue::UniqueFd socket) { accept(name, std::move(socket)); });
    const int error = place.listener == nullptr ? errno : 0;
    if (error != 0 && error != place.error) { // said once
        log("no socket for '" + name +
            "': " + (error == EEXIST ? "there is one that is not ours" : std::strerror(error)));
    }
    place.error = error;
}

void Publisher::fill_gaps()
{
    for (auto& [name, place] : places_) {
        if (place.listener == nullptr) {
            listen(place, name);
        }
    }
}

void Publisher::gone(std::uint64_t pipe)
{
    stale_.erase(pipe);
    names_.gone(pipe);
    known_.erase(pipe);
    hide(pipe);
}

void Publisher::hide(std::uint64_t pipe)
{
    const auto found = place_of_.find(pipe);
    if (found == place_of_.end()) {
        return;
    }
    const auto place = places_.find(found->second);
    place->second.pipes.erase(pipe);
    if (place->second.pipes.empty()) {
        places_.erase(place);
    }
    place_of_.erase(found);
}

void Publisher::reset()
{
    for (const auto& [pipe, known] : known_) {
        stale_.insert(pipe);
    }
}

void Publisher::complete()
{
    const std::set<std::uint64_t> stale = std::exchange(stale_, {});
    for (const std::uint64_t pipe : stale) {
        gone(pipe);
    }
}

// ---- who connects ----

// From the event loop. Without memory nobody is served, who then sees the connection end.
void Publisher::accept(const std::string& place, glue::UniqueFd socket)
{
    const auto found = places_.find(place);
    if (found == places_.end() || tasks_.running() >= most_connections) {
        return;
    }
    try {
        tasks_.add(serve(place, found->second.type == NTPIPE_TYPE_MESSAGE, std::move(socket)));
    } catch (const std::bad_alloc&) {
        log("there is no memory for who connects with '" + place + "'");
    }
}

bool Publisher::is_exported_to(std::uint32_t user, const std::string& name) const
{
    const Names::Pipe* pipe = names_.find(name, user);
    return pipe != nullptr && is_exported(pipe->name, pipe->owner);
}

Task<> Publisher::serve(std::string name, bool by_message, glue::UniqueFd socket)
{
    Accepted accepted;
    auto handshake = accept_from_samba(session_.events(), socket.release(), by_message, accepted);
    handshake.set_end(handshake_time);
    const int error = co_await handshake;
    if (error != 0 || !accepted.stream) {
        log("'" + name + "': an smbd has connected and did not say for whom");
        co_return;
    }
    const std::uint32_t user = accepted.identity->uid;
    if (!is_exported_to(user, name)) {
        log("'" + name + "' is not exported to user " + std::to_string(user));
        co_return;
    }
    OpenParameters parameters;
    parameters.desired_access = NTPIPE_MAXIMUM_ALLOWED;
    parameters.identity = accepted.identity.get();
    const std::string path = "\\\\.\\pipe\\" + name;
    auto opening = session_.connect(path, parameters);
    opening.set_end(open_time);
    auto end = co_await opening;
    if (!end) {
        log("'" + name + "' for user " + std::to_string(user) + ": " + text_of(end.status()));
        co_return;
    }
    if (!is_exported_to(user, name)) { // another one has appeared meanwhile
        co_return;
    }
    if (by_message) {
        if (const Status status = end->set_modes(NTPIPE_READ_MESSAGE); status != Status::success) {
            log("'" + name + "' for user " + std::to_string(user) + ": no messages can be read: " + text_of(status));
            co_return;
        }
    }
    co_await relay(*std::move(end), std::move(accepted.stream), name, session_.events());
}

} // namespace ntpipe::samba::npa

// SPDX-License-Identifier: GPL-3.0-or-later
// listener.hpp: sockets of ours among Samba's. They are told apart by a record of theirs that outlives the gateway.
#pragma once

#include "glue/unique_fd.hpp"
#include "samba_side.hpp"

#include <sys/types.h>

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

namespace ntpipe::samba::npa {

/// What a file is, whatever its name.
struct FileId {
    dev_t device = 0;
    ino_t inode = 0;
    friend bool operator==(const FileId&, const FileId&) = default;
};

/// The directory of Samba's sockets, and the record of which of them are ours. It is beside the directory and is a line for each:
/// device, inode, name.
class SocketDirectory {
public:
    explicit SocketDirectory(std::string path);

    /// Makes the directory if Samba has not yet, and removes what an earlier gateway has left. STATUS_ACCESS_DENIED: it does not
    /// belong to root alone.
    [[nodiscard]] Status open();
    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] bool add(const std::string& name, const FileId& id);
    /// Names of sockets that are not ours.
    [[nodiscard]] std::set<std::string> others() const;
    /// Removes the file of that name, which is `path`, if it still is that one.
    void remove(const std::string& name, const std::string& path, const FileId& id);

private:
    void remove_leftovers();
    [[nodiscard]] bool write_record() const;

    std::string path_;
    std::map<std::string, FileId> own_;
};

/// A listening socket. Its file goes with it.
class Listener {
public:
    /// nullptr: there is a file of that name, which is not ours, or another error; errno says which.
    [[nodiscard]] static std::unique_ptr<Listener> make(tevent_context* events, SocketDirectory& directory,
                                                        const std::string& name,
                                                        std::function<void(glue::UniqueFd)> accepted);
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;
    ~Listener();

private:
    Listener(tevent_context* events, SocketDirectory& directory, std::string name, std::string path,
             glue::UniqueFd socket, const FileId& id, std::function<void(glue::UniqueFd)> accepted);
    void accept();
    void pause();

    tevent_context* events_;
    SocketDirectory& directory_;
    std::string name_;
    std::string path_;
    glue::UniqueFd socket_;
    FileId id_;
    std::function<void(glue::UniqueFd)> accepted_;
    Talloc<tevent_fd> event_;
};

} // namespace ntpipe::samba::npa

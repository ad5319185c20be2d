// SPDX-License-Identifier: LGPL-2.1-or-later
// journal.cc: the names that are given out, in a file.
#include "journal.hpp"

#include "glue/uninterrupted.hpp"
#include "wire/field.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>

namespace ntpipe::broker {
namespace {

constexpr const char* file_name = "registry";
constexpr std::size_t longest_entry = std::size_t{1} << 20;
/// The file is written anew when it holds this many entries of history and more history than truth.
constexpr std::size_t worth_rewriting = 1024;

} // namespace

struct JournalServer {
    static constexpr const char* title = "server";
    std::uint32_t process = 0;
    std::uint64_t start_time = 0;
    static constexpr auto fields()
    {
        return std::tuple{
            wire::field("process", &JournalServer::process, "process id"),
            wire::field("start_time", &JournalServer::start_time, "its start, in clock ticks since boot")};
    }
};

struct JournalGateway {
    static constexpr const char* title = "gateway";
    space::Secret number{};
    std::string label;
    std::uint32_t flags = 0;
    bool global = false;
    bool privileged = false;
    static constexpr auto fields()
    {
        return std::tuple{wire::field("number", &JournalGateway::number, "its own"),
                          wire::field("label", &JournalGateway::label, "what it is called"),
                          wire::field("flags", &JournalGateway::flags, "what it does"),
                          wire::field("global", &JournalGateway::global, "1: for everybody"),
                          wire::field("privileged", &JournalGateway::privileged, "1: root's")};
    }
};

struct Journal::Entry {
    static constexpr const char* title = "entry";
    bool present = true;
    std::uint64_t id = 0;
    std::string name;
    std::uint64_t scope = 0;
    std::uint32_t owner = 0;
    std::vector<JournalServer> servers;
    std::uint32_t type = 0;
    std::uint32_t configuration = 0;
    bool reject_remote = false;
    std::uint32_t maximum_instances = 0;
    std::int64_t default_timeout = 0;
    glue::ByteVector descriptor;
    space::Secret secret{};
    JournalGateway origin; ///< of a pipe: number and label
    std::optional<JournalGateway> gateway;
    static constexpr auto fields()
    {
        return std::tuple{wire::field("present", &Entry::present, "0: the pipe is gone"),
                          wire::field("id", &Entry::id, "of the pipe or the gateway"),
                          wire::field("name", &Entry::name, "without prefix"),
                          wire::field("scope", &Entry::scope, "0 global, else Unix user + 1"),
                          wire::field("owner", &Entry::owner, "Unix user"),
                          wire::field("servers", &Entry::servers, "processes with instances"),
                          wire::field("type", &Entry::type, "0 byte, 1 message"),
                          wire::field("configuration", &Entry::configuration, "direction"),
                          wire::field("reject_remote", &Entry::reject_remote, "1: not for remote clients"),
                          wire::field("maximum_instances", &Entry::maximum_instances, "as created"),
                          wire::field("default_timeout", &Entry::default_timeout, "100 ns units"),
                          wire::field("descriptor", &Entry::descriptor, "self-relative"),
                          wire::field("secret", &Entry::secret, "proof of having served it"),
                          wire::field("origin", &Entry::origin, "the gateway that a pipe comes from"),
                          wire::field("gateway", &Entry::gateway, "this is a gateway, not a pipe")};
    }
};

namespace {

// Of no pipe: their numbers are not that large.
constexpr std::uint64_t of_gateway = std::uint64_t{1} << 63;

std::uint64_t id_of(const space::Secret& gateway)
{
    std::uint64_t id = 0;
    std::memcpy(&id, gateway.data(), sizeof(id));
    return id | of_gateway;
}

} // namespace

std::uint64_t start_time_of(std::uint32_t process)
{
    std::ifstream file("/proc/" + std::to_string(process) + "/stat");
    std::string text;
    (void)std::getline(file, text, '\0'); // all of it; an iterator would throw what cannot be read
    // The second field is the program's name in parentheses, which may contain anything.
    const std::size_t end = text.rfind(')');
    if (end == std::string::npos) {
        return 0;
    }
    constexpr int fields_between = 19; // from the third field to the 22nd
    std::size_t at = end + 1;
    for (int i = 0; i < fields_between && at != std::string::npos; ++i) {
        at = text.find(' ', at + 1);
    }
    return at == std::string::npos ? 0 : std::strtoull(text.c_str() + at, nullptr, 10);
}

Status Journal::open(const std::string& directory)
{
    path_ = directory + "/" + file_name;
    read(path_);
    return rewrite();
}

std::vector<space::PipeRecord> Journal::take_records()
{
    return std::move(records_);
}

std::vector<space::GatewayRecord> Journal::take_gateways()
{
    return std::move(gateways_);
}

void Journal::read(const std::string& path)
{
    std::map<std::uint64_t, space::GatewayRecord> gateways;
    std::ifstream file(path, std::ios::binary);
    std::map<space::PipeId, space::PipeRecord> records;
    for (;;) {
        std::array<char, 4> head{};
        std::uint32_t size = 0;
        if (!file.read(head.data(), head.size())) {
            break;
        }
        std::memcpy(&size, head.data(), sizeof(size));
        if (size > longest_entry) {
            break;
        }
        glue::ByteVector bytes(size);
        if (!file.read(reinterpret_cast<char*>(bytes.data()), size)) {
            break; // killed while it wrote
        }
        Entry entry;
        glue::ByteReader reader(bytes);
        wire::decode_value(reader, entry, 0);
        if (reader.failed() || reader.left() != 0) {
            break;
        }
        const bool has_its_id = entry.gateway ? entry.id == id_of(entry.gateway->number) : (entry.id & of_gateway) == 0;
        if (entry.present && !has_its_id) {
            continue; // what is put or removed later would be of another entry
        }
        records.erase(entry.id);
        gateways.erase(entry.id);
        live_.erase(entry.id);
        if (!entry.present) {
            continue;
        }
        live_[entry.id].assign(reinterpret_cast<const std::byte*>(head.data()),
                               reinterpret_cast<const std::byte*>(head.data()) + head.size());
        live_[entry.id].insert(live_[entry.id].end(), bytes.begin(), bytes.end());
        if (entry.gateway) {
            const JournalServer server = entry.servers.empty() ? JournalServer() : entry.servers.front();
            if (server.start_time != 0 && start_time_of(server.process) == server.start_time) {
                gateways[entry.id] = {
                    entry.gateway->number, entry.gateway->label,  entry.gateway->flags,     entry.owner,
                    server.process,        entry.gateway->global, entry.gateway->privileged};
            } else {
                live_.erase(entry.id);
            }
            continue;
        }
        space::PipeRecord record;
        record.id = entry.id;
        record.name = entry.name;
        record.scope = entry.scope;
        record.owner = entry.owner;
        for (const JournalServer& server : entry.servers) {
            if (server.start_time != 0 && start_time_of(server.process) == server.start_time) {
                record.servers.push_back(server.process);
            }
        }
        record.type = static_cast<end::PipeType>(entry.type);
        record.configuration = static_cast<end::Configuration>(entry.configuration);
        record.reject_remote = entry.reject_remote;
        record.maximum_instances = entry.maximum_instances;
        record.default_timeout = entry.default_timeout;
        record.descriptor = entry.descriptor;
        record.secret = entry.secret;
        record.origin = {entry.origin.number, entry.origin.label};
        records[entry.id] = std::move(record);
    }
    for (auto& [id, record] : gateways) {
        gateways_.push_back(std::move(record));
    }
    for (auto& [id, record] : records) {
        if (record.servers.empty()) {
            live_.erase(id);
        } else {
            records_.push_back(std::move(record));
        }
    }
}

Status Journal::rewrite()
{
    const std::string fresh = path_ + ".new";
    glue::UniqueFd file(glue::uninterrupted(
        [&] { return ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, S_IRUSR | S_IWUSR); }));
    if (!file) {
        return status_from_errno(errno);
    }
    for (const auto& [id, bytes] : live_) {
        const ssize_t written = glue::uninterrupted([&] { return ::write(file.get(), bytes.data(), bytes.size()); });
        if (written != static_cast<ssize_t>(bytes.size())) {
            return status_from_errno(written < 0 ? errno : ENOSPC);
        }
    }
    if (::rename(fresh.c_str(), path_.c_str()) != 0) {
        return status_from_errno(errno);
    }
    file_ = std::move(file);
    history_ = 0;
    return Status::success;
}

void Journal::append(const Entry& entry)
{
    glue::ByteWriter writer;
    writer.put(std::uint32_t{0});
    wire::encode_value(writer, entry);
    writer.patch(0, static_cast<std::uint32_t>(writer.size() - sizeof(std::uint32_t)));
    glue::ByteVector bytes = writer.take();
    // One write: a kill leaves the whole entry or a torn last one, which read() leaves out. A full file system costs the
    // safety of names over a restart, not service now.
    (void)!glue::uninterrupted([&] { return ::write(file_.get(), bytes.data(), bytes.size()); });
    if (live_.erase(entry.id) != 0) {
        ++history_;
    }
    if (entry.present) {
        live_[entry.id] = std::move(bytes);
    } else {
        ++history_;
    }
    if (history_ > worth_rewriting && history_ > live_.size()) {
        (void)rewrite();
    }
}

void Journal::put(const space::PipeRecord& record)
{
    Entry entry;
    entry.id = record.id;
    entry.name = record.name;
    entry.scope = record.scope;
    entry.owner = record.owner;
    for (const std::uint32_t process : record.servers) {
        entry.servers.push_back({process, start_time_of(process)});
    }
    entry.type = static_cast<std::uint32_t>(record.type);
    entry.configuration = static_cast<std::uint32_t>(record.configuration);
    entry.reject_remote = record.reject_remote;
    entry.maximum_instances = record.maximum_instances;
    entry.default_timeout = record.default_timeout;
    entry.descriptor = record.descriptor;
    entry.secret = record.secret;
    entry.origin.number = record.origin.gateway;
    entry.origin.label = record.origin.label;
    append(entry);
}

void Journal::put(const space::GatewayRecord& record)
{
    Entry entry;
    entry.id = id_of(record.number);
    entry.owner = record.user;
    entry.servers.push_back({record.process, start_time_of(record.process)});
    entry.gateway = JournalGateway{record.number, record.label, record.flags, record.global, record.privileged};
    append(entry);
}

void Journal::remove(const space::GatewayRecord& record)
{
    remove(id_of(record.number));
}

void Journal::remove(space::PipeId pipe)
{
    Entry entry;
    entry.present = false;
    entry.id = pipe;
    append(entry);
}

} // namespace ntpipe::broker

// SPDX-License-Identifier: LGPL-2.1-or-later
// agent.hpp: the test agent: its sessions, ends and running requests, and the loop that serves them.
#pragma once

#include <nlohmann/json.hpp>
#include <ntpipe.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ntpipe::agent {

using Json = nlohmann::json;
using Id = std::uint64_t;
using Bytes = std::vector<std::uint8_t>;

/// A request of the driver's that cannot be understood: a fault of the test, not of the library.
struct BadRequest : std::runtime_error {
    using std::runtime_error::runtime_error;
};

struct FreeTalloc {
    void operator()(void* object) const { talloc_free(object); }
};
template <typename T>
using Owned = std::unique_ptr<T, FreeTalloc>;

/// With TEVENT the agent waits in a tevent context of its own; with POLL in poll(), the library behind ntpipe_session_fd().
enum class LoopKind : std::uint8_t { tevent, poll };

struct SessionRecord {
    Owned<ntpipe_session> session;
    bool local = false;
    bool blocking_only = false; ///< has an event context of its own that only blocking calls run
};

struct EndRecord {
    Owned<ntpipe_end> end;
    Id session = 0;
};

struct DirectoryRecord {
    Owned<ntpipe_directory> directory;
    Id session = 0;
};

/// Gives the result of a request that is over: puts its fields into the answer, returns its status.
using Finish = std::function<ntpipe_status(tevent_req*, Json&)>;

struct RunningRequest {
    Owned<tevent_req> request;
    Finish finish;
};

struct WatchRecord {
    Owned<ntpipe_watch> watch;
};

struct GatewayRecord {
    Owned<ntpipe_gateway> gateway;
    Id session = 0;
};

class Agent {
public:
    explicit Agent(LoopKind kind);
    Agent(const Agent&) = delete;
    Agent& operator=(const Agent&) = delete;
    ~Agent();

    /// Serves the driver until it says exit or closes the agent's standard input.
    int run();

    // ---- answers ----
    void answer(Id id, ntpipe_status status, Json fields = Json::object());
    void emit(const Json& line);

    // ---- objects ----
    [[nodiscard]] tevent_context* events() const { return events_; }
    [[nodiscard]] LoopKind kind() const { return kind_; }
    /// The context that requests on a session take.
    static tevent_context* events_of(ntpipe_session* session) { return ntpipe_session_event_context(session); }
    SessionRecord& session_record(Id id);
    ntpipe_session* session(Id id) { return session_record(id).session.get(); }
    EndRecord& end_record(Id id);
    void add_session(Id id, SessionRecord record);
    void remove_session(Id id);
    void add_end(Id id, ntpipe_end* end, Id session) { ends_[id] = {Owned<ntpipe_end>(end), session}; }
    void remove_end(Id id);
    DirectoryRecord& directory_record(Id id);
    void add_directory(Id id, ntpipe_directory* directory, Id session)
    {
        directories_[id] = {Owned<ntpipe_directory>(directory), session};
    }
    void remove_directory(Id id) { directories_.erase(id); }
    void add_watch(Id id, ntpipe_watch* watch) { watches_[id].watch.reset(watch); }
    void remove_watch(Id id) { watches_.erase(id); }
    void add_gateway(Id id, ntpipe_gateway* gateway, Id session)
    {
        gateways_[id] = {Owned<ntpipe_gateway>(gateway), session};
    }
    GatewayRecord& gateway_record(Id id);
    void remove_gateway(Id id) { gateways_.erase(id); }
    /// Gives it a number.
    Id add_question(ntpipe_question* question, Id session);
    ntpipe_question* question(Id id);
    [[nodiscard]] Id session_of_question(Id id) { return questions_.at(id).second; }
    void remove_question(Id id) { questions_.erase(id); }
    void free_all();

    // ---- running requests ----
    /// Takes `request` over and answers when it is over; at once with "pending" if it is not over yet.
    void start(Id id, tevent_req* request, Finish finish);
    tevent_req* running(Id id);
    /// talloc_free() of a running request: it is cancelled without a trace.
    void abandon(Id id) { requests_.erase(id); }

    // ---- the loop ----
    /// Runs what is ready, until nothing is.
    void run_until_idle();
    /// run_until_idle(), a round trip to the broker of every session, and run_until_idle() again. How many events were served
    /// since the last settle(). See tests/conformance/settle.py for what that proves.
    std::size_t settle();
    void stop(int status);
    /// Whether the library's events are served while the agent waits for the driver.
    void be_deaf(bool deaf) { deaf_ = deaf; }
    void handle_line(const std::string& line);

private:
    void handle(const Json& request);
    void finish(Id id);
    [[nodiscard]] bool take_line(std::string& line);
    void read_input();
    void wait_for_something();
    bool dispatch_sessions();
    void ping(ntpipe_session* session);

    LoopKind kind_;
    tevent_context* events_ = nullptr;
    tevent_fd* input_event_ = nullptr;
    int marker_ = -1;
    tevent_fd* marker_event_ = nullptr;
    bool marker_seen_ = false;
    std::map<Id, SessionRecord> sessions_;
    std::map<Id, EndRecord> ends_;
    std::map<Id, DirectoryRecord> directories_;
    std::map<Id, RunningRequest> requests_;
    std::map<Id, WatchRecord> watches_;
    std::map<Id, GatewayRecord> gateways_;
    std::map<Id, std::pair<Owned<ntpipe_question>, Id>> questions_;
    Id next_question_ = 1;
    std::size_t served_ = 0; ///< events of the library, since the last settle()
    std::string input_;
    bool input_seen_ = false;
    bool input_closed_ = false;
    bool deaf_ = false;
    bool running_ = true;
    int status_ = 0;
};

/// One request of the driver's, with its fields.
class Call {
public:
    Call(Agent& agent, const Json& request) : agent_(agent), request_(request), id_(request.at("id").get<Id>()) {}

    [[nodiscard]] Agent& agent() const { return agent_; }
    [[nodiscard]] Id id() const { return id_; }
    [[nodiscard]] const Json& fields() const { return request_; }
    [[nodiscard]] bool has(const char* name) const { return request_.contains(name) && !request_.at(name).is_null(); }
    template <typename T>
    [[nodiscard]] T get(const char* name) const
    {
        if (!request_.contains(name)) {
            throw BadRequest(std::string("the request lacks ") + name);
        }
        return request_.at(name).get<T>();
    }
    template <typename T>
    [[nodiscard]] T get(const char* name, T otherwise) const
    {
        return has(name) ? request_.at(name).get<T>() : std::move(otherwise);
    }
    [[nodiscard]] Bytes bytes(const char* name) const;
    [[nodiscard]] bool blocking() const { return get<bool>("blocking", false); }
    [[nodiscard]] Id session_id() const { return get<Id>("session"); }
    [[nodiscard]] ntpipe_session* session() const { return agent_.session(session_id()); }
    [[nodiscard]] ntpipe_end* end() const { return agent_.end_record(get<Id>("end")).end.get(); }
    [[nodiscard]] tevent_context* events_of_end() const
    {
        return Agent::events_of(agent_.session(agent_.end_record(get<Id>("end")).session));
    }

    [[nodiscard]] ntpipe_directory* directory() const
    {
        return agent_.directory_record(get<Id>("directory")).directory.get();
    }

    void answer(ntpipe_status status, Json fields = Json::object()) const
    {
        agent_.answer(id_, status, std::move(fields));
    }
    void start(tevent_req* request, Finish finish) const { agent_.start(id_, request, std::move(finish)); }

private:
    Agent& agent_;
    const Json& request_;
    Id id_;
};

/// A row of the table of operations.
struct Operation {
    std::string_view name;
    void (*run)(const Call& call);
};

/// What a create takes, from the request's fields.
struct CreateArguments {
    explicit CreateArguments(const Call& call);
    ntpipe_create_params params = NTPIPE_CREATE_PARAMS_INIT;
    Bytes descriptor;
};

// Each file has its rows.
std::span<const Operation> session_operations();
std::span<const Operation> end_operations();
std::span<const Operation> query_operations();
std::span<const Operation> directory_operations();
std::span<const Operation> security_operations();
std::span<const Operation> gateway_operations();
std::span<const Operation> misbehaviour();

/// Of an operation that brings bytes.
using Buffer = std::shared_ptr<Bytes>;
Buffer make_buffer(const Call& call);
ntpipe_status put_data(Json& fields, const Bytes& buffer, std::size_t count, ntpipe_status status);

/// Between the driver's JSON and the library's structures.
std::string to_hex(std::span<const std::uint8_t> bytes);
Bytes from_hex(const std::string& hex);
Json identity_to_json(const ntpipe_identity& identity);

/// struct ntpipe_identity with the strings that it points to.
struct StatedIdentity {
    explicit StatedIdentity(const Json& fields);
    ntpipe_identity identity{};
    std::vector<std::string> texts;
    std::vector<std::string> sids;
    std::vector<const char*> sid_pointers;
    Bytes authorization;
    Bytes secret_authorization;
};

} // namespace ntpipe::agent

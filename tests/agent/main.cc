// SPDX-License-Identifier: LGPL-2.1-or-later
// main.cc: ntpipe-test-agent: a native program on libntpipe that does what a test tells it.
//
// usage: ntpipe-test-agent [--loop=tevent|poll]
//
// A test (tests/agent/driver.py) writes requests to the agent's standard input, one JSON object a line, and reads answers from
// its standard output. --loop says how the agent waits: in a tevent context of its own, into which the sessions are opened, or in
// poll(), with sessions that have a context of their own behind ntpipe_session_fd() and ntpipe_session_dispatch().
//
// A request has an "id", a number that the test chooses and uses once, and an "op". What it makes (a session, an end, a watch) is
// called by that id from then on. Answers to it are
//   {"id": N, "status": S, ...}      it is over; S is an NTSTATUS as a number
//   {"id": N, "pending": true}       it is under way; the line with "status" comes later
//   {"id": N, "error": "..."}        the request makes no sense: the test is wrong
// The first answer comes before the next request is looked at. Bytes are hex strings. Fields in [] may be left out; a parameter
// left out has the value of NTPIPE_..._PARAMS_INIT.
//
// Operations that take time (also with "blocking": true, which uses the blocking function and so answers once only; and with
// "timeout_ms": N, which sets an end time)
//   ping          session
//   create        session, name [directory: relative to it, desired_access, share_access, disposition, options, type, read_mode, completion_mode,
//                 max_instances, inbound_quota, outbound_quota, default_timeout, sddl, security_descriptor, scope]
//                 -> information, granted_access, name
//   open          session, name [directory: relative to it, relative_to: to that end, desired_access, disposition, impersonation_level, dynamic_tracking, effective_only, process_id,
//                 session_id, identity] -> granted_access, name
//   wait          session, name, milliseconds [identity]
//   wait_control  session, input [identity]
//   list          session [pattern] -> listings
//   usage         session [user] -> lines, users
//   listen, flush end
//   read          end, length -> data
//   write         end, data -> count
//   transceive    end, data, length -> data
//   look          end, length -> data, rest, revoked, revoked_at, withdrawn
//   control       end, code, input, length -> data, information
//   pair          session, size, read_end: what CreatePipe() makes; the write end gets the request's id, the read end the id in
//                 read_end, which must not be in use
//   directory_control    directory, code, input
//   enumerate     directory, class, length [pattern, flags] -> data
//   notify        directory, filter
//   alias         session, alias [name]
// Operations that never wait
//   session       [local, directory, never_start_broker, root_only, blocking_only] -> directory
//   close_session session
//   disconnect, close, free   end
//   take          end [length];  settle_revoked   end, length, given_back [at];  posted_read   end -> length;  release_posted_read   end
//   peek          end, length -> state, available, messages, message_length, data
//   query_pipe_info, query_local_info, granted_access, name, client_info, server_process_id   end -> the fields
//   set_pipe_info end, read_mode, completion_mode
//   query_information   end, class, length -> data
//   set_information     end, class, data
//   open_directory   session, name [desired_access, options] -> object_name, granted_access
//   close_directory, directory_read, directory_write   directory
//   directory_query, directory_volume   directory, class, length -> data;  directory_set   directory, class, data
//   query_volume  end, class, length -> data
//   object_name   end -> object_name
//   query_security   end, information -> data;  query_security_buffer   end, information, length -> needed
//   set_security     end, information, data (takes time)
//   impersonate      end -> level, identity;  set_client_context   end [identity] (takes time)
//   check_access     data, identity, desired_access -> granted_access
//   watch         session; afterwards lines {"watch": N, "event": "appeared"|"gone"|"complete"|"reset", ...}
//   unwatch       watch
//   gateway       session, label, what [deadline_ms, no: answer every question "no"]; afterwards lines {"gateway": N, "event":
//                 "registered"|"refused"|"reset"|"complete"|"published"|"gone"|"asked"|"over", ...}; a question has a number
//                 ("question") of its own
//   close_gateway gateway;  offer, withdraw   gateway, name
//   gateway_create   gateway, name and the parameters of create (takes time)
//   answer_question  question, answer;  hold_question, free_question   question
//   serve            question [name] and the parameters of create (takes time): as create
//   name_matches  pattern, name -> matches
//   sddl_to_descriptor   sddl -> data, error_at;  descriptor_to_sddl   data -> sddl
//   cancel        request -> cancelled: what tevent_req_cancel() said; NOT_FOUND when the request is over
//   abandon       request: frees the request; nothing more is heard of it
//   pid           -> pid, uid
//   settle        runs what is ready, makes a round trip to the broker, runs what is ready -> progress: how much the library has
//                 done since the last settle, the round trip left out
//   free_all      frees ends, sessions and what is under way
//   exit          [code]
// Misbehaviour
//   die           [signal]: kills itself, without any clean-up
//   deaf          on: while waiting for the next request, serve nothing
//   fork          keep: forks a child that holds everything open and sleeps until it is killed -> child
//                 requests: [...]: the child carries these out with what it has inherited, and leaves -> answers
#include "agent.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <utility>

namespace ntpipe::agent {
namespace {

const Operation* find_operation(std::string_view name)
{
    for (const auto operations : {session_operations(), end_operations(), query_operations(), security_operations(),
                                  directory_operations(), gateway_operations(), misbehaviour()}) {
        const auto found = std::find_if(operations.begin(), operations.end(),
                                        [name](const Operation& operation) { return operation.name == name; });
        if (found != operations.end()) {
            return &*found;
        }
    }
    return nullptr;
}

void drain(int fd)
{
    std::uint64_t count = 0;
    (void)!::read(fd, &count, sizeof(count));
}

} // namespace

Bytes Call::bytes(const char* name) const
{
    return from_hex(get<std::string>(name, ""));
}

// ---- answers ----

void Agent::emit(const Json& line)
{
    std::string text = line.dump();
    text += '\n';
    for (std::size_t at = 0; at < text.size();) {
        const ssize_t count = ::write(STDOUT_FILENO, text.data() + at, text.size() - at);
        if (count < 0 && errno != EINTR) {
            std::_Exit(1); // the test is gone
        }
        at += count > 0 ? static_cast<std::size_t>(count) : 0;
    }
}

void Agent::answer(Id id, ntpipe_status status, Json fields)
{
    fields["id"] = id;
    fields["status"] = status;
    emit(fields);
}

// ---- objects ----

Agent::Agent(LoopKind kind) : kind_(kind), events_(tevent_context_init(nullptr))
{
    marker_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (events_ == nullptr || marker_ < 0) {
        throw std::runtime_error("cannot set up the event loop");
    }
    marker_event_ = tevent_add_fd(
        events_, events_, marker_, TEVENT_FD_READ,
        [](tevent_context*, tevent_fd*, std::uint16_t, void* data) {
            auto* agent = static_cast<Agent*>(data);
            drain(agent->marker_);
            agent->marker_seen_ = true;
        },
        this);
    input_event_ = tevent_add_fd(
        events_, events_, STDIN_FILENO, TEVENT_FD_READ,
        [](tevent_context*, tevent_fd*, std::uint16_t, void* data) { static_cast<Agent*>(data)->read_input(); }, this);
}

Agent::~Agent()
{
    free_all();
    talloc_free(events_);
    ::close(marker_);
}

SessionRecord& Agent::session_record(Id id)
{
    const auto found = sessions_.find(id);
    if (found == sessions_.end()) {
        throw BadRequest("there is no session " + std::to_string(id));
    }
    return found->second;
}

EndRecord& Agent::end_record(Id id)
{
    const auto found = ends_.find(id);
    if (found == ends_.end()) {
        throw BadRequest("there is no end " + std::to_string(id));
    }
    return found->second;
}

DirectoryRecord& Agent::directory_record(Id id)
{
    const auto found = directories_.find(id);
    if (found == directories_.end()) {
        throw BadRequest("there is no directory " + std::to_string(id));
    }
    return found->second;
}

GatewayRecord& Agent::gateway_record(Id id)
{
    const auto found = gateways_.find(id);
    if (found == gateways_.end()) {
        throw BadRequest("there is no gateway " + std::to_string(id));
    }
    return found->second;
}

Id Agent::add_question(ntpipe_question* question, Id session)
{
    questions_[next_question_] = {Owned<ntpipe_question>(question), session};
    return next_question_++;
}

ntpipe_question* Agent::question(Id id)
{
    const auto found = questions_.find(id);
    if (found == questions_.end()) {
        throw BadRequest("there is no question " + std::to_string(id));
    }
    return found->second.first.get();
}

void Agent::add_session(Id id, SessionRecord record)
{
    sessions_[id] = std::move(record);
}

void Agent::remove_session(Id id)
{
    (void)session_record(id);
    sessions_.erase(id);
}

void Agent::remove_end(Id id)
{
    (void)end_record(id);
    ends_.erase(id);
}

void Agent::free_all()
{
    requests_.clear();
    watches_.clear();
    questions_.clear();
    gateways_.clear();
    ends_.clear();
    directories_.clear();
    sessions_.clear();
}

// ---- running requests ----

void Agent::start(Id id, tevent_req* request, Finish finish)
{
    if (request == nullptr) {
        answer(id, NTPIPE_STATUS_NO_MEMORY);
        return;
    }
    requests_[id] = {Owned<tevent_req>(request), std::move(finish)};
    struct Place {
        Agent* agent;
        Id id;
    };
    auto* place = talloc(request, Place);
    *place = {this, id};
    tevent_req_set_callback(
        request,
        [](tevent_req* req) {
            const auto* of = static_cast<const Place*>(tevent_req_callback_data_void(req));
            of->agent->finish(of->id);
        },
        place);
    if (tevent_req_is_in_progress(request)) {
        emit({{"id", id}, {"pending", true}});
    }
}

tevent_req* Agent::running(Id id)
{
    const auto found = requests_.find(id);
    return found == requests_.end() ? nullptr : found->second.request.get();
}

void Agent::finish(Id id)
{
    auto node = requests_.extract(id);
    Json fields = Json::object();
    const ntpipe_status status = node.mapped().finish(node.mapped().request.get(), fields);
    ++served_;
    answer(id, status, std::move(fields));
}

// ---- the loop ----

// What was ready before the marker is served before it: epoll gives what is ready in turn, and tevent serves what was scheduled
// before it looks at descriptors. A pass that meets nothing but the marker says that nothing is ready.
void Agent::run_until_idle()
{
    for (;;) {
        const std::uint64_t one = 1;
        (void)!::write(marker_, &one, sizeof(one));
        marker_seen_ = false;
        std::size_t pass = 0;
        while (!marker_seen_ && tevent_loop_once(events_) == 0) {
            ++pass;
        }
        const bool dispatched = dispatch_sessions();
        if (pass <= 1 && !dispatched) {
            return;
        }
        served_ += pass - 1 + (dispatched ? 1 : 0);
    }
}

bool Agent::dispatch_sessions()
{
    bool some = false;
    for (auto& [id, record] : sessions_) {
        pollfd ready{ntpipe_session_fd(record.session.get()), POLLIN, 0};
        if (!record.blocking_only && ready.fd >= 0 && ::poll(&ready, 1, 0) > 0) {
            ntpipe_session_dispatch(record.session.get());
            some = true;
        }
    }
    return some;
}

void Agent::ping(ntpipe_session* session)
{
    bool over = false;
    const Owned<tevent_req> request(ntpipe_ping_send(events_, events_of(session), session));
    tevent_req_set_callback(
        request.get(), [](tevent_req* req) { *static_cast<bool*>(tevent_req_callback_data_void(req)) = true; }, &over);
    while (!over) {
        if (kind_ == LoopKind::tevent) {
            (void)tevent_loop_once(events_);
        } else {
            pollfd ready{ntpipe_session_fd(session), POLLIN, 0};
            (void)::poll(&ready, 1, -1);
            ntpipe_session_dispatch(session);
        }
    }
    (void)ntpipe_ping_recv(request.get());
}

std::size_t Agent::settle()
{
    run_until_idle();
    for (auto& [id, record] : sessions_) {
        if (!record.local && !record.blocking_only) {
            ping(record.session.get());
        }
    }
    run_until_idle();
    return std::exchange(served_, 0);
}

void Agent::stop(int status)
{
    running_ = false;
    status_ = status;
}

bool Agent::take_line(std::string& line)
{
    const auto end = input_.find('\n');
    if (end == std::string::npos) {
        return false;
    }
    line = input_.substr(0, end);
    input_.erase(0, end + 1);
    return true;
}

void Agent::read_input()
{
    input_seen_ = true;
    std::array<char, 65536> buffer{};
    const ssize_t count = ::read(STDIN_FILENO, buffer.data(), buffer.size());
    if (count > 0) {
        input_.append(buffer.data(), static_cast<std::size_t>(count));
    } else if (count == 0 || errno != EINTR) {
        input_closed_ = true;
    }
}

void Agent::wait_for_something()
{
    if (deaf_) {
        read_input();
        return;
    }
    if (kind_ == LoopKind::tevent) {
        input_seen_ = false;
        (void)tevent_loop_once(events_);
        served_ += input_seen_ ? 0 : 1;
        return;
    }
    std::vector<pollfd> ready = {{STDIN_FILENO, POLLIN, 0}};
    for (auto& [id, record] : sessions_) {
        if (!record.blocking_only) {
            ready.push_back({ntpipe_session_fd(record.session.get()), POLLIN, 0});
        }
    }
    (void)::poll(ready.data(), ready.size(), -1);
    if (ready.front().revents != 0) {
        read_input();
    }
    served_ += dispatch_sessions() ? 1 : 0;
}

int Agent::run()
{
    while (running_) {
        std::string line;
        if (take_line(line)) {
            handle_line(line);
        } else if (input_closed_) {
            break;
        } else {
            wait_for_something();
        }
    }
    free_all();
    return status_;
}

void Agent::handle_line(const std::string& line)
{
    Id id = 0;
    try {
        const Json request = Json::parse(line);
        id = request.at("id").get<Id>();
        handle(request);
    } catch (const std::exception& error) {
        emit({{"id", id}, {"error", error.what()}});
    }
}

void Agent::handle(const Json& request)
{
    const auto name = request.at("op").get<std::string>();
    const Operation* operation = find_operation(name);
    if (operation == nullptr) {
        throw BadRequest("there is no operation " + name);
    }
    operation->run(Call(*this, request));
}

} // namespace ntpipe::agent

int main(int argc, char** argv)
{
    using namespace ntpipe::agent;
    LoopKind kind = LoopKind::tevent;
    for (int i = 1; i < argc; ++i) {
        const std::string_view argument = argv[i];
        if (argument == "--loop=poll") {
            kind = LoopKind::poll;
        } else if (argument != "--loop=tevent") {
            std::cerr << "usage: ntpipe-test-agent [--loop=tevent|poll]\n";
            return 2;
        }
    }
    (void)::signal(SIGPIPE, SIG_IGN);
    (void)::prctl(PR_SET_PDEATHSIG, SIGKILL); // it does not outlive the test that drives it
    try {
        return Agent(kind).run();
    } catch (const std::exception& error) {
        std::cerr << "ntpipe-test-agent: " << error.what() << '\n';
        return 1;
    }
}

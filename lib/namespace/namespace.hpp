// SPDX-License-Identifier: LGPL-2.1-or-later
// namespace.hpp: pipes, their instances, who waits for them, and who may. The rules of SEMANTICS 2.1, 2.2, 2.7 and 4.3 live in
// this class and nowhere else.
//
// Sans-I/O: calls go in; statuses and effects come out. Time is told by the caller. The owner carries out what take_effects()
// gives, in order, after each call.
//
//   create.cc    new pipes and instances; the way back after a restart of the broker
//   open.cc      clients: matching with a listening instance
//   wait.cc      FSCTL_PIPE_WAIT
//   notify.cc    change notification
//   alias.cc     other names of pipes
//   gateway.cc   names that live elsewhere: who is asked, what is offered, who is told
//   namespace.cc sessions, states of instances, listing
#pragma once

#include "namespace/accounts.hpp"
#include "namespace/types.hpp"

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

namespace ntpipe::space {

class Namespace {
public:
    /// A folded name in its scope.
    using Key = std::pair<std::u16string, Scope>;

    /// `first_pipe_id`: ids go up from there; unlike those of an earlier broker whose pipes may come back.
    Namespace(Policy policy, PipeId first_pipe_id);
    ~Namespace();
    Namespace(const Namespace&) = delete;
    Namespace& operator=(const Namespace&) = delete;

    // ---- sessions ----

    void add_session(SessionId session, Party party);
    /// Its instances and requests go.
    void remove_session(SessionId session);

    // ---- requests. What cannot be decided at once is answered by an effect. ----

    /// STATUS_PENDING: the name is reserved for a server of the same user that may come back; a Retry follows, on which the
    /// caller asks again. The other statuses are those of SEMANTICS 2.2.
    [[nodiscard]] Result<Created> create(SessionId session, RequestId request, InstanceHandle handle,
                                         const CreateParameters& parameters);
    /// A Connect or an Answer effect follows, at once or later.
    void open(SessionId session, RequestId request, const OpenParameters& parameters);
    /// An Answer follows. `timeout`: nanoseconds from `now`; nullopt: the pipe's default.
    void wait(SessionId session, RequestId request, const name::Name& name,
              const std::shared_ptr<const security::Identity>& identity, std::optional<Nanoseconds> timeout,
              Nanoseconds now, bool stated = false);
    /// An Answer follows at the next change that the session sees: of a name (SEMANTICS 1.7, first list), or else also of an
    /// instance's existence or state.
    void notify(SessionId session, RequestId request, bool names_only);
    /// Clients that ask for `alias` find `real`, for as long as the session lives. STATUS_PRIVILEGE_NOT_HELD: it may not.
    /// STATUS_OBJECT_NAME_COLLISION: it is one already.
    [[nodiscard]] Status add_alias(SessionId session, const name::Name& alias, const name::Name& real);
    /// STATUS_OBJECT_NAME_NOT_FOUND: nobody has added it.
    [[nodiscard]] Status remove_alias(SessionId session, const name::Name& alias);
    /// The request, if it is not over, ends with STATUS_CANCELLED.
    void cancel(SessionId session, RequestId request);

    // ---- what a server says of its instances. False: it has no such instance. ----

    [[nodiscard]] bool listening(SessionId session, InstanceHandle handle, std::uint64_t period);
    [[nodiscard]] bool disconnected(SessionId session, InstanceHandle handle);
    [[nodiscard]] bool closed(SessionId session, InstanceHandle handle);
    /// The server has taken a connection in that was handed over to it.
    void handover_taken(SessionId session);
    /// The client end of the instance's connection is closed.
    void client_closed(SessionId session, InstanceHandle handle, std::uint64_t period);

    // ---- security descriptors (SEMANTICS 6.2), in security.cc ----

    /// Of the pipe of a server end. STATUS_ACCESS_DENIED: that end was not granted what it takes. STATUS_INVALID_HANDLE: there is
    /// no such end. The rest as for security::replace_parts().
    [[nodiscard]] Status set_security(SessionId session, InstanceHandle handle, std::uint32_t information,
                                      const security::Descriptor& replacement);
    /// The same for a client end, which was in a Connect.
    [[nodiscard]] Status set_security(ClientEndId client_end, std::uint32_t information,
                                      const security::Descriptor& replacement);
    void client_end_closed(ClientEndId client_end);
    /// A client end of an earlier broker, which claims that it was granted so much. 0: its pipe is not known.
    [[nodiscard]] ClientEndId client_end_back(SessionId session, PipeId pipe, security::AccessMask claimed);
    /// For whom a client end was opened; nullptr: not known.
    [[nodiscard]] std::shared_ptr<const security::Identity> identity_of(ClientEndId client_end) const;

    // ---- gateways (gateway.cc) ----

    /// Makes the session a gateway; one that an earlier broker knew takes up its place. STATUS_INVALID_PARAMETER: the parameters
    /// make no sense. STATUS_QUOTA_EXCEEDED: the user has too many.
    [[nodiscard]] Status add_gateway(SessionId session, const GatewayParameters& parameters);
    /// False: there is no such gateway.
    [[nodiscard]] bool remove_gateway(SessionId session, GatewayHandle handle);
    /// Names that the gateway could serve, or no longer. STATUS_INVALID_HANDLE: no such gateway. STATUS_ACCESS_DENIED: it does not
    /// resolve, or not such names. STATUS_QUOTA_EXCEEDED: too many.
    [[nodiscard]] Status offer(SessionId session, GatewayHandle handle, const std::vector<name::Name>& names);
    void withdraw(SessionId session, GatewayHandle handle, const std::vector<name::Name>& names);
    /// The gateway's answer; STATUS_PENDING of a wait: it takes as long as the wait does. False: it was not asked that.
    [[nodiscard]] bool answer_question(SessionId session, QuestionId question, Status status);
    /// A gateway that an earlier broker knew: whoever would be asked waits for it until `deadline`.
    void expect_gateway(const GatewayRecord& record, Nanoseconds deadline);
    /// An expected gateway's process will not come back.
    void gateway_gone(std::uint32_t process);
    /// All names that are offered and that the session sees.
    [[nodiscard]] std::vector<OfferedName> offered_names(SessionId session) const;

    // ---- after a restart of the broker ----

    /// A name that an earlier broker gave out: kept for its servers until all are back or gone, or until `deadline`.
    void reserve(const PipeRecord& record, Nanoseconds deadline);
    /// One of a reserved pipe's servers will not come back.
    void server_gone(PipeId id, std::uint32_t process);
    /// A server of a pipe is back. STATUS_ACCESS_DENIED: no such pipe or not its proof, or somebody has the name by now.
    [[nodiscard]] Status come_back(SessionId session, PipeId pipe, const Secret& secret,
                                   const std::vector<ReturnedInstance>& instances);

    // ---- time ----

    /// What time it is, for deadlines of what is asked from now on.
    void set_time(Nanoseconds now) { now_ = now; }
    [[nodiscard]] std::optional<Nanoseconds> next_deadline() const;
    void expire(Nanoseconds now);

    // ---- looking ----

    /// Pipes whose names match the folded pattern, in the order of their folded names: at most `most` of them, behind `after` if
    /// it is given. `more` says whether there are further ones. `reachable`: only those that an open of the session finds, each
    /// name once; else all that it sees.
    [[nodiscard]] std::vector<PipeListing> list(SessionId session, std::u16string_view pattern, bool reachable,
                                                const std::optional<Key>& after, std::size_t most, bool& more) const;
    /// Whether the session may see a pipe of that scope.
    [[nodiscard]] bool sees(SessionId session, Scope scope) const;

    [[nodiscard]] std::vector<Effect> take_effects();

private:
    struct Pipe;
    struct Instance;
    struct Session;
    struct Waiter;
    struct Notifier;
    struct ClientEnd;
    struct ParkedOpen;
    struct ParkedCreate;
    struct Gateway;
    struct Question;
    struct Offer;

    // create.cc
    [[nodiscard]] static Status check_parameters(const CreateParameters& parameters);
    [[nodiscard]] Result<Scope> scope_for_create(const Party& party, const CreateParameters& parameters);
    [[nodiscard]] Status charge_pipe(Pipe& pipe) const;
    [[nodiscard]] Result<Created> create_pipe(Session& session, InstanceHandle handle, Scope scope,
                                              const CreateParameters& parameters);
    [[nodiscard]] Result<Created> create_instance(Session& session, InstanceHandle handle, Pipe& pipe,
                                                  const CreateParameters& parameters);
    Instance& add_instance(Session& session, InstanceHandle handle, Pipe& pipe, const ReturnedInstance& as);
    Pipe* add_pipe(const PipeRecord& record);
    [[nodiscard]] Pipe* find_for_create(const CreateParameters& parameters, Scope scope);
    void keep(std::unique_ptr<Pipe> owned);
    void server_settled(Pipe& pipe, std::uint32_t process);
    [[nodiscard]] Status come_back_without(PipeId id, const Secret& secret, std::uint32_t process);
    void settle_lost_answer(const CreateParameters& parameters, std::uint32_t process);
    void end_reservation(PipeId id);

    // security.cc
    [[nodiscard]] ClientEndId add_client_end(ClientEnd end);
    [[nodiscard]] Status set_security(Pipe& pipe, security::AccessMask granted, const security::Token& setter,
                                      std::uint32_t information, const security::Descriptor& replacement);
    void let_go(std::unique_ptr<Pipe> pipe);
    void take_over_departed(Pipe& pipe);

    // open.cc
    void try_open(Session& session, RequestId request, const OpenParameters& parameters);
    void try_open_instance(Session& session, RequestId request, const OpenParameters& parameters);
    void connect(Session& client, RequestId request, const OpenParameters& parameters, Instance& instance,
                 security::AccessMask granted);
    void park(std::list<ParkedOpen>& where, const Session& session, RequestId request,
              const OpenParameters& parameters);
    void retry_parked(std::list<ParkedOpen>& parked);
    [[nodiscard]] Pipe* find_for_client(const name::Name& name, const security::Identity& identity, bool stated) const;

    // wait.cc
    void wake_waiters(Pipe& pipe, Status status);
    [[nodiscard]] std::list<Waiter>::iterator end_wait(std::list<Waiter>::iterator waiter, Status status);
    void wait_for(Pipe& pipe, Session& session, RequestId request, const security::Identity* stated,
                  std::optional<Nanoseconds> timeout, Nanoseconds began);

    // notify.cc
    void notify_of(const Pipe& pipe, bool name_changed);
    void notify_of_name(Scope scope, bool name_changed);

    // alias.cc
    [[nodiscard]] const name::Name& translated(const name::Name& name) const;

    // gateway.cc
    [[nodiscard]] Gateway* find_gateway(SessionId session, GatewayHandle handle);
    [[nodiscard]] Status check_gateway(SessionId session, const GatewayParameters& parameters);
    void drop_gateway(std::list<Gateway>::iterator gateway);
    void drop_gateways(SessionId session);
    [[nodiscard]] bool is_reserved(const name::Name& name) const;
    [[nodiscard]] Scope scope_of(const Gateway& gateway, std::uint32_t user) const;
    [[nodiscard]] bool sees(const Gateway& gateway, Scope scope) const;
    [[nodiscard]] bool may_be_asked(const Gateway& gateway, const Question& question) const;
    [[nodiscard]] Gateway* next_gateway(const Question& question);
    [[nodiscard]] bool is_asked_already(std::uint32_t process, const name::Name& name) const;
    /// True: somebody is asked, or there is an answer already.
    [[nodiscard]] bool ask(Question question, Pipe* pipe);
    [[nodiscard]] bool ask_about_open(Session& session, RequestId request, const OpenParameters& parameters,
                                      Pipe* pipe);
    void put_to(Gateway& gateway, Question question);
    void send_questions(Gateway& gateway);
    [[nodiscard]] Question take_question(QuestionId id, bool tell);
    void pass_on(Question question);
    void resume(const Question& question, bool unresolved);
    void end_questions(SessionId session);
    [[nodiscard]] bool cancel_question(SessionId session, RequestId request);
    void expire_questions(Nanoseconds now);
    void expire_waiters(Nanoseconds now);
    void expire_reservations(Nanoseconds now);
    [[nodiscard]] std::optional<Nanoseconds> next_question_deadline() const;
    void retry_questions(PipeId pipe);
    [[nodiscard]] Result<Created> serve(Session& session, InstanceHandle handle, const CreateParameters& given);
    [[nodiscard]] Result<Origin> origin_of(const Session& session, const CreateParameters& parameters);
    void withdraw(Gateway& gateway, const std::u16string& folded);
    void publish_changes();
    void publish(Gateway& gateway, const Pipe& pipe);
    void publish(Gateway& gateway, const Key& key, const Offer& offer);
    void unpublish(PipeId pipe);
    void list_offers(SessionId session, std::u16string_view pattern, bool reachable, const std::optional<Key>& after,
                     std::size_t most, std::vector<std::pair<Key, PipeListing>>& lines) const;

    // namespace.cc
    [[nodiscard]] Session* find_session(SessionId session);
    [[nodiscard]] Instance* find_instance(SessionId session, InstanceHandle handle);
    [[nodiscard]] Pipe* find_pipe(const name::Name& name, const security::Identity& identity) const;
    [[nodiscard]] Pipe* find_pipe(PipeId pipe);
    [[nodiscard]] Result<Charge> charge(std::uint32_t user, Resource resource, std::uint64_t amount = 1) const;
    [[nodiscard]] Result<Charge> charge_request(const Session& session, const security::Identity* stated) const;
    [[nodiscard]] Charge charge_anyway(std::uint32_t user, Resource resource, std::uint64_t amount = 1) const;
    void end_waiting(const Waiter& waiter);
    [[nodiscard]] Scope scope_of(const security::Identity& identity) const;
    void set_state(Instance& instance, InstanceState state);
    void enter_listening(Instance& instance);
    void leave_listening(Instance& instance);
    void remove_instance(Instance& instance);
    void remove_pipe(Pipe& pipe);
    void instances_changed(Pipe& pipe);
    void answer(SessionId session, RequestId request, Status status);

    Policy policy_;
    PipeId next_pipe_id_;
    std::map<Key, std::unique_ptr<Pipe>> pipes_;
    std::unordered_map<PipeId, std::unique_ptr<Pipe>> unnamed_pipes_;
    std::unordered_map<PipeId, Pipe*> pipes_by_id_;
    std::unordered_map<SessionId, std::unique_ptr<Session>> sessions_;
    std::unordered_map<PipeId, std::unique_ptr<Pipe>> departed_; ///< have no name any more, but client ends
    std::map<ClientEndId, ClientEnd> client_ends_;
    ClientEndId next_client_end_ = 1;
    std::list<Waiter> waiters_;
    std::optional<Nanoseconds> waiters_until_;      ///< none of their deadlines is earlier
    std::optional<Nanoseconds> reservations_until_; ///< the same of reserved names
    std::set<SessionId> crowded_;                   ///< opens may be parked with these
    std::list<Notifier> notifiers_;
    std::map<std::u16string, name::Name> fixed_aliases_;                         ///< folded alias -> real name
    std::map<std::u16string, std::pair<SessionId, name::Name>> session_aliases_; ///< the same, and who added it
    std::list<ParkedOpen> parked_opens_;                                         ///< of reserved names
    std::list<ParkedCreate> parked_creates_;                                     ///< of reserved names
    std::map<PipeId, PipeRecord> lapsed_; ///< reserved names whose servers did not come in time, but still may
    std::list<Gateway> gateways_;         ///< in the order in which they came
    std::map<QuestionId, Question> questions_;
    QuestionId next_question_ = 1;
    std::map<Key, Offer> offers_;
    std::set<PipeId> changed_pipes_;       ///< that publishing gateways have to hear of
    std::map<PipeId, Key> changed_offers_; ///< the same for names that are offered
    std::vector<PipeId> listening_again_;  ///< somebody may be asked about them
    Nanoseconds now_ = 0;
    std::vector<Effect> effects_;
};

} // namespace ntpipe::space

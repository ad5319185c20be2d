// SPDX-License-Identifier: GPL-3.0-or-later
// samba_side.cc: Samba's own libraries for its configuration, users and named_pipe_auth. The level of the hand-shake is the library's.
#include "samba_side.hpp"

#include <pwd.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <new>

#include "npa.h"

namespace ntpipe::samba::npa {
namespace {

constexpr const char* program = "ntpipe-samba";
int wanted_log_level = 1;

auth_session_info* session_of(TALLOC_CTX* memory, std::uint32_t user)
{
    const passwd* found = ::getpwuid(user);
    auth_session_info* session = nullptr;
    if (found == nullptr ||
        !NT_STATUS_IS_OK(make_session_info_from_username(memory, found->pw_name, /*is_guest=*/false, &session))) {
        return nullptr;
    }
    return session;
}

/// What a message is read into: its first byte, which the library has only when it has the message, then the rest.
struct Incoming {
    std::vector<std::byte> bytes;
    bool begun = false;
};

int next_vector(tstream_context* stream, void* data, TALLOC_CTX* memory, iovec** vector, std::size_t* count)
{
    auto& incoming = *static_cast<Incoming*>(data);
    const ssize_t pending = incoming.begun ? tstream_pending_bytes(stream) : 1;
    *vector = nullptr;
    *count = 0;
    if (pending < 0) {
        return -1;
    }
    if (pending == 0 || incoming.bytes.size() + static_cast<std::size_t>(pending) > longest_message) {
        return 0;
    }
    incoming.begun = true;
    const std::size_t at = incoming.bytes.size();
    auto* part = talloc(memory, iovec);
    try {
        incoming.bytes.resize(at + static_cast<std::size_t>(pending));
    } catch (const std::bad_alloc&) { // Samba's code would not pass it on
        TALLOC_FREE(part);
    }
    if (part == nullptr) {
        errno = ENOMEM;
        return -1;
    }
    part->iov_base = incoming.bytes.data() + at;
    part->iov_len = static_cast<std::size_t>(pending);
    *vector = part;
    *count = 1;
    return 0;
}

/// Ends with an errno.
struct Outcome {
    tevent_req* inner = nullptr;
    int error = 0;
    Incoming incoming;
    tstream_context* stream = nullptr;
    iovec vector{};
    ntpipe_identity* identity = nullptr;
    tstream_context* plain = nullptr; ///< below `stream`
    std::string output;
};

tevent_req* make(Outcome*& state)
{
    void* place = nullptr;
    tevent_req* request = tevent_req_create(nullptr, &place, Outcome);
    if (request == nullptr) {
        return nullptr;
    }
    state = new (place) Outcome();
    _talloc_set_destructor(place, [](void* object) {
        static_cast<Outcome*>(object)->~Outcome();
        return 0;
    });
    return request;
}

Outcome& outcome_of(tevent_req* request)
{
    return *static_cast<Outcome*>(_tevent_req_data(request));
}

tevent_req* over(tevent_req* request, tevent_context* events, int error)
{
    outcome_of(request).error = error;
    tevent_req_done(request);
    return tevent_req_post(request, events);
}

} // namespace

bool start(const std::string& configuration, int log_level)
{
    (void)talloc_stackframe(); // for the life of the process
    smb_init_locale();
    setup_logging(program, DEBUG_STDERR);
    if (!configuration.empty()) {
        set_dyn_CONFIGFILE(configuration.c_str());
    }
    wanted_log_level = log_level;
    return read_configuration();
}

bool configuration_has_changed()
{
    return lp_file_list_changed();
}

bool read_configuration()
{
    const bool loaded = lp_load_global(get_dyn_CONFIGFILE());
    (void)debug_parse_levels(std::to_string(wanted_log_level).c_str()); // whatever smb.conf says for smbd
    return loaded;
}

std::string option(const char* name, const char* otherwise)
{
    const char* value = lp_parm_const_string(GLOBAL_SECTION_SNUM, "ntpipe", name, otherwise);
    return value == nullptr ? "" : value;
}

std::string socket_directory()
{
    const char* value = lp_parm_const_string(GLOBAL_SECTION_SNUM, "external_rpc_pipe", "socket_dir", lp_ncalrpc_dir());
    return std::string(value) + "/np";
}

std::string program_directory()
{
    return get_dyn_SAMBA_LIBEXECDIR();
}

void log(const std::string& line)
{
    DEBUG(0, ("%s: %s\n", program, line.c_str()));
}

// ---- messages ----

Awaited<Stream::ReceiveMessage> Stream::read(std::vector<std::byte>& message)
{
    Outcome* state = nullptr;
    tevent_req* request = make(state);
    if (request != nullptr) {
        state->inner = tstream_readv_pdu_send(request, events_, stream_.get(), next_vector, &state->incoming);
        if (state->inner == nullptr) {
            over(request, events_, ENOMEM);
        } else {
            tevent_req_set_callback(
                state->inner,
                [](tevent_req* inner) {
                    auto* outer = static_cast<tevent_req*>(tevent_req_callback_data_void(inner));
                    int error = 0;
                    outcome_of(outer).error = tstream_readv_pdu_recv(inner, &error) < 0 ? error : 0;
                    tevent_req_done(outer);
                },
                request);
        }
    }
    return {events_, request, ReceiveMessage{&message}};
}

int Stream::ReceiveMessage::operator()(tevent_req* request) const
{
    *message = std::move(outcome_of(request).incoming.bytes);
    return outcome_of(request).error;
}

Awaited<Stream::ReceiveNumber> Stream::write(std::span<const std::byte> message)
{
    Outcome* state = nullptr;
    tevent_req* request = make(state);
    if (request != nullptr) {
        state->vector.iov_base = const_cast<std::byte*>(message.data()); // it is read from
        state->vector.iov_len = message.size();
        state->inner = tstream_writev_send(request, events_, stream_.get(), &state->vector, 1);
        if (state->inner == nullptr) {
            over(request, events_, ENOMEM);
        } else {
            tevent_req_set_callback(
                state->inner,
                [](tevent_req* inner) {
                    auto* outer = static_cast<tevent_req*>(tevent_req_callback_data_void(inner));
                    int error = 0;
                    outcome_of(outer).error = tstream_writev_recv(inner, &error) < 0 ? error : 0;
                    tevent_req_done(outer);
                },
                request);
        }
    }
    return {events_, request, ReceiveNumber{}};
}

int Stream::ReceiveNumber::operator()(tevent_req* request) const
{
    return outcome_of(request).error;
}

// ---- connecting ----

Awaited<ReceiveStream> connect_to_samba(tevent_context* events, const std::string& name, std::uint32_t user,
                                        Stream& stream)
{
    Outcome* state = nullptr;
    tevent_req* request = make(state);
    if (request != nullptr) {
        const auth_session_info* session = session_of(request, user);
        state->inner = session == nullptr
                           ? nullptr
                           : local_np_connect_send(request, events, name.c_str(), NCACN_NP, nullptr, nullptr, nullptr,
                                                   nullptr, session, /*need_idle_server=*/false);
        if (state->inner == nullptr) {
            over(request, events, session == nullptr ? EACCES : ENOMEM);
        } else {
            tevent_req_set_callback(
                state->inner,
                [](tevent_req* inner) {
                    auto* outer = static_cast<tevent_req*>(tevent_req_callback_data_void(inner));
                    outcome_of(outer).error = local_np_connect_recv(inner, outer, &outcome_of(outer).stream);
                    tevent_req_done(outer);
                },
                request);
        }
    }
    return {events, request, ReceiveStream{events, &stream}};
}

// ---- asking for interfaces ----

namespace {

void listed(tevent_req* inner)
{
    auto* outer = static_cast<tevent_req*>(tevent_req_callback_data_void(inner));
    Outcome& outcome = outcome_of(outer);
    std::uint8_t* bytes = nullptr;
    outcome.error = file_ploadv_recv(inner, outer, &bytes);
    if (outcome.error == 0) {
        try {
            outcome.output.assign(reinterpret_cast<const char*>(bytes), talloc_get_size(bytes) - 1); // its end is a NUL
        } catch (const std::bad_alloc&) {
            outcome.error = ENOMEM;
        }
    }
    tevent_req_done(outer);
}

} // namespace

Awaited<ReceiveOutput> list_interfaces(tevent_context* events, const std::string& program_path, std::string& output)
{
    constexpr std::size_t longest_output = 65536;
    Outcome* state = nullptr;
    tevent_req* request = make(state);
    if (request != nullptr) {
        char** command = str_list_make_empty(request);
        str_list_add_printf(&command, "%s", program_path.c_str());
        str_list_add_printf(&command, "--list-interfaces");
        str_list_add_printf(&command, "--configfile=%s", get_dyn_CONFIGFILE());
        state->inner = command == nullptr ? nullptr : file_ploadv_send(request, events, command, longest_output);
        if (state->inner == nullptr) {
            over(request, events, ENOMEM);
        } else {
            tevent_req_set_callback(state->inner, listed, request);
        }
    }
    return {events, request, ReceiveOutput{&output}};
}

int ReceiveOutput::operator()(tevent_req* request) const
{
    *output = std::move(outcome_of(request).output);
    return outcome_of(request).error;
}

// ---- being connected with ----

namespace {

// What smbd shows of any pipe of Samba's (SEMANTICS 9.2).
constexpr std::uint16_t byte_mode_pipe = 1;
constexpr std::uint16_t message_mode_pipe = 2;
constexpr std::uint16_t device_state = 0x05FF;
constexpr std::uint64_t allocation_size = 4096;

std::uint32_t flags_of(auth_session_info* session)
{
    switch (security_session_user_level(session, nullptr)) {
    case SECURITY_ANONYMOUS:
        return NTPIPE_IDENTITY_REMOTE | NTPIPE_IDENTITY_ANONYMOUS;
    case SECURITY_GUEST:
        return NTPIPE_IDENTITY_REMOTE | NTPIPE_IDENTITY_GUEST;
    default:
        return NTPIPE_IDENTITY_REMOTE;
    }
}

// nullptr: a part of it is missing, or memory.
ntpipe_identity* identity_of(auth_session_info* session, const char* computer, const tsocket_address* address)
{
    if (session == nullptr || session->security_token == nullptr || session->unix_token == nullptr ||
        session->info == nullptr || session->security_token->num_sids == 0) {
        return nullptr;
    }
    const security_token& token = *session->security_token;
    ntpipe_identity* identity = talloc_zero(nullptr, ntpipe_identity);
    const char** sids = talloc_array(identity, const char*, token.num_sids);
    if (identity == nullptr || sids == nullptr) {
        talloc_free(identity);
        return nullptr;
    }
    for (std::uint32_t i = 0; i < token.num_sids; ++i) {
        sids[i] = dom_sid_string(static_cast<void*>(sids), &token.sids[i]);
    }
    const auto copy = [identity](const char* text) { return talloc_strdup(identity, text == nullptr ? "" : text); };
    identity->size = sizeof(*identity);
    identity->flags = flags_of(session);
    identity->uid = session->unix_token->uid;
    identity->gid = session->unix_token->gid;
    identity->privileges = token.privilege_mask;
    identity->num_sids = token.num_sids;
    identity->sids = sids;
    identity->account = copy(session->info->account_name);
    identity->domain = copy(session->info->domain_name);
    identity->computer = copy(computer);
    identity->address = address == nullptr ? copy("") : tsocket_address_inet_addr_string(address, identity);
    const bool is_whole = std::all_of(sids, sids + token.num_sids, [](const char* sid) { return sid != nullptr; }) &&
                          identity->account != nullptr && identity->domain != nullptr &&
                          identity->computer != nullptr && identity->address != nullptr;
    if (!is_whole) {
        talloc_free(identity);
        return nullptr;
    }
    return identity;
}

void accepted(tevent_req* inner)
{
    auto* outer = static_cast<tevent_req*>(tevent_req_callback_data_void(inner));
    Outcome& outcome = outcome_of(outer);
    dcerpc_transport_t transport{};
    tsocket_address* client = nullptr;
    tsocket_address* server = nullptr;
    char* client_name = nullptr;
    char* server_name = nullptr;
    auth_session_info_transport* session = nullptr;
    int error = 0;
    if (tstream_npa_accept_existing_recv(inner, &error, outer, &outcome.stream, nullptr, &transport, &client,
                                         &client_name, &server, &server_name, &session) < 0) {
        outcome.error = error == 0 ? EIO : error;
    } else {
        outcome.identity = identity_of(session == nullptr ? nullptr : session->session_info, client_name, client);
        outcome.error = outcome.identity == nullptr ? EPROTO : 0;
        (void)talloc_steal(outcome.stream, outcome.plain); // it works on it, but does not own it
    }
    tevent_req_done(outer);
}

} // namespace

Awaited<ReceiveAccepted> accept_from_samba(tevent_context* events, int descriptor, bool by_message, Accepted& into)
{
    Outcome* state = nullptr;
    tevent_req* request = make(state);
    if (request == nullptr || tstream_bsd_existing_socket(request, descriptor, &state->plain) < 0) {
        ::close(descriptor);
        return {events, request == nullptr ? nullptr : over(request, events, ENOMEM), ReceiveAccepted{events, &into}};
    }
    state->inner = tstream_npa_accept_existing_send(
        request, events, state->plain, by_message ? message_mode_pipe : byte_mode_pipe, device_state, allocation_size);
    if (state->inner == nullptr) {
        over(request, events, ENOMEM);
    } else {
        tevent_req_set_callback(state->inner, accepted, request);
    }
    return {events, request, ReceiveAccepted{events, &into}};
}

int ReceiveAccepted::operator()(tevent_req* request) const
{
    Outcome& outcome = outcome_of(request);
    accepted->identity.reset(outcome.identity);
    if (outcome.error == 0) {
        accepted->stream = Stream(talloc_move(static_cast<TALLOC_CTX*>(nullptr), &outcome.stream), events);
    }
    return outcome.error;
}

std::string lower_case(const std::string& name)
{
    const Talloc<char> lower(strlower_talloc(talloc_tos(), name.c_str()));
    if (lower == nullptr) {
        throw std::bad_alloc();
    }
    return lower.get();
}

// ---- connecting: the result ----

int ReceiveStream::operator()(tevent_req* request) const
{
    Outcome& outcome = outcome_of(request);
    if (outcome.error == 0) {
        *stream = Stream(talloc_move(static_cast<TALLOC_CTX*>(nullptr), &outcome.stream), events);
    }
    return outcome.error;
}

} // namespace ntpipe::samba::npa

// SPDX-License-Identifier: GPL-3.0-or-later
// smbd_smb1_transaction.cc: TRANSACTION, TRANSACTION2 and NT_TRANSACT on pipes of ours, in however many packets they come and are answered.
#include "smbd_hooks.hpp"
#include "smbd_smb1_open.hpp"

#include <algorithm>
#include <array>

namespace ntpipe::samba::smbd {
namespace {

constexpr std::array<std::uint8_t, 3> primary_commands{SMBtrans, SMBtrans2, SMBnttrans};

std::uint8_t command_of(smb1::Kind kind)
{
    return primary_commands[static_cast<std::size_t>(kind)];
}

// ---- transactions of which not everything has come ----

/// Ends with its tree.
struct PendingTransaction : glue::ListNode {
    explicit PendingTransaction(const smb_request* request)
        : conn(request->conn), vuid(request->vuid), mid(request->mid), process(request->smbpid)
    {
    }
    [[nodiscard]] bool is_of(const smb_request* request) const
    {
        return conn == request->conn && vuid == request->vuid && mid == request->mid && process == request->smbpid;
    }
    const connection_struct* conn;
    std::uint64_t vuid;
    std::uint64_t mid;
    std::uint16_t process;
    smb1::Transaction transaction;
};

glue::List<PendingTransaction>& pending_transactions()
{
    static glue::List<PendingTransaction> list;
    return list;
}

PendingTransaction* find_pending(const smb_request* request)
{
    auto& list = pending_transactions();
    for (PendingTransaction* pending = list.front(); pending != nullptr; pending = list.after(*pending)) {
        if (pending->is_of(request)) {
            return pending;
        }
    }
    return nullptr;
}

// As many as smbd allows for its own.
Status may_wait(const smb_request* request)
{
    constexpr std::size_t most = 6;
    if (find_pending(request) != nullptr) {
        return Status::invalid_parameter;
    }
    return pending_transactions().count() < most ? Status::success : Status::insufficient_resources;
}

// The client may send the rest.
void reply_interim(smb_request* request, smb1::Transaction transaction)
{
    const Status allowed = may_wait(request);
    auto* pending = is_error(allowed)
                        ? nullptr
                        : glue::make_talloc<PendingTransaction>(request->conn, "struct ntpipe_transaction", request);
    if (pending == nullptr) {
        reply_status(request, is_error(allowed) ? allowed : Status::no_memory);
        return;
    }
    pending->transaction = std::move(transaction);
    pending_transactions().push_back(*pending);
    reply_smb1_outbuf(request, 0, 0);
}

// ---- answers ----

struct Answer {
    smb1::Kind kind;
    Status status;
    Bytes parameters;
    Bytes data;
};

// One packet of it. What of the answer is in it, and what not, the layout says.
void make_packet(smb_request* request, const Answer& answer, std::size_t words_at, const smb1::AnswerPacket& packet,
                 const smb1::AnswerTotals& totals)
{
    reply_smb1_outbuf(request, smb1::answer_words(answer.kind), static_cast<std::uint32_t>(packet.bytes()));
    auto* bytes = reinterpret_cast<std::uint8_t*>(smb_buf(request->outbuf));
    std::fill_n(bytes, packet.bytes(), std::uint8_t{0});
    std::ranges::copy(answer.parameters.subspan(totals.sent_parameters, packet.parameters),
                      bytes + packet.parameters_at);
    std::ranges::copy(answer.data.subspan(totals.sent_data, packet.data), bytes + packet.data_at);
    smb1::encode_answer(answer.kind, words_at, packet, totals, request->outbuf + smb_vwv);
    set_status(request, answer.status);
}

constexpr std::size_t largest_chain = 0xFFFF;

// At the end of a chain it has to fit into the chain's packet.
void reply_in_chain(smb_request* request, const Answer& answer, std::size_t before)
{
    const std::size_t words_at = before - NBT_HDR_SIZE + 1;
    const auto packet =
        smb1::plan_answer(answer.kind, words_at, answer.parameters.size(), answer.data.size(), largest_chain);
    make_packet(request, answer, words_at, packet, {packet.parameters, packet.data, 0, 0});
}

void send_packets(smb_request* request, const Answer& answer)
{
    constexpr std::size_t words_at = smb1::header_size + 1;
    constexpr int smallest_buffer = 500; // of a client
    const auto room = static_cast<std::size_t>(std::max(request->xconn->smb1.sessions.max_send, smallest_buffer));
    smb1::AnswerTotals totals{answer.parameters.size(), answer.data.size(), 0, 0};
    do {
        const auto packet = smb1::plan_answer(answer.kind, words_at, totals.parameters - totals.sent_parameters,
                                              totals.data - totals.sent_data, room);
        make_packet(request, answer, words_at, packet, totals);
        send_now(request, request->outbuf, false);
        TALLOC_FREE(request->outbuf);
        totals.sent_parameters += packet.parameters;
        totals.sent_data += packet.data;
    } while (totals.sent_parameters < totals.parameters || totals.sent_data < totals.data);
}

void reply_transaction(smb_request* request, const Answer& answer)
{
    const std::size_t before = size_of_chain_before(request);
    if (before != 0) {
        reply_in_chain(request, answer, before);
    } else {
        send_packets(request, answer);
    }
}

// As the client wants it when the transaction is over. All that is open in the tree is closed.
void disconnect_tree(smb_request* request)
{
    smbXsrv_tcon* tcon = request->conn == nullptr ? nullptr : request->conn->tcon;
    if (tcon == nullptr) {
        return;
    }
    request->conn = nullptr;
    if (!NT_STATUS_IS_OK(smbXsrv_tcon_disconnect(tcon, request->vuid))) {
        smbd_server_connection_terminate(request->xconn, "ntpipe: a tree cannot be disconnected");
        return;
    }
    talloc_free(tcon);
}

// ---- a transaction on a pipe ----

class TransactionOperation final : public ExchangeOf<Smb1Operation> {
public:
    TransactionOperation(smb_request* request, const smb1::Subcommand& row, smb1::Transaction transaction)
        : ExchangeOf(request), row_(row), transaction_(std::move(transaction))
    {
        if (has_flag(smb1::has_no_response)) {
            smb1_srv_cancel_sign_response(request->xconn);
        }
    }

    void start(glue::List<Operation>& list)
    {
        Exchange& exchange = this->exchange();
        if (transaction_.primary.max_parameters < row_.answer_parameters) {
            exchange.status = Status::invalid_parameter;
        } else {
            exchange.status = row_.decode(transaction_, exchange);
        }
        if (const std::size_t before = size_of_chain_before(request()); before != 0) {
            constexpr std::size_t all_but_data = 128;
            const std::size_t used = std::min(before + all_but_data, largest_chain);
            exchange.length = std::min(exchange.length, static_cast<std::uint32_t>(largest_chain - used));
        }
        if (exchange.status == Status::pending) {
            row_.call(exchange);
        }
        answer_or_pend(list);
    }

protected:
    void answer() override;

private:
    [[nodiscard]] bool has_flag(std::uint16_t flag) const { return (transaction_.primary.flags & flag) != 0; }
    void reply();

    const smb1::Subcommand& row_;
    smb1::Transaction transaction_;
};

void TransactionOperation::answer()
{
    if (!has_flag(smb1::has_no_response)) {
        reply();
    }
    if (has_flag(smb1::disconnects_tree)) {
        disconnect_tree(request());
    }
}

// A security descriptor that does not fit is an error with an answer: how much room it needs.
void TransactionOperation::reply()
{
    const Exchange& exchange = this->exchange();
    if (is_error(exchange.status) && (exchange.status != Status::buffer_too_small || exchange.needed == 0)) {
        reply_status(request(), exchange.status);
        return;
    }
    std::array<std::uint8_t, 8> parameters{};
    row_.encode(exchange, parameters.data());
    const bool has_data = row_.answers_data && exchange.output != nullptr;
    const std::size_t size = has_data ? std::min<std::size_t>(exchange.transferred, exchange.length) : 0;
    reply_transaction(
        request(), {row_.kind, exchange.status, {parameters.data(), row_.answer_parameters}, {exchange.output, size}});
}

void run_on_pipe(smb_request* request, const smb1::Subcommand& row, smb1::Transaction transaction, PipeHandle& handle)
{
    auto* operation = glue::make_talloc<TransactionOperation>(request, "struct ntpipe_transaction", request, row,
                                                              std::move(transaction));
    if (operation == nullptr) {
        reply_status(request, Status::no_memory);
        return;
    }
    operation->exchange().end = handle.end;
    operation->start(handle.pending);
}

void run_on_name(smb_request* request, const smb1::Subcommand& row, smb1::Transaction transaction, Wanted wanted)
{
    Gateway* gateway = gateway_for(request->xconn);
    auto* operation = glue::make_talloc<TransactionOperation>(request, "struct ntpipe_transaction", request, row,
                                                              std::move(transaction));
    if (operation == nullptr || gateway == nullptr) {
        talloc_free(operation);
        reply_status(request, gateway == nullptr ? Status::object_name_not_found : Status::no_memory);
        return;
    }
    wanted.identity = identity_of(operation, caller_of(request));
    if (wanted.identity == nullptr) {
        talloc_free(operation);
        reply_status(request, Status::no_memory);
        return;
    }
    operation->exchange().gateway = gateway;
    operation->exchange().wanted = std::move(wanted);
    operation->start(operations_without_handle());
}

// ---- NT_TRANSACT_CREATE ----

constexpr OpenForm nt_transact_form{
    ::reply_nttrans, [](smb_request* request, const smb1::OpenedPipe& pipe, bool is_extended) {
        std::array<std::uint8_t, smb1::nt_transact_create_extended_size> parameters{};
        smb1::encode_nt_transact_create(pipe, is_extended, parameters.data());
        const std::size_t size = is_extended ? parameters.size() : smb1::nt_transact_create_size;
        reply_transaction(request, {smb1::Kind::nt_transact, Status::success, {parameters.data(), size}, {}});
    }};

// It came in several packets, which smbd has not seen: it gets one that says the same.
void make_whole(smb_request* request, const smb1::Transaction& transaction)
{
    const std::vector<std::uint8_t> block = smb1::whole_nt_transact(transaction);
    constexpr std::size_t before = NBT_HDR_SIZE + smb1::header_size;
    auto* packet = talloc_array(request, std::uint8_t, static_cast<unsigned>(before + block.size()));
    if (packet == nullptr) {
        throw std::bad_alloc();
    }
    std::copy_n(request->inbuf, before, packet);
    std::ranges::copy(block, packet + before);
    _smb_setlen_large(packet, static_cast<std::uint32_t>(smb1::header_size + block.size()));
    SCVAL(packet, smb_com, SMBnttrans);
    request->inbuf = packet;
    request->wct = static_cast<std::uint8_t>(CVAL(packet, smb_wct));
    request->vwv = reinterpret_cast<const std::uint16_t*>(packet + smb_vwv);
    request->buflen = static_cast<std::uint16_t>(smb_buflen(packet));
    request->buf = reinterpret_cast<const std::uint8_t*>(smb_buf_const(packet));
}

bool open_by_transaction(smb_request* request, const smb1::Packet& packet, Bytes parameters)
{
    smb1::Open open;
    return smb1::decode_nt_transact_create(packet, parameters, open) && start_open(request, open, nt_transact_form);
}

// ---- whose it is ----

/// What is known of whom a transaction is for.
struct Addressee {
    enum { samba, pipe, name, not_known_yet } what = samba;
    Found found;
    Wanted wanted;
};

// Without a row it is what a pipe of ours will refuse.
smb1::Target target_of(const smb1::Subcommand* row)
{
    return row == nullptr ? smb1::Target::setup_fid : row->target;
}

// As with SMB2: a name that is exported, but that nobody has, is ours to say so.
Addressee addressee_by_name(smb_request* request, const std::string& path)
{
    Addressee addressee;
    Gateway* gateway = lp_nt_pipe_support() ? gateway_for(request->xconn) : nullptr;
    addressee.wanted.name = smb1::name_in_pipe_path(path, false).value_or("");
    if (gateway != nullptr && gateway->concerns(addressee.wanted.name)) {
        addressee.what = Addressee::name;
    }
    return addressee;
}

// `parameters`: as far as they are known.
Addressee addressee_of(smb_request* request, smb1::Kind kind, const smb1::Primary& primary, Bytes parameters)
{
    const smb1::Subcommand* row = smb1::subcommand(primary, kind);
    if ((row == nullptr && kind != smb1::Kind::transaction) ||
        (kind == smb1::Kind::transaction && !smb1::is_pipe_transaction(primary.name))) {
        return {};
    }
    const smb1::Target target = target_of(row);
    if (target == smb1::Target::name) {
        return addressee_by_name(request, primary.name);
    }
    const auto fid = smb1::fid_of(primary, target, parameters);
    Addressee addressee;
    if (fid) {
        addressee.found = find_pipe(request, *fid);
        addressee.what = addressee.found.handle == nullptr ? Addressee::samba : Addressee::pipe;
    } else if (kind == smb1::Kind::nt_transact && primary.fragment.total_parameters >= sizeof(std::uint16_t) &&
               target == smb1::Target::parameter_fid) {
        addressee.what = Addressee::not_known_yet;
    }
    return addressee;
}

bool is_create(smb1::Kind kind, const smb1::Primary& primary)
{
    return kind == smb1::Kind::nt_transact && primary.function == smb1::nt_transact_create;
}

/// A transaction that is complete, or that is wrong and need not be.
void run(smb_request* request, smb1::Transaction transaction, Addressee addressee)
{
    const smb1::Subcommand* row = smb1::subcommand(transaction.primary, transaction.kind);
    if (addressee.found.is_foreign) {
        reply_status(request, Status::invalid_handle);
    } else if (row == nullptr ||
               (row->setup_words != 0 && transaction.primary.setup.size() != std::size_t{2} * row->setup_words)) {
        reply_status(request, Status::invalid_parameter);
    } else if (addressee.what == Addressee::name) {
        run_on_name(request, *row, std::move(transaction), std::move(addressee.wanted));
    } else {
        run_on_pipe(request, *row, std::move(transaction), *addressee.found.handle);
    }
}

/// One that has come in several packets.
void run_assembled(smb_request* request, smb1::Transaction transaction)
{
    const smb1::Primary& primary = transaction.primary;
    if (is_create(transaction.kind, primary)) {
        smb1::Packet packet = packet_of(request);
        packet.is_unicode = transaction.is_unicode;
        smb1::Open open;
        const bool is_good = smb1::decode_nt_transact_create(packet, transaction.parameters.bytes(), open);
        make_whole(request, transaction);
        if (!is_good || !start_open(request, open, nt_transact_form)) {
            reply_nttrans(request);
        }
        return;
    }
    Addressee addressee = addressee_of(request, transaction.kind, primary, transaction.parameters.bytes());
    if (addressee.what == Addressee::pipe || addressee.what == Addressee::name) {
        run(request, std::move(transaction), std::move(addressee));
    } else if (transaction.kind == smb1::Kind::nt_transact &&
               target_of(smb1::subcommand(primary, transaction.kind)) == smb1::Target::parameter_fid) {
        make_whole(request, transaction);
        reply_nttrans(request);
    } else {
        reply_status(request, Status::invalid_handle); // it was closed meanwhile
    }
}

// False: it is Samba's.
bool begin_transaction(smb_request* request, smb1::Kind kind)
{
    const smb1::Packet packet = packet_of(request);
    smb1::Transaction transaction;
    transaction.kind = kind;
    transaction.is_unicode = packet.is_unicode;
    smb1::Primary& primary = transaction.primary;
    if (!smb1::decode_primary(kind, packet, primary)) {
        return false;
    }
    const auto& parts = primary.fragment;
    const Bytes parameters = packet.part(parts.parameters.offset, parts.parameters.count).value_or(Bytes());
    const bool is_whole = parts.parameters.count == parts.total_parameters && parts.data.count == parts.total_data;
    Addressee addressee;
    if (is_create(kind, primary)) {
        const bool is_possible = lp_nt_pipe_support() && gateway_for(request->xconn) != nullptr;
        if (!is_possible || is_whole) {
            return is_possible && open_by_transaction(request, packet, parameters);
        }
        addressee.what = Addressee::not_known_yet;
    } else {
        addressee = addressee_of(request, kind, primary, parameters);
    }
    if (addressee.what == Addressee::samba) {
        return false;
    }
    const Status status = transaction.add(primary.fragment, packet);
    if (status == Status::pending && !addressee.found.is_foreign) {
        reply_interim(request, std::move(transaction));
    } else if (is_error(status)) {
        reply_status(request, status);
    } else {
        run(request, std::move(transaction), std::move(addressee));
    }
    return true;
}

void continue_transaction(smb_request* request, PendingTransaction& pending)
{
    const smb1::Packet packet = packet_of(request);
    smb1::Fragment fragment{};
    request->cmd = command_of(pending.transaction.kind); // that is what the answer is one to
    const Status status = smb1::decode_secondary(pending.transaction.kind, packet, fragment)
                              ? pending.transaction.add(fragment, packet)
                              : Status::invalid_parameter;
    if (status == Status::pending) {
        return; // and nothing is answered
    }
    smb1::Transaction transaction = std::move(pending.transaction);
    talloc_free(&pending);
    if (is_error(status)) {
        reply_status(request, status);
    } else {
        run_assembled(request, std::move(transaction));
    }
}

} // namespace

void process_transaction(smb_request* request, smb1::Kind kind, void (*original)(smb_request*))
{
    guarded(request, [&] {
        if (!is_for_pipes(request) || !begin_transaction(request, kind)) {
            original(request);
        }
    });
}

void process_secondary(smb_request* request, smb1::Kind kind, void (*original)(smb_request*))
{
    guarded(request, [&] {
        PendingTransaction* pending = is_for_pipes(request) ? find_pending(request) : nullptr;
        if (pending != nullptr && pending->transaction.kind == kind) {
            continue_transaction(request, *pending);
        } else {
            original(request);
        }
    });
}

void forget_transaction(smb_request* request)
{
    talloc_free(find_pending(request));
}

} // namespace ntpipe::samba::smbd

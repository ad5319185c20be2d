// SPDX-License-Identifier: GPL-3.0-or-later
// fuzz_smb1.cc: SMB1 commands, opens and transactions in one and several packets, at the module's dispatch tables.
#include "smb_pipe.hpp"

#include "smb1_transaction.hpp"

#include <array>
#include <memory>

using namespace ntpipe;
using namespace ntpipe::samba;
using namespace ntpipe::samba::fuzz;

namespace {

constexpr std::array codes{smb1::code_flush,    smb1::code_read,      smb1::code_write,
                           smb1::code_read_raw, smb1::code_read_andx, smb1::code_write_andx};

/// A packet as smbd has checked it: the words and bytes that it says are all there.
struct Received {
    Received(Input& input, std::size_t words) : whole(smb1::header_size)
    {
        packet.is_unicode = (input.byte() & 1U) != 0;
        const std::size_t bytes = input.word() % 2048;
        append(static_cast<std::uint8_t>(words));
        const std::size_t words_at = whole.size();
        append(input, 2 * words);
        append(static_cast<std::uint8_t>(bytes));
        append(static_cast<std::uint8_t>(bytes >> 8));
        const std::size_t bytes_at = whole.size();
        append(input, bytes);
        // Without slack behind its end.
        exact = std::make_unique<std::uint8_t[]>(whole.size());
        std::ranges::copy(whole, exact.get());
        packet.whole = {exact.get(), whole.size()};
        packet.words = packet.whole.subspan(words_at, 2 * words);
        packet.bytes = packet.whole.subspan(bytes_at, bytes);
    }
    void append(std::uint8_t byte) { whole.push_back(byte); }
    void append(Input& input, std::size_t size)
    {
        const auto bytes = input.take(size);
        whole.insert(whole.end(), bytes.begin(), bytes.end());
        whole.resize(whole.size() + size - bytes.size());
    }
    std::vector<std::uint8_t> whole;
    std::unique_ptr<std::uint8_t[]> exact;
    smb1::Packet packet;
};

smb1::OpenedPipe opened(ntpipe_end* end)
{
    smb1::OpenedPipe pipe{};
    pipe.granted_access = ntpipe_granted_access(end);
    ntpipe_query_traits(end, &pipe.traits);
    return pipe;
}

class Connection {
public:
    explicit Connection(std::uint8_t kind) : pipe_(kind) {}

    void step(Input& input)
    {
        switch (input.byte() % 8) {
        case 0:
        case 1:
            run_command(input);
            break;
        case 2:
            open(input);
            break;
        case 3:
            if (pipe_.has_server()) {
                pipe_.act(input);
            }
            break;
        default:
            run_packet_of_transaction(input);
            break;
        }
    }

private:
    Received& received(Input& input, std::size_t words)
    {
        packets_.push_back(std::make_unique<Received>(input, words));
        return *packets_.back();
    }

    void run_command(Input& input)
    {
        const smb1::Command& command = smb1::command(codes[input.byte() % codes.size()]);
        const Received& request = received(input, command.word_counts[input.byte() % 2]);
        Exchange& exchange = pipe_.begin();
        exchange.status = command.decode(request.packet, message_, exchange);
        constexpr std::uint32_t room = 0xFFFF;
        exchange.length = std::min(exchange.length, room);
        if (exchange.status == Status::pending) {
            command.call(exchange);
        }
        pipe_.wait_for_end([&command](const Exchange& over) {
            if (!is_error(over.status)) {
                std::vector<std::uint8_t> words(std::size_t{2} * command.answer_words);
                command.encode(over, words.data());
            }
        });
    }

    void open(Input& input)
    {
        const std::uint8_t form = input.byte() % 3;
        const Received& request = received(input, input.byte() % 32);
        const smb1::OpenedPipe pipe = opened(pipe_.client());
        smb1::Open open;
        if (form == 0 && smb1::decode_open_andx(request.packet, open)) {
            std::array<std::uint8_t, std::size_t{2} * smb1::open_andx_words> words{};
            smb1::encode_open_andx(pipe, words.data());
        } else if (form == 1 && smb1::decode_nt_create_andx(request.packet, open)) {
            std::vector<std::uint8_t> words(
                std::size_t{2} * (open.is_extended ? smb1::nt_create_extended_words : smb1::nt_create_words));
            smb1::encode_nt_create_andx(pipe, open.is_extended, words.data());
        } else if (form == 2 && smb1::decode_nt_transact_create(request.packet, request.packet.bytes, open)) {
            std::vector<std::uint8_t> parameters(open.is_extended ? smb1::nt_transact_create_extended_size
                                                                  : smb1::nt_transact_create_size);
            smb1::encode_nt_transact_create(pipe, open.is_extended, parameters.data());
        }
    }

    void run_packet_of_transaction(Input& input)
    {
        const auto kind = static_cast<smb1::Kind>(input.byte() % 3);
        const Received& request = received(input, input.byte() % 40);
        if (!transaction_) {
            transaction_ = std::make_unique<smb1::Transaction>();
            transaction_->kind = kind;
            transaction_->is_unicode = request.packet.is_unicode;
            if (!smb1::decode_primary(kind, request.packet, transaction_->primary)) {
                transaction_.reset();
                return;
            }
            add(transaction_->primary.fragment, request);
            return;
        }
        smb1::Fragment fragment{};
        if (smb1::decode_secondary(transaction_->kind, request.packet, fragment)) {
            add(fragment, request);
        } else {
            transaction_.reset();
        }
    }

    void add(const smb1::Fragment& fragment, const Received& request)
    {
        const Status status = transaction_->add(fragment, request.packet);
        if (status == Status::pending) {
            return;
        }
        const std::shared_ptr<smb1::Transaction> whole = std::move(transaction_);
        if (!is_error(status)) {
            run(whole);
        }
    }

    // As smbd_smb1_transaction.cc.
    void run(const std::shared_ptr<smb1::Transaction>& transaction)
    {
        const smb1::Primary& primary = transaction->primary;
        if (transaction->kind == smb1::Kind::nt_transact) {
            const std::vector<std::uint8_t> block = smb1::whole_nt_transact(*transaction);
            require(block.size() > transaction->data.bytes().size(), "the whole has all of it");
        }
        const smb1::Subcommand* row = smb1::subcommand(primary, transaction->kind);
        (void)smb1::is_pipe_transaction(primary.name);
        if (row == nullptr || (row->setup_words != 0 && primary.setup.size() != std::size_t{2} * row->setup_words) ||
            (row->target != smb1::Target::name &&
             !smb1::fid_of(primary, row->target, transaction->parameters.bytes())) ||
            primary.max_parameters < row->answer_parameters) {
            return;
        }
        Exchange& exchange = pipe_.begin();
        exchange.wanted.name = smb1::name_in_pipe_path(primary.name, false).value_or("");
        exchange.status = row->decode(*transaction, exchange);
        if (exchange.status == Status::pending && row->target == smb1::Target::name) {
            exchange.status = Status::object_name_not_found; // it would be looked for at the broker
        } else if (exchange.status == Status::pending) {
            row->call(exchange);
        }
        pipe_.wait_for_end([transaction, row](const Exchange& over) { answer(*row, over); });
    }

    static void answer(const smb1::Subcommand& row, const Exchange& over)
    {
        if (is_error(over.status) && (over.status != Status::buffer_too_small || over.needed == 0)) {
            return;
        }
        std::array<std::uint8_t, 8> parameters{};
        row.encode(over, parameters.data());
        const bool has_data = row.answers_data && over.output != nullptr;
        smb1::AnswerTotals totals{row.answer_parameters,
                                  has_data ? std::min<std::size_t>(over.transferred, over.length) : 0, 0, 0};
        constexpr std::size_t words_at = smb1::header_size + 1;
        constexpr std::size_t room = 500;
        do {
            const auto packet = smb1::plan_answer(row.kind, words_at, totals.parameters - totals.sent_parameters,
                                                  totals.data - totals.sent_data, room);
            require(packet.data + packet.parameters != 0 || totals.data + totals.parameters == 0,
                    "each packet of an answer brings something");
            require(words_at + std::size_t{2} * smb1::answer_words(row.kind) + 2 + packet.bytes() <= room,
                    "a packet is not longer than it may be");
            std::vector<std::uint8_t> words(std::size_t{2} * smb1::answer_words(row.kind));
            smb1::encode_answer(row.kind, words_at, packet, totals, words.data());
            totals.sent_parameters += packet.parameters;
            totals.sent_data += packet.data;
        } while (totals.sent_parameters < totals.parameters || totals.sent_data < totals.data);
    }

    std::vector<std::unique_ptr<Received>> packets_; ///< of requests that may be pending
    std::unique_ptr<smb1::Transaction> transaction_;
    smb1::Message message_;
    Pipe pipe_;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    Input input(data, size);
    Connection connection(input.byte());
    constexpr int longest = 40;
    for (int step = 0; step < longest && !input.empty(); ++step) {
        connection.step(input);
    }
    return 0;
}

// SPDX-License-Identifier: GPL-3.0-or-later
// smb1_transaction.hpp: TRANSACTION, TRANSACTION2 and NT_TRANSACT: how they are put together from packets, their subcommands on pipes of
// ours, one row each, and how their answers are cut into packets.
#pragma once

#include "smb1_dispatch.hpp"

#include <map>

namespace ntpipe::samba::smb1 {

enum class Kind : std::uint8_t { transaction, transaction2, nt_transact };

/// A part of the parameters or of the data, as a packet has it.
struct Part {
    std::uint32_t count;
    std::uint32_t offset;       ///< in the packet
    std::uint32_t displacement; ///< in the whole
};

/// What a packet brings.
struct Fragment {
    std::uint32_t total_parameters;
    std::uint32_t total_data;
    Part parameters;
    Part data;
};

/// What only the first packet says.
struct Primary {
    std::uint32_t max_parameters = 0; ///< that the answer may have
    std::uint32_t max_data = 0;
    std::uint16_t flags = 0;
    std::uint32_t timeout = 0;
    std::uint16_t function = 0; ///< of NT_TRANSACT
    std::vector<std::uint8_t> setup;
    std::string name; ///< of TRANSACTION
    Fragment fragment{};
};

inline constexpr std::uint16_t disconnects_tree = 1; ///< flags
inline constexpr std::uint16_t has_no_response = 2;

/// False: the packet is malformed.
[[nodiscard]] bool decode_primary(Kind kind, const Packet& packet, Primary& primary);
[[nodiscard]] bool decode_secondary(Kind kind, const Packet& packet, Fragment& fragment);

/// Bytes that come in pieces, in any order.
class Assembly {
public:
    /// STATUS_INVALID_PARAMETER: it is not all in the packet, is beyond the whole, or has come before.
    [[nodiscard]] Status add(std::uint32_t total, const Part& part, const Packet& packet);
    [[nodiscard]] bool is_complete() const { return received_ == bytes_.size(); }
    [[nodiscard]] Bytes bytes() const { return bytes_; }

private:
    [[nodiscard]] bool is_free(std::size_t begin, std::size_t end) const;

    std::vector<std::uint8_t> bytes_;
    std::map<std::size_t, std::size_t> pieces_; ///< begin to end
    std::size_t received_ = 0;
};

/// A transaction whose packets come one after the other.
struct Transaction {
    Kind kind{};
    bool is_unicode = false;
    Primary primary;
    Assembly parameters;
    Assembly data;

    /// Takes in what a packet brings. STATUS_PENDING: there is more to come.
    [[nodiscard]] Status add(const Fragment& fragment, const Packet& packet);
};

/// Where a subcommand says which pipe it is for.
enum class Target {
    setup_fid,     ///< the second word of the setup
    ioctl_fid,     ///< the third
    parameter_fid, ///< the first two bytes of the parameters
    name,          ///< the Name
};

struct Subcommand {
    Kind kind;
    std::uint16_t code;
    std::uint8_t setup_words;
    Target target;
    std::uint8_t answer_parameters; ///< their size
    bool answers_data;
    /// Fills in the exchange. STATUS_PENDING: it is to be called; else it is over.
    Status (*decode)(const Transaction& transaction, Exchange& exchange);
    void (*call)(Exchange& exchange);
    void (*encode)(const Exchange& exchange, std::uint8_t* parameters);
};

inline constexpr std::uint16_t nt_transact_create = 1;

/// nullptr: there is none on pipes.
[[nodiscard]] const Subcommand* subcommand(const Primary& primary, Kind kind);
/// nullopt: the packet does not say it.
[[nodiscard]] std::optional<std::uint16_t> fid_of(const Primary& primary, Target target, Bytes parameters);
/// Whether a TRANSACTION is one for pipes by its Name, and not RAP.
[[nodiscard]] bool is_pipe_transaction(const std::string& name);

/// How one packet of an answer is laid out.
struct AnswerPacket {
    std::size_t parameters_at; ///< in the bytes that follow the words
    std::size_t parameters;
    std::size_t data_at;
    std::size_t data;
    [[nodiscard]] std::size_t bytes() const { return data_at + data; }
};
[[nodiscard]] std::uint8_t answer_words(Kind kind);
/// The next packet, for which so many bytes are left and `room` is how long a packet may be, when its words begin that far behind the
/// packet's begin.
[[nodiscard]] AnswerPacket plan_answer(Kind kind, std::size_t words_at, std::size_t parameters, std::size_t data,
                                       std::size_t room);
/// `sent` are those of the packets before.
struct AnswerTotals {
    std::size_t parameters, data, sent_parameters, sent_data;
};
void encode_answer(Kind kind, std::size_t words_at, const AnswerPacket& packet, const AnswerTotals& totals,
                   std::uint8_t* words);

/// The one packet that an NT_TRANSACT could have been, from WordCount on.
[[nodiscard]] std::vector<std::uint8_t> whole_nt_transact(const Transaction& transaction);

} // namespace ntpipe::samba::smb1

// SPDX-License-Identifier: GPL-3.0-or-later
// fuzz_smb2.cc: SMB2 requests at the module's dispatch tables.
#include "smb_pipe.hpp"

#include "smb2_dispatch.hpp"

#include <array>
#include <memory>

using namespace ntpipe;
using namespace ntpipe::samba;
using namespace ntpipe::samba::fuzz;

namespace {

constexpr std::array codes{smb2::code_flush,      smb2::code_read,     smb2::code_write,
                           smb2::code_lock,       smb2::code_ioctl,    smb2::code_query_directory,
                           smb2::code_query_info, smb2::code_set_info, smb2::code_change_notify};
constexpr std::array<std::uint16_t, 4> dialects{0x202, 0x210, 0x302, 0x311};

/// A request as smbd has checked it: the fixed part is as long as the command's row says.
struct Received {
    Received(Input& input, std::uint16_t structure_size)
    {
        message.dialect = dialects[input.byte() % dialects.size()];
        message.max_read = message.max_write = message.max_transact = 65536;
        const std::size_t fixed = structure_size & ~1U;
        const std::size_t size = std::max<std::size_t>(input.word() % 2048, structure_size % 2);
        body = fill(input, fixed);
        data = fill(input, size);
        message.body = {body.get(), fixed};
        message.data = {data.get(), size};
    }
    static std::unique_ptr<std::uint8_t[]> fill(Input& input, std::size_t size)
    {
        auto bytes = std::make_unique<std::uint8_t[]>(size);
        std::ranges::copy(input.take(size), bytes.get());
        return bytes;
    }
    std::unique_ptr<std::uint8_t[]> body;
    std::unique_ptr<std::uint8_t[]> data;
    smb2::Message message;
};

void run(Pipe& pipe, const smb2::Command& command, const std::shared_ptr<Received>& request)
{
    Exchange& exchange = pipe.begin();
    std::uint32_t payload = 0;
    exchange.status = command.decode(request->message, exchange, payload);
    if (!is_error(exchange.status) && &command == &smb2::wait_command) {
        exchange.status = Status::object_name_not_found; // it would be looked for at the broker
    } else if (!is_error(exchange.status)) {
        exchange.status = Status::pending;
        command.call(exchange);
    }
    pipe.wait_for_end([request, &command](const Exchange& over) {
        if (over.status == Status::buffer_too_small) {
            (void)smb2::error_data(over);
        }
        if (!is_error(over.status)) {
            std::vector<std::uint8_t> answer(command.answer_size);
            command.encode(request->message, over, answer.data());
        }
    });
}

// On the root of IPC$: what is said to a directory, not what comes of it.
void decode_for_root(Input& input)
{
    const smb2::Command& command = smb2::root_command(codes[input.byte() % codes.size()]);
    const Received request(input, command.structure_size);
    Exchange exchange;
    std::uint32_t payload = 0;
    if (!is_error(command.decode(request.message, exchange, payload)) && command.encode != nullptr) {
        std::vector<std::uint8_t> answer(command.answer_size);
        command.encode(request.message, exchange, answer.data());
    }
}

void create(Input& input)
{
    const Received request(input, smb2::create_structure_size);
    smb2::Create create;
    if (smb2::decode_create(request.message, create)) {
        require(create.open.name.find('\0') == std::string::npos, "a name has no NUL");
        std::array<std::uint8_t, smb2::create_answer_size> answer{};
        smb2::encode_create(1, 2, smb2::described_pipe, create.contexts.size(), answer.data());
    }
}

void step(Pipe& pipe, Input& input)
{
    const std::uint8_t choice = input.byte() % 8;
    if (choice == 0) {
        create(input);
    } else if (choice == 1 && pipe.has_server()) {
        pipe.act(input);
    } else if (choice == 2) {
        decode_for_root(input);
    } else {
        const smb2::Command& plain = smb2::command(codes[input.byte() % codes.size()]);
        const auto request = std::make_shared<Received>(input, plain.structure_size);
        const bool is_wait = &plain == &smb2::command(smb2::code_ioctl) && smb2::is_wait(request->message.body);
        run(pipe, is_wait ? smb2::wait_command : plain, request);
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    Input input(data, size);
    Pipe pipe(input.byte());
    constexpr int longest = 40;
    for (int count = 0; count < longest && !input.empty(); ++count) {
        step(pipe, input);
    }
    return 0;
}

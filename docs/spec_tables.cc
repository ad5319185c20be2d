// SPDX-License-Identifier: LGPL-2.1-or-later
// spec_tables.cc: writes the tables of SPEC.md that come from the code: messages and memory layout.
//
// usage: spec_tables SPEC.md          prints the file with the text between its "generated" marks made anew
#include "channel/layout.hpp"
#include "wire/messages.hpp"

#include <cstddef>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

using namespace ntpipe;

namespace {

std::string row(std::size_t offset, const char* type, const char* name, const char* writer, const char* meaning)
{
    return "| " + std::to_string(offset) + " | " + type + " | " + name + " | " + writer + " | " + meaning + " |\n";
}

// The bits, sizes and limits that the text names in words.
static_assert(channel::record_flag::continuation == 1 && channel::record_flag::revocable == 2 &&
              channel::record_flag::exempt == 4 && channel::record_flag::cut == 8 && channel::record_flag::known == 15);
static_assert(channel::record_state::live == 0 && channel::record_state::tentative == 1ULL << 32 &&
              channel::record_state::revoked == 2ULL << 32 && channel::record_state::done == 3ULL << 32);
static_assert(channel::record_claim::claimed == 1ULL << 34 && channel::record_claim::asked == 2ULL << 34 &&
              channel::record_claim::kept == 3ULL << 34);
static_assert(channel::connection_state::attached == 1 && channel::connection_state::withdrawn == 2 &&
              channel::connection_state::client_closed == 4 && channel::connection_state::server_closed == 8 &&
              channel::connection_state::disconnected == 16);
static_assert(channel::want::data == 1 && channel::want::space == 2);
static_assert(channel::ledger_bit::message_mode == 1ULL << 32 && channel::ledger_bit::posted == 1ULL << 33 &&
              channel::ledger_bit::claimed == 1ULL << 34 && channel::ledger_bit::asked == 1ULL << 35 &&
              channel::ledger_slots == 64);
static_assert(channel::record_alignment == 32 && channel::record_span(0) == 32 && channel::record_span(1) == 64);
static_assert(channel::minimum_segment_size == 4096 && channel::maximum_segment_size == 1U << 30);
static_assert(channel::pipe_magic == 0x5050544E && channel::layout_version == 1 && wire::hello_magic == 0x4250544E);
static_assert(channel::maximum_descriptor_size == 73664 && wire::lowest_version == 1 && wire::highest_version == 2);

const std::string head = "| offset | type | field | written by | meaning |\n|---|---|---|---|---|\n";

std::string layout()
{
    using namespace channel;
    std::string text = "\n#### Record header, " + std::to_string(sizeof(RecordHeader)) + " bytes\n\n" + head;
    text += row(offsetof(RecordHeader, size), "u32", "size", "writer", "bytes of payload behind the header");
    text += row(offsetof(RecordHeader, flags), "u32", "flags", "writer",
                "1 continuation, 2 revocable, 4 exempt from quota, 8 cut; others 0");
    text += row(offsetof(RecordHeader, sequence), "u64", "sequence", "writer",
                "0, 1, 2... over all segments of the direction");
    text += row(
        offsetof(RecordHeader, progress), "atomic u64", "progress", "both",
        "bits 0-31 bytes consumed; bits 32-33: 0 live, 1 tentative, 2 revoked, 3 done; bits 34-35: 1 claimed, 2 asked, "
        "3 kept");
    text += row(offsetof(RecordHeader, context), "u32", "context", "writer", "security context of the writer");
    text += row(offsetof(RecordHeader, rest), "u32", "rest", "writer", "bytes of the same write in later records");

    text +=
        "\n#### Segment header, " + std::to_string(segment_header_size) + " bytes, at offset 0 of a segment\n\n" + head;
    text +=
        row(offsetof(SegmentHeader, tail), "atomic u64", "tail", "writer", "position behind the last published record");
    text += row(offsetof(SegmentHeader, overflows), "atomic u64", "overflows", "writer",
                "overflow segments that the writer has begun to use; in the ring only, as all below but `head`");
    text +=
        row(offsetof(SegmentHeader, head), "atomic u64", "head", "reader", "position of the first record not released");
    text +=
        row(offsetof(SegmentHeader, consumed_bytes), "atomic u64", "consumed_bytes", "reader", "payload bytes passed");
    text += row(offsetof(SegmentHeader, consumed_records), "atomic u64", "consumed_records", "reader",
                "sequence of the first record not passed");
    text += row(offsetof(SegmentHeader, reads_resolved), "atomic u64", "reads_resolved", "reader",
                "ledger index below which every read is settled");
    text += row(offsetof(SegmentHeader, reads_posted), "atomic u64", "reads_posted", "reader",
                "ledger index of the next read");
    text +=
        row(offsetof(SegmentHeader, ledger), "atomic u64 [64]", "ledger", "reader; claims by both",
            "posted reads by index modulo 64: bits 0-31 length, bit 32 message mode, bit 33 posted, bit 34 claimed, "
            "bit 35 asked");

    text += "\n#### Page of a connection, " + std::to_string(connection_page_size) + " bytes\n\n" + head;
    text += row(offsetof(ConnectionPage, state), "atomic u32", "state", "both",
                "1 attached, 2 withdrawn, 4 client closed, 8 server closed, 16 disconnected");
    text += row(offsetof(ConnectionPage, sleepers), "atomic u32", "wants of the client",
                "client; cleared by the server", "1 data, 2 space, 2 + 4 room");
    text += row(offsetof(ConnectionPage, sleepers) + sizeof(ConnectionPage::Sleeper), "atomic u32",
                "wants of the server", "server; cleared by the client", "likewise");
    text += row(offsetof(ConnectionPage, mirrors), "atomic u64", "inbound unread", "client",
                "unread bytes, if the server does not map the inbound ring");
    text += row(offsetof(ConnectionPage, mirrors) + offsetof(DirectionMirror, posted), "atomic u64", "inbound posted",
                "server", "bytes of pending reads, if the client does not map the inbound ring");
    text += row(offsetof(ConnectionPage, mirrors) + sizeof(DirectionMirror), "atomic u64", "outbound unread", "server",
                "unread bytes, if the client does not map the outbound ring");
    text += row(offsetof(ConnectionPage, mirrors) + sizeof(DirectionMirror) + offsetof(DirectionMirror, posted),
                "atomic u64", "outbound posted", "client",
                "bytes of pending reads, if the server does not map the outbound ring");

    text += "\n#### Page of a pipe, " + std::to_string(pipe_page_size) + " bytes\n\n" + head;
    text += row(offsetof(PipePage, magic), "u32", "magic", "broker", "0x5050544E");
    text += row(offsetof(PipePage, version), "u32", "version", "broker", "of this layout");
    text += row(offsetof(PipePage, generation), "atomic u32", "generation", "broker",
                "odd while what follows is being written");
    text += row(offsetof(PipePage, current_instances), "atomic u32", "current_instances", "broker",
                "0 when the name has gone");
    text += row(offsetof(PipePage, default_timeout), "atomic u64", "default_timeout", "broker",
                "100 ns units, two's complement");
    text += row(offsetof(PipePage, descriptor_size), "atomic u32", "descriptor_size", "broker", "bytes");
    text += row(offsetof(PipePage, pipe), "u64", "pipe", "broker", "id of the pipe");
    text += row(sizeof(PipePage), "bytes", "descriptor", "broker", "self-relative security descriptor");
    return text;
}

// `text` with what stands between the marks of `name` replaced.
std::string with_section(const std::string& text, const std::string& name, const std::string& content)
{
    const std::string begin = "<!-- generated: " + name + " -->\n";
    const std::string end = "<!-- end of generated: " + name + " -->";
    const std::size_t from = text.find(begin);
    const std::size_t to = text.find(end);
    if (from == std::string::npos || to == std::string::npos || to < from) {
        std::cerr << "spec_tables: the marks of '" << name << "' are missing\n";
        std::exit(1);
    }
    return text.substr(0, from + begin.size()) + content + text.substr(to);
}

} // namespace

int main(int argc, char** argv)
{
    std::ifstream file(argc == 2 ? argv[1] : "");
    if (!file) {
        std::cerr << "usage: spec_tables SPEC.md\n";
        return 2;
    }
    std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    text = with_section(text, "messages", wire::describe());
    text = with_section(text, "layout", layout());
    std::cout << text;
    return 0;
}

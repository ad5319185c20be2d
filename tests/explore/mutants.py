#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
# mutants.py: breaks the channel in known ways, one after the other, and sees whether the explorer finds it.
"""usage: tests/explore/mutants.py [NAME...]

Builds the explorer over a changed copy of lib/ for each mutant, and prints which scenario fails and how. The exit status is 0 if
each mutant was found, or is known to do no harm.
"""
import concurrent.futures
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LIB = os.path.join(os.path.dirname(TESTS), "lib")
LAYERS = ("channel", "end", "status", "security", "name")
UNICODE_DATA = "/usr/share/unicode/UnicodeData.txt"
LIMIT = 300  # seconds of the processor for all scenarios
SEQ = "std::memory_order_seq_cst"

# name: (file, what stands there, what is put in its place, why it does no harm or None)
MUTANTS = {
    # rules of lib/end
    "no-second-look": ("end/end.cc", "        connection_->page->set_wants(armed_wants_);\n",
                       "        connection_->page->set_wants(armed_wants_);\n        return;\n", None),
    "sleeps-unarmed": ("end/end.cc", "        if (!arming_ && host_.arms_later()) {", "        if (host_.arms_later()) {", None),
    "arms-without-a-look": ("end/end.cc", "    arming_ = true;\n    look();\n    arming_ = false;\n",
                            "    armed_wants_ = wanted();\n    connection_->page->set_wants(armed_wants_);\n", None),
    "cancel-read-keeps-tentative": ("end/read.cc", "    settle_posted(operation);\n    connection_->incoming->abort_tentative();\n",
                                    "    settle_posted(operation);\n", None),
    "abandon-keeps-tentative": ("end/end.cc", "        connection_->incoming->abort_tentative();\n", "", None),
    "abort-before-unposting": ("end/read.cc", "    settle_posted(operation);\n    connection_->incoming->abort_tentative();\n",
                               "    connection_->incoming->abort_tentative();\n    settle_posted(operation);\n", None),
    "count-lies-after-abort": ("end/write.cc", "        if (fits && outgoing.settle(ref)) {\n",
                               "        if (fits && (outgoing.settle(ref) || true)) {\n", None),
    "count-lies-when-refused": ("end/write.cc", "        forget_tentative(ref, start, if_forgotten);\n        if (fits) {\n            continue;",
                                "        forget_tentative(ref, start, if_forgotten);\n        if (fits) {\n            written = data.size();\n            return Status::success;", None),
    "settle-then-decide": ("end/write.cc", "        if (fits && outgoing.settle(ref)) {\n",
                           "        const bool settled = outgoing.settle(ref);\n        if (fits && settled) {\n", None),
    "no-bell-after-cancel": ("end/write.cc", "    connection_->doorbell->ring(); // a reader may wait in the middle of it, and only a reader frees its room\n", "", None),
    "no-bell-after-refusal": ("end/write.cc", "    connection_->doorbell->ring(); // only the reader can free its room\n", "", None),
    "no-bell-after-close": ("end/end.cc", "        connection_->page->say_closed();\n        connection_->doorbell->ring();\n    }\n    for",
                            "        connection_->page->say_closed();\n    }\n    for", None),
    "close-keeps-pending": ("end/end.cc", "    if (!connection_->outgoing || !doubt::close_drops_pending_writes) {\n",
                            "    if (!connection_->outgoing || doubt::close_drops_pending_writes) {\n", None),
    "close-takes-back-the-first-first": ("end/end.cc", "std::views::reverse(outstanding_)", "outstanding_", None),
    "closed-before-revoked": ("end/end.cc", "        take_back_what_is_pending();\n",
                              "        connection_->page->say_closed();\n        take_back_what_is_pending();\n", None),
    "withdraw-is-ignored": ("end/end.cc", "offer_ && !offer_->page->withdraw()", "offer_ && !(offer_->page->withdraw() || true)", None),
    "close-forgets-attached": ("end/end.cc", "        if (!offer_->page->withdraw()) {\n            offer_->page->say_closed();\n        }\n",
                               "        (void)offer_->page->withdraw();\n", None),
    "state-before-data": ("end/end.cc", "    complete_all(flushes_, Status::pipe_broken);\n    serve_reads();\n",
                          "    complete_all(flushes_, Status::pipe_broken);\n    complete_all(reads_, Status::pipe_broken);\n", None),
    "space-not-wanted": ("end/end.cc", "wants |= channel::want::space;", "wants |= 0;", None),
    "served-then-posted": ("end/read.cc", "    post_reads();\n    if (leaving_reads_ != 0) {\n        end_released_reads();\n    }\n    serve_pending_reads();\n",
                           "    if (leaving_reads_ != 0) {\n        end_released_reads();\n    }\n    serve_pending_reads();\n    post_reads();\n",
                           "what comes in between is found by the look that follows what the end wants to be woken for, or rings"),
    "flush-at-once": ("end/write.cc", "passed >= (doubt::flush_is_a_marker ?", "passed + 1 >= (doubt::flush_is_a_marker ?", None),
    "ledger-before-walk": ("end/write.cc", "    channel::Walk walk = connection_->outgoing->walk();\n    const channel::PostedReads reads = connection_->outgoing->posted_reads();\n",
                           "    const channel::PostedReads reads = connection_->outgoing->posted_reads();\n    channel::Walk walk = connection_->outgoing->walk();\n", None),
    "peek-before-reads": ("end/read.cc", "    if (connection_->incoming && reads_.empty()) {\n        channel::Walk", "    if (connection_->incoming) {\n        channel::Walk", None),
    # tries
    "reads-posted-in-silence": ("end/read.cc", "    if (posted && connection_->page->take_peer_wants(channel::want::room)) {", "    if (false) {", None),
    "room-at-half-only": ("end/read.cc", " ||\n           connection_->incoming->drained();", ";", None),
    "tries-without-second-look": ("end/end.cc", "        if (tried_ != 0) {\n", "        if (tried_ != 0 && armed_wants_ == 0) {\n", None),
    "patient-while-a-write-waits": ("end/end.cc", "        if ((wants & ~armed_wants_) == 0 && !impatient) {", "        if ((wants & ~armed_wants_) == 0) {", None),
    # the words of the channel
    "abort-of-the-first": ("channel/incoming.cc", "    (void)front(record); // passes", "    // passes", None),
    "wants-taken-too-early": ("channel/page.hpp", "        if (!peer_wants(reasons)) {\n            return false;\n        }\n",
                              "        const bool wanted = peer_wants(reasons);\n        page_->sleepers[static_cast<std::size_t>(other(side_))].wants.store(0);\n        if (!wanted) {\n            return false;\n        }\n", None),
    "wants-relaxed": ("channel/page.cc", f"].wants.store(wants, {SEQ})", "].wants.store(wants, std::memory_order_relaxed)", None),
    "tail-released-only": ("channel/segment.hpp", f"tail.store(tail_, {SEQ})", "tail.store(tail_, std::memory_order_release)", None),
    "tail-relaxed": ("channel/segment.hpp", f"tail.store(tail_, {SEQ})", "tail.store(tail_, std::memory_order_relaxed)", None),
    "head-released-only": ("channel/segment.hpp", f"head.store(head_, {SEQ})", "head.store(head_, std::memory_order_release)", None),
    "head-relaxed": ("channel/segment.hpp", f"head.store(head_, {SEQ})", "head.store(head_, std::memory_order_relaxed)", None),
    "tail-load-relaxed": ("channel/segment.hpp", f"tail.load({SEQ})", "tail.load(std::memory_order_relaxed)", None),
    "head-load-relaxed": ("channel/segment.hpp", f"head.load({SEQ})", "head.load(std::memory_order_relaxed)", None),
    "tail-before-record": ("channel/segment.cc", "    RecordHeader& record = this->record(tail_);\n",
                           "    header().tail.store(tail_ + record_span(fields.size), std::memory_order_seq_cst);\n    RecordHeader& record = this->record(tail_);\n", None),
    "head-before-copy": ("channel/incoming.cc", "    assert(to.size() <= record.unread());\n    segments_",
                         "    assert(to.size() <= record.unread());\n    segments_[record.segment]->header().head.store(record.position + record_span(record.size), std::memory_order_seq_cst);\n    segments_", None),
    "head-before-counts": ("channel/incoming.cc", "    shared.consumed_bytes.store(consumed_bytes_, std::memory_order_release);\n    shared.consumed_records.store(sequence_, std::memory_order_release);\n    for (auto& segment : segments_) {\n        if (segment != nullptr) {\n            segment->release();\n        }\n    }\n",
                           "    for (auto& segment : segments_) {\n        if (segment != nullptr) {\n            segment->release();\n        }\n    }\n    shared.consumed_bytes.store(consumed_bytes_, std::memory_order_release);\n    shared.consumed_records.store(sequence_, std::memory_order_release);\n", None),
    "records-before-bytes": ("channel/incoming.cc", "    shared.consumed_bytes.store(consumed_bytes_, std::memory_order_release);\n    shared.consumed_records.store(sequence_, std::memory_order_release);\n",
                             "    shared.consumed_records.store(sequence_, std::memory_order_release);\n    shared.consumed_bytes.store(consumed_bytes_, std::memory_order_release);\n", None),
    "take-without-swap": ("channel/incoming.cc", "            return progress.compare_exchange_strong(expected, desired, std::memory_order_seq_cst);\n",
                          "            progress.store(desired, std::memory_order_seq_cst);\n            return true;\n", None),
    "revoke-without-swap": ("channel/outgoing.cc", "        if (record->progress.compare_exchange_weak(progress, desired, std::memory_order_seq_cst)) {\n",
                            "        record->progress.store(desired, std::memory_order_seq_cst);\n        if (true) {\n", None),
    "settle-without-swap": ("channel/outgoing.cc", "           record->progress.compare_exchange_strong(expected, record_state::live, std::memory_order_seq_cst);",
                            "           (record->progress.store(record_state::live), expected != 0);", None),
    "abort-without-swap": ("channel/incoming.cc", "        .progress.compare_exchange_strong(expected, record_state::revoked, std::memory_order_seq_cst);",
                           "        .progress.store(record_state::revoked + expected * 0, std::memory_order_seq_cst);", None),
    "look-without-claim": ("end/look.cc", "        if (revocable && !incoming.claim(record)) {\n", "        if (false) {\n", None),
    "claim-without-swap": ("channel/incoming.cc", "            progress.compare_exchange_strong(seen, seen | record_claim::claimed, std::memory_order_seq_cst)) {\n",
                           "            (progress.store(seen | record_claim::claimed), true)) {\n", None),
    "claimed-is-revoked": ("channel/outgoing.cc", "        const bool asks = claim == record_claim::claimed;\n", "        const bool asks = false;\n", None),
    "answer-is-not-held": ("channel/segment.hpp", "            held_from_ = std::min(held_from_, position);", "            (void)position;", None),
    "answer-is-not-rung": ("end/look.cc", "    connection_->doorbell->ring(); // the writer waits for it\n", "", None),
    "asked-write-by-quota": ("end/write.cc", "        if (write.operation == nullptr || write.asked) {\n            continue;", "        if (write.operation == nullptr) {\n            continue;", None),
    "claimed-read-is-cancelled": ("channel/incoming.cc", "        const bool asks = (entry & ledger_bit::claimed) != 0;\n", "        const bool asks = false;\n", None),
    "withdrawn-without-swap": ("channel/incoming.cc", "        if (ledger_entry(index).compare_exchange_strong(entry, asks ? entry | ledger_bit::asked : 0,\n                                                        std::memory_order_seq_cst)) {\n",
                               "        if ((ledger_entry(index).store(asks ? entry | ledger_bit::asked : 0), true)) {\n", None),
    "release-is-not-rung": ("end/look.cc", "connection_->outgoing->release(*claimed_read_)) {\n", "connection_->outgoing->release(*claimed_read_) && false) {\n", None),
    "attach-without-swap": ("channel/page.cc", "    return page_->state.compare_exchange_strong(expected, connection_state::attached, std::memory_order_seq_cst);",
                            "    if (page_->state.load() != expected) {\n        return false;\n    }\n    page_->state.store(connection_state::attached);\n    return true;", None),
    "withdraw-without-swap": ("channel/page.cc", "    return page_->state.compare_exchange_strong(expected, connection_state::withdrawn, std::memory_order_seq_cst);",
                              "    if (page_->state.load() != expected) {\n        return false;\n    }\n    page_->state.store(connection_state::withdrawn);\n    return true;", None),
    "closed-without-swap": ("channel/page.cc", "    page_->state.fetch_or(side_ == Side::client ? connection_state::client_closed : connection_state::server_closed,\n                          std::memory_order_seq_cst);",
                            "    page_->state.store(page_->state.load() | (side_ == Side::client ? connection_state::client_closed : connection_state::server_closed));",
                            "what may be lost says that the other end leaves, too, and that one does not look any more"),
    "walk-over-a-gap": ("channel/walk.cc", " || (front_ && fields.sequence != front_->sequence++)", "", None),
    "overflow-said-late": ("channel/incoming.cc", "segments_[0]->header().overflows.load(std::memory_order_acquire) > overflows_", "false", None),
    "old-overflow-dropped-early": ("channel/incoming.cc", "    if (old == nullptr || segments_[0]->header().overflows.load(std::memory_order_acquire) < overflows_) {",
                                   "    if (old == nullptr) {", None),
    "ledger-relaxed": ("channel/incoming.cc", f"ledger_entry(index).store(0, {SEQ})",
                       "ledger_entry(index).store(0, std::memory_order_relaxed)", None),
    "posted-relaxed": ("channel/incoming.cc", f"reads_posted.store(reads_posted_, {SEQ})",
                       "reads_posted.store(reads_posted_, std::memory_order_release)", None),
}


def flags():
    found = subprocess.run(["pkg-config", "--cflags", "--libs", "talloc", "tevent"], capture_output=True, text=True, check=True)
    return found.stdout.split()


def compile_one(source, target, lib):
    subprocess.run(["g++", "-std=gnu++20", "-O1", "-w", "-DNTPIPE_EXPLORE", f"-I{TESTS}", f"-I{TESTS}/explore", f"-I{TESTS}/model", f"-I{lib}", f"-I{lib}/api",
                    f"-I{lib}/glue", f"-I{lib}/status", *flags(), "-c", source, "-o", target], check=True)


def sources(lib):
    yield os.path.join(TESTS, "model", "model.cc")
    for folder in [os.path.join(lib, layer) for layer in LAYERS] + [os.path.join(TESTS, "explore")]:
        yield from (os.path.join(folder, name) for name in sorted(os.listdir(folder)) if name.endswith(".cc"))


def build(lib, objects, only=None):
    """Compiles what is needed and links. `only`: the one source that differs from what is compiled already."""
    os.makedirs(objects, exist_ok=True)
    if not os.path.exists(os.path.join(lib, "name", "upcase_table.hpp")):
        with open(os.path.join(lib, "name", "upcase_table.hpp"), "wb") as table:
            subprocess.run(["python3", os.path.join(LIB, "name", "make_upcase.py"), UNICODE_DATA], stdout=table, check=True)
    jobs = [(source, os.path.join(objects, source.replace("/", "_")[-60:] + ".o"))
            for source in ([only] if only else sources(lib))]
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        list(pool.map(lambda job: compile_one(*job, lib), jobs))
    return [target for _, target in jobs]


def processor_time():
    """Seconds that the processes that are over have taken."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def trial(name, scratch, plain):
    file, old, new, harmless = MUTANTS[name]
    lib = os.path.join(scratch, name, "lib")
    shutil.copytree(LIB, lib)
    path = os.path.join(lib, file)
    with open(path, encoding="utf-8") as source:
        text = source.read()
    if text.count(old) != 1:
        return f"{name}: stands {text.count(old)} times in {file}", False
    with open(path, "w", encoding="utf-8") as target:
        target.write(text.replace(old, new))
    objects = os.path.join(scratch, name, "objects")
    if file.endswith(".cc"):
        built = build(lib, objects, path)
        tail = "_" + file.replace("/", "_") + ".o"
        built += [plain_object for plain_object in plain if not plain_object.endswith(tail)]
    else:
        built = build(lib, objects)
    program = os.path.join(scratch, name, "explore")
    subprocess.run(["g++", *built, "-o", program, *flags()], check=True)
    before = processor_time()
    run = subprocess.run(["prlimit", f"--cpu={LIMIT}", program, "--first"], capture_output=True, text=True, check=False)
    took = f"{processor_time() - before:.0f} s"
    shutil.rmtree(os.path.join(scratch, name))
    if run.returncode == -signal.SIGXCPU:
        return f"{name}: undecided after {took}", False
    if run.returncode == 0:
        return f"{name}: survives, {took}" + (f", harmless: {harmless}" if harmless else ""), harmless is not None
    lines = run.stdout.splitlines()
    seed = next((line.removeprefix("to see it again: --seed ") for line in lines if line.startswith("to see it again")), "")
    what = next((line for line in lines if line.startswith("no order of")), None)
    what = what or next((lines[i - 1] for i, line in enumerate(lines) if line.startswith("to see it again")), f"status {run.returncode}")
    return f"{name}: found, {took}: {what} ({seed})", True


def main():
    names = sys.argv[1:] or list(MUTANTS)
    good = True
    with tempfile.TemporaryDirectory(prefix="ntpipe-mutants.") as scratch:
        shutil.copytree(LIB, os.path.join(scratch, "lib"))
        plain = build(os.path.join(scratch, "lib"), os.path.join(scratch, "plain"))
        for name in names:
            line, found = trial(name, scratch, plain)
            print(line, flush=True)
            good = good and found
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())

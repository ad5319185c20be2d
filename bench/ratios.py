# SPDX-License-Identifier: LGPL-2.1-or-later
"""ratios.py: what the results say: the ratios that have names and targets, and all medians."""
import statistics

BOTH = ("one processor", "two processors")
SEQPACKET = "SEQPACKET, tevent"

# name, target, whether more is better, the workload and where, ours, peer. Of several places the worse one counts.
RATIOS = (
    ("transact64_time_vs_seqpacket", 1.1, False, "transact 64 B", BOTH, "ntpipe", SEQPACKET),
    ("transact64_spin_time_vs_seqpacket", 0.2, False, "transact 64 B", BOTH[1:], "ntpipe, spin", SEQPACKET),
    ("stream64_rate_vs_seqpacket", 15, True, "stream 64 B", BOTH[1:], "ntpipe, try", SEQPACKET),
    ("stream64_request_rate_vs_seqpacket", 3, True, "stream 64 B", BOTH[1:], "ntpipe", SEQPACKET),
    ("stream64k_rate_vs_seqpacket", 2, True, "stream 64 KiB", BOTH[1:], "ntpipe", SEQPACKET),
    ("open_time_vs_unix_connect", 4, False, "open and close", BOTH[:1], "ntpipe", SEQPACKET),
    ("idle10000_latency_vs_1", 1.2, False, "one active, others idle", BOTH[:1], "ntpipe, 10000", "ntpipe, 1"),
    ("smb_transceive_time_vs_stock", 0.6, False, "SMB2 transceive 64 B", BOTH[:1], "ntpipe", "stock smbd, NPA echo server"),
    ("wine_transact_time_vs_wine", 1.4, False, "transact 64 B", ("Wine client",), "ntpipe", "Wine's own pipe"),
)
MEMORY = ("idle_bytes_per_instance", 24 * 1024)


def ratio(workload, ours, peer, more_is_better):
    """The median over rounds of ours : peer. Rounds are times, and a rate is the inverse of one. None: one of them is not there."""
    try:
        rounds = zip(workload["contenders"][ours]["rounds"], workload["contenders"][peer]["rounds"])
    except (KeyError, TypeError):
        return None
    return statistics.median((b / a if more_is_better else a / b) for a, b in rounds)


def named(results):
    """name -> its value (None: not measured), its target and whether it is met."""
    names = {}
    for name, target, more_is_better, what, places, ours, peer in RATIOS:
        found = [ratio(results["workloads"].get(f"{what}, {place}"), ours, peer, more_is_better) for place in places]
        found = [value for value in found if value is not None]
        value = (min if more_is_better else max)(found, default=None)
        names[name] = entry(value, target, more_is_better)
    most = max(results["memory"], default=None)
    names[MEMORY[0]] = entry(results["memory"].get(most), MEMORY[1], False)
    return names


def entry(value, target, more_is_better):
    met = None if value is None else value >= target if more_is_better else value <= target
    return {"value": None if value is None else round(value, 3), "target": target, "more_is_better": more_is_better, "met": met}


def show_medians(results):
    for name, workload in results["workloads"].items():
        print(f"{name}")
        base = next((each for each in workload["contenders"] if each != "ntpipe" and not each.startswith("ntpipe, ")), None)
        for contender, measured in workload["contenders"].items():
            against = "" if contender == base or base is None else f"{ratio(workload, contender, base, False):8.3f}"
            print(f"  {contender:30}{statistics.median(measured['rounds']):14.1f} ns{measured['p99']:14.1f} ns{against}")
    for instances, size in results["memory"].items():
        print(f"memory of an idle instance, {instances} of them: {size / 1024:.1f} KiB")
    for name, counts in results["system_calls"].items():
        total = sum(counts.values())
        print(f"system calls per message, both sides, {name}: {total:.2f} ({', '.join(f'{n} {c:.2f}' for n, c in counts.items())})")


def show(results):
    print(f"{'':32}{'median':>17}{'p99':>17}   time : that of the first peer")
    show_medians(results)
    print(f"\n{'name':38}{'ours : peer':>12}{'target':>12}")
    for name, each in results["names"].items():
        sign = ">=" if each["more_is_better"] else "<="
        value = "-" if each["value"] is None else f"{each['value']:.2f}"
        mark = {True: "met", False: "MISSED", None: "not measured"}[each["met"]]
        print(f"{name:38}{value:>12}{sign:>6}{each['target']:>6}  {mark}")
    for what, why in results["left_out"].items():
        print(f"left out: {what}, {why}")

# SPDX-License-Identifier: LGPL-2.1-or-later
"""plots.py: the results as SVG. Needs matplotlib.

usage: plots.py RESULTS.json DIRECTORY
"""
import json
import statistics
import sys
from pathlib import Path

OURS = "#b03a2e"
PEERS = "#7f8c8d"
FLOOR = "#d5d8dc"
FLOORS = ("futex", "eventfd", "memcpy")


def color_of(contender):
    if contender.startswith("ntpipe"):
        return OURS
    return FLOOR if contender in FLOORS else PEERS


def bars(axes, workload, title):
    """One workload's contenders, the slowest on top."""
    measured = {name: statistics.median(each["rounds"]) for name, each in workload["contenders"].items()}
    names = sorted(measured, key=measured.get)
    axes.barh(names, [measured[name] / 1000 for name in names], color=[color_of(name) for name in names])
    axes.set_title(title, fontsize=9, loc="left")
    axes.set_xlabel("µs per message", fontsize=8)
    axes.tick_params(labelsize=8)
    axes.set_xscale("log")
    for name in names:
        axes.annotate(f" {measured[name] / 1000:.3g}", (measured[name] / 1000, name), fontsize=7, va="center")


def page(pyplot, results, wanted, path):
    present = [name for name in wanted if name in results["workloads"]]
    if not present:
        return
    columns = min(2, len(present))
    rows = (len(present) + columns - 1) // columns
    figure, axes = pyplot.subplots(rows, columns, figsize=(10, 2.9 * rows), squeeze=False)
    for axis in axes.flat[len(present):]:
        axis.set_visible(False)
    for axis, name in zip(axes.flat, present):
        bars(axis, results["workloads"][name], name)
    finish(pyplot, results, figure, path)


def finish(pyplot, results, figure, path):
    machine = results["machine"]
    note = f"`{results['command']}`, {machine['processors']} processors ({machine['processor']}), Linux {machine['kernel']}, {results['when'][:10]}"
    figure.text(0.01, 0.003, note, fontsize=7, color=PEERS)
    figure.tight_layout(rect=(0, 0.02, 1, 1))
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)
    lines = path.read_text().splitlines()
    lines[1:1] = ["<!-- SPDX-License-Identifier: LGPL-2.1-or-later -->"]
    path.write_text("".join(line.rstrip() + "\n" for line in lines))


def idle(pyplot, results, path):
    """Latency of the active one over the number of instances."""
    workload = results["workloads"].get("one active, others idle, one processor")
    if workload is None:
        return
    figure, axes = pyplot.subplots(figsize=(6, 3.2))
    for peer, color in (("ntpipe", OURS), ("SEQPACKET", PEERS)):
        points = sorted((int(name.rpartition(", ")[2]), statistics.median(each["rounds"]) / 1000)
                        for name, each in workload["contenders"].items() if name.startswith(f"{peer}, "))
        axes.plot(*zip(*points), marker="o", color=color, label=peer)
    axes.set_xscale("log")
    axes.set_ylim(bottom=0)
    axes.set_xlabel("connected instances, one of them active", fontsize=8)
    axes.set_ylabel("µs per transact of 64 B", fontsize=8)
    axes.tick_params(labelsize=8)
    axes.legend(fontsize=8)
    finish(pyplot, results, figure, path)


def draw(results, directory):
    try:
        import matplotlib
        matplotlib.use("svg")
        from matplotlib import pyplot
    except ImportError:
        print("plots: left out, matplotlib is not installed", file=sys.stderr)
        return
    matplotlib.rcParams.update({"svg.hashsalt": "ntpipe", "svg.fonttype": "none", "font.family": "sans-serif"})
    directory.mkdir(parents=True, exist_ok=True)
    places = ("one processor", "two processors")
    page(pyplot, results, [f"transact 64 B, {place}" for place in places], directory / "transact.svg")
    streams = ("stream 64 B", "stream 1 KiB", "stream 64 KiB", "stream 1 MiB", "both ways 64 B", "bytes 4 KiB")
    page(pyplot, results, [f"{name}, {places[1]}" for name in streams], directory / "streams.svg")
    page(pyplot, results, ["SMB2 transceive 64 B, one processor", "SMB2 transceive 60000 B, one processor", "transact 64 B, Wine client",
                           f"open and close, {places[0]}"], directory / "others.svg")
    idle(pyplot, results, directory / "idle.svg")


if __name__ == "__main__":
    draw(json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2]))

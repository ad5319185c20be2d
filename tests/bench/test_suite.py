# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_suite.py: the benchmarks run, and say what they should: every workload, every contender, every round. How fast is no matter."""
import importlib.util
import json
import os
import subprocess

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ROUNDS = 2
NAMES = {
    "transact64_time_vs_seqpacket", "transact64_spin_time_vs_seqpacket", "stream64_rate_vs_seqpacket", "stream64_request_rate_vs_seqpacket",
    "stream64k_rate_vs_seqpacket", "open_time_vs_unix_connect", "idle_bytes_per_instance", "idle10000_latency_vs_1",
    "smb_transceive_time_vs_stock", "wine_transact_time_vs_wine",
}
PLACES = ["one processor"] + (["two processors"] if (os.cpu_count() or 1) > 1 else [])
SOCKETS = {"SEQPACKET, tevent", "SEQPACKET, blocking", "STREAM, tevent", "STREAM, blocking"}
OURS = {"ntpipe", "ntpipe, blocking"}
CONTENDERS = {
    "transact 64 B": OURS | SOCKETS | {"futex", "eventfd"},
    **{f"stream {size}": OURS | {"ntpipe, try"} | SOCKETS | {"memcpy"} for size in ("64 B", "1 KiB", "64 KiB", "1 MiB")},
    "both ways 64 B": {"ntpipe", "ntpipe, try", "SEQPACKET, tevent", "STREAM, tevent"},
    "bytes 4 KiB": OURS | {"ntpipe, try"} | {"STREAM, tevent", "STREAM, blocking", "memcpy"},
    "open and close": {"ntpipe", "SEQPACKET, tevent"},
    "16 clients, one server": {"ntpipe", "SEQPACKET, tevent"},
    "one active, others idle": {f"{who}, {count}" for who in ("ntpipe", "SEQPACKET") for count in (1, 10)},
}


def run_quick(build, tmp_path, *parts):
    """The results of bench/run --quick."""
    path = tmp_path / "results.json"
    only = [word for part in parts for word in ("--only", part)]
    output = subprocess.run([os.path.join(ROOT, "bench/run"), build, "--quick", "--results", path, "--plots", tmp_path, *only],
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=600)
    assert output.returncode == 0, output.stdout
    results = json.loads(path.read_text())
    for name in NAMES:
        assert name in output.stdout, output.stdout
    return results


def check_workload(name, workload, contenders):
    assert contenders <= set(workload["contenders"]), name
    for contender, measured in workload["contenders"].items():
        assert len(measured["rounds"]) == ROUNDS, (name, contender)
        assert all(time > 0 for time in measured["rounds"]), (name, contender)
        assert measured["p99"] > 0, (name, contender)


def test_native_programs(build, tmp_path):
    results = run_quick(build, tmp_path, "messages", "instances")
    for what, contenders in CONTENDERS.items():
        for place in PLACES if what != "one active, others idle" else PLACES[:1]:
            name = f"{what}, {place}"
            spin = {"ntpipe, spin"} if what == "transact 64 B" and place == "two processors" else set()
            check_workload(name, results["workloads"][name], contenders | spin)
    assert results["memory"]["10"] > 0
    assert set(results["names"]) == NAMES
    for name, what in results["names"].items():
        assert set(what) == {"value", "target", "more_is_better", "met"}, name
    measured = {name for name, what in results["names"].items() if what["value"] is not None}
    assert {"transact64_time_vs_seqpacket", "open_time_vs_unix_connect", "idle_bytes_per_instance"} <= measured
    assert "smb_transceive_time_vs_stock" not in measured  # it was not run
    assert results["machine"]["processors"] and results["versions"]["compiler"] and results["seed"] == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="smbd needs root")
def test_smbd(build, tmp_path):
    if not os.path.exists(os.path.join(build, "samba_module/ntpipe.so")):
        pytest.skip("the Samba module is not built")
    results = run_quick(build, tmp_path, "smb2")
    for where in "one processor", "free":
        name = f"SMB2 transceive 64 B, {where}"
        check_workload(name, results["workloads"][name], {"ntpipe", "stock smbd, NPA echo server"})
    assert results["names"]["smb_transceive_time_vs_stock"]["value"] > 0


def test_ratios():
    """Of several places the worse one counts; ratios are taken round by round."""
    spec = importlib.util.spec_from_file_location("bench_ratios", os.path.join(ROOT, "bench/ratios.py"))
    ratios = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(ratios)

    def workload(**rounds):
        return {"contenders": {name: {"rounds": times} for name, times in rounds.items()}}
    work = workload(a=[1, 20, 3], b=[2, 10, 3])
    assert ratios.ratio(work, "a", "b", False) == 1
    assert ratios.ratio(work, "a", "b", True) == 1
    assert ratios.ratio(work, "a", "c", True) is None
    fast = {"ntpipe": {"rounds": [1.0]}, ratios.SEQPACKET: {"rounds": [1.0]}}
    slow = {"ntpipe": {"rounds": [3.0]}, ratios.SEQPACKET: {"rounds": [1.0]}}
    names = ratios.named({"memory": {10: 5, 100: 30000}, "workloads": {
        "transact 64 B, one processor": {"contenders": fast}, "transact 64 B, two processors": {"contenders": slow}}})
    assert names["transact64_time_vs_seqpacket"] == {"value": 3.0, "target": 1.1, "more_is_better": False, "met": False}
    assert names["idle_bytes_per_instance"]["value"] == 30000 and names["idle_bytes_per_instance"]["met"] is False
    assert names["open_time_vs_unix_connect"] == {"value": None, "target": 4, "more_is_better": False, "met": None}

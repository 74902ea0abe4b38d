#!/usr/bin/env python3
"""Several senders and one server: views a second against `replay` of what was recorded, latency from sending a view to its answer, and the
server's memory while they come. Nothing may be lost or out of order: the recording must be whole, and its replay end with the same bits.

    tools/bench/serve_load.py --senders 4 --views 250000 --size 8 --set 'network.layers=[{channels=8,pool=true}]' --csv FILE

Frames of random pixels, `--size` a side, 3 channels, 2 views a fixation. One row a run is appended to --csv. Exit code 1 where something was lost,
or where memory grew by more than 3 % + 2 MB between the second quarter and the last.
"""
import argparse
import csv
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import beside


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default="build/release/saccade")
    parser.add_argument("--senders", type=int, default=4)
    parser.add_argument("--views", type=int, default=250000, help="of each sender")
    parser.add_argument("--size", type=int, default=8)
    parser.add_argument("--rate", default="max", help="of each sender")
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--csv", type=pathlib.Path)
    a = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="saccade-load-"))
    frame = a.size * a.size * 3
    pack = subprocess.Popen([a.program, "pack", "--raw", f"{a.size}x{a.size}", "--fps", "30", "--fixation", "2", "--out",
                             folder / "frames.views", "--quiet"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    noise = os.urandom(frame * 4096)
    for sent in range(0, a.views, 4096):
        pack.stdin.write(noise[: frame * min(4096, a.views - sent)])
    pack.stdin.close()
    if pack.wait() != 0:
        sys.exit("serve_load: pack failed")

    settings = [f"--set={s}" for s in a.set + ["probe.enabled=false", "record.events=false", f"events={a.senders * a.views}",
                                              "checkpoint.every=100000"]]
    run = folder / "run"
    server, port = beside.listening([a.program, "serve", "--listen", "127.0.0.1:0", "--threads", "1", "--device", "cpu", "--quiet", "--json", "--out", run,
                               "--set=data=none", f"--set=stream.shape={a.size}x{a.size}x3", f"--set=stream.streams={a.senders}"] + settings,
                                    folder, r"listening on 127\.0\.0\.1:(\d+)", stdout=subprocess.PIPE)
    senders = [subprocess.Popen([a.program, "send", folder / "frames.views", "--to", f"127.0.0.1:{port}", "--name", f"s{i}",
                                 "--rate", a.rate, "--quiet", "--json"], stdout=subprocess.PIPE, text=True) for i in range(a.senders)]
    memory = []
    begin = time.monotonic()
    while any(sender.poll() is None for sender in senders):
        time.sleep(0.2)
        try:
            memory.append(beside.status(server.pid, "VmRSS"))
        except (FileNotFoundError, TypeError):
            pass
    seconds = time.monotonic() - begin
    sent = [json.loads(sender.stdout.read()) for sender in senders]
    served = json.loads(server.stdout.read())
    server.wait()
    replayed = json.loads(subprocess.run([a.program, "replay", run / "experiment.toml", "--stream", run / "arrivals.views", "--threads", "1", "--device", "cpu",
                                          "--quiet", "--json", "--out", folder / "replay"], check=True, stdout=subprocess.PIPE, text=True).stdout)
    quarter = max(1, len(memory) // 4)
    before, after = statistics.median(memory[quarter:2 * quarter] or memory), statistics.median(memory[-quarter:])
    views = a.senders * a.views
    row = {
        "senders": a.senders, "views": views, "size": a.size, "rate": a.rate, "settings": " ".join(a.set),
        "served_views_per_second": round(views / seconds, 1), "replay_views_per_second": round(replayed["events_per_second"], 1),
        "ratio": round(views / seconds / replayed["events_per_second"], 3),
        "latency_median_ms": round(statistics.median(s["latency_ms"]["median"] for s in sent), 2),
        "latency_p99_ms": round(max(s["latency_ms"]["p99"] for s in sent), 2),
        "resident_kb_second_quarter": int(before), "resident_kb_last_quarter": int(after),
        "same_fingerprint": served["fingerprint"] == replayed["fingerprint"],
    }
    print(json.dumps(row, indent=1))
    if a.csv:
        new = not a.csv.exists()
        with open(a.csv, "a", newline="") as file:
            table = csv.DictWriter(file, row.keys(), lineterminator="\n")
            if new:
                table.writeheader()
            table.writerow(row)
    faults = []
    if served["events"] != views or sum(s["answered"] for s in sent) < views:
        faults.append(f"{served['events']} views were learned from, expected {views}")
    if not row["same_fingerprint"]:
        faults.append("the replay of the recording ends with other bits")
    if after > 1.03 * before + 2048:
        faults.append(f"the resident set grew from {before:.0f} to {after:.0f} kB")
    for fault in faults:
        print("serve_load: " + fault)
    shutil.rmtree(folder)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())

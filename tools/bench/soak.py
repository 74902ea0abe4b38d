#!/usr/bin/env python3
"""A long run with everything on: records, probes, measures, checkpoints, and its page open in a watcher (a WebSocket that
reads as a browser does, and one that never reads). Samples the process twice a minute and says whether memory, handles and cost per view
stay flat.

    tools/bench/soak.py --minutes 20 --csv tools/results/soak.csv [--program build/release/saccade]

Flat: between the first fifth and the last, the resident set grows by less than 3 % + 2 MB (the longest pages of metrics are
bounded), the number of open files and threads not at all, CPU time per view (which neighbours on the machine disturb less than a
rate) by less than 10 %. Exit code 1 where one is not. The run is ended by Ctrl-C, must leave a checkpoint (exit code 130), and resume.
"""
import argparse
import base64
import csv
import os
import pathlib
import signal
import socket
import statistics
import sys
import tempfile
import threading
import time

import beside


def watch(port, reads):
    """Opens the page's WebSocket; reads all that comes, or nothing. Ends with the connection."""
    peer = socket.create_connection(("127.0.0.1", port))
    host = f"127.0.0.1:{port}"
    key = base64.b64encode(os.urandom(16)).decode()
    peer.sendall((f"GET /live HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nUpgrade: websocket\r\n"
                  f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n").encode())
    if not reads:
        return peer

    def read():
        buffer = b""
        try:
            while chunk := peer.recv(1 << 16):
                buffer += chunk
                if b"\r\n\r\n" in buffer:  # from here on frames
                    buffer = buffer.split(b"\r\n\r\n", 1)[1]
                    break
            while True:
                while len(buffer) < 10:
                    buffer += peer.recv(1 << 16) or exit_thread()
                kind, size, head = buffer[0] & 15, buffer[1] & 127, 2
                if size == 126:
                    size, head = int.from_bytes(buffer[2:4], "big"), 4
                elif size == 127:
                    size, head = int.from_bytes(buffer[2:10], "big"), 10
                while len(buffer) < head + size:
                    buffer += peer.recv(1 << 16) or exit_thread()
                if kind == 9:  # a ping, answered masked with zeros
                    peer.sendall(bytes([0x8A, 0x80 | size, 0, 0, 0, 0]) + buffer[head:head + size])
                buffer = buffer[head + size:]
        except (OSError, SystemExit):
            pass

    threading.Thread(target=read, daemon=True).start()
    return peer


def exit_thread():
    raise SystemExit


def sample(pid, metrics, begin):
    ticks = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    with open(metrics, "rb") as file:
        file.seek(max(0, os.path.getsize(metrics) - 4096))
        rows = file.read().decode().split("\n")[1:-1]
    event = max((int(row.split(",")[0]) for row in rows if row[:1].isdigit()), default=0)
    return {
        "seconds": round(time.monotonic() - begin, 1),
        "views": event,
        "resident_kb": beside.status(pid, "VmRSS"),
        "open_files": len(os.listdir(f"/proc/{pid}/fd")),
        "threads": beside.status(pid, "Threads"),
        "cpu_seconds": (int(ticks[11]) + int(ticks[12])) / os.sysconf("SC_CLK_TCK"),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--program", default="build/release/saccade")
    parser.add_argument("--csv", type=pathlib.Path)
    arguments = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="saccade-soak-"))
    out = folder / "run"
    settings = ["events=100000000", "rate.final=1", "record.every=1000", "checkpoint.every=20000", "probe.enabled=true",
                "probe.every=250000", "probe.images=2000", "probe.epochs=2", "measure.every=50000"]
    line = [arguments.program, "replay", "--threads", "1", "--quiet", "--out", out, "--page=127.0.0.1:0"]
    for setting in settings:
        line += ["--set", setting]
    begin = time.monotonic()
    run, port = beside.listening(line, folder, r"http://127\.0\.0\.1:(\d+)/")
    watchers = [watch(port, True), watch(port, False)]
    rows = []
    while time.monotonic() - begin < arguments.minutes * 60:
        time.sleep(min(30, arguments.minutes * 3))
        # Watchers come and go: one a sample, which stays until the next.
        watchers.append(watch(port, len(rows) % 2 == 0))
        watchers.pop(2).close() if len(watchers) > 3 else None
        if run.poll() is not None:
            sys.exit("soak: the run ended: " + (folder / "said").read_text())
        rows.append(sample(run.pid, out / "metrics.csv", begin))
        print(rows[-1], flush=True)
    run.send_signal(signal.SIGINT)
    code = run.wait(timeout=120)
    if arguments.csv:
        with open(arguments.csv, "w", newline="") as file:
            table = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
            table.writeheader()
            table.writerows(rows)

    fifth = max(2, len(rows) // 5)
    first, last = rows[1:1 + fifth], rows[-fifth:]  # the first sample is start-up
    middle = lambda part, key: statistics.median(row[key] for row in part)
    cost = lambda part: (part[-1]["cpu_seconds"] - part[0]["cpu_seconds"]) / max(1, part[-1]["views"] - part[0]["views"])
    cost_first, cost_last = cost(rows[1:2 + 2 * fifth]), cost(rows[-1 - 2 * fifth:])
    faults = []
    if middle(last, "resident_kb") > 1.03 * middle(first, "resident_kb") + 2048:
        faults.append(f"resident set grew from {middle(first, 'resident_kb'):.0f} to {middle(last, 'resident_kb'):.0f} kB")
    for key in ("open_files", "threads"):
        if min(row[key] for row in last) > max(row[key] for row in first):
            faults.append(f"{key} grew from {first[0][key]} to {last[-1][key]}")
    if cost_last > 1.1 * cost_first:
        faults.append(f"CPU time per view grew from {1e6 * cost_first:.0f} to {1e6 * cost_last:.0f} us")
    if code != 130:
        faults.append(f"interrupted, it ended with code {code}")
    if not list(out.glob("checkpoint-*.ckpt")) or not (out / "summary.json").exists():
        faults.append("no checkpoint or no summary was left")
    print(f"{rows[-1]['views']} views in {rows[-1]['seconds']:.0f} s; resident {middle(first, 'resident_kb'):.0f} -> "
          f"{middle(last, 'resident_kb'):.0f} kB, open files {first[0]['open_files']} -> {last[-1]['open_files']}, "
          f"CPU {1e6 * cost_first:.0f} -> {1e6 * cost_last:.0f} us a view")
    for fault in faults:
        print("soak: " + fault)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())

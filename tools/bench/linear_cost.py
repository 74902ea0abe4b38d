#!/usr/bin/env python3
"""Cost against size: seconds of the learning loop for more images, more events and more negatives.

  linear_cost.py --data DIR --out PREFIX     writes PREFIX.csv and PREFIX.png

DIR holds CIFAR-10 in its official layout. Needs Debian's python3-matplotlib. Every point is a run of its own; of
`--runs` of them (3) the fastest counts, since noise only adds. A straight line is fitted through the points; its
largest deviation, as a share of the largest time, stands in the picture and in the CSV.
"""
import argparse
import csv
import json
import pathlib
import shlex
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
SWEEPS = {
    "images": ("train", "images", [1000, 2000, 4000, 6000, 8000],
               ["epochs=1", "schedule=e2e"], "e2e, one epoch, 500 pairs a step"),
    "events": ("replay", "events", [1000, 2000, 4000, 6000, 8000], ["schedule=rll"], "rll, records on"),
    "negatives": ("replay", "negatives", [1, 8, 16, 32, 64], ["events=3000", "schedule=rll"], "rll, 3,000 events"),
}


def fail(message):
    sys.exit(f"linear_cost.py: error: {message}")


def seconds(program, command, data, settings, threads):
    with tempfile.TemporaryDirectory() as folder:
        arguments = [program, command, "--data", data, "--out", f"{folder}/run", "--quiet", "--threads", str(threads)]
        for setting in ["data=cifar10", "probe.enabled=false", *settings]:
            arguments += ["--set", setting]
        done = subprocess.run(arguments, capture_output=True, text=True)
        if done.returncode != 0:
            fail(f"{shlex.join(arguments)}: {done.stderr.strip()}")
        return json.loads(pathlib.Path(folder, "run", "summary.json").read_text())["seconds"]


def line(x, y):
    """Least squares; largest deviation as a share of the largest value."""
    n, mean_x, mean_y = len(x), sum(x) / len(x), sum(y) / len(y)
    slope = sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y)) / sum((a - mean_x) ** 2 for a in x)
    start = mean_y - slope * mean_x
    return start, slope, max(abs(start + slope * a - b) for a, b in zip(x, y)) / max(y)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--saccade", default=ROOT / "build/release/saccade", help="the program (default: this tree's release build)")
    parser.add_argument("--data", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    if not pathlib.Path(options.saccade).exists():
        fail(f"--saccade {options.saccade}: no such program; build it or say where it is")
    try:
        import matplotlib
    except ImportError:
        fail("python3-matplotlib is missing; install the Debian package")
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, len(SWEEPS), figsize=(12, 3.6), constrained_layout=True)
    rows = []
    for axis, (name, (command, key, sizes, settings, title)) in zip(axes, SWEEPS.items()):
        times = []
        for size in sizes:
            print(f"{name} = {size}", flush=True)
            times.append(min(seconds(options.saccade, command, options.data, [*settings, f"{key}={size}"],
                                     options.threads) for _ in range(options.runs)))
        start, slope, deviation = line(sizes, times)
        shown = " ".join(f"--set {s}" for s in settings)
        rows += [[name, size, round(time, 4), round(deviation, 4),
                  f"saccade {command} --data DATA --set data=cifar10 --set probe.enabled=false {shown} --set {key}={size}"
                  f" --threads {options.threads} --out DIR"] for size, time in zip(sizes, times)]
        axis.plot(sizes, times, "o", color="#1f6feb")
        axis.plot([0, sizes[-1]], [start, start + slope * sizes[-1]], color="#8b949e", linewidth=1)
        axis.set(xlabel=name, ylabel="seconds", title=title, xlim=(0, None), ylim=(0, None))
        axis.text(0.04, 0.9, f"off the line by at most {100 * deviation:.1f} %", transform=axis.transAxes)
        axis.grid(alpha=0.3)
    figure.savefig(options.out + ".png", dpi=110)
    with open(options.out + ".csv", "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["sweep", "size", "seconds", "largest_deviation", "command"])
        writer.writerows(rows)


if __name__ == "__main__":
    main()

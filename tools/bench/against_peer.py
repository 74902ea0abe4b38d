#!/usr/bin/env python3
"""saccade beside PyTorch on this machine: the same work, one after the other, again and again (ours, peer, ours, ...).

Prints a Markdown table and writes a CSV: medians, their ratio (above 1: saccade is ahead), smallest and largest values,
commands. The peer is peer_torch.py, tuned: vectorised deformation, channels last, no gradient for anchors, only the
distances that are needed, a fast BLAS, memory kept between steps. Several --peer-python, and several ways to do the
same, compete; the best of each row is quoted. README.md beside this file says what is counted.

  tools/bench/against_peer.py --data DIR --peer-python /usr/bin/python3
"""
import argparse
import csv
import dataclasses
import datetime
import json
import os
import pathlib
import shlex
import statistics
import subprocess
import sys
import tempfile
from typing import Callable

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PAIRS = 500  # of a step
LAYERS = 5
STEPS = 10  # that are timed: of e2e, and of each layer in gll and rll
RLL_SEED = 4597  # of `saccade train`: its first 50 draws hold each layer STEPS times, as the peer's cycle does
EVENTS = 3000


class Failure(Exception):
    """One line for the user."""


@dataclasses.dataclass
class Side:
    """One way to do the work of a row: commands, and the value that follows from their reports (JSON objects)."""
    name: str
    commands: list
    value: Callable
    environment: dict = dataclasses.field(default_factory=dict)
    values: list = dataclasses.field(default_factory=list)  # one per alternation

    def measure(self, threads):
        self.values.append(self.value([run(command, self.environment, threads) for command in self.commands]))

    def median(self):
        return statistics.median(self.values)


@dataclasses.dataclass
class Row:
    key: str
    work: str
    unit: str
    threads: int
    ours: Side
    peers: list

    def less_is_better(self):
        return self.unit in ("s", "MB")

    def best_peer(self):
        return (min if self.less_is_better() else max)(self.peers, key=Side.median)

    def ratio(self):
        ours, peer = self.ours.median(), self.best_peer().median()
        return peer / ours if self.less_is_better() else ours / peer


def run(command, environment, threads):
    """Runs a command on no more cores than the row has threads and returns its report: summary.json of its run folder
    (the word OUT), or what it printed. So no core comes for nothing on either side: not for a thread that renders views
    beside the learner, nor for one of a BLAS."""
    cores = sorted(os.sched_getaffinity(0))[-threads:]
    with tempfile.TemporaryDirectory(prefix="against-peer-") as folder, tempfile.TemporaryFile("w+") as out, \
            tempfile.TemporaryFile("w+") as errors:
        run_folder = pathlib.Path(folder, "run")
        process = subprocess.Popen([str(run_folder) if part == "OUT" else part for part in command], stdout=out,
                                   stderr=errors, env={**os.environ, **environment},
                                   preexec_fn=lambda: os.sched_setaffinity(0, cores))
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            raise
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        errors.seek(0)
        if process.returncode != 0:
            lines = errors.read().strip().splitlines() or out.read().strip().splitlines() or ["it said nothing"]
            raise Failure(f"exit code {process.returncode} from {shlex.join(command)}: {lines[-1]}")
        report = json.loads((run_folder / "summary.json").read_text() if run_folder.exists() else out.read())
        if run_folder.exists():
            report["updates_per_layer"] = updates_per_layer(run_folder / "metrics.csv")
        report["peak_bytes"] = usage.ru_maxrss * 1024
        return report


def updates_per_layer(metrics):
    """The steps in which each layer learned; later rows of a layer replace earlier ones."""
    with open(metrics, newline="") as file:
        return {row["layer"]: float(row["value"]) for row in csv.DictReader(file) if row["quantity"] == "updates"}


# ---- values from reports ----
def seconds_a_step(reports):
    return PAIRS / reports[0]["pairs_per_second"]


def seconds_a_balanced_step(reports):
    updates = reports[0]["updates_per_layer"]
    if sorted(updates.values()) != [STEPS] * LAYERS:
        raise Failure(f"layer-wise steps by layer were {updates}, expected {STEPS} each; choose another RLL_SEED")
    return seconds_a_step(reports)


def peer_seconds(reports):
    return sum(report["step_s"] + report["aug_s"] for report in reports)


def peak_megabytes(reports):
    return max(report["peak_bytes"] for report in reports) / 1e6


def counter(name):
    return lambda reports: reports[0]["benchmarks"][0][name]


def field(name):
    return lambda reports: reports[0][name]


# ---- rows ----
class Rows:
    """Makes the rows from the options."""

    def __init__(self, options, peers):
        self.options, self.peers = options, peers

    def saccade(self, command, threads, **keys):
        sets = [part for key, value in keys.items() for part in ("--set", f"{key.replace('__', '.')}={value}")]
        return [str(self.options.saccade), command, "--quiet", "--threads", str(threads), "--data",
                str(self.options.data), "--set", "data=cifar10", "--set", "network=conv5", "--set", "rule=bp", "--set",
                "margins=[0,1000]", "--set", "probe.enabled=false", *sets, "--out", "OUT"]

    def bench(self, name):
        return [str(self.options.bench), f"--benchmark_filter=^{name}/real_time$", "--benchmark_min_time=2",
                "--benchmark_format=json"]

    def peer_sides(self, threads, value, *commands, ways=((),), tunings=(True,)):
        """One side for each Python, way (more arguments, of every command) and environment."""
        sides = []
        for python, version in self.peers:
            for way in ways:
                for tuned in tunings:
                    name = " ".join([f"torch {version}", *way[1:]] + ([] if tuned else ["stock malloc"]))
                    common = ["--threads", str(threads), "--channels-last", *way]
                    full = [[python, str(HERE / "peer_torch.py"), *command, *common] for command in commands]
                    sides.append(Side(name, full, value, peer_environment(threads, tuned)))
        return sides

    def batch(self, mode, steps=STEPS, **more):
        return ["batch", "--mode", mode, "--update", "bp", "--batch", str(PAIRS), "--negs", "5", "--aug", "vector",
                "--steps", str(steps), *(part for key, value in more.items() for part in (f"--{key}", str(value)))]

    def e2e(self, threads):
        ours = self.saccade("train", threads, schedule="e2e", images=STEPS * PAIRS, epochs=1)
        return Row("e2e", "e2e step, 500 pairs", "s", threads, Side("saccade", [ours], seconds_a_step),
                   self.peer_sides(threads, peer_seconds, self.batch("e2e")))

    def rll(self, threads):
        ours = self.saccade("train", threads, schedule="rll", images=STEPS * PAIRS // 2, epochs=2, seed=RLL_SEED)
        return Row("rll", "rll step, mean over the layers", "s", threads,
                   Side("saccade", [ours], seconds_a_balanced_step),
                   self.peer_sides(threads, peer_seconds, self.batch("rll", STEPS * LAYERS)))

    def gll(self, threads):
        ours = self.saccade("train", threads, schedule="gll", images=STEPS * PAIRS // 2, epochs=2)
        return Row("gll", "gll steps, sum of layers 0..4", "s", threads,
                   Side("saccade", [ours], lambda reports: LAYERS * seconds_a_balanced_step(reports)),
                   self.peer_sides(threads, peer_seconds, *(self.batch("gll", layer=k) for k in range(LAYERS))))

    def forward(self, threads):
        return Row("forward", "forward, 500 images", "images/s", threads,
                   Side("saccade", [self.bench(f"forward/fast/threads:{threads}")], counter("images/s")),
                   self.peer_sides(threads, field("images_per_s"), ["forward", "--batch", "500"]))

    def events(self, threads):
        # Three views a fixation: an anchor and two views that update, as in an episode of the peer.
        ours = self.saccade("replay", threads, schedule="rll", events=EVENTS, stream__views=3, record__events="true",
                            rate=1e-9)  # as these margins would otherwise lead to ever larger weights
        ways = (("--impl", "manual"), ("--impl", "autograd"))
        peer = ["online", "--mode", "rll", "--update", "bp", "--events", str(EVENTS), "--force-update"]
        return Row("events", "event mode, rll, every view updates", "views/s", threads,
                   Side("saccade", [ours], field("events_per_second")),
                   self.peer_sides(threads, field("events_per_s"), peer, ways=ways))

    def probe(self, threads):
        return Row("probe", "linear probe, 8192 to 10", "samples/s", threads,
                   Side("saccade", [self.bench(f"probe/threads:{threads}")], counter("samples/s")),
                   self.peer_sides(threads, field("samples_per_s"), ["probe", "--batch", "500"]))

    def memory(self, threads):
        ours = self.saccade("train", threads, schedule="e2e", images=3 * PAIRS, epochs=1)
        return Row("memory", "peak resident set, e2e, 500 pairs", "MB", threads,
                   Side("saccade", [ours], peak_megabytes),
                   self.peer_sides(threads, peak_megabytes, self.batch("e2e", 3), tunings=(True, False)))

    def make(self, key):
        threads = self.options.threads
        counts = sorted({1, threads}) if key == "events" else [threads]
        return [getattr(self, key)(count) for count in counts]


ROW_KEYS = ["e2e", "rll", "gll", "forward", "events", "probe", "memory"]
NEEDS_DATA = {"e2e", "rll", "gll", "events", "memory"}
NEEDS_BENCH = {"forward", "probe"}


# ---- the machine and what is installed ----
def cpu_info(key):
    for line in open("/proc/cpuinfo"):
        if line.startswith(key):
            return line.split(":", 1)[1].strip()
    return "unknown"


def peer_environment(threads, tuned):
    """A BLAS must use neither more cores than the row has nor kernels for an older processor. glibc gives large blocks
    back to the system and faults them in again at every step unless told otherwise; where memory is measured, the peer
    may choose (`tuned` or not)."""
    environment = {name: str(threads) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
    if "avx512f" in cpu_info("flags").split():
        environment["OPENBLAS_CORETYPE"] = "SKYLAKEX"  # older versions do not know newer processors
    if tuned:
        environment |= {"MALLOC_MMAP_THRESHOLD_": str(1 << 30), "MALLOC_TRIM_THRESHOLD_": str(1 << 34),
                        "MALLOC_TOP_PAD_": str(1 << 28)}
    return environment


def torch_version(python):
    try:
        done = subprocess.run([python, "-c", "import torch; print(torch.__version__)"], capture_output=True, text=True)
    except OSError as error:
        raise Failure(f"--peer-python {python}: {error.strerror}") from None
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or ["it said nothing"]
        raise Failure(f"--peer-python {python} has no PyTorch: {lines[-1]}")
    return done.stdout.strip()


def check_program(path, option, target):
    if not os.access(path, os.X_OK) or not path.is_file():
        raise Failure(f"{option} {path}: no such program; build it: cmake --preset release && "
                      f"cmake --build --preset release --target {target}")


def check(options):
    rows = set(options.rows)
    if options.runs < 1 or not 1 <= options.threads <= len(os.sched_getaffinity(0)):
        raise Failure(f"--runs {options.runs} --threads {options.threads}: expected at least 1 run and 1 to "
                      f"{len(os.sched_getaffinity(0))} threads")
    if rows & NEEDS_DATA:
        check_program(options.saccade, "--saccade", "saccade_program")
        if options.data is None:
            raise Failure("--data: expected the folder that holds cifar-10-batches-bin (or SACCADE_DATA)")
        if not (options.data / "cifar-10-batches-bin").is_dir():
            raise Failure(f"--data {options.data}: no folder cifar-10-batches-bin in it")
    if rows & NEEDS_BENCH:
        check_program(options.bench, "--bench", "saccade_bench")


# ---- output ----
def number(value):
    return f"{value:.3f}" if value < 10 else f"{value:,.0f}"


def spread(side):
    return f"{number(min(side.values))} – {number(max(side.values))}"


def print_table(rows, options):
    print(f"{cpu_info('model name')}, {datetime.date.today()}, load {options.load:.1f} at the start, medians of "
          f"{options.runs} alternating runs\n")
    print("| work | threads | unit | saccade | PyTorch | ratio | saccade, min – max | PyTorch, min – max | peer |")
    print("|---|---:|---|---:|---:|---:|---|---|---|")
    for row in rows:
        peer = row.best_peer()
        print(f"| {row.work} | {row.threads} | {row.unit} | {number(row.ours.median())} | {number(peer.median())} | "
              f"{row.ratio():.2f} | {spread(row.ours)} | {spread(peer)} | {peer.name} |")


def shown(side, options):
    """The side's environment and commands, as a shell would take them, without the paths of this machine."""
    names = {str(options.saccade): "saccade", str(options.bench): "saccade_bench", str(options.data): "DATA",
             str(HERE / "peer_torch.py"): "tools/bench/peer_torch.py"}
    names |= {python: "python3" for python in options.peer_python}
    commands = [[names.get(part, part) for part in command] for command in side.commands]
    if side.environment:
        commands.insert(0, ["export", *(f"{key}={value}" for key, value in side.environment.items())])
    return "; ".join(map(shlex.join, commands))


def write_csv(rows, options):
    with open(options.csv, "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["row", "work", "threads", "unit", "ours_median", "peer_median", "ratio", "ours_min",
                         "ours_max", "peer_min", "peer_max", "runs", "peer", "all_peers", "date", "load", "cpu",
                         "ours_command", "peer_command"])
        for row in rows:
            ours, peer = row.ours, row.best_peer()
            everyone = "; ".join(f"{side.name}: {side.median():.5g}" for side in row.peers)
            writer.writerow([row.key, row.work, row.threads, row.unit,
                             *(f"{value:.5g}" for value in (ours.median(), peer.median(), row.ratio(), min(ours.values),
                                                            max(ours.values), min(peer.values), max(peer.values))),
                             options.runs, peer.name, everyone, datetime.date.today(), f"{options.load:.1f}",
                             cpu_info("model name"),
                             shown(ours, options), shown(peer, options)])


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--saccade", type=pathlib.Path, default=ROOT / "build/release/saccade", metavar="PROGRAM")
    parser.add_argument("--bench", type=pathlib.Path, default=ROOT / "build/release/saccade_bench", metavar="PROGRAM")
    parser.add_argument("--data", type=pathlib.Path, default=os.environ.get("SACCADE_DATA"), metavar="DIR",
                        help="holds cifar-10-batches-bin; default: SACCADE_DATA")
    parser.add_argument("--peer-python", action="append", metavar="PYTHON",
                        help="a Python with PyTorch; may be repeated; default: the one that runs this")
    parser.add_argument("--rows", nargs="+", choices=ROW_KEYS, default=ROW_KEYS, help="default: all")
    parser.add_argument("--runs", type=int, default=5, help="alternations; default 5")
    parser.add_argument("--threads", type=int, default=2, help="default 2; event mode is measured with 1 as well")
    parser.add_argument("--csv", type=pathlib.Path, default=pathlib.Path("against-peer.csv"), metavar="FILE")
    options = parser.parse_args()
    options.peer_python = options.peer_python or [sys.executable]
    return options


def compare(options):
    check(options)
    peers = [(python, torch_version(python)) for python in options.peer_python]
    options.load = os.getloadavg()[0]
    if options.load > 0.5:
        print(f"against_peer.py: warning: the machine is busy (load {options.load:.1f}); beside other work the peer, "
              "whose threads wait for one another, loses more than saccade: neither times nor ratios will hold",
              file=sys.stderr)
    rows = [row for key in options.rows for row in Rows(options, peers).make(key)]
    for index, row in enumerate(rows):
        for turn in range(options.runs):
            print(f"\r{row.key}, threads {row.threads}: run {turn + 1} of {options.runs}    ", end="", file=sys.stderr,
                  flush=True)
            for side in [row.ours, *row.peers]:
                side.measure(row.threads)
        write_csv(rows[:index + 1], options)  # what is measured is kept, whatever happens next
    print(file=sys.stderr)
    print_table(rows, options)


def main():
    try:
        compare(parse())
    except Failure as failure:
        print(f"against_peer.py: error: {failure}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nagainst_peer.py: interrupted; rows that were finished are in the CSV", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())

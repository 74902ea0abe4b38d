#!/usr/bin/python3
"""Runs, probes, tabulates and plots what tools/results/online.md tells (python3-matplotlib for the plots).

  online.py run --saccade build/release/saccade --data DIR --out DIR [--jobs 2]   about 12 minutes of a core for each rll run
  online.py collect --saccade ... --data DIR --out DIR        probes what is there, writes online.csv
  online.py plot --out DIR                                    draws online-*.png from online.csv and the runs' metrics.csv
"""
import argparse
import concurrent.futures
import csv
import json
import pathlib
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
# name of the run: (command, preset, seeds)
RUNS = {
    "rll": ("replay", "online/rll", (1, 2, 3)),
    "rll-shuffled": ("replay", "online/rll-shuffled", (1, 2, 3)),
    "batch-rll": ("train", "online/batch-rll", (1, 2, 3)),
    "pll": ("replay", "online/pll", (1, 2, 3)),
    "fashion-rll": ("replay", "online/fashion-rll", (1, 2, 3)),
    "fashion-rll-shuffled": ("replay", "online/fashion-rll-shuffled", (1, 2, 3)),
    "fashion-batch-rll": ("train", "online/fashion-batch-rll", (1, 2, 3)),
}
# protocol of a probe: (test images, settings); 10,000 labelled training images, 30 epochs, Adam 1e-3, batch 500
PROBES = {
    ("held-out", "standardised"): ["probe.test_from=HELD_OUT"],
    ("held-out", "as they are"): ["probe.test_from=HELD_OUT", "probe.standardise=false", "probe.layers=top", "probe.deformed=false"],
    ("test file", "standardised"): ["probe.test=test", "probe.test_from=0", "probe.test_images=0", "probe.layers=top"],
}


def each_run():
    for name, (command, preset, seeds) in RUNS.items():
        for seed in seeds:
            yield f"{name}-{seed}", name, command, preset, seed


def run(a):
    def one(job):
        folder, _, command, preset, seed = job
        out = a.out / folder
        if not (out / "summary.json").exists():
            subprocess.run([a.saccade, command, "--preset", preset, "--set", f"seed={seed}", "--data", a.data, "--threads", "1",
                            "--quiet", "--out", out], check=True, stdout=subprocess.DEVNULL)

    with concurrent.futures.ThreadPoolExecutor(a.jobs) as pool:
        list(pool.map(one, each_run()))


def newest_checkpoint(folder):
    return max(folder.glob("checkpoint-*.ckpt"), key=lambda f: int(f.stem.split("-")[1]))


def probe(a, job):
    (folder, name, seed), ((images, features), settings) = job
    run = json.loads((a.out / folder / "summary.json").read_text())
    out = a.out / f"{folder}-{images}-{features}".replace(" ", "-")
    if (images, features) == ("held-out", "standardised") and run["random_probe"]:
        out = a.out / folder  # the run has made this probe itself
    if not (out / "summary.json").exists():
        command = [a.saccade, "probe", "--checkpoint", newest_checkpoint(a.out / folder), "--data", a.data, "--quiet", "--threads", "1",
                   "--out", out]
        held_out = "55000" if name.startswith("fashion") else "45000"
        for setting in settings + ["probe.untrained=true", "probe.pixels=false"]:
            command += ["--set", setting.replace("HELD_OUT", held_out)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    summary = json.loads((out / "summary.json").read_text())
    rows = []
    for deformed in ("", "deformed_"):
        untrained = {r["layer"]: r["accuracy"] for r in summary[f"{deformed}random_probe"]}
        for r in summary[f"{deformed}probe"]:
            rows.append([name, seed, images, features, "deformed" if deformed else "plain", r["layer"], round(100 * r["accuracy"], 2),
                         round(100 * untrained[r["layer"]], 2)])
    return rows


def collect(a):
    done = [(folder, name, seed) for folder, name, _, _, seed in each_run() if (a.out / folder / "summary.json").exists()]
    with concurrent.futures.ThreadPoolExecutor(a.jobs) as pool:
        rows = list(pool.map(lambda job: probe(a, job), [(run, kind) for run in done for kind in PROBES.items()]))
    with open(HERE / "online.csv", "w", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(["run", "seed", "test_images", "features", "test", "layer", "learned", "untrained"])
        out.writerows(row for rows_of_one in rows for row in rows_of_one)


def metrics(folder):
    series = {}
    with open(folder / "metrics.csv") as file:
        for row in csv.DictReader(file):
            x = float(row.get("event") or row["step"])
            series.setdefault((int(row["layer"]), row["quantity"]), []).append((x, float(row["value"])))
    return series


def plot(a):
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    rows = list(csv.DictReader(open(HERE / "online.csv")))
    colours = {"rll": "#0072B2", "batch-rll": "#E69F00", "rll-shuffled": "#999999", "pll": "#009E73"}
    names = {"rll": "rll, 450,000\nfixations", "batch-rll": "batch control\nthe same views",
             "rll-shuffled": "shuffled\npositives", "pll": "pll, 45,000\nfixations"}
    figure, axes = plt.subplots(1, 3, figsize=(13, 4.2), sharey=True)
    for axis, (title, images, features, test) in zip(axes, (
            ("standardised features, held-out images", "held-out", "standardised", "plain"),
            ("features as they are, held-out images", "held-out", "as they are", "plain"),
            ("standardised features, test file", "test file", "standardised", "plain"))):
        for i, name in enumerate(names):
            gains = [float(r["learned"]) - float(r["untrained"]) for r in rows
                     if r["run"] == name and r["test_images"] == images and r["features"] == features and r["test"] == test
                     and r["layer"] == "4"]
            if gains:
                axis.bar(i, sum(gains) / len(gains), color=colours[name], alpha=0.5)
                axis.plot([i] * len(gains), gains, "o", color=colours[name], markersize=5)
        axis.axhline(0, color="black", linewidth=0.8)
        axis.set_xticks(range(len(names)), [names[n] for n in names], fontsize=7)
        axis.set_title(title, fontsize=10)
    axes[0].set_ylabel("top layer, points above the untrained network")
    figure.tight_layout()
    figure.savefig(HERE / "online-gains.png", dpi=110)

    series = metrics(a.out / "rll-2")
    figure, axes = plt.subplots(1, 4, figsize=(15, 3.6))
    for layer in range(5):
        shade = plt.get_cmap("viridis")(layer / 5)
        def draw(axis, quantity, scale=lambda x, v: v, **style):
            points = series.get((layer, quantity), [])
            axis.plot([x / 2000 for x, _ in points], [scale(x, v) for x, v in points], color=shade, label=f"layer {layer}", **style)
        draw(axes[0], "loss", lambda x, v: v / series[(layer, "loss")][0][1], linewidth=0.8)
        batch = series.get((layer, "conv_gradient_norm"), [])
        single = dict(series.get((layer, "conv_event_gradient_norm"), []))
        axes[1].semilogy([x / 2000 for x, _ in batch], [v / single[x] for x, v in batch], color=shade)
        draw(axes[2], "conv_moved")
        draw(axes[2], "head_moved", linestyle="--")
        draw(axes[3], "participation_ratio")
    axes[1].axhline(1 / 16, color="black", linewidth=0.8, linestyle=":")
    axes[1].text(200, 1 / 15.5, "noise alone (256 events)", fontsize=7)
    for axis, title in zip(axes, ("loss, share of the first stretch's", "|mean gradient| / |one event's|, convolutions",
                                  "|w - w(0)| / |w(0)|: convolution, head (dashed)", "participation ratio of the features")):
        axis.set_title(title, fontsize=9)
        axis.set_xlabel("thousand fixations")
    axes[0].legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(HERE / "online-learning.png", dpi=110)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["run", "collect", "plot"])
    parser.add_argument("--saccade", default="build/release/saccade")
    parser.add_argument("--data", default="data")
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--jobs", type=int, default=2)
    a = parser.parse_args()
    {"run": run, "collect": collect, "plot": plot}[a.what](a)


main()

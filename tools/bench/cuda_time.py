#!/usr/bin/env python3
"""From counted operations and bytes to the time that a GPU would need: computed, not measured.

  build/release/tests/emulation/cuda_cost > tools/results/cuda-cost.csv
  tools/bench/cuda_time.py tools/results/cuda-cost.csv

An operation takes the longest of three: its floating-point operations at the card's peak, or at that of as many SMs as
it has blocks; its bytes at the card's bandwidth; its launches, each the shortest kernel of a graph. Operations follow
one another. So the times are floors: real kernels reach 60 to 90 % of a limit.
"""
import argparse
import csv
import dataclasses
import sys

LAUNCH = 1.5e-6  # seconds of the shortest kernel in a graph, our assumption


@dataclasses.dataclass
class Card:
    name: str
    flops: float  # single precision, a multiply-add counts as two
    bandwidth: float
    sms: int


# NVIDIA's data sheets: H100 SXM (66.9 TFLOPS, 3.35 TB/s, 132 SMs), A100 SXM 80 GB (19.5 TFLOPS, 2.039 TB/s, 108 SMs).
CARDS = [Card("H100", 66.9e12, 3.35e12, 132), Card("A100", 19.5e12, 2.039e12, 108)]


def seconds(row, card, replicas):
    """(all, by operations, by bytes, by launches) of one row of the file, with so many replicas in each launch."""
    flop, bytes_, blocks = (float(row[key]) * replicas for key in ("flop", "bytes", "blocks"))
    share = min(1.0, blocks / card.sms) if blocks else 1.0
    limits = (flop / (card.flops * share), bytes_ / card.bandwidth, float(row["launches"]) * LAUNCH)
    return (max(limits), *limits)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("costs", help="what cuda_cost printed")
    path = parser.parse_args().costs
    try:
        with open(path, newline="") as file:
            rows = list(csv.DictReader(file))
        if not rows:
            raise ValueError("it is empty")
        for row in rows:
            if row.get("scenario") is None:
                raise ValueError("it has no column \"scenario\"")
            seconds(row, CARDS[0], 1)
        if not any(row["scenario"] == "event" for row in rows):
            raise ValueError("it ends before the scenario \"event\"")
    except (OSError, ValueError, KeyError, TypeError) as error:
        sys.exit(f"cuda_time.py: error: {path}: {error}; expected what cuda_cost prints")
    scenarios = dict.fromkeys(row["scenario"] for row in rows)
    print("| work | GFLOP | MB | launches | card | by operations | by bytes | by launches | sum of each operation's longest |")
    print("|---|---|---|---|---|---|---|---|---|")
    for scenario in scenarios:
        own = [row for row in rows if row["scenario"] == scenario]
        for replicas in (1, 256) if scenario == "event" else (1,):
            total = {key: sum(float(row[key]) for row in own) for key in ("flop", "bytes", "launches")}
            for card in CARDS:
                longest, flop, bytes_, launches = (1e3 * sum(values) for values in
                                                   zip(*(seconds(row, card, replicas) for row in own)))
                print(f"| {scenario}{f', {replicas} replicas' if replicas > 1 else ''} | {total['flop'] * replicas / 1e9:.3g} "
                      f"| {total['bytes'] * replicas / 1e6:,.0f} | {total['launches']:.0f} | {card.name} | {flop:.3g} ms "
                      f"| {bytes_:.3g} ms | {launches:.3g} ms | **{longest:.3g} ms** |")


if __name__ == "__main__":
    main()

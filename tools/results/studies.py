#!/usr/bin/python3
"""Markdown tables of studies for tools/results/studies.md: studies.py NAME...  reads studies/NAME.csv, the results.csv of `saccade sweep NAME`."""
import csv
import pathlib
import statistics
import sys

HERE = pathlib.Path(__file__).resolve().parent


def spread(values):
    deviation = f" ± {statistics.stdev(values):.1f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):+.1f}{deviation}"


for name in sys.argv[1:]:
    points = {}
    for row in csv.DictReader(open(HERE / "studies" / f"{name}.csv")):
        if row["gain"]:
            points.setdefault(row["point"], {}).setdefault(row["test"], []).append(row)
    top = {point: max(int(r["layer"]) for rows in tests.values() for r in rows) for point, tests in points.items()}
    print(f"| {name} | plain | deformed | floats in memory |\n|---|---:|---:|---:|")
    for point, tests in points.items():
        cells = []
        for test in ("plain", "deformed"):
            gains = [100 * float(r["gain"]) for r in tests.get(test, []) if int(r["layer"]) == top[point]]
            cells.append(spread(gains) if gains else "")
        print(f"| {point} | {cells[0]} | {cells[1]} | {float(next(iter(tests.values()))[0]['memory_floats']):.0f} |")
    print()

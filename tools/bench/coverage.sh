#!/usr/bin/env bash
# Which lines of each folder the tests run: a build with gcov's counters, all tests but those that only time or install, then a table.
#   tools/bench/coverage.sh [CSV]     folder, lines, lines that ran; files below 80 % on standard output
# Threads that count one line at a time lose some of its counts, and may leave a branch less than none: gcovr skips those.
set -euo pipefail
cd "$(dirname "$0")/../.."
csv=${1:-build/coverage/coverage.csv}
cmake --preset coverage
cmake --build --preset coverage --target all
find build/coverage -name '*.gcda' -delete
ctest --preset coverage -j "$(nproc)" -E '^(bench|cuda_bench|cuda_cost|install|package|gpu)$' || echo "some tests failed (one that limits the size of files does: its programs cannot write their counts): the table is of what ran"
gcovr --gcov-ignore-parse-errors --root . --filter '(engine|memory|models|streams|tools)/' --json-summary build/coverage/summary.json build/coverage
/usr/bin/env python3 - build/coverage/summary.json "$csv" <<'PY'
import collections, csv, json, sys
folders = collections.defaultdict(lambda: [0, 0])
files = json.load(open(sys.argv[1]))["files"]
for file in files:
    parts = file["filename"].split("/")
    for folder in {parts[0], "/".join(parts[:2]) if len(parts) > 2 else parts[0]}:
        folders[folder][0] += file["line_total"]
        folders[folder][1] += file["line_covered"]
with open(sys.argv[2], "w", newline="") as out:
    table = csv.writer(out, lineterminator="\n")
    table.writerow(["folder", "lines", "lines_run", "percent"])
    for folder, (lines, run) in sorted(folders.items()):
        table.writerow([folder, lines, run, f"{100 * run / max(1, lines):.1f}"])
print(open(sys.argv[2]).read())
for file in sorted(files, key=lambda file: file["line_percent"] or 0):
    if file["line_total"] >= 5 and (file["line_percent"] or 0) < 80:
        print(f'{file["filename"]}: {file["line_covered"]} of {file["line_total"]}')
PY

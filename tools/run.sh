#!/usr/bin/env bash
# Sets up saccade on a Debian machine and runs its main job: a network learns from a stream of views of Fashion-MNIST,
# without labels, one event at a time. May be run again: it then goes on with an interrupted run or starts a new one.
#   tools/run.sh [--data DIR] [--set key=value ...]    further arguments go to `saccade replay`
set -euo pipefail
cd "$(dirname "$0")/.."
source tools/packages.sh

case "${1:-}" in -h | --help) sed -n '2,4s/^# \{0,1\}//p' "$0"; exit 0 ;; esac
saccade_packages
saccade_build release saccade_program
number=1
while [ -e "runs/run-$number" ]; do number=$((number + 1)); done
out="runs/run-$number"
last="runs/run-$((number - 1))"
if [ $# -eq 0 ] && [ -f "$last/summary.json" ] && grep -q '"interrupted": true' "$last/summary.json"; then
  say "going on with the interrupted run in $last"
  build/release/saccade replay --resume "$last"
  out=$last
else
  say "learning; the run goes to $out"
  build/release/saccade replay --out "$out" "$@"
fi
say "done: open $out/report.html"

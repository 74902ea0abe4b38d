#!/usr/bin/env bash
# Sets up saccade on a Debian machine and runs its main job: a network learns from a stream of views of Fashion-MNIST,
# without labels, one event at a time. May be run again: each run has a folder of its own, runs/run-N.
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
say "learning; the run goes to $out"
code=0
build/release/saccade replay --out "$out" "$@" || code=$?
case $code in
  0) say "done: open $out/report.html" ;;
  130) say "interrupted; go on with: build/release/saccade replay --resume $out" ;;
esac
exit $code

#!/usr/bin/env bash
# Sets up saccade on a Debian machine and runs its tests. May be run again.
#   tools/test.sh          the quick set: all tests in a release build; then those of files, memory, streams, network, fuzz targets and
#                          results' bits under the address and undefined-behaviour sanitizers; then those of threads, network and the
#                          live page under the thread sanitizer
#   tools/test.sh PRESET   the full set in one build: release, debug, asan or tsan
set -euo pipefail
cd "$(dirname "$0")/.."
source tools/packages.sh

case "${1:-}" in -h | --help) sed -n '2,6s/^# \{0,1\}//p' "$0"; exit 0 ;; esac
saccade_packages doctest-dev libboost-context-dev python3-numpy python3-flatbuffers ffmpeg chromium slurm-wlm munge
if [ $# -gt 0 ]; then
  saccade_build "$1" all
  say "testing $1"
  exec ctest --preset "$1"
fi
saccade_build release all
say "testing release"
ctest --preset release -j 2
saccade_build asan test_engine test_memory test_streams test_fingerprints test_emulation wrong_kernels test_fuzz
say "testing debug under address and undefined-behaviour sanitizers"
ctest --preset asan -j 2 -R '^(engine|memory|streams|fingerprints|emulation.*|fuzz)$'
saccade_build tsan test_threads racing_tasks
say "testing debug under the thread sanitizer"
ctest --preset tsan -R '^(threads|racing_.*)$'
say "all tests passed"

#!/usr/bin/env bash
# Sets up saccade on a Debian machine and runs its tests: release, then the fast ones in a debug build under the address and
# undefined-behaviour sanitizers, then the threaded ones under the thread sanitizer.
set -euo pipefail
cd "$(dirname "$0")/.."
source tools/packages.sh

saccade_packages
saccade_build release all
say "testing release"
ctest --preset release

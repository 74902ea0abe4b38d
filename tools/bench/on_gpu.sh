#!/bin/sh
# What there is to learn from a machine with a GPU, in about five minutes: is it right, and how fast is it.
#   tools/bench/on_gpu.sh BUILD OUT [PYTHON]     BUILD: build/release; PYTHON: one that has PyTorch, for the comparison
# Leaves in OUT: devices-NETWORK.json (every operation beside the CPU's), tests.txt, bench.json, peer.jsonl. Exit code 1 when anything is wrong.
set -u
build=$1 out=$2 python=${3:-}
here=$(dirname "$0")
mkdir -p "$out"
wrong=0
"$build/saccade" devices --device cuda || exit 2
"$build/tests/gpu/test_gpu" >"$out/tests.txt" 2>&1 &  # beside the checks: only the benchmarks' times matter
tests=$!
for network in conv3 conv5 conv5-strided vgg6; do
  views=100
  [ $network = vgg6 ] && views=8
  "$build/saccade" devices --check --network $network --views $views --json >"$out/devices-$network.json" || { echo "WRONG: devices --check --network $network"; wrong=1; }
done
wait $tests || { echo "WRONG: test_gpu"; wrong=1; }
tail -n 3 "$out/tests.txt"
"$build/saccade_bench" --device cuda --benchmark_min_time=0.3 --benchmark_filter='^((conv_(for|wei|inp).*|forward)/exact|head|step|event|probe|local)' \
  --benchmark_out="$out/bench.json" --benchmark_out_format=json || wrong=1
if [ -n "$python" ]; then
  peer() { "$python" "$here/peer_torch.py" "$@" --device cuda >>"$out/peer.jsonl" || wrong=1; }
  for tf32 in "" --tf32; do
    for layout in "" --channels-last; do
      peer batch --mode e2e --aug vector --steps 20 $tf32 $layout
      peer batch --mode rll --aug vector --steps 50 $tf32 $layout
      peer forward --steps 30 $tf32 $layout
    done
  done
  peer online --events 900 --force-update
  peer probe
fi
exit $wrong

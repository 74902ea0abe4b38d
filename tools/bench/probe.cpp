#include <benchmark/benchmark.h>

#include "models/linear_probe.h"
#include "tools/bench/machine.h"
#include "tools/bench/synthetic.h"

/// Training of a linear probe on stored features of conv5's top layer: 8192 features, 10 classes, batches of 500.
namespace saccade::bench {
namespace {

void probe(benchmark::State& state) {
  const auto device = bench_device(static_cast<int>(state.range(0)));
  constexpr int samples = 4000, classes = 10;
  const MapShape shape = known_network("conv5").head(4).in.compact();
  Features features{shape, {*device, shape.features(), 1, samples}, {}, classes};
  fill_maps(features.values, shape, 0, 1);
  for (int i = 0; i < samples; ++i) features.labels.push_back(i % classes);
  ProbeOptions options;
  options.epochs = 10;  // its setting up is not what is timed
  LinearProbe classifier(*device, shape, classes, options);
  const Finish finish(*device);
  for (auto _ : state) {
    classifier.train(features);
    finish();
  }
  state.counters["samples/s"] =
      benchmark::Counter(samples * options.epochs, benchmark::Counter::kIsIterationInvariantRate);
}
const Benchmarks probes([] {
  benchmark::RegisterBenchmark("probe", probe)
      ->ArgName("threads")
      ->ArgsProduct({thread_counts()})
      ->UseRealTime()
      ->Unit(benchmark::kMillisecond);
});

}  // namespace
}  // namespace saccade::bench

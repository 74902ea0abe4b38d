#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <vector>

#include "models/online_learner.h"
#include "streams/deformed_images.h"
#include "streams/fixation_stream.h"
#include "streams/prefetch.h"
#include "tools/bench/machine.h"
#include "tools/bench/synthetic.h"

/// Event mode: a view at a time through stream and memory, conv5, rll, rule bp, exact arithmetic (as `saccade replay`,
/// without its records). Margins are such that every view but the anchors updates; views are rendered ahead by one
/// thread besides those of the device.
namespace saccade::bench {
namespace {

/// With replicas, views count once for each of them.
void event_rll(benchmark::State& state, int replicas) {
  const int views = static_cast<int>(state.range(0)), threads = static_cast<int>(state.range(1));
  const auto device = bench_device(threads);
  const ImageSet images = synthetic_images(2000, 32);
  StreamOptions stream_options;
  stream_options.views = views;
  PrefetchedStream stream(std::make_unique<FixationStream>(
                              std::make_shared<DeformedImages>(images, ViewKind::affine_hsv, 1), stream_options),
                          1);
  LearnerOptions options;
  options.margins = {{0, 1000}};
  constexpr float rate = 1e-9f;  // the network stays what it is, however long this takes
  options.rates = {std::vector<float>(5, rate), std::vector<float>(5, rate)};
  options.replicas = replicas;
  if (device->name() == "cuda") options.waiting_floats = 0;  // as `saccade replay`
  OnlineLearner learner(*device, known_network("conv5"), options);
  int sent = 0;
  for (auto _ : state) {
    for (bool viewed = false; !viewed;) {
      const ScheduledEvent next = *stream.next();
      learner.send(next.event);
      viewed = std::holds_alternative<View>(next.event);
    }
    if (++sent % device->ahead() == 0) learner.settle();  // as `saccade replay`
  }
  learner.settle();
  state.counters["views/s"] = benchmark::Counter(replicas, benchmark::Counter::kIsIterationInvariantRate);
  state.counters["updates/view"] = static_cast<double>(learner.updates()) / static_cast<double>(learner.events());
}
const Benchmarks events([] {
  for (const int replicas : on_cuda() ? std::vector<int>{1, 8, 64, 256} : std::vector<int>{1, 8}) {
    const std::string name = replicas == 1 ? "event_rll" : fmt::format("event_rll_{}_replicas", replicas);
    benchmark::RegisterBenchmark(name.c_str(), [replicas](benchmark::State& state) { event_rll(state, replicas); })
        ->ArgNames({"views", "threads"})
        ->ArgsProduct({{2, 3}, thread_counts()})
        ->UseRealTime()
        ->Unit(benchmark::kMicrosecond);
  }
});

}  // namespace
}  // namespace saccade::bench

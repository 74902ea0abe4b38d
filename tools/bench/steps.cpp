#include <benchmark/benchmark.h>

#include <algorithm>
#include <optional>

#include "models/batch_learner.h"
#include "streams/deformed_images.h"
#include "streams/pair_batches.h"
#include "tools/bench/machine.h"
#include "tools/bench/synthetic.h"

/// Whole steps of batch mode: 500 pairs, conv5, hinge, rule bp, blocked gradient, 4 negatives, Adam, fast arithmetic
/// (as `saccade train`), the deformed views rendered from bytes, by the device if it can. Margins are such that every
/// term is active: no view is spared its backward pass.
namespace saccade::bench {
namespace {

using benchmark::State;

constexpr int pairs = 500;
constexpr std::uint64_t share = 1'000'000;  // steps of a layer in gll: more than are ever timed

BatchOptions options(const char* schedule, std::uint64_t seed) {
  BatchOptions o;
  o.seed = seed;
  o.steps = 5 * share;
  o.pairs = pairs;
  o.schedule = schedule;
  o.margins = {{0, 1000}};
  o.rates = {std::vector<float>(5, 1e-4f), std::vector<float>(5, 1e-4f)};
  o.arithmetic = Arithmetic::fast;
  return o;
}

/// A learner with its batches.
struct Training {
  Training(const BatchOptions& options, int threads)
      : device(bench_device(threads)),
        images(synthetic_images(2000, 32)),
        batches(std::make_shared<DeformedImages>(images, ViewKind::affine_hsv, 1), {1, pairs, threads}),
        learner(*device, known_network("conv5"), options) {
    if (device->renders(ViewKind::affine_hsv)) table.emplace(*device, 32, 32, 3, images.pixels);
  }

  void step() {
    if (table) {
      batches.draw(number++, true, recipes_a, recipes_b, labels);
      learner.step({recipes_a, *table}, {recipes_b, *table}, labels);
    } else {
      batches.render(number++, true, a, b, labels);
      learner.step(a, b, labels);
    }
  }

  std::unique_ptr<Device> device;
  ImageSet images;
  PairBatches batches;
  BatchLearner learner;
  std::optional<DeviceImages> table;
  std::uint64_t number = 0;
  std::vector<float> a, b;
  std::vector<ViewRecipe> recipes_a, recipes_b;
  std::vector<std::int32_t> labels;
};

void time_steps(State& state, Training& training) {
  const Finish finish(*training.device);
  training.step();  // touches its memory
  for (auto _ : state) {
    training.step();
    finish();
  }
  state.counters["pairs/s"] = benchmark::Counter(pairs, benchmark::Counter::kIsIterationInvariantRate);
}

void step_e2e(State& state) {
  Training training(options("e2e", 1), static_cast<int>(state.range(0)));
  time_steps(state, training);
}

constexpr int rll_steps = 10;

/// The first seed whose steps 1 to 10 draw each layer twice: their mean is that of the layers, without the luck of the
/// draw. Step 0 is not timed.
std::uint64_t balanced_seed() {
  for (std::uint64_t seed = 1;; ++seed) {
    const Schedule schedule("rll", 5, seed, 0);
    std::vector<int> drawn(5);
    for (std::uint64_t step = 1; step <= rll_steps; ++step) ++drawn[static_cast<std::size_t>(schedule.layer(step))];
    if (std::ranges::all_of(drawn, [](int times) { return times == rll_steps / 5; })) return seed;
  }
}

void step_rll(State& state) {
  Training training(options("rll", balanced_seed()), static_cast<int>(state.range(0)));
  time_steps(state, training);
}

void step_gll(State& state) {
  Training training(options("gll", 1), static_cast<int>(state.range(1)));
  Checkpoint checkpoint;  // a training that has come to this layer's share of the steps
  training.learner.save(checkpoint);
  checkpoint.event = static_cast<std::uint64_t>(state.range(0)) * share;
  training.learner.load(checkpoint);
  time_steps(state, training);
}

/// 500 images up to the top layer's embedding; their pixels are there already.
void forward(State& state, Arithmetic arithmetic) {
  const auto device = bench_device(static_cast<int>(state.range(0)));
  const NetworkSpec network = known_network("conv5");
  constexpr int images = 500;
  Parameters parameters(*device, network, make_rule("bp"), Heads::top_only, 1, 1, arithmetic);
  Activity activity(*device, network, images);
  const DeviceBuffer<float> embedding(*device, static_cast<std::size_t>(network.head(4).lanes()), 1, images);
  const std::vector<float> pixels = synthetic_floats(images * network.map(0).features(), 0, 1);
  const Views views{activity, 0, images};
  const Finish finish(*device);
  for (auto _ : state) {
    show(*device, network, pixels, views);
    ascend(*device, parameters, views, 0, network.depth());
    embed(*device, parameters, views, network.depth() - 1, embedding.strided());
    finish();
  }
  state.counters["images/s"] = benchmark::Counter(images, benchmark::Counter::kIsIterationInvariantRate);
}

void by_threads(benchmark::internal::Benchmark* b) {
  b->ArgName("threads")->ArgsProduct({thread_counts()})->UseRealTime()->Unit(benchmark::kMillisecond);
}

const Benchmarks steps([] {
  benchmark::RegisterBenchmark("step_e2e", step_e2e)->Apply(by_threads);
  benchmark::RegisterBenchmark("step_rll", step_rll)->Iterations(rll_steps)->Apply(by_threads);
  benchmark::RegisterBenchmark("step_gll", step_gll)
      ->ArgNames({"layer", "threads"})
      ->ArgsProduct({{0, 1, 2, 3, 4}, thread_counts()})
      ->UseRealTime()
      ->Unit(benchmark::kMillisecond);
  benchmark::RegisterBenchmark("forward/exact", forward, Arithmetic::exact)->Apply(by_threads);
  benchmark::RegisterBenchmark("forward/fast", forward, Arithmetic::fast)->Apply(by_threads);
});

}  // namespace
}  // namespace saccade::bench

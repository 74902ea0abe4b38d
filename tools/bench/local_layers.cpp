#include <benchmark/benchmark.h>

#include <map>

#include "models/network.h"
#include "tools/bench/synthetic.h"
#include "tools/bench/timing.h"

/// Locally connected layers of the shapes of conv5. Every position has weights of its own, so one view is bound by
/// reading them (or writing their gradient): GB/s counts the weights once a call, %memory is its share of what as many
/// threads read from memory at best. Layers whose weights fit a cache may pass 100 %.
namespace saccade::bench {
namespace {

using benchmark::State;

double memory_bandwidth(int threads) {
  static std::map<int, double> measured;
  double& rate = measured[threads];
  if (rate == 0) rate = read_bandwidth(std::size_t{512} << 20, threads);
  return rate;
}

struct LocalLayer {
  explicit LocalLayer(const State& state)
      : device(bench_device(static_cast<int>(state.range(2)))), extent{1, static_cast<int>(state.range(1))} {
    NetworkSpec network = known_network("conv5");
    for (LayerSpec& layer : network.layers) layer.sharing = Sharing::local;
    shape = network.conv(static_cast<int>(state.range(0)));
    input = {*device, shape.in.size(), 1, extent.views};
    output = {*device, shape.out.size(), 1, extent.views};
    error_below = {*device, shape.in.size(), 1, extent.views};
    winners = {*device, shape.winners(), 1, extent.views};
    weights = {*device, shape.weights()};
    gradient = {*device, shape.weights()};
    fill_maps(input, shape.in, -1, 1);
    fill_maps(output, shape.out, -1, 1);
    weights.write(synthetic_floats(weights.elements(), -0.01f, 0.01f));
  }

  template <class Operation>
  void time(State& state, const Operation& operation) const {
    const double positions = static_cast<double>(shape.rows()) * shape.columns();
    const double flop = 2 * 9.0 * shape.in.channels * shape.out.channels * positions * extent.views;
    const double rate =
        time_work(state, *device, flop, operation) * static_cast<double>(shape.weights() * sizeof(float));
    state.counters["GB/s"] = rate * 1e-9;
    if (!on_cuda()) state.counters["%memory"] = 100 * rate / memory_bandwidth(device->threads());
  }

  std::unique_ptr<Device> device;
  Extent extent;
  ConvShape shape;
  DeviceBuffer<float> input, output, error_below, weights, gradient;
  DeviceBuffer<std::uint8_t> winners;
};

void local_forward(State& state) {
  const LocalLayer l(state);
  const ConvForward op{
      l.shape, l.extent, l.input.strided(), l.weights.shared(), l.output.strided(), l.winners.strided()};
  l.time(state, [&] { l.device->conv_forward(op); });
}

void local_weight_gradient(State& state) {
  const LocalLayer l(state);
  const ConvWeightGradient op{l.shape, l.extent,           l.input.strided(), l.output.strided(), l.winners.strided(),
                              {},      l.gradient.shared()};
  l.time(state, [&] { l.device->conv_weight_gradient(op); });
}

void local_input_gradient(State& state) {
  const LocalLayer l(state);
  const ConvInputGradient op{l.shape,
                             l.extent,
                             l.output.strided(),
                             l.winners.strided(),
                             {l.weights.shared()},
                             l.input.strided(),
                             Activation::hardtanh,
                             {},
                             l.error_below.strided()};
  l.time(state, [&] { l.device->conv_input_gradient(op); });
}

const Benchmarks local_layers([] {
  const auto add = [](const char* operation, void (*function)(State&), const std::vector<std::int64_t>& layers) {
    benchmark::RegisterBenchmark(operation, function)
        ->ArgNames({"layer", "views", "threads"})
        ->ArgsProduct({layers, {1, 100}, thread_counts()})
        ->UseRealTime();
  };
  add("local_forward", local_forward, {0, 1, 2, 3, 4});
  add("local_weight_gradient", local_weight_gradient, {0, 1, 2, 3, 4});
  add("local_input_gradient", local_input_gradient, {1, 2, 3, 4});
});

}  // namespace
}  // namespace saccade::bench

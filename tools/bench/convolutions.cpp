#include <benchmark/benchmark.h>

#include "models/activity.h"
#include "models/network.h"
#include "models/parameters.h"
#include "tools/bench/synthetic.h"
#include "tools/bench/timing.h"

/// Every convolution operation of the five layers of conv5, in both arithmetics. Weights, activities and the winners of
/// pools are those of the untrained network on random images; errors are random. GFLOP/s are effective
/// (tools/bench/timing.h): the layer's direct, dense work over the time.
namespace saccade::bench {
namespace {

using benchmark::State;

/// Layer `layer` with all that its operations need.
struct Convolution {
  Convolution(const State& state, Arithmetic arithmetic)
      : layer(static_cast<int>(state.range(0))),
        device(bench_device(static_cast<int>(state.range(2)))),
        extent{1, static_cast<int>(state.range(1))},
        network(known_network("conv5")),
        shape(network.conv(layer)),
        parameters(*device, network, make_rule("bp"), Heads::top_only, 1, 1, arithmetic),
        activity(*device, network, extent.views),
        error(*device, shape.out.size(), 1, extent.views),
        error_below(*device, shape.in.size(), 1, extent.views),
        gradient(*device, shape.weights()) {
    const std::size_t pixels = static_cast<std::size_t>(extent.views) * network.map(0).features();
    show(*device, network, synthetic_floats(pixels, 0, 1), {activity, 0, extent.views});
    ascend(*device, parameters, {activity, 0, extent.views}, 0, layer + 1);
    fill_maps(error, shape.out, -1, 1);
  }

  /// Of one operation in the direct scheme, on all views.
  double flop() const {
    const double positions = static_cast<double>(shape.out.height) * shape.out.width * (shape.pools() ? 4 : 1);
    return 2 * 9.0 * shape.in.channels * shape.out.channels * positions * extent.views;
  }

  int layer;
  std::unique_ptr<Device> device;
  Extent extent;
  NetworkSpec network;
  ConvShape shape;
  Parameters parameters;
  Activity activity;
  DeviceBuffer<float> error, error_below, gradient;
};

void conv_forward(State& state, Arithmetic arithmetic) {
  Convolution c(state, arithmetic);
  time_work(state, *c.device, c.flop(), [&] {
    ascend(*c.device, c.parameters, {c.activity, 0, c.extent.views}, c.layer, c.layer + 1);
  });
}

void conv_weight_gradient(State& state, Arithmetic arithmetic) {
  const Convolution c(state, arithmetic);
  const ConvWeightGradient op{c.shape,
                              c.extent,
                              c.activity.map(c.layer),
                              c.error.strided(),
                              c.activity.winners(c.layer),
                              {},
                              c.gradient.shared(),
                              false,
                              arithmetic};
  time_work(state, *c.device, c.flop(), [&] { c.device->conv_weight_gradient(op); });
}

void conv_input_gradient(State& state, Arithmetic arithmetic) {
  const Convolution c(state, arithmetic);
  const Synapses& synapses = c.parameters.conv(c.layer);
  const ConvInputGradient op{c.shape,
                             c.extent,
                             c.error.strided(),
                             c.activity.winners(c.layer),
                             c.parameters.carrier(synapses),
                             c.activity.map(c.layer),
                             c.network.conv(c.layer - 1).activation,
                             {},
                             c.error_below.strided(),
                             synapses.packed_feedback.shared()};
  time_work(state, *c.device, c.flop(), [&] { c.device->conv_input_gradient(op); });
}

/// What a step pays for each layer that learned, whatever the number of views: the packed copies, for the way up and
/// (above layer 0) for the way down.
void conv_pack(State& state, Arithmetic arithmetic) {
  const int layer = static_cast<int>(state.range(0));
  const auto device = bench_device(static_cast<int>(state.range(1)));
  Parameters parameters(*device, known_network("conv5"), make_rule("bp"), Heads::top_only, 1, 1, arithmetic);
  const Finish finish(*device);
  for (auto _ : state) {
    parameters.pack(*device, layer);
    finish();
  }
}

void all_layers(benchmark::internal::Benchmark* b) {
  b->ArgNames({"layer", "views", "threads"})->ArgsProduct({{0, 1, 2, 3, 4}, {100}, thread_counts()});
}
void upper_layers(benchmark::internal::Benchmark* b) {
  b->ArgNames({"layer", "views", "threads"})->ArgsProduct({{1, 2, 3, 4}, {100}, thread_counts()});
}
void one_view(benchmark::internal::Benchmark* b) {
  b->ArgNames({"layer", "views", "threads"})->ArgsProduct({{0, 1, 2, 3, 4}, {1}, thread_counts()});
}
void packs(benchmark::internal::Benchmark* b) {
  b->ArgNames({"layer", "threads"})->ArgsProduct({{0, 1, 2, 3, 4}, thread_counts()});
}

const Benchmarks convolutions([] {
  for (const Arithmetic arithmetic : {Arithmetic::exact, Arithmetic::fast}) {
    const auto add = [arithmetic](const std::string& operation, void (*function)(State&, Arithmetic)) {
      return benchmark::RegisterBenchmark((operation + "/" + to_string(arithmetic)).c_str(), function, arithmetic)
          ->UseRealTime();
    };
    add("conv_forward", conv_forward)->Apply(all_layers)->Apply(one_view);
    add("conv_weight_gradient", conv_weight_gradient)->Apply(all_layers);
    add("conv_input_gradient", conv_input_gradient)->Apply(upper_layers);
    add("conv_pack", conv_pack)->Apply(packs);
  }
});

}  // namespace
}  // namespace saccade::bench

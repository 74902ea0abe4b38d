#include <benchmark/benchmark.h>

#include "models/network.h"
#include "tools/bench/synthetic.h"
#include "tools/bench/timing.h"

/// Every operation of the heads on the five layers of conv5. A head's work is dense: effective GFLOP/s are real ones.
/// With one view all of them are bound by reading (hebb: and writing) up to 8 MB of weights.
namespace saccade::bench {
namespace {

using benchmark::State;

struct Head {
  explicit Head(const State& state)
      : device(bench_device(static_cast<int>(state.range(2)))),
        extent{1, static_cast<int>(state.range(1))},
        shape(known_network("conv5").head(static_cast<int>(state.range(0)))),
        input(*device, shape.in.size(), 1, extent.views),
        error_below(*device, shape.in.size(), 1, extent.views),
        embedding(*device, static_cast<std::size_t>(shape.lanes()), 1, extent.views),
        error(*device, static_cast<std::size_t>(shape.lanes()), 1, extent.views),
        weights(*device, shape.weights()),
        gradient(*device, shape.weights()),
        rate(*device, 1) {
    fill_maps(input, shape.in, -1, 1);
    error.write(synthetic_floats(error.elements(), -1, 1));
    weights.write(synthetic_floats(weights.elements(), -0.01f, 0.01f));
    rate.write({1e-9f});  // the weights stay what they are, however often they learn
  }

  /// Of one operation, on all views.
  double flop() const { return 2.0 * static_cast<double>(shape.weights()) * extent.views; }

  std::unique_ptr<Device> device;
  Extent extent;
  HeadShape shape;
  DeviceBuffer<float> input, error_below, embedding, error, weights, gradient, rate;
};

void head_forward(State& state) {
  const Head h(state);
  const HeadForward op{h.shape, h.extent, h.input.strided(), h.weights.shared(), h.embedding.strided()};
  time_work(state, *h.device, h.flop(), [&] { h.device->head_forward(op); });
}

void head_input_gradient(State& state) {
  const Head h(state);
  const HeadInputGradient op{
      h.shape,          h.extent, h.error.strided(),      {h.weights.shared()}, h.input.strided(),
      Activation::none, {},       h.error_below.strided()};
  time_work(state, *h.device, h.flop(), [&] { h.device->head_input_gradient(op); });
}

void head_weight_gradient(State& state) {
  const Head h(state);
  const HeadWeightGradient op{h.shape, h.extent, h.input.strided(), h.error.strided(), {}, h.gradient.shared()};
  time_work(state, *h.device, h.flop(), [&] { h.device->head_weight_gradient(op); });
}

void head_hebb(State& state) {
  const Head h(state);
  const HeadHebb op{h.shape, h.extent,        h.input.strided(),  h.error.strided(),
                    {},      h.rate.shared(), h.weights.shared(), {}};
  time_work(state, *h.device, h.flop(), [&] { h.device->head_hebb(op); });
}

/// What event mode does to the head that learns: head_input_gradient and head_hebb while the weights are at hand.
void head_descend(State& state) {
  const Head h(state);
  const HeadDescend op{
      {h.shape,
       h.extent,
       h.error.strided(),
       {h.weights.shared()},
       h.input.strided(),
       Activation::none,
       {},
       h.error_below.strided()},
      {h.shape, h.extent, h.input.strided(), h.error.strided(), {}, h.rate.shared(), h.weights.shared(), {}}};
  time_work(state, *h.device, 2 * h.flop(), [&] { h.device->head_descend(op); });
}

void sizes(benchmark::internal::Benchmark* b) {
  b->ArgNames({"layer", "views", "threads"})->ArgsProduct({{0, 1, 2, 3, 4}, {100, 1}, thread_counts()});
}

const Benchmarks heads([] {
  const auto add = [](const char* operation, void (*function)(State&)) {
    benchmark::RegisterBenchmark(operation, function)->Apply(sizes)->UseRealTime();
  };
  add("head_forward", head_forward);
  add("head_input_gradient", head_input_gradient);
  add("head_weight_gradient", head_weight_gradient);
  add("head_hebb", head_hebb);
  add("head_descend", head_descend);
});

}  // namespace
}  // namespace saccade::bench

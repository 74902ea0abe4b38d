#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "engine/cuda/cuda_device.h"
#include "models/batch_learner.h"

/// What a GPU has to do for a step or an event: a learner runs on the CUDA device above a runtime that executes nothing
/// and notes every launch. Beside the launches of each operation stand its floating-point operations and the bytes that
/// it cannot but move, both counted from shapes with every view active. Prints CSV; tools/bench/cuda_time.py makes
/// times of it. Nothing here is measured on a GPU.
namespace saccade {
namespace {

using cuda_emulated::Command;
using cuda_emulated::CommandList;

/// Memory is the host's and zero; launches are kept.
class DryRuntime final : public cuda_emulated::Runtime {
 public:
  std::vector<cuda_emulated::Launch> launches;

  std::string card() const override { return "none"; }
  std::string architecture() const override { return "none"; }
  std::shared_ptr<void> allocate(std::size_t bytes) override { return {std::calloc(bytes, 1), std::free}; }
  std::shared_ptr<void> allocate_host(std::size_t bytes) override { return allocate(bytes); }
  std::shared_ptr<void> record(const CommandList& list) override { return std::make_shared<CommandList>(list); }
  void replay(void* recorded) override { run(*static_cast<const CommandList*>(recorded)); }
  void run(const CommandList& list) override {
    for (const Command& command : list.commands())
      if (command.kind == Command::Kind::launch) launches.push_back(command.launch);
  }
  void wait() override {}
  void download(void* to_host, const void* from, std::size_t bytes) override { std::memcpy(to_host, from, bytes); }
};

struct Cost {
  double flop = 0, bytes = 0;
};

constexpr double word = sizeof(float);

double views_of(const Extent& extent) { return static_cast<double>(extent.views) * extent.replicas; }

/// Multiply-adds of a convolution whose output has `positions` places.
Cost convolution(const ConvShape& s, const Extent& e, double positions, double bytes_a_view) {
  const double weights = 9.0 * s.in.channels * s.out.channels;
  return {2 * weights * positions * views_of(e), bytes_a_view * views_of(e) + word * weights * e.replicas};
}

double map_bytes(const MapShape& map) { return word * static_cast<double>(map.features()); }

Cost cost(const ConvForward& op) {
  const double positions = static_cast<double>(op.shape.out.height) * op.shape.out.width * (op.shape.pools() ? 4 : 1);
  return convolution(op.shape, op.extent, positions,
                     map_bytes(op.shape.in) + map_bytes(op.shape.out) + static_cast<double>(op.shape.winners()));
}
Cost cost(const ConvInputGradient& op) {
  // Behind a pool three of four products are with zero; the kernel makes them (conv_tile.cuh).
  const double positions = static_cast<double>(op.shape.out.height) * op.shape.out.width * (op.shape.pools() ? 4 : 1);
  return convolution(op.shape, op.extent, positions,
                     2 * map_bytes(op.shape.in) + map_bytes(op.shape.out) + static_cast<double>(op.shape.winners()));
}
Cost cost(const ConvWeightGradient& op) {
  const double positions = static_cast<double>(op.shape.out.height) * op.shape.out.width;
  return convolution(op.shape, op.extent, positions,
                     map_bytes(op.shape.in) + map_bytes(op.shape.out) + static_cast<double>(op.shape.winners()));
}
Cost cost(const ConvPack& op) { return {0, 2 * word * static_cast<double>(op.shape.weights()) * op.extent.replicas}; }

/// A head's product; its weights pass `passes` times.
Cost head(const HeadShape& s, const Extent& e, double passes, double maps) {
  const auto weights = static_cast<double>(s.weights());
  return {2 * weights * views_of(e), word * weights * passes * e.replicas + maps * map_bytes(s.in) * views_of(e)};
}
Cost cost(const HeadForward& op) { return head(op.shape, op.extent, 1, 1); }
Cost cost(const HeadInputGradient& op) { return head(op.shape, op.extent, 1, 2); }
Cost cost(const HeadWeightGradient& op) { return head(op.shape, op.extent, 1, 1); }
Cost cost(const HeadHebb& op) { return head(op.shape, op.extent, 2, 1); }
Cost cost(const HeadDescend& op) {
  const Cost error = cost(op.error), step = cost(op.step);
  return {error.flop + step.flop, error.bytes + step.bytes};
}
Cost cost(const ContrastiveHinge& op) {
  const double lanes = round_up_to_lanes(op.embedding), terms = static_cast<double>(op.terms.size());
  const int read = op.noise ? 3 : 2;
  return {(read + 3) * terms * lanes, word * lanes * (read * terms + op.views)};
}
Cost cost(const SgdStep& op) {
  const auto count = static_cast<double>(op.count) * op.extent.replicas;
  return {2 * count, 3 * word * count};
}
Cost cost(const AdamStep& op) {
  const auto count = static_cast<double>(op.count) * op.extent.replicas;
  return {15 * count, 7 * word * count};
}
Cost cost(const LoadViews& op) { return {0, 2 * map_bytes(op.shape) * views_of(op.extent)}; }

struct Row {
  double calls = 0, launches = 0, flop = 0, bytes = 0, blocks = 0;
  unsigned threads = 0;
};

/// The CUDA device with a note of what each operation cost. Rows are operations, in the order of their first call.
class NotingDevice final : public Device {
 public:
  std::vector<std::pair<std::string, Row>> rows;

  std::string name() const override { return inner_.name(); }
  std::string instruction_set() const override { return inner_.instruction_set(); }
  int threads() const override { return 1; }
  std::string hardware() const override { return inner_.hardware(); }
  std::shared_ptr<void> allocate(std::size_t bytes) override { return inner_.allocate(bytes); }
  void write(void* to, const void* from_host, std::size_t bytes) override { inner_.write(to, from_host, bytes); }
  void read(void* to_host, const void* from, std::size_t bytes) override { inner_.read(to_host, from, bytes); }
  void copy(void* to, const void* from, std::size_t bytes) override { inner_.copy(to, from, bytes); }
  void clear(void* to, std::size_t bytes) override { inner_.clear(to, bytes); }
  std::size_t packed_size(const ConvShape& shape, Way way, Arithmetic arithmetic) const override {
    return inner_.packed_size(shape, way, arithmetic);
  }

 private:
  template <class Op>
  void note(const std::string& name, const Op& op, void (Device::*run)(const Op&), const Cost& cost) {
    std::int32_t nothing = 0;
    DeviceBuffer<std::int32_t> any(inner_, 1);
    inner_.read(&nothing, any.data(), sizeof nothing);  // what waited is not this operation's
    runtime_->launches.clear();
    (inner_.*run)(op);
    inner_.read(&nothing, any.data(), sizeof nothing);
    Row* row = nullptr;
    for (auto& [known, found] : rows)
      if (known == name) row = &found;
    if (row == nullptr) row = &rows.emplace_back(name, Row{}).second;
    row->calls += 1;
    row->flop += cost.flop;
    row->bytes += cost.bytes;
    for (const cuda_emulated::Launch& launch : runtime_->launches) {
      const double blocks = static_cast<double>(launch.grid.x) * launch.grid.y * launch.grid.z;
      row->launches += 1;
      if (blocks < row->blocks) continue;  // the widest launch is the one that does the work
      row->blocks = blocks;
      row->threads = launch.block.x * launch.block.y * launch.block.z;
    }
  }
  template <class Op>
  void refuse(const Op&) {
    throw std::logic_error("cuda_cost: an operation that no cost is known of");
  }
  template <class Shape>
  static std::string layer(const char* name, const Shape& shape) {
    return fmt::format("{} {}x{}x{}", name, shape.in.height, shape.in.width, shape.in.channels);
  }

  void conv_pack_impl(const ConvPack& op) override {
    note(layer("conv_pack", op.shape), op, &Device::conv_pack, cost(op));
  }
  void load_views_impl(const LoadViews& op) override { note("load_views", op, &Device::load_views, cost(op)); }
  void conv_forward_impl(const ConvForward& op) override {
    note<ConvForward>(layer("conv_forward", op.shape), op, &Device::conv_forward, cost(op));
  }
  void conv_weight_gradient_impl(const ConvWeightGradient& op) override {
    note(layer("conv_weight_gradient", op.shape), op, &Device::conv_weight_gradient, cost(op));
  }
  void conv_input_gradient_impl(const ConvInputGradient& op) override {
    note(layer("conv_input_gradient", op.shape), op, &Device::conv_input_gradient, cost(op));
  }
  void conv_transpose_impl(const ConvTranspose& op) override { refuse(op); }
  void average_pool_impl(const AveragePool& op) override { refuse(op); }
  void average_pool_gradient_impl(const AveragePoolGradient& op) override { refuse(op); }
  void head_forward_impl(const HeadForward& op) override {
    note(layer("head_forward", op.shape), op, &Device::head_forward, cost(op));
  }
  void head_input_gradient_impl(const HeadInputGradient& op) override {
    note(layer("head_input_gradient", op.shape), op, &Device::head_input_gradient, cost(op));
  }
  void head_weight_gradient_impl(const HeadWeightGradient& op) override {
    note(layer("head_weight_gradient", op.shape), op, &Device::head_weight_gradient, cost(op));
  }
  void head_hebb_impl(const HeadHebb& op) override {
    note(layer("head_hebb", op.shape), op, &Device::head_hebb, cost(op));
  }
  void head_descend_impl(const HeadDescend& op) override {
    note(layer("head_descend", op.step.shape), op, &Device::head_descend, cost(op));
  }
  void contrastive_hinge_impl(const ContrastiveHinge& op) override {
    note("contrastive_hinge", op, &Device::contrastive_hinge, cost(op));
  }
  void inner_product_hinge_impl(const InnerProductHinge& op) override { refuse(op); }
  void simclr_impl(const SimClr& op) override { refuse(op); }
  void cross_entropy_impl(const CrossEntropy& op) override { refuse(op); }
  void softmax_regression_impl(const SoftmaxRegression& op) override { refuse(op); }
  void sgd_step_impl(const SgdStep& op) override { note("sgd_step", op, &Device::sgd_step, cost(op)); }
  void adam_step_impl(const AdamStep& op) override { note("adam_step", op, &Device::adam_step, cost(op)); }
  void combine_impl(const Combine& op) override { refuse(op); }
  void target_error_impl(const TargetError& op) override { refuse(op); }
  void add_noise_impl(const AddNoise& op) override { refuse(op); }

  DryRuntime* runtime_ = nullptr;
  cuda_emulated::CudaDevice inner_{[this] {
    auto runtime = std::make_unique<DryRuntime>();
    runtime_ = runtime.get();
    return runtime;
  }()};
};

void print(const std::string& scenario, const NotingDevice& device, double times) {
  for (const auto& [name, row] : device.rows)
    fmt::print("{},{},{:.4g},{:.4g},{:.6g},{:.6g},{:.6g},{}\n", scenario, name, row.calls / times, row.launches / times,
               row.flop / times, row.bytes / times, row.blocks, row.threads);
}

BatchOptions batch(const char* schedule, std::uint64_t steps) {
  BatchOptions options;
  options.steps = steps;
  options.schedule = schedule;
  options.margins = {{0, 1000}};
  options.rates = {std::vector<float>(5, 1e-4f), std::vector<float>(5, 1e-4f)};
  return options;
}

/// Mean step of 500 pairs; gll takes each layer once, as rll does on average.
void steps_of_a_batch(const std::string& scenario, const char* schedule, std::uint64_t steps) {
  NotingDevice device;
  const NetworkSpec network = known_network("conv5");
  const BatchOptions options = batch(schedule, steps);
  BatchLearner learner(device, network, options);
  const std::vector<float> pixels(network.map(0).features() * static_cast<std::size_t>(options.pairs));
  device.rows.clear();
  for (std::uint64_t i = 0; i < steps; ++i) learner.step(pixels, pixels, {});
  print(scenario, device, static_cast<double>(steps));
}

/// Event mode, rll: an anchor, and the view that learns, by the mean of the layers.
void events() {
  NotingDevice device;
  const NetworkSpec network = known_network("conv5");
  LearnerOptions options;
  options.schedule = "gll";
  constexpr int fixations = 5;
  options.events = 2 * fixations;
  options.waiting_floats = 0;
  options.margins = {{0, 1000}};
  options.rates = {std::vector<float>(5, 1e-4f), std::vector<float>(5, 1e-4f)};
  OnlineLearner learner(device, network, options);
  View view;
  view.pixels = std::make_shared<const Pixels>(network.map(0).features());
  device.rows.clear();
  for (int i = 0; i < fixations; ++i) {
    learner.handle(view);
    learner.handle(view);
    learner.handle(Saccade{});
  }
  print("event", device, 2 * fixations);
}

}  // namespace
}  // namespace saccade

int main() {
  fmt::print("scenario,operation,calls,launches,flop,bytes,blocks,threads\n");
  saccade::steps_of_a_batch("e2e step of 500 pairs", "e2e", 1);
  saccade::steps_of_a_batch("rll step of 500 pairs", "gll", 5);
  saccade::events();
}

#include <doctest/doctest.h>

#include <cstdlib>

#include "models/layout.h"
#include "streams/deformed_images.h"
#include "streams/fixation_stream.h"
#include "streams/load.h"
#include "tests/models/support.h"

using namespace saccade;
using namespace saccade::test;

// method.md, section 6: with frozen weights, the event updates of a stream of fixations add up to the gradient of the
// batch with the same views.
namespace {

constexpr int negatives = 4;
constexpr float negative_weight = 0.2f;

/// Adds up the gradient of each view in double precision: a third route, which tells what the float sums of the other
/// two lose over a million terms.
class PreciseSum final : public Optimiser {
 public:
  PreciseSum(Device& device, const NetworkSpec& net)
      : device_(device), net_(net), conv_(net.layers.size()), head_(net.layers.size()) {}
  std::string name() const override { return "none"; }
  void change_conv(int, const Extent&, ConstFlags, Floats, Floats) override {}
  void change_head(int, const Extent&, ConstFlags, Floats, Floats) override {}
  void gather(int layer, const ConvFactors& f, bool) override {
    DeviceBuffer<float> one(device_, f.shape.weights());
    for (int v = 0; v < f.extent.views; ++v) {
      if (*f.active.at(0, v) == 0) continue;
      device_.conv_weight_gradient({f.shape,
                                    {1, 1},
                                    at(f.presynaptic, v),
                                    at(f.postsynaptic_error, v),
                                    f.winners ? at(f.winners, v) : f.winners,
                                    {},
                                    one.shared()});
      add(conv_[static_cast<std::size_t>(layer)], one.read());
    }
  }
  void gather(int layer, const HeadFactors& f, bool) override {
    DeviceBuffer<float> one(device_, f.shape.weights());
    for (int v = 0; v < f.extent.views; ++v) {
      if (*f.active.at(0, v) == 0) continue;
      device_.head_weight_gradient(
          {f.shape, {1, 1}, at(f.presynaptic, v), at(f.postsynaptic_error, v), {}, one.shared()});
      add(head_[static_cast<std::size_t>(layer)], one.read());
    }
  }
  /// In the order of GradientAccumulator::gradients().
  std::vector<Tensor> gradients() const {
    std::vector<Tensor> tensors;
    for (int i = 0; i < net_.depth(); ++i) {
      const auto j = static_cast<std::size_t>(i);
      const std::string name = std::to_string(i) + ".weight";
      if (!conv_[j].empty())
        tensors.push_back(
            conv_to_logical(net_.conv(i), std::vector<float>(conv_[j].begin(), conv_[j].end()).data(), "conv." + name));
      if (!head_[j].empty())
        tensors.push_back(
            head_to_logical(net_.head(i), std::vector<float>(head_[j].begin(), head_[j].end()).data(), "head." + name));
    }
    return tensors;
  }

 private:
  template <class T>
  static Strided<T> at(Strided<T> all, int view) {
    all.data += view * all.view;
    return all;
  }
  static void add(std::vector<double>& sum, const std::vector<float>& one) {
    sum.resize(one.size());
    for (std::size_t i = 0; i < one.size(); ++i) sum[i] += static_cast<double>(one[i]);
  }

  Device& device_;
  NetworkSpec net_;
  std::vector<std::vector<double>> conv_, head_;
};

/// Each factor goes to two optimisers.
class Both final : public Optimiser {
 public:
  Both(Optimiser& first, Optimiser& second) : first_(first), second_(second) {}
  std::string name() const override { return "none"; }
  void change_conv(int, const Extent&, ConstFlags, Floats, Floats) override {}
  void change_head(int, const Extent&, ConstFlags, Floats, Floats) override {}
  void gather(int layer, const ConvFactors& f, bool first) override {
    first_.gather(layer, f, first), second_.gather(layer, f, first);
  }
  void gather(int layer, const HeadFactors& f, bool first) override {
    first_.gather(layer, f, first), second_.gather(layer, f, first);
  }

 private:
  Optimiser &first_, &second_;
};

struct Measured {
  bool precisely = false;  ///< also add up in double precision
  double worst = 0;        ///< relative L2 error of any gradient tensor
  double worst_precise = 0;
  double lowest = 1, highest = 0;  ///< active fraction of a kind of term, over layers and settings
  int layers = 0;
};

/// n fixations of two views each go to the learner, which then sees nothing for T + 1 fixations and so forgets all.
/// Its embeddings must be the batch's.
void live(OnlineLearner& learner, const Pairs& pairs, int layer, const PairStep& batch, Time& now, Measured& m) {
  const auto embedding = static_cast<std::ptrdiff_t>(learner.parameters().network().embedding);
  const std::vector<float> b = batch.embedding_b();
  int active[2] = {}, terms[2] = {};
  for (int i = 0; i < pairs.count; ++i) {
    learner.handle(View{now, 0, 0, {}, pairs.view(false, i)});
    CHECK(learner.last().role == ViewRole::anchor);
    learner.handle(View{now + 150'000, 0, 1, {}, pairs.view(true, i)});
    CHECK(learner.last().layer == layer);
    CHECK(learner.last().terms.size() == static_cast<std::size_t>(std::min(i, negatives)) + 1);
    const std::vector<float> want(b.begin() + i * embedding, b.begin() + (i + 1) * embedding);
    CHECK(ref::same_bits(learner.last_embedding(), want));
    for (const UpdateTerm& term : learner.last().terms) ++terms[term.positive], active[term.positive] += term.active;
    now += 300'000;
    learner.handle(Saccade{now, 0});
  }
  for (int kind = 0; kind < 2; ++kind) {
    const double fraction = static_cast<double>(active[kind]) / terms[kind];
    m.lowest = std::min(m.lowest, fraction), m.highest = std::max(m.highest, fraction);
  }
}

/// The anchors that are still held lie in memory with the bits of the batch's a branch.
void check_anchors(const OnlineLearner& learner, const Pairs& pairs, int row, const PairStep& batch) {
  Checkpoint checkpoint;
  learner.save(checkpoint);
  const Tensor& anchors = checkpoint.tensor("memory.anchors");
  const std::vector<std::int64_t>& state = checkpoint.integer_values("memory.state");
  const int embedding = learner.parameters().network().embedding, lanes = round_up_to_lanes(embedding);
  const std::vector<float> a = batch.embedding_a();
  const int held = static_cast<int>((state.size() - 2) / 5);
  CHECK(held == std::min(pairs.count, negatives + 1));
  for (int k = 0; k < held; ++k) {
    const std::ptrdiff_t pair = pairs.count - held + k, slot = state[static_cast<std::size_t>(2 + 5 * k)];
    const auto at = anchors.data.begin() + slot * static_cast<std::ptrdiff_t>(anchors.shape[1]) + row * lanes;
    CHECK(ref::same_bits(std::vector<float>(at, at + embedding),
                         std::vector<float>(a.begin() + pair * embedding, a.begin() + (pair + 1) * embedding)));
  }
}

/// All layers of gll one after the other, or e2e.
void compare(Device& device, const NetworkSpec& net, const Pairs& pairs, const std::string& schedule,
             const std::string& rule, bool block, Measured& m) {
  CAPTURE(schedule);
  CAPTURE(rule);
  CAPTURE(block);
  const int stages = schedule == "e2e" ? 1 : net.depth();
  // Equal shares of gll: each layer gets exactly the views of one pass.
  LearnerOptions options;
  options.events = static_cast<std::uint64_t>(stages * pairs.count * 2);
  options.schedule = schedule;
  options.rule = rule;
  options.block = block;
  options.memory.negatives = negatives;
  options.memory.negative_weight = negative_weight;

  Parameters scaled(device, net, make_rule(rule), schedule == "e2e" ? Heads::top_only : Heads::every_layer,
                    options.seed);
  scale_convolutions(device, scaled, 3);
  PairStep batch(device, scaled, pairs.count);
  options.margins.clear();
  for (int i = 0; i < net.depth(); ++i)
    options.margins.push_back(
        stages == 1 && i + 1 < net.depth()
            ? Margins{}
            : median_margins(batch, pairs, stages == 1 ? end_to_end : i, net.embedding, negatives));

  GradientAccumulator sum(device, net), want(device, net);
  PreciseSum precise_sum(device, net), precise_want(device, net);
  Both both_sum(sum, precise_sum), both_want(want, precise_want);
  OnlineLearner learner(device, net, options, m.precisely ? static_cast<Optimiser&>(both_sum) : sum);
  learner.parameters().load(device, tensors_of(scaled));
  Time now = 0;
  for (int stage = 0; stage < stages; ++stage) {
    CAPTURE(stage);
    const int layer = stages == 1 ? end_to_end : stage;
    PairStepOptions step;
    step.layer = layer;
    step.margins = learner.margins(layer);
    step.negatives = negatives;
    step.negative_weight = negative_weight;
    step.block = block;
    want.clear(), sum.clear();
    const double loss = batch.run(pairs.a, pairs.b, step, m.precisely ? static_cast<Optimiser&>(both_want) : want);
    CHECK(loss > 0);
    live(learner, pairs, layer, batch, now, m);
    if (rule == "bp") check_anchors(learner, pairs, stage, batch);
    for (int i = 0; i <= negatives; ++i) learner.handle(Saccade{now, 0});

    const std::vector<Tensor> got = sum.gradients(), wanted = want.gradients();
    CHECK(got.size() == static_cast<std::size_t>(stages == 1 ? net.depth() + 1 : 2));
    CHECK(got.size() == wanted.size());
    for (std::size_t i = 0; i < std::min(got.size(), wanted.size()); ++i) {
      CHECK(got[i].name == wanted[i].name);
      CAPTURE(got[i].name);
      const double error = relative_l2(got[i].data, wanted[i].data);
      CHECK(error <= 1e-5);
      m.worst = std::max(m.worst, error);
    }
    ++m.layers;
  }
  const std::vector<Tensor> got = precise_sum.gradients(), wanted = precise_want.gradients();
  for (std::size_t i = 0; i < got.size(); ++i)
    m.worst_precise = std::max(m.worst_precise, relative_l2(got[i].data, wanted[i].data));
  CHECK(m.worst_precise <= 2e-6);  // each view's own gradient is still a float sum, of at most 1,024 positions
  CHECK(saturated(device, scaled, pairs, 0) > 0);
  CHECK(saturated(device, scaled, pairs, 2) > 0);
}

void check_fractions(const Measured& m) {
  CHECK(m.lowest >= 0.25);
  CHECK(m.highest <= 0.75);
}

}  // namespace

TEST_CASE("event mode adds up to the batch gradient: conv5, every layer and end to end, every rule") {
  const auto device = make_cpu_device(2);
  const Pairs pairs = grating_pairs(known_network("conv5"), 12);
  Measured m;
  for (const std::string schedule : {"e2e", "gll"})
    for (const std::string rule : {"bp", "rf", "urf", "sign", "sign-forward"})
      for (bool block : {true, false}) compare(*device, known_network("conv5"), pairs, schedule, rule, block, m);
  CHECK(m.layers == 60);
  check_fractions(m);
  CHECK(m.worst > 0);  // two routes, not one compared with itself
}

TEST_CASE("event mode adds up to the batch gradient: locally connected layers") {
  const auto device = make_cpu_device(2);
  const NetworkSpec net = local_network();
  const Pairs pairs = grating_pairs(net, 12);
  Measured m;
  for (const std::string schedule : {"e2e", "gll"})
    for (const std::string rule : {"bp", "rf", "urf", "sign", "sign-forward"})
      for (bool block : {true, false}) compare(*device, net, pairs, schedule, rule, block, m);
  CHECK(m.layers == 2 * 5 * (1 + 4));
  check_fractions(m);
}

TEST_CASE("event mode adds up to the batch gradient: 500 pairs of CIFAR-10") {
  const char* folder = std::getenv("SACCADE_TEST_REAL_DATA");
  if (folder == nullptr) {
    MESSAGE("skipped: SACCADE_TEST_REAL_DATA does not name a data folder");
    return;
  }
  const DataSet data = load_data("cifar10", folder, 500);
  FixationStream stream(std::make_shared<DeformedImages>(data.train, ViewKind::affine_hsv, 1), {});
  Pairs pairs{500, {}, {}};
  while (const auto event = stream.next()) {
    const auto* view = std::get_if<View>(&event->event);
    if (view != nullptr && view->fixation == 500) break;
    if (view == nullptr) continue;
    std::vector<float>& to = view->index == 0 ? pairs.a : pairs.b;
    to.insert(to.end(), view->pixels->begin(), view->pixels->end());
  }
  const auto device = make_cpu_device();
  for (const std::string schedule : {"e2e", "gll"})
    for (bool block : {true, false}) {
      Measured m;
      m.precisely = true;
      compare(*device, known_network("conv5"), pairs, schedule, "bp", block, m);
      check_fractions(m);
      MESSAGE(schedule << std::string(block ? ", blocked" : ", unblocked") << ": relative L2 error at most " << m.worst
                       << " (sums in double: " << m.worst_precise << "), active fractions " << m.lowest << " to "
                       << m.highest);
    }
}

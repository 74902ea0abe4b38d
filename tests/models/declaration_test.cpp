#include "models/declaration.h"

#include <doctest/doctest.h>

#include <functional>
#include <limits>

#include "engine/error.h"
#include "models/activity_averages.h"
#include "models/clapp_step.h"
#include "models/target_propagation.h"
#include "tests/models/support.h"

// What a rule declares is what it reads: every quantity that it does not declare is destroyed between the way up and
// the change of the synapses, which must keep its bits; every quantity that it declares is destroyed too, and the
// change must be another one.
using namespace saccade;
using namespace saccade::test;

namespace {

using enum Quantity;
using Quantities = std::set<Quantity>;

constexpr int pair_count = 6, view = 3;  // `view` is compared with anchors 3 and 2
constexpr float nan = std::numeric_limits<float>::quiet_NaN();

NetworkSpec network() {
  using enum Activation;
  constexpr Downsample dense = Downsample::none, pool = Downsample::max_pool;
  return {"small", 3, 9, 7, {{20, dense, hardtanh}, {18, pool, tanh}, {17, dense, relu}}, 6};
}

struct Case {
  LearningRule rule;
  int layer = end_to_end;
  std::string name() const {
    return rule.loss + (rule.block ? "" : " not blocked") + ", " + rule.rule + ", " + rule.optimiser + ", " +
           rule.activity + ", layer " + std::to_string(layer);
  }
  int top() const { return layer == end_to_end ? network().depth() - 1 : layer; }
  int bottom() const { return layer == end_to_end ? 0 : layer; }
  /// Whether an error passes the synapses of this tensor on its way down.
  bool passes(const std::string& tensor) const {
    const bool head = tensor.find("head.") != std::string::npos;
    const int i = tensor[tensor.find('.', tensor.find(head ? "head" : "conv")) + 1] - '0';
    return head ? i == top() : i > bottom() && i <= top();
  }
};

/// The synapses that an error passes (dtp: without the head, which its autoencoder reads on the way up).
void destroy_weights(const Case& c, Device& device, Parameters& parameters, const Quantities& lost) {
  std::vector<Tensor> tensors = tensors_of(parameters);
  ref::Draw draw(3);
  for (Tensor& t : tensors) {
    const bool feedback = t.name.starts_with("feedback."), passed = c.passes(t.name);
    if (!passed) {
      // What learns here is not what the error passes: a layer's own convolution.
      const bool learns = t.name == "conv." + std::to_string(c.bottom()) + ".weight";
      if (lost.contains(other_layers) && !learns) std::fill(t.data.begin(), t.data.end(), nan);
      continue;
    }
    if (c.rule.rule == "dtp" && t.name.starts_with("head.")) continue;
    const bool sizes = lost.contains(feedback ? feedback_sizes : forward_sizes),
               signs = lost.contains(feedback ? feedback_signs : forward_signs);
    for (float& w : t.data) {
      if (sizes && signs) w = nan;
      if (sizes && !signs) w *= static_cast<float>(draw.uniform(0.5, 2));
      if (signs && !sizes) w = draw.below(2) ? w : -w;
    }
  }
  parameters.load(device, tensors);
}

void fill(Device& device, const Activity& activity, int map, int first, int count, int winner) {
  const auto& buffer = activity.map_buffer(map);
  const std::vector<float> values(buffer.size() * static_cast<std::size_t>(count), nan);
  device.write(buffer.data() + buffer.size() * static_cast<std::size_t>(first), values.data(),
               values.size() * sizeof(float));
  if (map == 0 || activity.winners_buffer(map - 1).size() == 0) return;
  const auto& winners = activity.winners_buffer(map - 1);
  const std::vector<std::uint8_t> others(winners.size() * static_cast<std::size_t>(count),
                                         static_cast<std::uint8_t>(winner));
  device.write(winners.data() + winners.size() * static_cast<std::size_t>(first), others.data(), others.size());
}

/// Between the way up and the change.
class Destroyer final : public CreditAssignment {
 public:
  Destroyer(Device& device, Parameters& parameters, CreditAssignment& real, const Case& c, const Quantities& lost)
      : device_(device), parameters_(parameters), real_(real), case_(c), lost_(lost) {}

  void learn(int layer, const Views& views, ConstFloats error, ConstFlags active, Optimiser& optimiser) override {
    const std::size_t lanes = static_cast<std::size_t>(parameters_.network().head(0).lanes());
    const int of_arriving = views.count - pair_count;  // behind the anchors, where those learn too
    seen.resize(lanes);
    device_.read(seen.data(), error.at(0, of_arriving + view), lanes * sizeof(float));
    for (int map = 0; map <= parameters_.network().depth(); ++map) {
      const bool in_chain = map >= case_.bottom() && map <= case_.top() + 1;
      if (lost_.contains(other_layers) && !in_chain) fill(device_, views.activity, map, 0, 2 * pair_count, 2);
      if (lost_.contains(anchor_activity) && in_chain) fill(device_, views.activity, map, 0, pair_count, 2);
      if (lost_.contains(Quantity::activity) && in_chain) fill(device_, views.activity, map, pair_count, pair_count, 2);
    }
    destroy_weights(case_, device_, parameters_, lost_);
    real_.learn(layer, views, error, active, optimiser);
  }
  std::vector<float> seen;  ///< error at the embedding of one view

 private:
  Device& device_;
  Parameters& parameters_;
  CreditAssignment& real_;
  const Case& case_;
  const Quantities& lost_;
};

struct Outcome {
  std::vector<float> change;  ///< new weights of the lowest convolution that learns: all hops lead there
  std::vector<float> error;   ///< at the embedding of one view
};

/// Pixels of other views are destroyed before the way up: only the error of one view, and no change, can be compared.
void destroy_pixels(const Quantities& lost, std::vector<float>& a, std::vector<float>& b,
                    std::vector<std::int32_t>& labels) {
  const auto row = static_cast<std::ptrdiff_t>(a.size()) / pair_count;
  const auto destroy = [&](std::vector<float>& pixels, int i) {
    std::fill(pixels.begin() + i * row, pixels.begin() + (i + 1) * row, nan);
  };
  for (int i = 0; i < pair_count; ++i) {
    const bool compared = i == view || i == view - 1;
    if (lost.contains(anchor_embedding) && compared) destroy(a, i);
    if (lost.contains(other_embeddings)) {
      if (!compared) destroy(a, i);
      if (i != view) destroy(b, i);
    }
  }
  if (lost.contains(embedding)) destroy(b, view);
  if (lost.contains(label)) labels[view] = (labels[view] + 1) % 6;
}

Outcome learned(const Case& c, const Quantities& lost) {
  static const auto device = make_cpu_device(1);
  const NetworkSpec net = network();
  const bool chain = c.layer == end_to_end;
  Parameters parameters(*device, net, make_rule(c.rule.rule), chain ? Heads::top_only : Heads::every_layer, 4);
  Pairs pairs = grating_pairs(net, pair_count);
  std::unique_ptr<CreditAssignment> real;
  std::optional<ActivityAverages> averages;
  if (c.rule.rule == "dtp") {
    auto targets =
        std::make_unique<TargetPropagation>(*device, parameters, TargetPropagationOptions{}, 3, 2 * pair_count);
    if (lost.contains(inverse_weights)) {
      Checkpoint state;
      targets->save(state);
      for (Tensor& t : state.tensors)
        if (t.name.starts_with("dtp.")) std::fill(t.data.begin(), t.data.end(), nan);
      targets->load(state);
    }
    real = std::move(targets);
  } else {
    auto plasticity = std::make_unique<Plasticity>(*device, parameters, 2 * pair_count);
    if (c.rule.activity == "covariance") {
      averages.emplace(*device, net, 2 * pair_count, 1, 0.5f);
      Checkpoint state;
      averages->save(state);
      ref::Draw draw(9);
      for (Tensor& t : state.tensors)
        for (std::size_t i = 0; i < t.data.size() / 16 * 16; ++i)
          t.data[i] = lost.contains(activity_average) ? nan : static_cast<float>(draw.uniform(0, 0.1));
      averages->load(state);
      plasticity->learn_from_departures(*averages);
    }
    real = std::move(plasticity);
  }
  const Rates rates{std::vector<float>(3, 0.1f), std::vector<float>(3, 0.1f)};
  const Heads heads = chain ? Heads::top_only : Heads::every_layer;
  const std::unique_ptr<Optimiser> optimiser =
      c.rule.optimiser == "adam" ? make_adam(*device, net, heads, {rates}) : make_sgd(*device, net, {rates});
  if (c.rule.optimiser == "adam" && lost.contains(moments)) {
    Checkpoint state;
    optimiser->save(state);
    for (Tensor& t : state.tensors) std::fill(t.data.begin(), t.data.end(), nan);
    optimiser->load(state);
  }
  PairStepOptions options;
  options.loss = c.rule.loss, options.layer = c.layer, options.block = c.rule.block, options.negatives = 1;
  options.margins = {0, 1e6f};  // every term is active
  options.negative_weight = 0.25f;
  Destroyer destroyer(*device, parameters, *real, c, lost);
  PairStep step(*device, parameters, pair_count, destroyer);
  const DeviceBuffer<float> bias(*device, 16), bias_gradient(*device, 16);
  std::vector<std::int32_t> labels{0, 1, 2, 3, 4, 5};
  destroy_pixels(lost, pairs.a, pairs.b, labels);
  step.run(pairs.a, pairs.b, options, *optimiser, labels, bias.shared(), bias_gradient.shared());
  Outcome found;
  const std::string lowest = "conv." + std::to_string(c.bottom()) + ".weight";
  for (const Tensor& t : tensors_of(parameters))
    if (t.name == lowest) found.change = t.data;
  found.error = destroyer.seen;
  return found;
}

/// Quantities that can be destroyed on their own in this case: they are there.
Quantities there(const Case& c) {
  Quantities all{Quantity::activity, anchor_activity, forward_sizes, forward_signs, other_layers};
  for (const Quantity q : {embedding, anchor_embedding, other_embeddings, label}) all.insert(q);
  if (make_rule(c.rule.rule).own_feedback) all.insert({feedback_sizes, feedback_signs});
  if (c.rule.rule == "dtp") all.insert(inverse_weights);
  if (c.rule.activity == "covariance") all.insert(activity_average);
  if (c.rule.optimiser == "adam") all.insert(moments);
  return all;
}

/// Of those the loss reads; the others are looked at behind it.
bool before_the_error(Quantity q) {
  return q == embedding || q == anchor_embedding || q == other_embeddings || q == label;
}

/// What is wrong with the declaration of a case; nothing when it is exact.
std::string fault(const Case& c, const Quantities& declared) {
  const Outcome whole = learned(c, {});
  const auto same = [&](Quantity q, const Quantities& lost) {
    const Outcome other = learned(c, lost);
    return before_the_error(q) ? ref::same_bits(other.error, whole.error) : ref::same_bits(other.change, whole.change);
  };
  Quantities undeclared;
  for (const Quantity q : there(c)) {
    if (!declared.contains(q) && !before_the_error(q)) undeclared.insert(q);
    if (same(q, {q}) == declared.contains(q))
      return (declared.contains(q) ? "declares but does not read: " : "reads but does not declare: ") + to_string(q);
  }
  return same(Quantity::activity, undeclared) ? "" : "reads what it does not declare, of several together";
}

/// The same for clapp, whose errors start at a layer's own output: an optimiser that destroys before the first change.
class ClappDestroyer final : public Optimiser {
 public:
  ClappDestroyer(Device& device, Parameters& parameters, const Case& c, const Quantities& lost)
      : device_(device), parameters_(parameters), case_(c), lost_(lost), sum_(device, parameters.network()) {}
  std::string name() const override { return "none"; }
  void conv(int layer, const ConvFactors& f, Floats, Floats) override {
    if (layer == case_.top()) {
      destroy_weights(case_, device_, parameters_, lost_);
      const std::vector<float> values(f.shape.in.size(), nan);
      for (int i = 0; lost_.contains(anchor_activity) && i < pair_count; ++i)
        device_.write(const_cast<float*>(f.presynaptic.at(0, i)), values.data(), values.size() * sizeof(float));
    }
    sum_.conv(layer, f, {}, {});
    if (layer == case_.bottom()) lowest = sum_.gradients().front().data;
  }
  void gather(int, const ConvFactors&, bool) override {}
  void gather(int, const HeadFactors&, bool) override {}
  void change_conv(int, const Extent&, ConstFlags, Floats, Floats) override {}
  void change_head(int, const Extent&, ConstFlags, Floats, Floats) override {}
  std::vector<float> lowest;

 private:
  Device& device_;
  Parameters& parameters_;
  const Case& case_;
  const Quantities& lost_;
  GradientAccumulator sum_;
};

std::vector<float> learned_by_clapp(const Case& c, const Quantities& lost) {
  const auto device = make_cpu_device(1);
  const NetworkSpec net = network();
  Parameters parameters(*device, net, make_rule(c.rule.rule),
                        c.layer == end_to_end ? Heads::top_only : Heads::every_layer, 4);
  ClappOptions options;
  options.negatives = 1, options.context_learns = !c.rule.block;
  ClappStep step(*device, parameters, pair_count, options);
  if (lost.contains(prediction_weights)) {
    Checkpoint state;
    step.save(state);
    for (Tensor& t : state.tensors)
      if (t.name.starts_with("clapp.")) std::fill(t.data.begin(), t.data.end(), 0.01f);
    step.load(state);
  }
  const Pairs pairs = grating_pairs(net, pair_count);
  ClappDestroyer destroyer(*device, parameters, c, lost);
  step.run(pairs.a, pairs.b, c.layer, 0, destroyer);
  return destroyer.lowest;
}

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const std::string rule : {"bp", "rf", "urf", "sign", "sign-forward", "dtp"})
    for (const auto& [loss, block] :
         {std::pair{"hinge", true}, {"hinge", false}, {"simclr", true}, {"supervised", true}})
      for (const std::string optimiser : {"sgd", "adam"})
        for (const std::string activity : {"hebb", "covariance"})
          for (int layer = end_to_end; layer < network().depth(); ++layer) {
            if (rule == "dtp" && (layer != end_to_end || activity != "hebb")) continue;
            all.push_back({{loss, rule, layer == end_to_end, block, optimiser, activity}, layer});
          }
  return all;
}

}  // namespace

TEST_CASE("what is declared is what is read: every rule, schedule, loss, optimiser and kind of activity") {
  int count = 0;
  for (const Case& c : cases()) {
    CAPTURE(c.name());
    REQUIRE(!learned(c, {}).change.empty());
    CHECK(fault(c, quantities(readings(c.rule))) == "");
    ++count;
  }
  CHECK(count == 5 * 4 * 2 * 2 * 4 + 4 * 2);
}

TEST_CASE("a declaration that lies is caught: one that hides what it reads, and one that boasts") {
  for (const Case& c : {Case{{"hinge", "bp", true, true, "sgd", "hebb"}, end_to_end},
                        Case{{"hinge", "sign", false, false, "adam", "covariance"}, 1},
                        Case{{"simclr", "urf", false, true, "adam", "hebb"}, 0},
                        Case{{"supervised", "dtp", true, true, "sgd", "hebb"}, end_to_end}}) {
    CAPTURE(c.name());
    const Quantities honest = quantities(readings(c.rule));
    for (const Quantity q : there(c)) {
      CAPTURE(to_string(q));
      Quantities lie = honest;
      if (honest.contains(q))
        lie.erase(q);
      else
        lie.insert(q);
      CHECK(fault(c, lie) ==
            (honest.contains(q) ? "reads but does not declare: " : "declares but does not read: ") + to_string(q));
    }
  }
}

TEST_CASE("what clapp declares is what it reads") {
  for (const std::string rule : {"bp", "rf", "urf", "sign", "sign-forward"})
    for (const int layer : {end_to_end, 1})
      for (const bool block : {true, false}) {
        const Case c{{"clapp", rule, layer == end_to_end, block, "sgd", "hebb"}, layer};
        CAPTURE(c.name());
        const Quantities declared = quantities(readings(c.rule));
        const std::vector<float> whole = learned_by_clapp(c, {});
        REQUIRE(!whole.empty());
        Quantities all{forward_sizes, forward_signs, prediction_weights};
        if (layer != end_to_end) all.insert({anchor_activity, other_layers});
        if (make_rule(rule).own_feedback && layer == end_to_end) all.insert({feedback_sizes, feedback_signs});
        for (const Quantity q : all) {
          CAPTURE(to_string(q));
          CHECK(ref::same_bits(learned_by_clapp(c, {q}), whole) == !declared.contains(q));
        }
      }
}

TEST_CASE("the hinge computes signs and sums alone; what declares a normalisation does not see sizes") {
  for (const bool block : {true, false})
    for (const float e : learned({{"hinge", "rf", true, block, "sgd", "hebb"}, end_to_end}, {}).error) {
      CHECK(e * 4 == std::round(e * 4));  // 1 for the positive, 1/4 for a negative
      CHECK(std::fabs(e) <= 1.25f);
    }
  const auto loss = [](const std::string& name, float size) {
    const auto device = make_cpu_device(1);
    Parameters parameters(*device, network(), make_rule("bp"), Heads::top_only, 4);
    std::vector<Tensor> tensors = tensors_of(parameters);
    for (Tensor& t : tensors)
      if (t.name == "head.2.weight")
        for (float& w : t.data) w *= size;
    parameters.load(*device, tensors);
    const Pairs pairs = grating_pairs(network(), pair_count);
    PairStep step(*device, parameters, pair_count);
    PairStepOptions options;
    options.loss = name;
    GradientAccumulator gradient(*device, network());
    return step.run(pairs.a, pairs.b, options, gradient);
  };
  CHECK(loss("simclr", 4) == doctest::Approx(loss("simclr", 1)).epsilon(1e-5));
  CHECK(loss("hinge", 4) != doctest::Approx(loss("hinge", 1)).epsilon(1e-2));
  CHECK(operations({"hinge"}).empty());
  const auto computes = [](const LearningRule& rule, Operation operation) {
    for (const Computing& c : operations(rule))
      if (c.operation == operation) return c.by;
    return std::string();
  };
  CHECK(computes({"simclr"}, Operation::normalisation) == "loss simclr");
  CHECK(computes({"clapp"}, Operation::inner_product) == "loss clapp");
  CHECK(computes({"hinge", "dtp", true}, Operation::division) == "rule dtp");
  CHECK(computes({"hinge", "bp", true, true, "adam"}, Operation::square_root) == "optimiser adam");
}

TEST_CASE("declarations know every name, and no other") {
  for (const LearningRule& rule : {LearningRule{.loss = "barlow"}, LearningRule{.rule = "kp"},
                                   LearningRule{.optimiser = "lars"}, LearningRule{.activity = "bcm"}}) {
    CHECK_THROWS_AS(readings(rule), InputError);
    CHECK_THROWS_AS(operations(rule), InputError);
  }
  std::set<std::string> names;
  for (int q = 0; q <= static_cast<int>(other_layers); ++q) names.insert(to_string(static_cast<Quantity>(q)));
  CHECK(names.size() == static_cast<std::size_t>(other_layers) + 1);
}

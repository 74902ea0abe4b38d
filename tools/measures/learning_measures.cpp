#include "tools/measures/learning_measures.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "engine/error.h"
#include "tools/measures/feature_statistics.h"
#include "tools/measures/vectors.h"

namespace saccade {
namespace {

const std::string checkpoint_name = "record.measure";

std::vector<Tensor> tensors_of(const Parameters& parameters) {
  std::vector<Tensor> tensors;
  parameters.save(tensors);
  return tensors;
}

const std::vector<float>& values(const std::vector<Tensor>& tensors, const std::string& name) {
  const Tensor* found = find(tensors, name);
  if (!found) throw std::logic_error("LearningMeasures: no " + name);
  return found->data;
}

/// Of a cosine, which rounding may put beyond 1.
double degrees(double cosine) { return std::acos(std::clamp(cosine, -1.0, 1.0)) * 180 / std::numbers::pi; }

}  // namespace

LearningMeasures::LearningMeasures(Device& device, const NetworkSpec& network, const MeasureOptions& options,
                                   MeasuredPairs batch, MeasuredPairs events)
    : device_(device),
      network_(network),
      options_(options),
      batch_(std::move(batch)),
      events_(std::move(events)),
      copy_(device, network, make_rule("bp"), options.heads, options.seed, 1, options.arithmetic),
      step_(device, copy_, batch_.count),
      initial_(tensors_of(copy_)) {
  if (batch_.count != events_.count) throw std::invalid_argument("LearningMeasures: batches of different sizes");
  if (!options.loss || !other_carrier()) return;
  carrier_.emplace(device, network, make_rule(options.rule), options.heads, options.seed, 1, options.arithmetic);
  carried_step_.emplace(device, *carrier_, batch_.count);
}

bool LearningMeasures::looks_at_events() const {
  return options_.loss && options_.loss->loss == "hinge" && options_.loss->block && !make_rule(options_.rule).targets;
}

template <class F>
void LearningMeasures::for_each_bundle(F f) const {
  for (int i = 0; i < network_.depth(); ++i) {
    f(i, "conv", conv_name(i));
    if (options_.head_measures && copy_.has_head(i)) f(i, "head", head_name(i));
  }
}

std::vector<Measure> LearningMeasures::untrained() {
  std::vector<Measure> all;
  copy_.load(device_, initial_);
  features(all);
  return all;
}

std::vector<Measure> LearningMeasures::measure(std::uint64_t event, const Parameters& parameters) {
  std::vector<Measure> all;
  const Tensors weights = tensors_of(parameters);
  ways(weights, all);
  look_downhill(weights);
  if (other_carrier()) angles(weights, all);
  if (carrier_ || looks_at_events()) updates(weights, all);
  features(all);
  latest_ = event;
  std::stable_sort(all.begin(), all.end(), [](const Measure& a, const Measure& b) { return a.layer < b.layer; });
  return all;
}

void LearningMeasures::ways(const Tensors& weights, std::vector<Measure>& out) const {
  for_each_bundle([&](int layer, const std::string& kind, const std::string& name) {
    const std::vector<float>&now = values(weights, name), &initial = values(initial_, name);
    out.push_back({layer, kind + "_moved", norm(difference(now, initial)) / norm(initial)});
    if (!latest_) return;
    const std::vector<float> down = difference(values(last_, name), now);
    const double way = norm(down);
    out.push_back({layer, kind + "_step", way / norm(now)});
    const Tensor* gradient = find(gradient_, name);
    if (gradient && way != 0 && norm(gradient->data) != 0)
      out.push_back({layer, kind + "_descent", cosine(down, gradient->data)});
  });
}

void LearningMeasures::gradients(PairStep& step, const MeasuredPairs& pairs, Optimiser& optimiser) const {
  for (int layer = end_to_end_run() ? end_to_end : 0; layer < (end_to_end_run() ? 0 : network_.depth()); ++layer) {
    PairStepOptions options = *options_.loss;
    options.layer = layer;
    const auto top = static_cast<std::size_t>(layer == end_to_end ? network_.depth() - 1 : layer);
    options.margins = options_.margins.size() == 1 ? options_.margins[0] : options_.margins.at(top);
    step.run(pairs.a, pairs.b, options, optimiser);
  }
}

void LearningMeasures::look_downhill(const Tensors& weights) {
  copy_.load(device_, weights);
  last_.clear();
  for_each_bundle([&](int, const std::string&, const std::string& name) { last_.push_back(*find(weights, name)); });
  if (!options_.loss) return;
  GradientAccumulator sum(device_, network_);
  gradients(step_, batch_, sum);
  gradient_ = sum.gradients();
}

void LearningMeasures::angles(const Tensors& weights, std::vector<Measure>& out) const {
  const Rule rule = make_rule(options_.rule);
  for_each_bundle([&](int layer, const std::string& kind, const std::string& name) {
    const Tensor* carries = rule.own_feedback            ? find(weights, "feedback." + name)
                            : passes_errors(layer, kind) ? find(weights, name)
                                                         : nullptr;
    if (!carries) return;
    std::vector<float> carrier = carries->data;
    if (rule.sign_only)
      for (float& w : carrier) w = std::isnan(w) ? w : static_cast<float>((w > 0) - (w < 0));
    const std::vector<float>& forward = values(weights, name);
    if (norm(carrier) != 0 && norm(forward) != 0)
      out.push_back({layer, kind + "_feedback_angle", degrees(cosine(forward, carrier))});
  });
}

void LearningMeasures::updates(const Tensors& weights, std::vector<Measure>& out) {
  Tensors update = gradient_;
  if (carrier_) {
    carrier_->load(device_, weights);
    GradientAccumulator sum(device_, network_);
    gradients(*carried_step_, batch_, sum);
    update = sum.gradients();
  }
  std::optional<EventGradients> single;
  if (looks_at_events()) {
    single.emplace(device_, network_, gradient_);
    gradients(carrier_ ? *carried_step_ : step_, events_, *single);
  }
  for_each_bundle([&](int layer, const std::string& kind, const std::string& name) {
    const std::vector<float>&whole = values(update, name), &gradient = values(gradient_, name);
    if (carrier_ && kind == "conv" && norm(whole) != 0 && norm(gradient) != 0)
      out.push_back({layer, "conv_rule_descent", cosine(whole, gradient)});
    if (!single) return;
    const EventGradients::Sums& sums = kind == "conv" ? single->conv(layer) : single->head(layer);
    out.push_back({layer, kind + "_gradient_norm", norm(whole) / batch_.count});
    out.push_back({layer, kind + "_event_gradient_norm", std::sqrt(sums.squared_norm / sums.views)});
    if (sums.compared > 0) out.push_back({layer, kind + "_event_descent", sums.cosine / sums.compared});
  });
}

void LearningMeasures::features(std::vector<Measure>& out) {
  constexpr int at_once = 64;
  const std::size_t pixels = network_.map(0).features();
  Activity activity(device_, network_, std::min(at_once, batch_.count));
  for (int layer = 0; layer < network_.depth(); ++layer) {
    const MapShape map = network_.map(layer + 1), read = network_.head(layer).in;
    const Activation activation = network_.conv(layer).activation;
    std::vector<float> rows(read.size() * static_cast<std::size_t>(batch_.count));
    const bool embeds = options_.head_measures && copy_.has_head(layer);
    const DeviceBuffer<float> embedding(device_, static_cast<std::size_t>(network_.head(layer).lanes()), 1,
                                        embeds ? batch_.count : 0);
    std::vector<float> outputs;
    std::optional<double> beyond;
    for (int first = 0; first < batch_.count; first += at_once) {
      const Views views{activity, 0, std::min(at_once, batch_.count - first)};
      show(device_, network_, Stimuli(batch_.b).from(static_cast<std::size_t>(first), pixels), views);
      ascend(device_, copy_, views, 0, layer + 1);
      const ConstFloats input = head_input(device_, network_, views, layer);
      for (int view = 0; view < views.count; ++view)
        device_.read(rows.data() + static_cast<std::size_t>(first + view) * read.size(), input.at(0, view),
                     read.size() * sizeof(float));
      if (embeds) embed(device_, copy_, views, layer, embedding.strided(first));
      outputs.resize(map.size() * static_cast<std::size_t>(views.count));
      device_.read(outputs.data(), activity.map(layer + 1).data, outputs.size() * sizeof(float));
      if (const auto more = saturated(activation, outputs)) beyond = beyond.value_or(0) + *more;
    }
    const FeatureStatistics s = feature_statistics(rows, batch_.count);
    out.push_back({layer, "feature_norm2", s.norm2});
    out.push_back({layer, "feature_variance", s.variance});
    if (s.variance != 0) out.push_back({layer, "participation_ratio", s.participation_ratio});
    if (embeds) {
      const FeatureStatistics e = feature_statistics(embedding.read(), batch_.count);
      out.push_back({layer, "embedding_variance", e.variance});
      if (e.variance != 0) out.push_back({layer, "embedding_participation_ratio", e.participation_ratio});
    }
    if (beyond) out.push_back({layer, "saturation", *beyond / (static_cast<double>(map.features()) * batch_.count)});
  }
}

void LearningMeasures::save(Checkpoint& checkpoint) const {
  std::vector<std::int64_t> when;
  if (latest_) when.push_back(static_cast<std::int64_t>(*latest_));
  checkpoint.integers.push_back({checkpoint_name, std::move(when)});
  for (Tensor tensor : last_) {
    tensor.name = checkpoint_name + "." + tensor.name;
    checkpoint.tensors.push_back(std::move(tensor));
  }
}

void LearningMeasures::load(const Checkpoint& checkpoint) {
  const std::vector<std::int64_t>& when = checkpoint.integer_values(checkpoint_name);
  if (when.size() > 1 || (when.size() == 1 && when[0] < 0))
    throw InputError(
        fmt::format("checkpoint: {} holds {} numbers, expected at most one, from 0 on", checkpoint_name, when.size()));
  if (when.empty()) return;
  Tensors weights = initial_;
  for_each_bundle([&](int, const std::string&, const std::string& name) {
    Tensor saved = checkpoint.tensor(checkpoint_name + "." + name);
    saved.name = name;
    *std::find_if(weights.begin(), weights.end(), [&](const Tensor& t) { return t.name == name; }) = std::move(saved);
  });
  look_downhill(weights);
  latest_ = static_cast<std::uint64_t>(when.front());
}

}  // namespace saccade

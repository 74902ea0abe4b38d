#include "models/clapp_step.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "engine/error.h"
#include "engine/random.h"
#include "models/layout.h"

namespace saccade {
namespace {

/// A 1x1 convolution is a head on every pixel: the pixels of a map, border included (it is zero and stays zero), are
/// the head's views.
HeadShape pixel_head(const MapShape& map) { return {{1, 1, map.channels, map.lanes, 0}, map.channels}; }

/// The same weights, with context channels in rows of 16: the device shares a gradient among its cores by rows.
HeadShape rows_of_channels(const MapShape& map) {
  const int row = map.channels % lanes_per_vector == 0 ? lanes_per_vector : map.channels;
  return {{map.channels / row, 1, row, row, 0}, map.channels};
}

int pixels_of(const MapShape& map) { return static_cast<int>(map.size()) / map.lanes; }

std::string w_name(bool patches, int layer, std::size_t k) {
  return patches ? fmt::format("clapp.{}.{}.weight", layer, k) : fmt::format("clapp.{}.weight", layer);
}

std::vector<float> initial_w(const HeadShape& shape, std::uint64_t seed, int layer, int k) {
  // Entities of their own: those of Parameters are below 2^17, the probe's is 2^30.
  const auto entity = (1u << 29) + 8 * static_cast<std::uint32_t>(layer) + static_cast<std::uint32_t>(k);
  const Random random(seed, Purpose::initial_weights, entity, 0);
  const auto channels = static_cast<std::size_t>(shape.embedding);
  const auto bound = static_cast<float>(1 / std::sqrt(static_cast<double>(channels)));
  Tensor tensor{"W", {channels, channels}, std::vector<float>(channels * channels)};
  for (std::size_t i = 0; i < tensor.data.size(); ++i)
    tensor.data[i] = random.uniform(static_cast<std::uint32_t>(i), -bound, bound);
  return head_from_logical(shape, tensor);
}

std::size_t largest_map(const Parameters& parameters) {
  std::size_t largest = 0;
  for (int i = 0; i < parameters.network().depth(); ++i)
    if (parameters.has_head(i)) largest = std::max(largest, parameters.network().map(i + 1).size());
  return largest;
}

}  // namespace

int ClappStep::views() const { return images_ * (options_.patches ? patches_per_side * patches_per_side : 2); }

std::size_t ClappStep::pixels() const { return parameters_.network().map(0).features(); }

ClappStep::ClappStep(Device& device, Parameters& parameters, int images, const ClappOptions& options)
    : device_(device),
      parameters_(parameters),
      images_(images),
      options_(options),
      activity_(device, parameters.network(), views()),
      plasticity_(device, parameters, views()),
      active_(device, 1, 1, views()),
      anchor_active_(device, 1, 1, views()) {
  if (images < 1 || parameters.replicas() != 1)
    throw std::invalid_argument("ClappStep: expected at least one image and one replica");
  const int context_rows = options.patches ? patch_contexts : 1;
  const int contexts = context_rows * images * (options.patches ? patches_per_side : 1);
  prediction_ = {device, largest_map(parameters), 1, contexts};
  prediction_error_ = {device, largest_map(parameters), 1, contexts};
  for (int i = 0; i < parameters.network().depth(); ++i) {
    w_.emplace_back();
    if (!parameters.has_head(i)) continue;
    const HeadShape shape = pixel_head(parameters.network().map(i + 1));
    for (int k = 0; k < context_rows; ++k)
      w_.back()
          .emplace_back(device, shape.weights())
          .weights.write(initial_w(shape, options.weights_seed.value_or(options.seed), i, k));
  }
  const int count = contexts / context_rows;
  for (std::vector<AdamTensor>& layer : w_) {
    contexts_.emplace_back();
    for (AdamTensor& w : layer)
      contexts_.back().push_back({static_cast<int>(contexts_.back().size()) * count, count, w});
  }
}

double ClappStep::run(const Stimuli& a, const Stimuli& b, int layer, std::uint64_t step, Optimiser& optimiser) {
  if (options_.patches) throw std::invalid_argument("ClappStep: it was made for patches, not for pairs of views");
  const std::size_t expected = pixels() * static_cast<std::size_t>(images_);
  if (a.values(pixels()) != expected || b.values(pixels()) != expected)
    throw std::invalid_argument(fmt::format("ClappStep: got {} and {} numbers of pixels, expected {}",
                                            a.values(pixels()), b.values(pixels()), expected));
  show(device_, parameters_.network(), a, {activity_, 0, images_});
  show(device_, parameters_.network(), b, {activity_, images_, images_});
  return learn(layer, step, optimiser);
}

double ClappStep::run(std::span<const float> patches, int layer, std::uint64_t step, Optimiser& optimiser) {
  if (!options_.patches) throw std::invalid_argument("ClappStep: it was made for pairs of views, not for patches");
  const std::size_t size = pixels();
  if (patches.size() != size * static_cast<std::size_t>(views()))
    throw std::invalid_argument(fmt::format("ClappStep: got {} numbers of pixels, expected {}", patches.size(),
                                            size * static_cast<std::size_t>(views())));
  std::vector<float> by_row(patches.size());
  auto from = patches.begin();
  for (int image = 0; image < images_; ++image)
    for (int row = 0; row < patches_per_side; ++row)
      for (int column = 0; column < patches_per_side; ++column, from += static_cast<std::ptrdiff_t>(size))
        std::copy_n(from, size,
                    by_row.begin() + static_cast<std::ptrdiff_t>(size) * patch_index(images_, row, image, column));
  show(device_, parameters_.network(), by_row, {activity_, 0, views()});
  return learn(layer, step, optimiser);
}

double ClappStep::learn(int layer, std::uint64_t step, Optimiser& optimiser) {
  const int top = top_of(layer);
  ascend(device_, parameters_, {activity_, 0, views()}, 0, top + 1);
  for (const Context& context : contexts(top)) predict(top, context);

  const ClappUpdate which = clapp_update(options_.synchronous, options_.seed, step);
  if (options_.patches)
    clapp_patch_terms(images_, options_.negatives, options_.seed, step, which, terms_);
  else
    clapp_pair_terms(images_, options_.negatives, which, terms_);
  const double loss = compare(top);
  for (const Context& context : contexts(top)) learn_context(top, context);
  if (options_.context_learns) {  // a patch may learn as a target, as a context, or as both
    active_.read(host_active_);
    anchor_active_.read(host_anchor_active_);
    for (std::size_t i = 0; i < host_active_.size(); ++i) host_active_[i] |= host_anchor_active_[i];
    active_.write(host_active_);
  }
  plasticity_.descend(layer, {activity_, 0, views()}, active_.strided(), optimiser);
  return loss;
}

void ClappStep::predict(int top, const Context& context) {
  const MapShape map = parameters_.network().map(top + 1);
  const int pixels = pixels_of(map);
  // As many maps at a time as stay in the cache of a core, since the head keeps sums of its own for each of its views.
  const int maps_per_call = std::max(1, 8192 / pixels), end = context.first + context.count;
  for (int first = context.first; first < end; first += maps_per_call) {
    const int count = std::min(maps_per_call, end - first);
    device_.head_forward({pixel_head(map),
                          {1, count * pixels},
                          {activity_.map(top + 1, first).data, 0, map.lanes},
                          context.w.weights.shared(),
                          {maps(prediction_, top).at(0, first), 0, map.lanes}});
  }
}

double ClappStep::compare(int top) {
  if (results_.size() < terms_.size()) results_ = {device_, terms_.size()};
  InnerProductHinge op;
  op.count = parameters_.network().map(top + 1).size();
  op.anchors = prediction_.views();
  op.views = views();
  op.terms = terms_;
  op.activation = parameters_.network().conv(top).activation;
  op.prediction = maps(prediction_, top);
  op.view = activity_.map(top + 1);
  op.view_error = plasticity_.output_error(top);
  op.view_active = active_.strided();
  op.prediction_error = maps(prediction_error_, top);
  op.anchor_active = anchor_active_.strided();
  op.results = results_.data();
  device_.inner_product_hinge(op);

  positives_ = negatives_ = {};
  double loss = 0;
  results_.read(host_results_);
  for (std::size_t i = 0; i < terms_.size(); ++i) {
    const InnerProductResult& found = host_results_[i];
    ClappMeasures& measures = terms_[i].positive ? positives_ : negatives_;
    const auto weight = static_cast<double>(terms_[i].weight);
    measures.score += weight * static_cast<double>(found.score);
    measures.loss += static_cast<double>(found.loss);
    measures.active += found.active;
    ++measures.terms;
    loss += static_cast<double>(found.loss);
  }
  for (ClappMeasures* measures : {&positives_, &negatives_})
    if (measures->terms > 0) measures->active /= measures->terms;
  return loss;
}

void ClappStep::learn_context(int top, const Context& context) {
  const MapShape map = parameters_.network().map(top + 1);
  const Extent extent{1, pixels_of(map)};
  for (int i = context.first; i < context.first + context.count; ++i) {
    const ConstFloats c{activity_.map(top + 1, i).data, 0, map.lanes};
    const ConstFloats error{maps(prediction_error_, top).at(0, i), 0, map.lanes};
    const ConstFlags active{anchor_active_.strided(i).data, 0, 0};  // one flag for all pixels of the map
    if (options_.context_learns)
      device_.head_input_gradient({pixel_head(map),
                                   extent,
                                   error,
                                   {context.w.weights.shared()},
                                   c,
                                   parameters_.network().conv(top).activation,
                                   active,
                                   {plasticity_.output_error(top).at(0, i), 0, map.lanes},
                                   true});
    device_.head_weight_gradient(
        {rows_of_channels(map), extent, c, error, active, context.w.gradient.shared(), i > context.first});
  }
  context.w.step(device_, options_.rate, anchor_active_.strided(context.first), context.count);
}

const std::vector<ClappStep::Context>& ClappStep::contexts(int top) const {
  const std::vector<Context>& contexts = contexts_[static_cast<std::size_t>(top)];
  if (contexts.empty())
    throw std::invalid_argument(fmt::format("ClappStep: layer {} has no head, so no W either", top));
  return contexts;
}

int ClappStep::top_of(int layer) const { return layer == end_to_end ? parameters_.network().depth() - 1 : layer; }

Floats ClappStep::maps(const DeviceBuffer<float>& buffer, int top) const {
  return {buffer.data(), 0, static_cast<std::ptrdiff_t>(parameters_.network().map(top + 1).size())};
}

Tensor ClappStep::weight(int layer, int k) const {
  const AdamTensor& w = w_.at(static_cast<std::size_t>(top_of(layer))).at(static_cast<std::size_t>(k));
  return head_to_logical(pixel_head(parameters_.network().map(top_of(layer) + 1)), w.weights.read().data(), "weight");
}

Tensor ClappStep::weight_gradient(int layer, int k) const {
  const AdamTensor& w = w_.at(static_cast<std::size_t>(top_of(layer))).at(static_cast<std::size_t>(k));
  return head_to_logical(pixel_head(parameters_.network().map(top_of(layer) + 1)), w.gradient.read().data(),
                         "gradient");
}

void ClappStep::save(Checkpoint& checkpoint) const {
  for (int i = 0; i < parameters_.network().depth(); ++i)
    for (std::size_t k = 0; k < w_[static_cast<std::size_t>(i)].size(); ++k)
      w_[static_cast<std::size_t>(i)][k].save(checkpoint, pixel_head(parameters_.network().map(i + 1)),
                                              w_name(options_.patches, i, k));
}

void ClappStep::load(const Checkpoint& checkpoint) {
  for (int i = 0; i < parameters_.network().depth(); ++i)
    for (std::size_t k = 0; k < w_[static_cast<std::size_t>(i)].size(); ++k)
      w_[static_cast<std::size_t>(i)][k].load(checkpoint, pixel_head(parameters_.network().map(i + 1)),
                                              w_name(options_.patches, i, k));
}

}  // namespace saccade

#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/elementary.h"
#include "models/online_learner.h"
#include "models/pair_step.h"
#include "tests/reference/devices.h"
#include "tests/reference/network.h"

/// Data and conversions that the tests of models share.
namespace saccade::test {

namespace ref = saccade::reference;

/// Smooth and of high contrast: each channel a sum of three gratings of at most three cycles, stretched to the full
/// range 0 .. 1. `shift` moves the phases: views of one object look alike. Our own sine, so that golden fingerprints do
/// not depend on the C library.
inline Pixels gratings(const NetworkSpec& net, std::uint64_t object, double shift) {
  ref::Draw draw(object);
  Pixels out(net.map(0).features());
  for (int c = 0; c < net.channels; ++c) {
    double fx[3], fy[3], phase[3];
    for (int g = 0; g < 3; ++g) {
      fx[g] = draw.uniform(-3, 3), fy[g] = draw.uniform(-3, 3), phase[g] = draw.uniform(0, 6.28);
      phase[g] += shift * draw.uniform(0.5, 1);
    }
    double low = 1e9, high = -1e9;
    std::vector<double> values;
    for (int y = 0; y < net.height; ++y)
      for (int x = 0; x < net.width; ++x) {
        double sum = 0;
        for (int g = 0; g < 3; ++g)
          sum += own_sin(6.283185307 * (fx[g] * x / net.width + fy[g] * y / net.height) + phase[g]);
        low = std::min(low, sum), high = std::max(high, sum);
        values.push_back(sum);
      }
    for (std::size_t i = 0; i < values.size(); ++i)
      out[i * static_cast<std::size_t>(net.channels) + static_cast<std::size_t>(c)] =
          static_cast<float>((values[i] - low) / (high - low));
  }
  return out;
}

/// Locally connected layers with every way to halve a map, the last pool cutting a column, above a convolution or not.
inline NetworkSpec local_network(int embedding = 20) {
  using enum Activation;
  constexpr Downsample dense = Downsample::none, pool = Downsample::max_pool, stride = Downsample::stride;
  constexpr Sharing local = Sharing::local, shared = Sharing::shared;
  return {
      "local",
      3,
      13,
      11,
      {{20, pool, hardtanh, local}, {18, dense, relu, shared}, {33, stride, hardtanh, local}, {20, dense, none, local}},
      embedding};
}

/// Pairs of views, [n][height][width][channels] each, as PairStep takes them.
struct Pairs {
  int count = 0;
  std::vector<float> a, b;
  std::shared_ptr<const Pixels> view(bool second, int i) const {
    const std::vector<float>& all = second ? b : a;
    const auto size = static_cast<std::ptrdiff_t>(all.size()) / count;
    return std::make_shared<const Pixels>(all.begin() + i * size, all.begin() + (i + 1) * size);
  }
};

inline Pairs grating_pairs(const NetworkSpec& net, int count, double shift = 0.7) {
  Pairs pairs{count, {}, {}};
  for (int i = 0; i < count; ++i) {
    const Pixels a = gratings(net, static_cast<std::uint64_t>(i) + 1, 0),
                 b = gratings(net, static_cast<std::uint64_t>(i) + 1, shift);
    pairs.a.insert(pairs.a.end(), a.begin(), a.end());
    pairs.b.insert(pairs.b.end(), b.begin(), b.end());
  }
  return pairs;
}

inline std::vector<Tensor> tensors_of(const Parameters& parameters) {
  std::vector<Tensor> tensors;
  parameters.save(tensors);
  return tensors;
}

/// Convolutions (and their feedback) larger than at the start of a run, so that hardtanh saturates.
inline void scale_convolutions(Device& device, Parameters& parameters, float factor) {
  std::vector<Tensor> tensors = tensors_of(parameters);
  for (Tensor& t : tensors)
    if (t.name.find("conv.") != std::string::npos)
      for (float& w : t.data) w *= factor;
  parameters.load(device, tensors);
}

inline double distance(const std::vector<float>& a, int i, const std::vector<float>& b, int j, int embedding) {
  double sum = 0;
  for (int e = 0; e < embedding; ++e)
    sum += std::fabs(static_cast<double>(a[static_cast<std::size_t>(i * embedding + e)]) -
                     static_cast<double>(b[static_cast<std::size_t>(j * embedding + e)]));
  return sum;
}

/// Margins in the middle of the distances that a layer gives, so that about half of each kind of term is active.
inline Margins median_margins(PairStep& step, const Pairs& pairs, int layer, int embedding, int negatives) {
  class Nothing final : public Optimiser {
    std::string name() const override { return "none"; }
    void gather(int, const ConvFactors&, bool) override {}
    void gather(int, const HeadFactors&, bool) override {}
    void change_conv(int, const Extent&, ConstFlags, Floats, Floats) override {}
    void change_head(int, const Extent&, ConstFlags, Floats, Floats) override {}
  } nothing;
  PairStepOptions options;
  options.layer = layer;
  options.margins = {1e30f, 0};  // nothing is active, so nothing is carried back
  step.run(pairs.a, pairs.b, options, nothing);
  const std::vector<float> a = step.embedding_a(), b = step.embedding_b();
  std::vector<double> near, far;
  for (int view = 0; view < pairs.count; ++view)
    for (int anchor = 0; anchor < pairs.count; ++anchor) {
      const bool compared = negatives < 0 || (anchor < view && anchor >= view - negatives);
      if (anchor == view || compared) (anchor == view ? near : far).push_back(distance(a, anchor, b, view, embedding));
    }
  const auto middle = [](std::vector<double>& d) {
    std::sort(d.begin(), d.end());
    return static_cast<float>((d[(d.size() - 1) / 2] + d[d.size() / 2]) / 2 * 1.0001);  // between two, not on one
  };
  return {middle(near), middle(far)};
}

/// Share of the outputs of `layer` at or beyond +-1.
inline double saturated(Device& device, const Parameters& parameters, const Pairs& pairs, int layer) {
  const NetworkSpec& net = parameters.network();
  Activity activity(device, net, pairs.count);
  const Views views{activity, 0, pairs.count};
  show(device, net, pairs.b, views);
  ascend(device, parameters, views, 0, layer + 1);
  double beyond = 0;
  for (float x : activity.map_buffer(layer + 1).read()) beyond += std::fabs(x) >= 1;
  return beyond / static_cast<double>(net.map(layer + 1).features() * static_cast<std::size_t>(pairs.count));
}

/// |got - want| / |want| in L2; infinite where it is not a number.
inline double relative_l2(const std::vector<float>& got, const std::vector<float>& want) {
  if (got.size() != want.size()) return INFINITY;
  double difference = 0, norm = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double w = want[i], d = static_cast<double>(got[i]) - w;
    difference += d * d, norm += w * w;
  }
  const double error = std::sqrt(difference / norm);
  return std::isfinite(error) ? error : INFINITY;
}

/// The network of the reference from tensors in logical layout; `prefix` "feedback." takes the feedback weights, and
/// the forward ones where there are none (no rule reads them then).
inline ref::Network reference_network(const NetworkSpec& net, const std::vector<Tensor>& tensors,
                                      const std::string& prefix = "") {
  const auto find = [&](const std::string& name) -> std::vector<double> {
    for (const std::string& full : {prefix + name, name})
      for (const Tensor& t : tensors)
        if (t.name == full) return {t.data.begin(), t.data.end()};
    return {};
  };
  ref::Network r;
  for (int i = 0; i < net.depth(); ++i) {
    const ConvShape shape = net.conv(i);
    r.layers.push_back({shape.down, shape.activation});
    if (shape.local())
      r.convs.emplace_back(shape.out.channels, shape.in.channels, shape.rows(), shape.columns(), shape.stride());
    else
      r.convs.emplace_back(shape.out.channels, shape.in.channels);
    r.convs.back().v = find("conv." + std::to_string(i) + ".weight");
    r.heads.emplace_back(net.embedding, static_cast<int>(net.head(i).in.features()));
    r.heads.back().v = find("head." + std::to_string(i) + ".weight");
  }
  r.head_average = net.head_average;
  return r;
}

inline ref::Images reference_images(const NetworkSpec& net, const std::vector<float>& pixels, int count) {
  ref::Images images(count, net.channels, net.height, net.width);
  std::size_t at = 0;
  for (int i = 0; i < count; ++i)
    for (int y = 0; y < net.height; ++y)
      for (int x = 0; x < net.width; ++x)
        for (int c = 0; c < net.channels; ++c) images.at(i, c, y, x) = static_cast<double>(pixels[at++]);
  return images;
}

}  // namespace saccade::test

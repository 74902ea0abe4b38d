#include "tools/check/trial.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/random.h"

namespace saccade::check {
namespace {

/// Uniform in [0, 1). A prime number of them, so that neighbouring maps and rows are not alike.
const std::vector<float>& table() {
  static const std::vector<float> numbers = [] {
    std::vector<float> all(1'048'573);
    const Random random(1, Purpose::layout, 0, 0);
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = random.uniform(static_cast<std::uint32_t>(i));
    return all;
  }();
  return numbers;
}

bool is_active(Active active, int replica, int view) {
  if (active == Active::not_replica_1) return replica != 1;
  return active == Active::all || (replica + view) % 3 != 1;
}

/// f of a number in [-1, 1).
float activity(Activation activation, float x) {
  switch (activation) {
    case Activation::hardtanh:
      return std::clamp(1.3f * x, -1.0f, 1.0f);
    case Activation::relu:
      return std::max(x, 0.0f);
    case Activation::none:
    case Activation::tanh:
      break;
  }
  return x;
}

}  // namespace

std::vector<float> rates(int replicas) {
  std::vector<float> all;
  for (int r = 1; r <= replicas; ++r) all.push_back(1e-3f * static_cast<float>(r));
  return all;
}

float Trial::next() {
  const std::vector<float>& numbers = table();
  return numbers[drawn_++ % numbers.size()];
}

std::vector<float> Trial::host_floats(std::size_t count, const Range& range) {
  std::vector<float> values(count);
  for (float& value : values) {
    value = range.low + (range.high - range.low) * next();
    if (range.step != 0) value = std::round(value / range.step) * range.step;
  }
  return values;
}

const DeviceBuffer<float>& Trial::floats(std::size_t size, const Extent& extent, const Range& range) {
  return put(host_floats(size * extent.replicas * extent.views, range), size, extent);
}

const DeviceBuffer<float>& Trial::rows(std::size_t rows, int used, const Extent& extent, const Range& range) {
  const auto lanes = static_cast<std::size_t>(round_up_to_lanes(used));
  std::vector<float> values = host_floats(rows * lanes * extent.replicas * extent.views, range);
  for (std::size_t i = 0; i < values.size(); ++i)
    if (i % lanes >= static_cast<std::size_t>(used)) values[i] = 0;
  return put(values, rows * lanes, extent);
}

const DeviceBuffer<float>& Trial::maps(const MapShape& shape, const Extent& extent, const Range& range) {
  std::vector<float> values(shape.size() * extent.replicas * extent.views);
  const auto row = static_cast<std::size_t>(shape.width) * shape.lanes;
  for (std::size_t map = 0; map < values.size(); map += shape.size())
    for (int y = 0; y < shape.height; ++y)
      std::ranges::copy(host_floats(row, range),
                        values.begin() + static_cast<std::ptrdiff_t>(map) + shape.offset(y, 0));
  return put(values, shape.size(), extent);
}

const DeviceBuffer<float>& Trial::maps(const MapShape& shape, const Extent& extent, Activation activation) {
  const DeviceBuffer<float>& buffer = maps(shape, extent);
  std::vector<float> values = buffer.read();
  for (float& value : values) value = activity(activation, value);
  buffer.write(values);
  return buffer;
}

const DeviceBuffer<std::uint8_t>& Trial::winners(const ConvShape& shape, const Extent& extent) {
  std::vector<std::uint8_t> values(shape.winners() * extent.replicas * extent.views);
  for (std::uint8_t& value : values) value = static_cast<std::uint8_t>(4 * next());
  return put(values, shape.winners(), extent);
}

ConstFlags Trial::flags(const Extent& extent, Active active) {
  if (active == Active::all) return {};
  std::vector<std::int32_t> values;
  for (int replica = 0; replica < extent.replicas; ++replica)
    for (int view = 0; view < extent.views; ++view) values.push_back(is_active(active, replica, view));
  return put(values, 1, extent).strided();
}

void Trial::spoil_inactive(const DeviceBuffer<float>& values, Active active) {
  std::vector<float> host = values.read();
  auto at = host.begin();
  for (int replica = 0; replica < values.replicas(); ++replica)
    for (int view = 0; view < values.views(); ++view, at += static_cast<std::ptrdiff_t>(values.size()))
      if (!is_active(active, replica, view)) std::fill_n(at, values.size(), std::numeric_limits<float>::quiet_NaN());
  values.write(host);
}

}  // namespace saccade::check

#include "tools/run/not_finite.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace saccade {
namespace {

/// How many are not finite; without an early end, so that the loop is one of vectors.
template <class T>
std::size_t others_of(const std::vector<T>& values) {
  const auto finite = std::count_if(values.begin(), values.end(), [](T value) { return std::isfinite(value); });
  return values.size() - static_cast<std::size_t>(finite);
}

template <class T>
std::string find(const std::string& name, const std::vector<T>& values) {
  const std::size_t others = others_of(values);
  return others == 0 ? std::string() : fmt::format("{}: {} of {} values are not finite", name, others, values.size());
}

}  // namespace

std::string not_finite(const Checkpoint& state) {
  for (const Tensor& tensor : state.tensors)
    if (std::string found = find(tensor.name, tensor.data); !found.empty()) return found;
  for (const Checkpoint::Reals& reals : state.reals) {
    if (reals.name.starts_with("record.")) continue;
    if (std::string found = find(reals.name, reals.values); !found.empty()) return found;
  }
  return {};
}

bool all_finite(const Parameters& parameters, int replica) {
  for (int layer = 0; layer < parameters.network().depth(); ++layer)
    for (const Synapses* synapses : {&parameters.conv(layer), &parameters.head(layer)})
      for (const DeviceBuffer<float>* weights : {&synapses->forward, &synapses->feedback})
        if (*weights && others_of(weights->read_replica(replica)) > 0) return false;
  return true;
}

}  // namespace saccade

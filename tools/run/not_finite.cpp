#include "tools/run/not_finite.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace saccade {
namespace {

template <class T>
std::string find(const std::string& name, const std::vector<T>& values) {
  const auto finite = std::count_if(values.begin(), values.end(), [](T value) { return std::isfinite(value); });
  const std::size_t others = values.size() - static_cast<std::size_t>(finite);
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

}  // namespace saccade

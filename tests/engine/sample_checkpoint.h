#pragma once
#include <algorithm>
#include <cstring>
#include <limits>
#include <vector>

#include "engine/checkpoint.h"

namespace saccade::testing {

/// One of everything that a checkpoint can hold, with values that are easily damaged.
inline Checkpoint some_checkpoint(std::uint64_t event = 7) {
  Checkpoint checkpoint;
  checkpoint.experiment = "seed = 1\n# \xc3\xa9\n";
  checkpoint.event = event;
  checkpoint.instruction_set = "avx2";
  checkpoint.arithmetic = "exact";
  checkpoint.tensors.push_back({"conv.0.weight", {2, 1, 3}, {1, -2, 0.1f, -0.0f, 3e-45f, 1e38f}});
  checkpoint.tensors.push_back({"empty", {0, 5}, {}});
  checkpoint.tensors.push_back({"scalar", {}, {static_cast<float>(event)}});
  checkpoint.integers.push_back({"steps", {0, -1, std::numeric_limits<std::int64_t>::max()}});
  checkpoint.integers.push_back({"record.trace_bytes", {4096}});
  checkpoint.reals.push_back({"clock", {0.1, -0.0, 1e308}});
  checkpoint.reals.push_back({"record.mean_loss", {0.25}});
  return checkpoint;
}

template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}

inline bool same(const Checkpoint& a, const Checkpoint& b) {
  const auto named_alike = [](const auto& x, const auto& y) {
    return x.name == y.name && same_bits(x.values, y.values);
  };
  return a.experiment == b.experiment && a.event == b.event && a.instruction_set == b.instruction_set &&
         a.arithmetic == b.arithmetic &&
         std::equal(a.tensors.begin(), a.tensors.end(), b.tensors.begin(), b.tensors.end(),
                    [](const Tensor& x, const Tensor& y) {
                      return x.name == y.name && x.shape == y.shape && same_bits(x.data, y.data);
                    }) &&
         std::equal(a.integers.begin(), a.integers.end(), b.integers.begin(), b.integers.end(), named_alike) &&
         std::equal(a.reals.begin(), a.reals.end(), b.reals.begin(), b.reals.end(), named_alike);
}

}  // namespace saccade::testing

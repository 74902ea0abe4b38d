#pragma once
#include <cstdint>
#include <vector>

#include "engine/device_buffer.h"
#include "memory/short_term_memory.h"
#include "models/network.h"

namespace saccade {

/// Gaussian noise of remembered embeddings as they are read: each unit of each, at each reading, for itself. What is
/// stored stays as it is. The numbers are a function of (seed, event, layer, place among the comparisons), so they
/// depend neither on the slot that an anchor lies in nor on what other replicas remember; all replicas get the same.
class ReadoutNoise {
 public:
  ReadoutNoise(Device& device, const NetworkSpec& network, int slots, std::uint64_t seed);

  /// For ContrastiveHinge::noise, of the anchors that are compared, until the next call. `deviation`: standard
  /// deviation in units of the embedding.
  ConstFloats draw(const Recall& recall, std::uint64_t event, int layer, float deviation);

 private:
  std::uint64_t seed_;
  int embedding_, depth_;
  DeviceBuffer<float> noise_;  ///< [slots][lanes]
  std::vector<float> host_;
};

}  // namespace saccade

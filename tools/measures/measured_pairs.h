#pragma once
#include <cstdint>
#include <vector>

#include "streams/view_source.h"

namespace saccade {

/// Two views each of `count` objects, [count][height][width][channels]: anchors a, and views b that are compared with
/// them.
struct MeasuredPairs {
  int count = 0;
  std::vector<float> a, b;
};

/// Pairs as the source's streams and batches show them, drawn from other random numbers: objects in an order of their
/// own, in fixations that no stream reaches. A function of its arguments; those of number first, first + 1, ... are the
/// same in every call.
MeasuredPairs measured_pairs(const ViewSource& source, std::uint64_t seed, int first, int count);

}  // namespace saccade

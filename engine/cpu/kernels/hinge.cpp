#include "engine/cpu/kernels/declarations.h"
#include "engine/cpu/kernels/simd.h"

/// Distances and errors of the contrastive hinge loss, eqs. 2 and 4-6.
namespace saccade::cpu::SACCADE_ISA {

namespace {

/// trace * anchor + noise - view in 16 lanes.
SACCADE_INLINE V16 difference(const HingeTask& t, V16 trace, int lane) {
  V16 remembered = mul(trace, load(t.anchor + lane));
  if (t.noise != nullptr) remembered = add(remembered, load(t.noise + lane));
  return sub(remembered, load(t.view + lane));
}

}  // namespace

float hinge_distance(const HingeTask& t) {
  const V16 trace = broadcast(t.trace);
  V16 distance = zero();
  for (int lane = 0; lane < t.lanes; lane += 16) distance = add(distance, absolute(difference(t, trace, lane)));
  return sum(distance);
}

void hinge_error(const HingeTask& t, float scale, float* error) {
  const V16 trace = broadcast(t.trace), factor = broadcast(scale);
  for (int lane = 0; lane < t.lanes; lane += 16)
    store(error + lane, fma(factor, sign(difference(t, trace, lane)), load(error + lane)));
}

}  // namespace saccade::cpu::SACCADE_ISA

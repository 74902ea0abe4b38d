#include "engine/cpu/kernels/declarations.h"
#include "engine/cpu/kernels/simd.h"

/// Distances and errors of the contrastive hinge loss, eqs. 2 and 4-6.
namespace saccade::cpu::SACCADE_ISA {

float hinge_distance(const HingeTask& t) {
  const V16 trace = broadcast(t.trace);
  V16 distance = zero();
  for (int lane = 0; lane < t.lanes; lane += 16)
    distance = add(distance, absolute(sub(mul(trace, load(t.anchor + lane)), load(t.view + lane))));
  return sum(distance);
}

void hinge_error(const HingeTask& t, float scale, float* error) {
  const V16 trace = broadcast(t.trace), factor = broadcast(scale);
  for (int lane = 0; lane < t.lanes; lane += 16) {
    const V16 difference = sub(mul(trace, load(t.anchor + lane)), load(t.view + lane));
    store(error + lane, fma(factor, sign(difference), load(error + lane)));
  }
}

}  // namespace saccade::cpu::SACCADE_ISA

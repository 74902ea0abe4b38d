#include "engine/cpu/kernels/activation.h"
#include "engine/cpu/kernels/declarations.h"

/// Element-wise operations on maps, border and padding included: what is zero in all inputs stays zero.
namespace saccade::cpu::SACCADE_ISA {

void combine(const CombineTask& t) {
  const V16 scale = broadcast(t.scale);
  for (std::size_t i = 0; i < t.count; i += 16) {
    const V16 difference = t.c ? sub(load(t.b + i), load(t.c + i)) : load(t.b + i);
    store(t.output + i, fma(scale, difference, load(t.a + i)));
  }
}

float target_error(const TargetErrorTask& t) {
  const V16 scale = broadcast(t.scale);
  V16 squares = zero();
  for (std::size_t i = 0; i < t.count; i += 16) {
    const V16 output = load(t.output + i), difference = sub(output, load(t.target + i));
    squares = fma(difference, difference, squares);
    store(t.error + i, through_derivative(t.activation, output, mul(scale, difference)));
  }
  return sum(squares);
}

}  // namespace saccade::cpu::SACCADE_ISA

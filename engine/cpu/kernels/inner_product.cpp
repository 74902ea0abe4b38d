#include "engine/cpu/kernels/activation.h"
#include "engine/cpu/kernels/declarations.h"

/// Inner products of maps and the sums that their derivatives are. Counts are multiples of 16: maps are padded so.
namespace saccade::cpu::SACCADE_ISA {

/// Four chains, vectors dealt to them in turn, hide the latency of the multiply-add; they are added as a tree.
float inner_product(std::size_t count, const float* a, const float* b) {
  V16 sums[4] = {zero(), zero(), zero(), zero()};
  std::size_t i = 0;
  for (; i + 64 <= count; i += 64)
#pragma GCC unroll 4
    for (int chain = 0; chain < 4; ++chain)
      sums[chain] = fma(load(a + i + chain * 16), load(b + i + chain * 16), sums[chain]);
  for (int chain = 0; i < count; i += 16, ++chain) sums[chain] = fma(load(a + i), load(b + i), sums[chain]);
  return sum(add(add(sums[0], sums[1]), add(sums[2], sums[3])));
}

void add_scaled(std::size_t count, float scale, const float* x, float* y) {
  const V16 factor = broadcast(scale);
  for (std::size_t i = 0; i < count; i += 16) store(y + i, fma(factor, load(x + i), load(y + i)));
}

void through_activation(Activation activation, std::size_t count, const float* output, float* error) {
  for (std::size_t i = 0; i < count; i += 16)
    store(error + i, through_derivative(activation, load(output + i), load(error + i)));
}

}  // namespace saccade::cpu::SACCADE_ISA

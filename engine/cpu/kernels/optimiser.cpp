#include "engine/cpu/kernels/declarations.h"
#include "engine/cpu/kernels/simd.h"

/// Optimiser steps on a range of weights. Ranges are multiples of 16 long: all our weight arrays are padded so.
namespace saccade::cpu::SACCADE_ISA {

void sgd(std::size_t begin, std::size_t end, float rate, const float* gradient, float* weights, float* feedback) {
  const V16 minus_rate = broadcast(-rate);
  for (std::size_t i = begin; i < end; i += 16)
    store(weights + i, fma(minus_rate, load(gradient + i), load(weights + i)));
  if (!feedback) return;
  for (std::size_t i = begin; i < end; i += 16)
    store(feedback + i, fma(minus_rate, load(gradient + i), load(feedback + i)));
}

/// m = beta1 m + (1 - beta1) g, v = beta2 v + (1 - beta2) g^2, w -= step * m / (sqrt(v) * root_correction + epsilon).
void adam(const AdamTask& t) {
  const V16 beta1 = broadcast(t.beta1), beta2 = broadcast(t.beta2), rest1 = broadcast(1 - t.beta1),
            rest2 = broadcast(1 - t.beta2);
  const V16 epsilon = broadcast(t.epsilon), step = broadcast(t.step), root = broadcast(t.root_correction);
  for (std::size_t i = t.begin; i < t.end; i += 16) {
    const V16 g = load(t.gradient + i);
    const V16 m = fma(beta1, load(t.first_moment + i), mul(rest1, g));
    const V16 v = fma(beta2, load(t.second_moment + i), mul(rest2, mul(g, g)));
    store(t.first_moment + i, m);
    store(t.second_moment + i, v);
    const V16 change = mul(step, div(m, fma(sqrt(v), root, epsilon)));
    store(t.weights + i, sub(load(t.weights + i), change));
    if (t.feedback) store(t.feedback + i, sub(load(t.feedback + i), change));
  }
}

}  // namespace saccade::cpu::SACCADE_ISA

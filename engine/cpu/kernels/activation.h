#pragma once
#include "engine/cpu/kernels/simd.h"
#include "engine/shapes.h"

/// Non-linearities on vectors, and their derivatives as a function of the output.
namespace saccade::cpu::SACCADE_ISA {

/// tanh with at most 4 units in the last place of error. For |x| < 0.625 the odd polynomial x + x^3 P(x^2), P a
/// least-squares fit at Chebyshev nodes; else 1 - 2 / (exp(2|x|) + 1) with exp by reduction to |r| <= ln 2 / 2 and its
/// Taylor polynomial of degree 7. Beyond 9.1 the result rounds to 1. NaN stays NaN.
SACCADE_INLINE V16 tanh(V16 x) {
  const V16 magnitude = absolute(x);
  const V16 square = mul(x, x);
  V16 p = broadcast(-5.70498872745e-3f);
  p = fma(p, square, broadcast(2.06390887954e-2f));
  p = fma(p, square, broadcast(-5.37397155531e-2f));
  p = fma(p, square, broadcast(1.33314422036e-1f));
  p = fma(p, square, broadcast(-3.33332819422e-1f));
  const V16 small = fma(mul(p, square), x, x);

  const V16 y = min(broadcast(18.2f), add(magnitude, magnitude));  // NaN goes to the final selection
  const V16 n = round_to_integer(mul(y, broadcast(1.44269504089f)));
  V16 r = fma(n, broadcast(-0.693359375f), y);  // ln 2 in two parts, the first exact in 9 bits
  r = fma(n, broadcast(2.12194440e-4f), r);
  V16 e = broadcast(1.0f / 5040);
  e = fma(e, r, broadcast(1.0f / 720));
  e = fma(e, r, broadcast(1.0f / 120));
  e = fma(e, r, broadcast(1.0f / 24));
  e = fma(e, r, broadcast(1.0f / 6));
  e = fma(e, r, broadcast(0.5f));
  e = fma(e, r, broadcast(1.0f));
  e = fma(e, r, broadcast(1.0f));
  const V16 exponential = mul(e, exponential_of_two(n));
  const V16 large = sub(broadcast(1.0f), div(broadcast(2.0f), add(exponential, broadcast(1.0f))));
  const V16 signed_large = if_greater(zero(), x, sub(zero(), large), large);
  return if_greater(magnitude, broadcast(0.625f), signed_large,
                    small);  // NaN compares false and takes `small`, which is NaN
}

SACCADE_INLINE V16 activate(Activation activation, V16 x) {
  switch (activation) {
    case Activation::hardtanh:
      return max(broadcast(-1), min(broadcast(1), x));
    case Activation::tanh:
      return tanh(x);
    case Activation::relu:
      return max(zero(), x);
    case Activation::none:
      break;
  }
  return x;
}

/// error * f'(output).
SACCADE_INLINE V16 through_derivative(Activation activation, V16 output, V16 error) {
  switch (activation) {
    case Activation::hardtanh:
      return if_greater(broadcast(1), absolute(output), error, zero());
    case Activation::tanh:
      return mul(error, fma(sub(zero(), output), output, broadcast(1)));
    case Activation::relu:
      return if_greater(output, zero(), error, zero());
    case Activation::none:
      break;
  }
  return error;
}

}  // namespace saccade::cpu::SACCADE_ISA

#pragma once
#include <bit>
#include <cmath>
#include <cstdint>

#include "engine/shapes.h"

/// Non-linearities of one number, and their derivatives as a function of the output: operation by operation what
/// engine/cpu/kernels/activation.h does to a vector, so that both give the same bits.
namespace saccade::SACCADE_CUDA {

/// tanh with at most 4 units in the last place of error. For |x| < 0.625 the odd polynomial x + x^3 P(x^2); else
/// 1 - 2 / (exp(2|x|) + 1) with exp by reduction to |r| <= ln 2 / 2 and its Taylor polynomial of degree 7. Beyond 9.1
/// the result rounds to 1. NaN compares false, takes the polynomial and stays NaN.
__device__ inline float own_tanh(float x) {
  const float magnitude = fabsf(x);
  if (!(magnitude > 0.625f)) {
    const float square = x * x;
    float p = -5.70498872745e-3f;
    p = fmaf(p, square, 2.06390887954e-2f);
    p = fmaf(p, square, -5.37397155531e-2f);
    p = fmaf(p, square, 1.33314422036e-1f);
    p = fmaf(p, square, -3.33332819422e-1f);
    return fmaf(p * square, x, x);
  }
  const float twice = magnitude + magnitude, y = twice > 18.2f ? 18.2f : twice;
  const float n = rintf(y * 1.44269504089f);
  float r = fmaf(n, -0.693359375f, y);  // ln 2 in two parts, the first exact in 9 bits
  r = fmaf(n, 2.12194440e-4f, r);
  float e = 1.0f / 5040;
  e = fmaf(e, r, 1.0f / 720);
  e = fmaf(e, r, 1.0f / 120);
  e = fmaf(e, r, 1.0f / 24);
  e = fmaf(e, r, 1.0f / 6);
  e = fmaf(e, r, 0.5f);
  e = fmaf(e, r, 1.0f);
  e = fmaf(e, r, 1.0f);
  const float exponential = e * std::bit_cast<float>((static_cast<std::int32_t>(n) + 127) << 23);
  const float large = 1.0f - 2.0f / (exponential + 1.0f);
  return x < 0 ? -large : large;
}

__device__ inline float activate(Activation activation, float x) {
  switch (activation) {
    case Activation::hardtanh: {  // both comparisons are false for NaN, which stays
      const float below_one = 1.0f < x ? 1.0f : x;
      return -1.0f > below_one ? -1.0f : below_one;
    }
    case Activation::tanh:
      return own_tanh(x);
    case Activation::relu:
      return 0.0f > x ? 0.0f : x;
    case Activation::none:
      break;
  }
  return x;
}

/// error * f'(output).
__device__ inline float through_derivative(Activation activation, float output, float error) {
  switch (activation) {
    case Activation::hardtanh:
      return fabsf(output) < 1.0f ? error : 0.0f;
    case Activation::tanh:
      return error * fmaf(-output, output, 1.0f);
    case Activation::relu:
      return output > 0.0f ? error : 0.0f;
    case Activation::none:
      break;
  }
  return error;
}

}  // namespace saccade::SACCADE_CUDA

#include "engine/cuda/portability.h"

#include "engine/cuda/kernels/kernels.h"

#include "engine/cuda/kernels/active_views.cuh"
#include "engine/cuda/kernels/launch_size.h"
#include "engine/cuda/kernels/quads.cuh"

/// Optimiser steps: element by element, four floats a thread, so memory sets their time. Bytes a weight: SGD 12 (20
/// with learning feedback), Adam 28 (36); operations 1 and about 10. Every block looks at the replica's flags, a few
/// hundred bytes that stay in the caches: the host never asks.
///
/// All of it is IEEE arithmetic in the order of engine/cpu/kernels/optimiser.cpp: the same bits as the CPU's.
namespace saccade::SACCADE_CUDA {
namespace {

constexpr int threads = 256;
constexpr int floats_per_block = 4 * threads;

/// The four floats of an array that a thread owns.
struct Place {
  int replica;
  std::size_t element;
};

__device__ __forceinline__ Place place(std::size_t count) {
  const std::size_t chunks = divide_up(count, floats_per_block);
  return {static_cast<int>(blockIdx.x / chunks), (blockIdx.x % chunks * threads + threadIdx.x) * 4};
}

/// weights -= rate * gradient
__device__ __forceinline__ void descend(float* weights, float minus_rate, float4 gradient) {
  store4(weights, multiply_add(minus_rate, gradient, load4(weights)));
}

__global__ void __launch_bounds__(threads) sgd(SgdStep op) {
  const Place p = place(op.count);
  if (!any_view_is_active<threads>(op.active, p.replica, op.extent.views) || p.element >= op.count) return;
  const float4 gradient = load4(op.gradient.at(p.replica) + p.element);
  const float minus_rate = -*op.rate.at(p.replica);
  descend(op.weights.at(p.replica) + p.element, minus_rate, gradient);
  if (op.feedback) descend(op.feedback.at(p.replica) + p.element, minus_rate, gradient);
}

/// Bias corrections of a replica's step.
struct Correction {
  std::int32_t active;
  float step;  ///< rate / (1 - beta1^t)
  float root;  ///< 1 / sqrt(1 - beta2^t)
};

struct AdamTask {
  AdamStep op;
  Correction* corrections;  ///< per replica
};

/// x^n by squaring, as on the CPU: the same bits.
__device__ __forceinline__ double power(double x, std::int64_t n) {
  double result = 1;
  for (; n > 0; n /= 2, x *= x)
    if (n % 2 != 0) result *= x;
  return result;
}

/// One block a replica: t advances when a view is active, else the step is none.
__global__ void __launch_bounds__(threads) advance(AdamTask task) {
  const AdamStep& op = task.op;
  const int replica = static_cast<int>(blockIdx.x);
  const bool active = any_view_is_active<threads>(op.active, replica, op.extent.views);
  if (threadIdx.x != 0) return;
  Correction correction{active, 0, 0};
  if (active) {
    const std::int64_t step = ++*op.steps.at(replica);
    correction.step = static_cast<float>(*op.rate.at(replica) / (1 - power(op.beta1, step)));
    correction.root = static_cast<float>(1 / sqrt(1 - power(op.beta2, step)));
  }
  task.corrections[replica] = correction;
}

/// m = beta1 m + (1 - beta1) g, v = beta2 v + (1 - beta2) g^2; returns step m / (sqrt(v) root + epsilon).
__device__ __forceinline__ float change(const AdamStep& op, const Correction& correction, float g, float& m, float& v) {
  m = fmaf(op.beta1, m, (1 - op.beta1) * g);
  v = fmaf(op.beta2, v, (1 - op.beta2) * (g * g));
  return correction.step * (m / fmaf(sqrtf(v), correction.root, op.epsilon));
}

__global__ void __launch_bounds__(threads) adam(AdamTask task) {
  const AdamStep& op = task.op;
  const Place p = place(op.count);
  const Correction correction = task.corrections[p.replica];
  if (correction.active == 0 || p.element >= op.count) return;
  const float4 g = load4(op.gradient.at(p.replica) + p.element);
  float4 m = load4(op.first_moment.at(p.replica) + p.element);
  float4 v = load4(op.second_moment.at(p.replica) + p.element);
  float4 d;
  d.x = change(op, correction, g.x, m.x, v.x);
  d.y = change(op, correction, g.y, m.y, v.y);
  d.z = change(op, correction, g.z, m.z, v.z);
  d.w = change(op, correction, g.w, m.w, v.w);
  store4(op.first_moment.at(p.replica) + p.element, m);
  store4(op.second_moment.at(p.replica) + p.element, v);
  float* weights = op.weights.at(p.replica) + p.element;
  store4(weights, subtract(load4(weights), d));
  if (!op.feedback) return;
  float* feedback = op.feedback.at(p.replica) + p.element;
  store4(feedback, subtract(load4(feedback), d));
}

}  // namespace

void sgd_step(Queue& queue, const SgdStep& op) {
  queue.launch("sgd_step", sgd, {blocks(op.count, floats_per_block, op.extent.replicas)}, {threads}, op);
}

void adam_step(Queue& queue, const AdamStep& op) {
  const auto replicas = static_cast<unsigned>(op.extent.replicas);
  const AdamTask task{op, static_cast<Correction*>(queue.scratch(replicas * sizeof(Correction)))};
  queue.launch("adam_advance", advance, {replicas}, {threads}, task);
  queue.launch("adam_step", adam, {blocks(op.count, floats_per_block, op.extent.replicas)}, {threads}, task);
}

}  // namespace saccade::SACCADE_CUDA

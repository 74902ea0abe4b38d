#include "engine/cuda/portability.h"

#include "engine/cuda/kernels/kernels.h"

#include "engine/cuda/kernels/activation.cuh"
#include "engine/cuda/kernels/launch_size.h"
#include "engine/cuda/kernels/own_terms.cuh"
#include "engine/cuda/kernels/quads.cuh"

/// Hinge loss on inner products of whole maps (CLAPP). Memory sets the time: a term reads two maps of `count` floats
/// for its score (8 bytes for one multiply-add), and one for each of its two errors (4 bytes for one), an error is
/// written once.
///
/// A score is split over blocks of 4096 floats, whatever the machine: each block adds its part by a tree, a second
/// kernel adds the parts. A block of an error owns 4096 floats of one map, four float4 a thread in registers, and adds
/// the active terms of its owner to them in order.
namespace saccade::SACCADE_CUDA {
namespace {

constexpr int threads = 256;
constexpr int quads = 4;  ///< float4 of a thread, `threads` apart
constexpr int floats_per_block = threads * quads * 4;

struct ScoreTask {
  InnerProductHinge op;
  std::size_t parts;  ///< of a map
  float* partial;     ///< [term][part]
};

/// One part of prediction . view. A block's place in the grid: [term][part].
__global__ void __launch_bounds__(threads) partial_scores(ScoreTask task) {
  const InnerProductHinge& op = task.op;
  const std::size_t part = blockIdx.x % task.parts;
  const InnerProductTerm& term = op.terms[blockIdx.x / task.parts];
  const float* prediction = op.prediction.at(0, term.anchor);
  const float* view = op.view.at(0, term.view);
  float sum = 0;
#pragma unroll
  for (int q = 0; q < quads; ++q) {
    const std::size_t at = part * floats_per_block + (q * threads + threadIdx.x) * 4;
    if (at >= op.count) continue;
    const float4 a = load4(prediction + at), b = load4(view + at);
    sum = fmaf(a.w, b.w, fmaf(a.z, b.z, fmaf(a.y, b.y, fmaf(a.x, b.x, sum))));
  }
  sum = block_sum<threads>(sum);
  if (threadIdx.x == 0) task.partial[blockIdx.x] = sum;
}

/// One warp a term adds the parts and compares with the margin.
__global__ void __launch_bounds__(32) term_results(ScoreTask task) {
  const InnerProductHinge& op = task.op;
  float score = 0;
  for (std::size_t part = threadIdx.x; part < task.parts; part += 32)
    score += task.partial[blockIdx.x * task.parts + part];
  score = block_sum<32>(score);
  if (threadIdx.x != 0) return;
  const InnerProductTerm& term = op.terms[blockIdx.x];
  const float excess = term.positive ? op.margin - score : op.margin + score;
  InnerProductResult result{score, 0, excess > 0};
  if (result.active != 0) result.loss = term.weight * excess;
  if (excess != excess) result.loss = excess;  // NaN is never hidden by the threshold
  op.results[blockIdx.x] = result;
}

/// Whose errors a kernel adds up, and what its terms bring.
struct ErrorTask {
  InnerProductHinge op;
  std::size_t parts;
  bool of_views;
};

/// Errors of views: f'(view) * sum of -y * weight * prediction; of predictions: sum of -y * weight * view. A block's
/// place in the grid: [owner][part].
__global__ void __launch_bounds__(threads, 4) errors(ErrorTask task) {
  const InnerProductHinge& op = task.op;
  const int owner = static_cast<int>(blockIdx.x / task.parts);
  const std::size_t part = blockIdx.x % task.parts;
  std::size_t at[quads];
  float4 sum[quads];
#pragma unroll
  for (int q = 0; q < quads; ++q) {
    at[q] = part * floats_per_block + (q * threads + threadIdx.x) * 4;
    sum[q] = make_float4(0, 0, 0, 0);
  }
  bool active = false;
  for_each_own_term<threads>(
      static_cast<int>(op.terms.size()),
      [&](int i) {
        const InnerProductTerm& term = op.terms[static_cast<std::size_t>(i)];
        return (task.of_views ? term.view : term.anchor) == owner && op.results[i].active != 0;
      },
      [&](int i) {
        active = true;
        const InnerProductTerm& term = op.terms[static_cast<std::size_t>(i)];
        const float scale = term.positive ? -term.weight : term.weight;
        const float* other = task.of_views ? op.prediction.at(0, term.anchor) : op.view.at(0, term.view);
#pragma unroll
        for (int q = 0; q < quads; ++q)
          if (at[q] < op.count) sum[q] = multiply_add(scale, load4(other + at[q]), sum[q]);
      });
  float* error = task.of_views ? op.view_error.at(0, owner) : op.prediction_error.at(0, owner);
  const bool derive = task.of_views && active && op.activation != Activation::none;
#pragma unroll
  for (int q = 0; q < quads; ++q) {
    if (at[q] >= op.count) continue;
    if (derive) {
      const float4 output = load4(op.view.at(0, owner) + at[q]);
      sum[q] = make_float4(
          through_derivative(op.activation, output.x, sum[q].x), through_derivative(op.activation, output.y, sum[q].y),
          through_derivative(op.activation, output.z, sum[q].z), through_derivative(op.activation, output.w, sum[q].w));
    }
    store4(error + at[q], sum[q]);
  }
  if (part == 0 && threadIdx.x == 0)
    *(task.of_views ? op.view_active.at(0, owner) : op.anchor_active.at(0, owner)) = active ? 1 : 0;
}

}  // namespace

void inner_product_hinge(Queue& queue, const InnerProductHinge& op) {
  const std::size_t parts = divide_up(op.count, floats_per_block), terms = op.terms.size();
  const ScoreTask task{op, parts, static_cast<float*>(queue.scratch(terms * parts * sizeof(float)))};
  queue.launch("inner_product_scores", partial_scores, {blocks(parts, 1, terms)}, {threads}, task);
  queue.launch("inner_product_results", term_results, {blocks(terms, 1)}, {32}, task);
  queue.launch("inner_product_view_errors", errors, {blocks(parts, 1, op.views)}, {threads},
               ErrorTask{op, parts, true});
  queue.launch("inner_product_prediction_errors", errors, {blocks(parts, 1, op.anchors)}, {threads},
               ErrorTask{op, parts, false});
}

}  // namespace saccade::SACCADE_CUDA

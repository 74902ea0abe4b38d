#include "engine/cuda/portability.h"

#include "engine/cuda/kernels/kernels.h"

#include "engine/cuda/kernels/launch_size.h"
#include "engine/cuda/kernels/own_terms.cuh"
#include "engine/cuda/kernels/sign.cuh"

/// Contrastive hinge loss on embeddings, eqs. 2 and 4-6. Embeddings are small (256 bytes), so latency sets the time:
/// one block owns a view, its error and the results of its terms; a second kernel has one block for each anchor that
/// gets an error.
///
/// Bytes: each term reads two embeddings twice (distance, error), mostly from the caches. A distance is a tree over 16
/// chains, errors are sums in the order of the terms: the same bits as on a CPU.
namespace saccade::SACCADE_CUDA {
namespace {

constexpr int threads = 128;
constexpr int threads_per_term = lanes_per_vector;
constexpr int terms_at_once = threads / threads_per_term;

__device__ __forceinline__ const HingeTerm* terms_of(const ContrastiveHinge& op, int replica) {
  return op.terms.data() + static_cast<std::size_t>(replica) * op.terms_each();
}

/// The first of a replica's terms of `view` or of one behind it: terms are sorted by view.
__device__ __forceinline__ int first_term(const HingeTerm* terms, int count, int view) {
  int begin = 0, end = count;
  while (begin < end) {
    const int middle = begin + (end - begin) / 2;
    if (terms[middle].view < view) {
      begin = middle + 1;
    } else {
      end = middle;
    }
  }
  return begin;
}

/// trace * anchor + noise - view in one lane.
__device__ __forceinline__ float difference(const ContrastiveHinge& op, int replica, const HingeTerm& term, int lane) {
  float remembered = term.trace * op.anchor_embedding.at(replica, term.anchor)[lane];
  if (op.noise) remembered += op.noise.at(replica, term.anchor)[lane];
  return remembered - op.view_embedding.at(replica, term.view)[lane];
}

__global__ void __launch_bounds__(threads) view_errors(ContrastiveHinge op) {
  const int view = static_cast<int>(blockIdx.x) % op.views, replica = static_cast<int>(blockIdx.x) / op.views;
  const int lanes = round_up_to_lanes(op.embedding), thread = static_cast<int>(threadIdx.x);
  const HingeTerm* terms = terms_of(op, replica);
  const auto count = static_cast<int>(op.terms_each());
  const int begin = first_term(terms, count, view), end = first_term(terms, count, view + 1);

  // Results: 16 threads a term.
  for (int first = begin; first < end; first += terms_at_once) {
    const int i = first + thread / threads_per_term;
    float distance = 0;
    if (i < end)
      for (int lane = thread % threads_per_term; lane < lanes; lane += threads_per_term)
        distance += fabsf(difference(op, replica, terms[i], lane));
    for (int step = threads_per_term / 2; step > 0; step /= 2) distance += __shfl_xor_sync(whole_warp, distance, step);
    if (i >= end || thread % threads_per_term != 0) continue;
    const HingeTerm& term = terms[i];
    const float excess = term.positive ? distance - op.positive_margin : op.negative_margin - distance;
    HingeResult result{distance, 0, excess > 0 && term.weight > 0};
    if (result.active != 0) result.loss = term.weight * excess;
    if (excess != excess) result.loss = excess;  // NaN is never hidden by the threshold
    op.results.at(replica)[i] = result;
  }
  __syncthreads();

  // d|a - b|_1 / db = -sgn(a - b): eq. 5 for the positive, eq. 6 for a negative
  bool active = false;
  for (int lane = thread; lane < lanes; lane += threads) {
    float error = 0;
    for (int i = begin; i < end; ++i) {
      if (op.results.at(replica)[i].active == 0) continue;
      active = true;
      const HingeTerm& term = terms[i];
      error = fmaf(term.positive ? -term.weight : term.weight, sign(difference(op, replica, term, lane)), error);
    }
    op.view_error.at(replica, view)[lane] = error;
  }
  if (thread == 0) *op.view_active.at(replica, view) = active ? 1 : 0;
}

/// Eq. 4. Threads own lanes; embeddings of more than `threads` lanes take several rounds.
__global__ void __launch_bounds__(threads) anchor_errors(ContrastiveHinge op) {
  const int anchor = static_cast<int>(blockIdx.x) % op.anchors, replica = static_cast<int>(blockIdx.x) / op.anchors;
  const int lanes = round_up_to_lanes(op.embedding), thread = static_cast<int>(threadIdx.x);
  const HingeTerm* terms = terms_of(op, replica);
  bool active = false;
  for (int first = 0; first < lanes; first += threads) {
    const int lane = first + thread;
    float error = 0;
    for_each_own_term<threads>(
        static_cast<int>(op.terms_each()),
        [&](int i) {
          return terms[i].anchor == anchor && op.results.at(replica)[i].active != 0;
        },
        [&](int i) {
          active = true;
          if (lane >= lanes) return;
          const HingeTerm& term = terms[i];
          error = fmaf((term.positive ? term.weight : -term.weight) * term.trace,
                       sign(difference(op, replica, term, lane)), error);
        });
    if (lane < lanes) op.anchor_error.at(replica, anchor)[lane] = error;
  }
  if (thread == 0) *op.anchor_active.at(replica, anchor) = active ? 1 : 0;
}

}  // namespace

void contrastive_hinge(Queue& queue, const ContrastiveHinge& op) {
  queue.launch("hinge_view_errors", view_errors, {blocks(op.views, 1, op.replicas)}, {threads}, op);
  if (op.anchor_error)
    queue.launch("hinge_anchor_errors", anchor_errors, {blocks(op.anchors, 1, op.replicas)}, {threads}, op);
}

}  // namespace saccade::SACCADE_CUDA

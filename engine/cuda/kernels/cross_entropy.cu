#include "engine/cuda/portability.h"

#include "engine/cuda/kernels/kernels.h"

#include "engine/cuda/kernels/block_sum.cuh"
#include "engine/cuda/kernels/launch_size.h"

/// Softmax cross-entropy in double, as on the CPU: a few thousand exponentials, so latency sets the time. One thread a
/// view turns its scores into errors and leaves them in double in scratch memory, [replica][column][view], one column
/// for each class, one for the loss and one for the hit; then one block for each column adds it up, each thread a chain
/// of its views and the threads by a tree.
namespace saccade::SACCADE_CUDA {
namespace {

constexpr int view_threads = 64;
constexpr int sum_threads = 128;

struct CrossEntropyTask {
  CrossEntropy op;
  double* columns;  ///< [replica][classes + 2][view]
};

__device__ __forceinline__ double* column(const CrossEntropyTask& task, int replica, int which) {
  return task.columns + (static_cast<std::size_t>(replica) * (task.op.classes + 2) + which) *
                            static_cast<std::size_t>(task.op.extent.views);
}

__global__ void __launch_bounds__(view_threads) softmax(CrossEntropyTask task) {
  const CrossEntropy& op = task.op;
  const int views = op.extent.views;
  const std::size_t map = static_cast<std::size_t>(blockIdx.x) * view_threads + threadIdx.x;
  if (map >= static_cast<std::size_t>(op.extent.replicas) * views) return;
  const int replica = static_cast<int>(map / views), view = static_cast<int>(map % views);
  const float* scores = op.scores.at(replica, view);
  const float* bias = op.bias.at(replica);
  const std::int32_t label = *op.labels.at(replica, view);
  const auto score = [&](int c) { return static_cast<double>(scores[c]) + bias[c]; };

  int best = 0;
  double largest = score(0);
  for (int c = 1; c < op.classes; ++c)
    if (largest < score(c)) largest = score(c), best = c;
  double sum = 0;
  for (int c = 0; c < op.classes; ++c) {
    const double power = exp(score(c) - largest);
    column(task, replica, c)[view] = power;
    sum += power;
  }
  column(task, replica, op.classes)[view] = log(sum) + largest - score(label);
  column(task, replica, op.classes + 1)[view] = best == label;

  float* error = op.error.at(replica, view);
  for (int c = 0; c < op.classes; ++c) {
    double& entry = column(task, replica, c)[view];
    entry = (entry / sum - (c == label)) / views;
    error[c] = static_cast<float>(entry);
  }
  for (int c = op.classes; c < round_up_to_lanes(op.classes); ++c) error[c] = 0;
}

__global__ void __launch_bounds__(sum_threads) sums_over_views(CrossEntropyTask task) {
  const CrossEntropy& op = task.op;
  const int columns = op.classes + 2;
  const int replica = static_cast<int>(blockIdx.x) / columns, which = static_cast<int>(blockIdx.x) % columns;
  double own = 0;
  for (int view = static_cast<int>(threadIdx.x); view < op.extent.views; view += sum_threads)
    own += column(task, replica, which)[view];
  const double sum = block_sum<sum_threads>(own);
  if (threadIdx.x != 0) return;
  if (which < op.classes) {
    op.bias_gradient.at(replica)[which] = static_cast<float>(sum);
  } else if (which == op.classes) {
    *op.loss.at(replica) = static_cast<float>(sum / op.extent.views);
    for (int c = op.classes; c < round_up_to_lanes(op.classes); ++c) op.bias_gradient.at(replica)[c] = 0;
  } else {
    *op.correct.at(replica) = static_cast<std::int32_t>(sum);
  }
}

}  // namespace

void cross_entropy(Queue& queue, const CrossEntropy& op) {
  const std::size_t maps = static_cast<std::size_t>(op.extent.replicas) * op.extent.views;
  const std::size_t columns = static_cast<std::size_t>(op.classes) + 2;
  const CrossEntropyTask task{op, static_cast<double*>(queue.scratch(maps * columns * sizeof(double)))};
  queue.launch("cross_entropy_softmax", softmax, {blocks(maps, view_threads)}, {view_threads}, task);
  queue.launch("cross_entropy_sums", sums_over_views, {blocks(columns, 1, op.extent.replicas)}, {sum_threads}, task);
}

}  // namespace saccade::SACCADE_CUDA

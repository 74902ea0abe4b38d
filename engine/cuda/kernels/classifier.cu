#include "engine/cuda/portability.h"

#include "engine/cuda/kernels/kernels.h"

#include "engine/cuda/kernels/block_sum.cuh"
#include "engine/cuda/kernels/launch_size.h"

/// What a classifier learns by. Softmax cross-entropy in double, as on the CPU: a few thousand exponentials, so latency
/// sets the time. One thread a view turns its scores into errors and leaves them in double in scratch memory,
/// [replica][column][view], one column for each class, one for the loss and one for the hit; then one block for each
/// column adds it up, each thread a chain of its views and the threads by a tree.
///
/// Softmax regression: a block a view for its scores, a warp a class, so that the row comes from memory once and from
/// the first cache for all other classes; then the above; then a thread a feature for the gradient of 8 classes, which
/// reads all rows once more, coalesced, for 16 operations in 4 bytes of them.
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

constexpr int score_threads = 256, gradient_threads = 128, classes_at_once = 8;

struct RegressionTask {
  SoftmaxRegression op;
  float *scores, *error;  ///< [replica][view][lanes]
};

__device__ __forceinline__ const float* row_of(const SoftmaxRegression& op, int replica, int view) {
  return op.table.at(replica, static_cast<int>(op.index[view]));
}

/// Each lane of a warp has every 32nd feature; the lanes are added by the tree of block_sum.
__global__ void __launch_bounds__(score_threads) regression_scores(RegressionTask task) {
  const SoftmaxRegression& op = task.op;
  const int view = static_cast<int>(blockIdx.x) % op.extent.views,
            replica = static_cast<int>(blockIdx.x) / op.extent.views;
  const int warp = static_cast<int>(threadIdx.x) / 32, lane = static_cast<int>(threadIdx.x) % 32;
  const float* row = row_of(op, replica, view);
  float* scores = task.scores + static_cast<std::size_t>(blockIdx.x) * op.shape.lanes();
  for (int c = warp; c < op.shape.classes; c += score_threads / 32) {
    const float* weights = op.weights.at(replica) + static_cast<std::size_t>(c) * op.shape.weights_of_class();
    float sum = 0;
    for (std::size_t f = static_cast<std::size_t>(lane); f < op.shape.features; f += 32)
      sum = fmaf(row[f], weights[f], sum);
    for (int step = 16; step > 0; step /= 2) sum += __shfl_xor_sync(whole_warp, sum, step);
    if (lane == 0) scores[c] = sum;
  }
}

__global__ void __launch_bounds__(gradient_threads) regression_gradient(RegressionTask task) {
  const SoftmaxRegression& op = task.op;
  const std::size_t of_class = op.shape.weights_of_class();
  const auto parts = static_cast<unsigned>(divide_up(of_class, gradient_threads));
  const auto class_parts = static_cast<unsigned>(divide_up(op.shape.classes, classes_at_once));
  const std::size_t feature = static_cast<std::size_t>(blockIdx.x % parts) * gradient_threads + threadIdx.x;
  const int first = static_cast<int>(blockIdx.x / parts % class_parts) * classes_at_once;
  const int replica = static_cast<int>(blockIdx.x / parts / class_parts);
  if (feature >= of_class) return;
  float sum[classes_at_once] = {};
  if (feature < op.shape.features) {
    const float* error = task.error + static_cast<std::size_t>(replica) * op.extent.views * op.shape.lanes() + first;
    for (int view = 0; view < op.extent.views; ++view, error += op.shape.lanes()) {
      const float x = row_of(op, replica, view)[feature];
#pragma unroll
      for (int c = 0; c < classes_at_once; ++c) sum[c] = fmaf(error[c], x, sum[c]);  // padding lanes are zero
    }
  }
#pragma unroll
  for (int c = 0; c < classes_at_once; ++c)
    if (first + c < op.shape.classes) op.gradient.at(replica)[(first + c) * of_class + feature] = sum[c];
}

void send(Queue& queue, const CrossEntropyTask& task) {
  const std::size_t maps = static_cast<std::size_t>(task.op.extent.replicas) * task.op.extent.views;
  const std::size_t columns = static_cast<std::size_t>(task.op.classes) + 2;
  queue.launch("cross_entropy_softmax", softmax, {blocks(maps, view_threads)}, {view_threads}, task);
  queue.launch("cross_entropy_sums", sums_over_views, {blocks(columns, 1, task.op.extent.replicas)}, {sum_threads},
               task);
}

std::size_t doubles_of(int classes, const Extent& extent) {
  return static_cast<std::size_t>(extent.replicas) * extent.views * (static_cast<std::size_t>(classes) + 2);
}

}  // namespace

void cross_entropy(Queue& queue, const CrossEntropy& op) {
  send(queue, {op, static_cast<double*>(queue.scratch(doubles_of(op.classes, op.extent) * sizeof(double)))});
}

void softmax_regression(Queue& queue, const SoftmaxRegression& op) {
  const auto replicas = static_cast<std::size_t>(op.extent.replicas), views = static_cast<std::size_t>(op.extent.views);
  const std::size_t lanes = static_cast<std::size_t>(op.shape.lanes()), scores = replicas * views * lanes;
  const std::size_t doubles = doubles_of(op.shape.classes, op.extent);
  auto* columns =
      static_cast<double*>(queue.scratch(doubles * sizeof(double) + (2 * scores + replicas) * sizeof(float)));
  auto* floats = reinterpret_cast<float*>(columns + doubles);
  auto* correct = reinterpret_cast<std::int32_t*>(floats + 2 * scores);
  const RegressionTask task{op, floats, floats + scores};
  const auto rows = [&](float* start) {
    return Floats{start, static_cast<std::ptrdiff_t>(views * lanes), static_cast<std::ptrdiff_t>(lanes)};
  };
  queue.launch("regression_scores", regression_scores, {blocks(views, 1, replicas)}, {score_threads}, task);
  send(queue, {{op.shape.classes,
                op.extent,
                rows(task.scores),
                op.bias,
                op.labels,
                rows(task.error),
                op.bias_gradient,
                op.loss,
                {correct, 1, 0}},
               columns});
  const std::size_t class_parts = divide_up(op.shape.classes, classes_at_once);
  queue.launch("regression_gradient", regression_gradient,
               {blocks(op.shape.weights_of_class(), gradient_threads, class_parts * replicas)}, {gradient_threads},
               task);
}

}  // namespace saccade::SACCADE_CUDA

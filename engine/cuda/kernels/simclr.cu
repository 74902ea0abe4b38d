#include "engine/cuda/portability.h"

#include "engine/cuda/kernels/kernels.h"

#include "engine/cuda/kernels/block_sum.cuh"
#include "engine/cuda/kernels/launch_size.h"

/// SimCLR loss, eq. 1, in double as on the CPU. Views of both branches together, i = 0 .. N - 1 with N = 2n, partner
/// p(i) = i +- n; u_i = x_i / |x_i|, l_ij = u_i . u_j / temperature: loss = 1/n sum_i (log sum_{j != i} exp l_ij -
/// l_{i p(i)}).
///
/// For n = 500 and E = 64: 2 N^2 E = 128 million multiply-adds in double, N^2 exponentials, and a matrix of N^2 doubles
/// (8 MB) that stays in the second cache. A block owns four rows, so that u (512 KB) is read N / 4 times, 128 MB from
/// the second cache, and so that a column of the matrix is read in whole sectors of 32 bytes.
namespace saccade::SACCADE_CUDA {
namespace {

constexpr int threads = 256;
constexpr int rows_per_block = 4;
constexpr int lane_threads = 32;  ///< for slopes: threads side by side along the embedding
constexpr int groups = threads / lane_threads;

struct SimClrTask {
  SimClr op;
  int count;            ///< N
  double* length;       ///< [N]
  double* unit;         ///< [N][E]
  double* across;       ///< [E][N], the same numbers
  double* probability;  ///< [N][N], from the similarities on: d loss_i / d l_ij
  double* loss;         ///< [N]
  double* slope;        ///< [N][E]: d loss / d u_i
};

/// u_i and |x_i|, one block a view.
__global__ void __launch_bounds__(threads) units(SimClrTask t) {
  const SimClr& op = t.op;
  const int i = static_cast<int>(blockIdx.x), size = op.embedding;
  const float* x = i < op.pairs ? op.a.at(0, i) : op.b.at(0, i - op.pairs);
  double square = 0;
  for (int e = static_cast<int>(threadIdx.x); e < size; e += threads) square += static_cast<double>(x[e]) * x[e];
  const double root = sqrt(block_sum<threads>(square));
  const double length = root < 1e-8 ? 1e-8 : root;  // NaN stays
  for (int e = static_cast<int>(threadIdx.x); e < size; e += threads) {
    const double u = x[e] / length;
    t.unit[static_cast<std::size_t>(i) * size + e] = u;
    t.across[static_cast<std::size_t>(e) * t.count + i] = u;
  }
  if (threadIdx.x == 0) t.length[i] = length;
}

/// The largest of `own` over a block; NaN is passed over, as by std::max, and shows up in the exponentials.
__device__ __forceinline__ double block_largest(double own) {
  SACCADE_SHARED_ARRAY(double, warps, [threads / 32]);
  for (int step = 16; step > 0; step /= 2) {
    const double other = __shfl_xor_sync(whole_warp, own, step);
    own = own < other ? other : own;
  }
  if (threadIdx.x % 32 == 0) warps[threadIdx.x / 32] = own;
  __syncthreads();
  double largest = warps[0];
  for (int warp = 1; warp < threads / 32; ++warp) largest = largest < warps[warp] ? warps[warp] : largest;
  __syncthreads();
  return largest;
}

/// Four rows of similarities, turned into d loss_i / d l_ij = softmax_j - (j is the partner), and their losses.
__global__ void __launch_bounds__(threads) rows(SimClrTask t) {
  const SimClr& op = t.op;
  const int first = static_cast<int>(blockIdx.x) * rows_per_block, size = op.embedding, count = t.count;
  const int thread = static_cast<int>(threadIdx.x);
  const double* own[rows_per_block];  // rows beyond the last are computed as the last and not stored
#pragma unroll
  for (int r = 0; r < rows_per_block; ++r)
    own[r] = t.unit + static_cast<std::size_t>(first + r < count ? first + r : count - 1) * size;
  for (int j = thread; j < count; j += threads) {
    double sum[rows_per_block] = {};
    for (int e = 0; e < size; ++e) {
      const double other = t.across[static_cast<std::size_t>(e) * count + j];
#pragma unroll
      for (int r = 0; r < rows_per_block; ++r) sum[r] = fma(own[r][e], other, sum[r]);
    }
#pragma unroll
    for (int r = 0; r < rows_per_block; ++r)
      if (first + r < count) t.probability[static_cast<std::size_t>(first + r) * count + j] = sum[r] / op.temperature;
  }
  for (int i = first; i < first + rows_per_block && i < count; ++i) {
    const int partner = i < op.pairs ? i + op.pairs : i - op.pairs;
    double* row = t.probability + static_cast<std::size_t>(i) * count;  // a thread reads what it wrote itself
    double largest = -INFINITY, positive = 0;
    for (int j = thread; j < count; j += threads) {
      if (j != i) largest = largest < row[j] ? row[j] : largest;
      if (j == partner) positive = row[j];
    }
    largest = block_largest(largest);
    double sum = 0;
    for (int j = thread; j < count; j += threads) {
      row[j] = j == i ? 0.0 : exp(row[j] - largest);
      sum += row[j];
    }
    sum = block_sum<threads>(sum);
    for (int j = thread; j < count; j += threads) row[j] = row[j] / sum - (j == partner ? 1.0 : 0.0);
    if (thread == partner % threads) t.loss[i] = largest + log(sum) - positive;
  }
}

/// slope_i = sum_j (P_ij + P_ji) u_j / (temperature n), and the error: its part across u_i, over |x_i|. A warp's
/// threads own elements of the embedding, groups every eighth j; the groups are added in order.
__global__ void __launch_bounds__(threads) errors(SimClrTask t) {
  SACCADE_SHARED_ARRAY(double, parts, [groups][rows_per_block][lane_threads]);
  const SimClr& op = t.op;
  const int first = static_cast<int>(blockIdx.x) * rows_per_block, size = op.embedding, count = t.count;
  const int thread = static_cast<int>(threadIdx.x), lane = thread % lane_threads, group = thread / lane_threads;
  const double scale = static_cast<double>(op.temperature) * op.pairs;
  const auto total = static_cast<std::size_t>(count);
  for (int begin = 0; begin < size; begin += lane_threads) {
    const int e = begin + lane;
    double sum[rows_per_block] = {};
    for (int j = group; j < count; j += groups) {
      const double unit = e < size ? t.unit[static_cast<std::size_t>(j) * size + e] : 0.0;
#pragma unroll
      for (int r = 0; r < rows_per_block; ++r) {
        const auto i = static_cast<std::size_t>(first + r < count ? first + r : count - 1);
        const double both = (t.probability[i * total + j] + t.probability[j * total + i]) / scale;
        sum[r] = fma(both, unit, sum[r]);
      }
    }
#pragma unroll
    for (int r = 0; r < rows_per_block; ++r) parts[group][r][lane] = sum[r];
    __syncthreads();
    if (thread < rows_per_block * lane_threads && e < size && first + group < count) {
      double slope = 0;
      for (int g = 0; g < groups; ++g) slope += parts[g][group][lane];
      t.slope[static_cast<std::size_t>(first + group) * size + e] = slope;
    }
    __syncthreads();
  }
  for (int i = first; i < first + rows_per_block && i < count; ++i) {
    const double* slope = t.slope + static_cast<std::size_t>(i) * size;
    const double* unit = t.unit + static_cast<std::size_t>(i) * size;
    double along = 0;
    for (int e = thread; e < size; e += threads) along = fma(slope[e], unit[e], along);
    along = block_sum<threads>(along);
    float* error = i < op.pairs ? op.a_error.at(0, i) : op.b_error.at(0, i - op.pairs);
    for (int e = thread; e < round_up_to_lanes(size); e += threads)
      error[e] = e < size ? static_cast<float>((slope[e] - along * unit[e]) / t.length[i]) : 0.0f;
  }
  if (blockIdx.x != 0) return;
  double own = 0;
  for (int i = thread; i < count; i += threads) own += t.loss[i];
  const double loss = block_sum<threads>(own);
  if (thread == 0) *op.loss = static_cast<float>(loss / op.pairs);
}

}  // namespace

void simclr(Queue& queue, const SimClr& op) {
  const std::size_t count = 2 * static_cast<std::size_t>(op.pairs), embeddings = count * op.embedding;
  auto* next = static_cast<double*>(queue.scratch((2 * count + 3 * embeddings + count * count) * sizeof(double)));
  const auto take = [&](std::size_t doubles) {
    double* part = next;
    next += doubles;
    return part;
  };
  SimClrTask task{};
  task.op = op;
  task.count = static_cast<int>(count);
  task.length = take(count);
  task.unit = take(embeddings);
  task.across = take(embeddings);
  task.probability = take(count * count);
  task.loss = take(count);
  task.slope = take(embeddings);
  const unsigned row_blocks = blocks(count, rows_per_block);
  queue.launch("simclr_units", units, {static_cast<unsigned>(count)}, {threads}, task);
  queue.launch("simclr_rows", rows, {row_blocks}, {threads}, task);
  queue.launch("simclr_errors", errors, {row_blocks}, {threads}, task);
}

}  // namespace saccade::SACCADE_CUDA

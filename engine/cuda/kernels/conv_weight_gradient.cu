#include "engine/cuda/portability.h"
//
#include "engine/cuda/kernels/kernels.h"
#include "engine/cuda/kernels/launch_size.h"
#include "engine/cuda/kernels/quads.cuh"

/// Weight gradient: error (post-synaptic) times input (pre-synaptic), summed over the active views in order and over
/// positions in row-major order. Behind a max-pool only a window's winner has an error: a quarter of the dense work.
///
/// Maps of 16 lanes and more (gradient_kernel): the threads of a warp are 32 input lanes; each holds the 9 taps of 8
/// units, 72 sums in registers. A row of windows (or positions) is taken 16 at a time; its inputs with their halo and
/// its errors are staged in shared memory for the block's warps. For each window a thread loads the 4 x 4 inputs within
/// reach, then for each unit branches to the four cases of the winner, in which the 9 inputs are registers known when
/// the kernel is compiled. The winner is that of the unit, the same in the whole warp. Per window 19 reads of shared
/// memory, 8 branches and 72 multiply-adds; per position of a dense layer 11 reads and 72 multiply-adds.
///
/// Images (image_kernel): the threads of a warp are 32 units, each holds 9 taps of up to 3 lanes. The inputs are read
/// at the place that the thread's own winner says: 27 reads for 27 multiply-adds. These layers are small.
///
/// Few weights make few blocks, so the work is cut into slices of whole rows, each summed on its own (queue.scratch)
/// and added in order by sum_kernel. How many depends on the shape and the number of views, not on that of replicas or
/// blocks: the same bits for a replica alone and among others.
namespace saccade::SACCADE_CUDA {
namespace {

constexpr int warp = 32, units_at_once = 8, windows_at_once = 16, image_lanes = 3;
constexpr std::size_t multiprocessors = 132;  ///< of an H100: a scale for sizes

struct GradientTask {
  ConvShape shape;
  int first_replica, views;
  ConstFloats input, error;
  ConstBytes winners;
  ConstFlags active;
  int lane_tiles, unit_tiles, slices, rows_per_slice;  ///< rows of all views, one after the other
  Floats partial;                                      ///< shape.weights() per replica, and per slice instead of view
  bool accumulate;
};

/// Input rows and columns that a segment of windows reaches.
template <Downsample down>
struct Reach {
  static constexpr bool pools = down == Downsample::max_pool;
  static constexpr int step = down == Downsample::none ? 1 : 2;
  static constexpr int side = pools ? 4 : 3;
  static constexpr int columns = (windows_at_once - 1) * step + side;
};

/// What a block sums: rows [row, end) of all views' rows.
struct Part {
  int replica, slice, lane_tile, unit_tile;
  long long row, end;
};

__device__ inline Part part_of_block(const GradientTask& t) {
  int index = static_cast<int>(blockIdx.x);
  Part p{};
  p.unit_tile = index % t.unit_tiles;
  index /= t.unit_tiles;
  p.lane_tile = index % t.lane_tiles;
  index /= t.lane_tiles;
  p.slice = index % t.slices;
  p.replica = index / t.slices + t.first_replica;
  const long long rows = static_cast<long long>(t.views) * t.shape.out.height;
  p.row = static_cast<long long>(p.slice) * t.rows_per_slice;
  p.end = p.row + t.rows_per_slice < rows ? p.row + t.rows_per_slice : rows;
  return p;
}

/// One row of windows of one view.
struct ErrorRow {
  const float* input;  ///< first row within reach, first column
  const float* error;
  const std::uint8_t* winners;
};

template <Downsample down>
__device__ ErrorRow row_at(const GradientTask& t, int replica, int view, int row) {
  const MapShape& out = t.shape.out;
  return {t.input.at(replica, view) + t.shape.in.offset(Reach<down>::step * row - 1, -1),
          t.error.at(replica, view) + out.offset(row, 0),
          Reach<down>::pools ? t.winners.at(replica, view) + static_cast<std::ptrdiff_t>(row) * out.width * out.lanes
                             : nullptr};
}

/// Calls visit(row) for the rows of active views.
template <Downsample down, class Visit>
__device__ __forceinline__ void for_rows(const GradientTask& t, const Part& p, Visit visit) {
  const int height = t.shape.out.height;
  auto view = static_cast<int>(p.row / height);
  auto row = static_cast<int>(p.row - static_cast<long long>(view) * height);
  for (long long i = p.row; i < p.end; ++view, row = 0) {
    const long long left = p.end - i;
    const int end = row + left < height ? static_cast<int>(row + left) : height;
    i += end - row;
    if (t.active && *t.active.at(p.replica, view) == 0) continue;
    for (; row < end; ++row) visit(row_at<down>(t, p.replica, view, row));
  }
}

__device__ inline float* partial_of(const GradientTask& t, const Part& p) {
  return t.partial.at(t.slices > 1 ? p.replica - t.first_replica : p.replica, p.slice);
}

__device__ inline void finish(const GradientTask& t, float* to, float sum) {
  *to = t.accumulate && t.slices == 1 ? *to + sum : sum;
}

/// Adds error times the 3 x 3 inputs around the winner at (Row, Column).
template <int Row, int Column, int Side>
__device__ __forceinline__ void learn(float error, const float (&x)[Side][Side], float (&sums)[9]) {
#pragma unroll
  for (int tap = 0; tap < 9; ++tap) sums[tap] = fmaf(error, x[Row + tap / 3][Column + tap % 3], sums[tap]);
}

template <Downsample down, int Warps>
__global__ void __launch_bounds__(Warps* warp, 16 / Warps) gradient_kernel(GradientTask t) {
  using R = Reach<down>;
  constexpr int threads = Warps * warp, units = Warps * units_at_once;
  SACCADE_SHARED_ARRAY(float, inputs, [R::side][R::columns][warp]);
  SACCADE_SHARED_ARRAY(float4, errors, [windows_at_once][units / 4]);
  SACCADE_SHARED_ARRAY(int, winners, [R::pools ? windows_at_once : 1][units / 4]);
  const int thread = static_cast<int>(threadIdx.x), lane = thread % warp, first_unit = thread / warp * units_at_once;
  const MapShape &in = t.shape.in, &out = t.shape.out;
  const Part part = part_of_block(t);
  const int tile_lane = part.lane_tile * warp, tile_unit = part.unit_tile * units;

  float sums[units_at_once][9] = {};
  for_rows<down>(t, part, [&](const ErrorRow& row) {
    for (int first = 0; first < out.width; first += windows_at_once) {
      const int left = out.width - first, windows = left < windows_at_once ? left : windows_at_once;
      const int columns = (windows - 1) * R::step + R::side;
      __syncthreads();
      for (int i = thread; i < R::side * columns * (warp / 4); i += threads) {
        const int quad = i % (warp / 4) * 4, pixel = i / (warp / 4), y = pixel / columns, x = pixel % columns;
        float4 value = make_float4(0, 0, 0, 0);
        if (tile_lane + quad < in.lanes)
          value = load4(row.input + y * in.row_stride() + static_cast<std::ptrdiff_t>(first * R::step + x) * in.lanes +
                        tile_lane + quad);
        float* to = &inputs[y][x][quad];
        to[0] = value.x, to[1] = value.y, to[2] = value.z, to[3] = value.w;
      }
      for (int i = thread; i < windows * (units / 4); i += threads) {
        const int quad = i % (units / 4), w = i / (units / 4), unit = tile_unit + quad * 4;
        const std::ptrdiff_t at = static_cast<std::ptrdiff_t>(first + w) * out.lanes + unit;
        const bool exists = unit < out.lanes;
        errors[w][quad] = exists ? load4(row.error + at) : make_float4(0, 0, 0, 0);
        if constexpr (R::pools) winners[w][quad] = exists ? *reinterpret_cast<const int*>(row.winners + at) : 0;
      }
      __syncthreads();
#pragma unroll 1
      for (int w = 0; w < windows; ++w) {
        float x[R::side][R::side];
#pragma unroll
        for (int y = 0; y < R::side; ++y)
#pragma unroll
          for (int c = 0; c < R::side; ++c) x[y][c] = inputs[y][w * R::step + c][lane];
#pragma unroll
        for (int quad = 0; quad < units_at_once / 4; ++quad) {
          const float4 four = errors[w][first_unit / 4 + quad];
          const float error[4] = {four.x, four.y, four.z, four.w};
          const int winner = R::pools ? winners[w][first_unit / 4 + quad] : 0;
#pragma unroll
          for (int k = 0; k < 4; ++k) {
            float(&own)[9] = sums[quad * 4 + k];
            if constexpr (R::pools) {
              switch (winner >> 8 * k & 3) {
                case 0:
                  learn<0, 0>(error[k], x, own);
                  break;
                case 1:
                  learn<0, 1>(error[k], x, own);
                  break;
                case 2:
                  learn<1, 0>(error[k], x, own);
                  break;
                default:
                  learn<1, 1>(error[k], x, own);
              }
            } else {
              learn<0, 0>(error[k], x, own);
            }
          }
        }
      }
    }
  });

  if (tile_lane + lane >= in.lanes) return;
  float* gradient = partial_of(t, part) + tile_lane + lane;
#pragma unroll
  for (int k = 0; k < units_at_once; ++k) {
    const int unit = tile_unit + first_unit + k;
    if (unit >= out.lanes) continue;
#pragma unroll
    for (int tap = 0; tap < 9; ++tap)
      finish(t, gradient + (static_cast<std::ptrdiff_t>(unit) * 9 + tap) * in.lanes, sums[k][tap]);
  }
}

template <Downsample down>
__global__ void __launch_bounds__(warp) image_kernel(GradientTask t) {
  using R = Reach<down>;
  SACCADE_SHARED_ARRAY(float, inputs, [R::side][R::columns][image_lanes]);
  const int thread = static_cast<int>(threadIdx.x);
  const MapShape &in = t.shape.in, &out = t.shape.out;
  const Part part = part_of_block(t);
  const int first_lane = part.lane_tile * image_lanes, unit = part.unit_tile * warp + thread;
  const int lanes_left = in.lanes - first_lane, lanes = lanes_left < image_lanes ? lanes_left : image_lanes;

  float sums[9][image_lanes] = {};
  for_rows<down>(t, part, [&](const ErrorRow& row) {
    for (int first = 0; first < out.width; first += windows_at_once) {
      const int left = out.width - first, windows = left < windows_at_once ? left : windows_at_once;
      const int columns = (windows - 1) * R::step + R::side;
      __syncthreads();
      for (int i = thread; i < R::side * columns * image_lanes; i += warp) {
        const int lane = i % image_lanes, pixel = i / image_lanes, y = pixel / columns, x = pixel % columns;
        inputs[y][x][lane] =
            lane < lanes ? row.input[y * in.row_stride() + static_cast<std::ptrdiff_t>(first * R::step + x) * in.lanes +
                                     first_lane + lane]
                         : 0;
      }
      __syncthreads();
      if (unit >= out.lanes) continue;
      for (int w = 0; w < windows; ++w) {
        const std::ptrdiff_t at = static_cast<std::ptrdiff_t>(first + w) * out.lanes + unit;
        const float error = row.error[at];
        const int winner = R::pools ? row.winners[at] & 3 : 0;
        const int y = winner / 2, x = w * R::step + winner % 2;
#pragma unroll
        for (int tap = 0; tap < 9; ++tap)
#pragma unroll
          for (int lane = 0; lane < image_lanes; ++lane)
            sums[tap][lane] = fmaf(error, inputs[y + tap / 3][x + tap % 3][lane], sums[tap][lane]);
      }
    }
  });

  if (unit >= out.lanes) return;
  float* gradient = partial_of(t, part) + static_cast<std::ptrdiff_t>(unit) * 9 * in.lanes + first_lane;
#pragma unroll
  for (int tap = 0; tap < 9; ++tap)
#pragma unroll
    for (int lane = 0; lane < image_lanes; ++lane)
      if (lane < lanes) finish(t, gradient + tap * in.lanes + lane, sums[tap][lane]);
}

constexpr int sum_threads = 256;

struct SumTask {
  std::size_t count;  ///< weights
  int slices;
  int blocks_per_replica;
  const float* partial;
  Floats gradient;
  int first_replica;
  bool accumulate;
};

/// gradient = (accumulate ? gradient : 0) + the slices' sums in order, 4 bytes of each read once.
__global__ void __launch_bounds__(sum_threads) sum_kernel(SumTask t) {
  const int block = static_cast<int>(blockIdx.x), replica = block / t.blocks_per_replica;
  const std::size_t i =
      static_cast<std::size_t>(block % t.blocks_per_replica) * sum_threads + static_cast<std::size_t>(threadIdx.x);
  if (i >= t.count) return;
  float* gradient = t.gradient.at(t.first_replica + replica) + i;
  const float* partial = t.partial + static_cast<std::size_t>(replica) * t.slices * t.count + i;
  float sum = t.accumulate ? *gradient : 0.0f;
#pragma unroll 4
  for (int slice = 0; slice < t.slices; ++slice) sum += partial[static_cast<std::size_t>(slice) * t.count];
  *gradient = sum;
}

template <Downsample down>
void send(Queue& queue, const GradientTask& task, int replicas) {
  constexpr const char* name = "conv_weight_gradient";
  GradientTask t = task;
  const auto count = [&] {
    return static_cast<unsigned>(static_cast<std::size_t>(t.unit_tiles) * t.lane_tiles * t.slices * replicas);
  };
  const int lanes = t.shape.out.lanes;
  if (t.shape.in.lanes % lanes_per_vector != 0) {
    queue.launch(name, image_kernel<down>, {count()}, {warp}, t);
    return;
  }
  // More warps of a block share the staged inputs, fewer make more blocks.
  t.unit_tiles = static_cast<int>(divide_up(lanes, 4 * units_at_once));
  if (count() >= 2 * multiprocessors) {
    queue.launch(name, gradient_kernel<down, 4>, {count()}, {4 * warp}, t);
  } else {
    t.unit_tiles = static_cast<int>(divide_up(lanes, units_at_once));
    queue.launch(name, gradient_kernel<down, 1>, {count()}, {warp}, t);
  }
}

void send(Queue& queue, const GradientTask& t, int replicas) {
  switch (t.shape.down) {
    case Downsample::none:
      return send<Downsample::none>(queue, t, replicas);
    case Downsample::max_pool:
      return send<Downsample::max_pool>(queue, t, replicas);
    case Downsample::stride:
      return send<Downsample::stride>(queue, t, replicas);
  }
}

}  // namespace

void conv_weight_gradient(Queue& queue, const ConvWeightGradient& op) {
  const ConvShape& s = op.shape;
  const bool image = s.in.lanes % lanes_per_vector != 0;
  GradientTask t{s, 0, op.extent.views, op.input,     op.error, op.winners, op.active, 0, 0,
                 1, 0, op.gradient,     op.accumulate};
  t.lane_tiles = static_cast<int>(divide_up(s.in.lanes, image ? image_lanes : warp));
  t.unit_tiles = static_cast<int>(divide_up(s.out.lanes, image ? warp : units_at_once));
  const std::size_t rows = static_cast<std::size_t>(op.extent.views) * s.out.height;
  constexpr std::size_t enough_warps = 8 * multiprocessors;
  const std::size_t wanted = divide_up(enough_warps, static_cast<std::size_t>(t.lane_tiles) * t.unit_tiles);
  t.rows_per_slice = static_cast<int>(divide_up(rows, wanted < rows ? wanted : rows));
  t.slices = static_cast<int>(divide_up(rows, t.rows_per_slice));
  if (t.slices == 1) return send(queue, t, op.extent.replicas);

  constexpr std::size_t scratch_limit = std::size_t{1} << 28;  // bytes; more replicas are taken one part after another
  const std::size_t count = s.weights(), own = count * t.slices * sizeof(float);
  const int most = own < scratch_limit ? static_cast<int>(scratch_limit / own) : 1;
  const int at_once = most < op.extent.replicas ? most : op.extent.replicas;
  auto* partial = static_cast<float*>(queue.scratch(own * at_once));
  t.partial = {partial, static_cast<std::ptrdiff_t>(count) * t.slices, static_cast<std::ptrdiff_t>(count)};
  for (int first = 0; first < op.extent.replicas; first += at_once) {
    const int left = op.extent.replicas - first, replicas = left < at_once ? left : at_once;
    t.first_replica = first;
    send(queue, t, replicas);
    const auto blocks_per_replica = static_cast<int>(divide_up(count, sum_threads));
    queue.launch("conv_weight_gradient_sum", sum_kernel,
                 {static_cast<unsigned>(static_cast<std::size_t>(blocks_per_replica) * replicas)}, {sum_threads},
                 SumTask{count, t.slices, blocks_per_replica, partial, op.gradient, first, op.accumulate});
  }
}

}  // namespace saccade::SACCADE_CUDA

#include "engine/cuda/portability.h"
//
#include "engine/cuda/kernels/kernels.h"
#include "engine/cuda/kernels/launch_size.h"
#include "engine/cuda/kernels/quads.cuh"

/// Weight gradient: error (post-synaptic) times input (pre-synaptic), summed over the active views in order and over
/// positions in row-major order. Behind a max-pool only a window's winner has an error: a quarter of the dense work.
///
/// Maps of 16 lanes and more (gradient_kernel): the threads of a warp are 32 input lanes, and each holds the 9 taps of
/// 8 units: 72 sums in registers. Windows (or positions) are counted through all views and taken 8 (14) at a time; the
/// 4 x 4 (3 x 3) inputs within reach of each and its errors are staged in shared memory, 20 KiB, for the 4 warps of the
/// block, 32 units. For each window a thread reads its inputs into registers, then branches for each unit to one of
/// four cases by the unit's winner, the same in the whole warp; in each case the compiler knows which 9 inputs are
/// meant. Per window that is 20 reads of shared memory, 72 multiply-adds and about as many instructions for branches;
/// per position of a dense layer 11 reads and 72 multiply-adds. Staged are 0.22 (0.13) bytes per multiply-add.
///
/// Images (image_kernel): the threads of a warp are 32 units, each holds 9 taps of up to 3 lanes. Inputs are read at
/// the place that the thread's own winner says: 27 reads for 27 multiply-adds. These layers are small.
///
/// Few weights make few blocks, so the work is cut into slices of windows, each summed on its own (queue.scratch) and
/// added in order by sum_kernel. How many depends on the shape and the number of views, not on that of replicas: the
/// same bits for a replica alone and among others.
namespace saccade::SACCADE_CUDA {
namespace {

constexpr int warp = 32, units_at_once = 8, image_lanes = 3;

struct GradientTask {
  ConvShape shape;
  int first_replica, views;
  ConstFloats input, error;
  ConstBytes winners;
  ConstFlags active;
  int lane_tiles, unit_tiles, slices, windows_per_slice;
  Floats sums;  ///< shape.weights() per replica, and per slice instead of view
  bool accumulate;
};

/// Inputs within reach of a window, and how many windows are taken at once.
template <Downsample down>
struct Reach {
  static constexpr bool pools = down == Downsample::max_pool;
  static constexpr int step = down == Downsample::none ? 1 : 2;
  static constexpr int side = pools ? 4 : 3, pixels = side * side, windows_at_once = pools ? 8 : 14;
};

/// What a block sums: windows [begin, end) of all views' windows.
struct Part {
  int replica, slice, lane_tile, unit_tile, begin, end;
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
  const int windows = t.views * t.shape.out.height * t.shape.out.width, left = windows - p.slice * t.windows_per_slice;
  p.begin = p.slice * t.windows_per_slice;
  p.end = p.begin + (left < t.windows_per_slice ? left : t.windows_per_slice);
  return p;
}

/// Where a window is; no view where there is nothing to learn.
struct Window {
  int view, row, column;
};

__device__ inline Window window_at(const GradientTask& t, const Part& p, int index) {
  const auto width = static_cast<unsigned>(t.shape.out.width), per_view = t.shape.out.height * width;
  const unsigned view = static_cast<unsigned>(index) / per_view, rest = index - view * per_view, row = rest / width;
  if (index >= p.end || (t.active && *t.active.at(p.replica, static_cast<int>(view)) == 0)) return {-1, 0, 0};
  return {static_cast<int>(view), static_cast<int>(row), static_cast<int>(rest - row * width)};
}

/// Windows taken together, and where the pixels within their reach begin, from the replica's input on (-1: nowhere).
template <Downsample down>
struct Step {
  Window windows[Reach<down>::windows_at_once];
  long long pixels[Reach<down>::windows_at_once][Reach<down>::pixels];
};

template <Downsample down, int Threads>
__device__ __forceinline__ void find(const GradientTask& t, const Part& p, int first, Step<down>& step) {
  using R = Reach<down>;
  constexpr int count = R::windows_at_once * R::pixels;
#pragma unroll
  for (int round = 0; round < (count + Threads - 1) / Threads; ++round) {
    const int i = round * Threads + static_cast<int>(threadIdx.x), window = i / R::pixels, pixel = i % R::pixels;
    if (i >= count) continue;
    const Window w = window_at(t, p, first + window);
    const int row = R::step * w.row - 1 + pixel / R::side, column = R::step * w.column - 1 + pixel % R::side;
    step.pixels[window][pixel] = w.view < 0 ? -1 : w.view * t.input.view + t.shape.in.offset(row, column);
    if (pixel == 0) step.windows[window] = w;
  }
}

/// Calls stage(step) and then learn(step) for a part's windows, some at a time, with barriers round what they share.
/// While some are staged the places of the next are found.
template <Downsample down, int Threads, class Stage, class Learn>
__device__ __forceinline__ void for_windows(const GradientTask& t, const Part& p, Stage stage, Learn learn) {
  SACCADE_SHARED_ARRAY(Step<down>, steps, [2]);
  find<down, Threads>(t, p, p.begin, steps[0]);
  int now = 0;
  for (int first = p.begin; first < p.end; first += Reach<down>::windows_at_once, now ^= 1) {
    __syncthreads();
    find<down, Threads>(t, p, first + Reach<down>::windows_at_once, steps[now ^ 1]);
    bool used = false;
    for (const Window& w : steps[now].windows) used = used || w.view >= 0;
    if (used) stage(steps[now]);
    __syncthreads();
    if (used) learn(steps[now]);
  }
}

__device__ inline const float* error_of(const GradientTask& t, int replica, const Window& w) {
  return t.error.at(replica, w.view) + t.shape.out.offset(w.row, w.column);
}
__device__ inline const std::uint8_t* winners_of(const GradientTask& t, int replica, const Window& w) {
  const MapShape& out = t.shape.out;
  return t.winners.at(replica, w.view) + (static_cast<std::ptrdiff_t>(w.row) * out.width + w.column) * out.lanes;
}

__device__ inline float* sums_of(const GradientTask& t, const Part& p) {
  return t.sums.at(t.slices > 1 ? p.replica - t.first_replica : p.replica, p.slice);
}
__device__ inline void finish(const GradientTask& t, float* to, float sum) {
  *to = t.accumulate && t.slices == 1 ? *to + sum : sum;
}

/// Adds error times the 3 x 3 inputs around the winner at (Row, Column).
template <int Row, int Column, int Side>
__device__ __forceinline__ void learn_at(float error, const float (&x)[Side][Side], float (&sums)[9]) {
#pragma unroll
  for (int tap = 0; tap < 9; ++tap) sums[tap] = fmaf(error, x[Row + tap / 3][Column + tap % 3], sums[tap]);
}

template <int Side>
__device__ __forceinline__ void learn_winner(int winner, float error, const float (&x)[Side][Side], float (&sums)[9]) {
  if constexpr (Side == 3) {
    learn_at<0, 0>(error, x, sums);
  } else {
    switch (winner) {
      case 0:
        return learn_at<0, 0>(error, x, sums);
      case 1:
        return learn_at<0, 1>(error, x, sums);
      case 2:
        return learn_at<1, 0>(error, x, sums);
      default:
        return learn_at<1, 1>(error, x, sums);
    }
  }
}

constexpr int warps = 4, gradient_threads = warps * warp, units_of_block = warps * units_at_once;

/// Behind a pool a window is four pixels wide: with four blocks an SM its registers would not do on sm_80.
template <Downsample down>
__global__ void __launch_bounds__(gradient_threads, down == Downsample::max_pool ? 3 : 4) gradient_kernel(GradientTask t) {
  using R = Reach<down>;
  constexpr int lane_quads = warp / 4, unit_quads = units_of_block / 4, loads_at_once = 4;
  SACCADE_SHARED_ARRAY(float4, inputs, [R::windows_at_once][R::pixels][lane_quads]);
  SACCADE_SHARED_ARRAY(float4, errors, [R::windows_at_once][unit_quads]);
  SACCADE_SHARED_ARRAY(int, winners, [R::windows_at_once][unit_quads]);
  const int thread = static_cast<int>(threadIdx.x), lane = thread % warp, first_unit = thread / warp * units_at_once;
  const MapShape &in = t.shape.in, &out = t.shape.out;
  const Part part = part_of_block(t);
  const int tile_lane = part.lane_tile * warp, tile_unit = part.unit_tile * units_of_block;
  const float* input = t.input.at(part.replica);

  const auto stage = [&](const Step<down>& step) {
    constexpr int quads = R::windows_at_once * R::pixels * lane_quads;
    constexpr int pixels_at_once = gradient_threads / lane_quads;
    const int quad = thread % lane_quads;
    const bool exists = tile_lane + quad * 4 < in.lanes;
    const float* from = input + tile_lane + quad * 4;
    const long long* pixels = &step.pixels[0][0] + thread / lane_quads;
    float4* to = &inputs[0][0][0] + thread;
#pragma unroll
    for (int begin = 0; begin < quads; begin += loads_at_once * gradient_threads) {
      float4 values[loads_at_once];
#pragma unroll
      for (int i = 0; i < loads_at_once; ++i) {
        const int first = begin + i * gradient_threads;
        const long long at = first + thread < quads ? pixels[first / gradient_threads * pixels_at_once] : -1;
        values[i] = exists && at >= 0 ? load4(from + at) : make_float4(0, 0, 0, 0);
      }
#pragma unroll
      for (int i = 0; i < loads_at_once; ++i)
        if (begin + i * gradient_threads + thread < quads) to[begin + i * gradient_threads] = values[i];
    }
    if (thread < R::windows_at_once * unit_quads) {
      const int own = thread % unit_quads, index = thread / unit_quads, unit = tile_unit + own * 4;
      const Window& w = step.windows[index];
      const bool learns = w.view >= 0 && unit < out.lanes;
      errors[index][own] = learns ? load4(error_of(t, part.replica, w) + unit) : make_float4(0, 0, 0, 0);
      if constexpr (R::pools)
        winners[index][own] = learns ? *reinterpret_cast<const int*>(winners_of(t, part.replica, w) + unit) : 0;
    }
  };
  static_assert(R::windows_at_once * unit_quads <= gradient_threads);

  float sums[units_at_once][9] = {};
  const float* own_inputs = &inputs[0][0][0].x + lane;
  const auto learn = [&](const Step<down>&) {
#pragma unroll 1
    for (int w = 0; w < R::windows_at_once; ++w) {
      float x[R::side][R::side];
#pragma unroll
      for (int i = 0; i < R::pixels; ++i) x[i / R::side][i % R::side] = own_inputs[(w * R::pixels + i) * warp];
#pragma unroll
      for (int quad = 0; quad < units_at_once / 4; ++quad) {
        const float4 four = errors[w][first_unit / 4 + quad];
        const int winner = R::pools ? winners[w][first_unit / 4 + quad] : 0;
        learn_winner(winner & 3, four.x, x, sums[quad * 4]);
        learn_winner(winner >> 8 & 3, four.y, x, sums[quad * 4 + 1]);
        learn_winner(winner >> 16 & 3, four.z, x, sums[quad * 4 + 2]);
        learn_winner(winner >> 24 & 3, four.w, x, sums[quad * 4 + 3]);
      }
    }
  };
  for_windows<down, gradient_threads>(t, part, stage, learn);

  if (tile_lane + lane >= in.lanes) return;
  float* gradient = sums_of(t, part) + tile_lane + lane;
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
  SACCADE_SHARED_ARRAY(float, inputs, [R::windows_at_once][R::pixels][image_lanes]);
  const int thread = static_cast<int>(threadIdx.x);
  const MapShape &in = t.shape.in, &out = t.shape.out;
  const Part part = part_of_block(t);
  const int first_lane = part.lane_tile * image_lanes, unit = part.unit_tile * warp + thread;
  const float* input = t.input.at(part.replica);
  const int lanes_left = in.lanes - first_lane, lanes = lanes_left < image_lanes ? lanes_left : image_lanes;

  const auto stage = [&](const Step<down>& step) {
    constexpr int numbers = R::windows_at_once * R::pixels * image_lanes;
    const long long* pixels = &step.pixels[0][0];
    float* all_inputs = &inputs[0][0][0];
#pragma unroll
    for (int i = 0; i < (numbers + warp - 1) / warp; ++i) {
      const int index = i * warp + thread, lane = index % image_lanes;
      if (index >= numbers) continue;
      const long long at = pixels[index / image_lanes];
      all_inputs[index] = at >= 0 && lane < lanes ? input[at + first_lane + lane] : 0.0f;
    }
  };

  float sums[9][image_lanes] = {};
  const auto learn = [&](const Step<down>& step) {
    const Window* windows = step.windows;
    if (unit >= out.lanes) return;
    float errors[R::windows_at_once];
    int winners[R::windows_at_once];
#pragma unroll
    for (int w = 0; w < R::windows_at_once; ++w) {
      const bool exists = windows[w].view >= 0;
      errors[w] = exists ? error_of(t, part.replica, windows[w])[unit] : 0.0f;
      winners[w] = exists && R::pools ? winners_of(t, part.replica, windows[w])[unit] & 3 : 0;
    }
#pragma unroll
    for (int w = 0; w < R::windows_at_once; ++w) {
      const auto& x = inputs[w];
      const int corner = winners[w] / 2 * R::side + winners[w] % 2;
#pragma unroll
      for (int tap = 0; tap < 9; ++tap)
#pragma unroll
        for (int lane = 0; lane < image_lanes; ++lane)
          sums[tap][lane] = fmaf(errors[w], x[corner + tap / 3 * R::side + tap % 3][lane], sums[tap][lane]);
    }
  };
  for_windows<down, warp>(t, part, stage, learn);

  if (unit >= out.lanes) return;
  float* gradient = sums_of(t, part) + static_cast<std::ptrdiff_t>(unit) * 9 * in.lanes + first_lane;
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
void send(Queue& queue, const GradientTask& t, int replicas) {
  constexpr const char* name = "conv_weight_gradient";
  const auto blocks =
      static_cast<unsigned>(static_cast<std::size_t>(t.unit_tiles) * t.lane_tiles * t.slices * replicas);
  if (t.shape.in.lanes % lanes_per_vector == 0)
    queue.launch(name, gradient_kernel<down>, {blocks}, {gradient_threads}, t);
  else
    queue.launch(name, image_kernel<down>, {blocks}, {warp}, t);
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
  t.unit_tiles = static_cast<int>(divide_up(s.out.lanes, image ? warp : units_of_block));

  // Slices of whole steps of a block, so many that one replica fills an H100 four times (a block of an image is a
  // warp).
  const std::size_t enough_blocks = image ? 16 * 132 : 4 * 132;
  const std::size_t windows = static_cast<std::size_t>(op.extent.views) * s.out.height * s.out.width;
  const std::size_t slices = divide_up(enough_blocks, static_cast<std::size_t>(t.lane_tiles) * t.unit_tiles);
  const std::size_t at_a_time =
      s.pools() ? Reach<Downsample::max_pool>::windows_at_once : Reach<Downsample::none>::windows_at_once;
  t.windows_per_slice = static_cast<int>(divide_up(windows, slices * at_a_time) * at_a_time);
  t.slices = static_cast<int>(divide_up(windows, t.windows_per_slice));
  if (t.slices == 1) return send(queue, t, op.extent.replicas);

  constexpr std::size_t scratch_limit = std::size_t{1} << 28;  // bytes; more replicas are taken one part after another
  const std::size_t count = s.weights(), own = count * t.slices * sizeof(float);
  const int most = own < scratch_limit ? static_cast<int>(scratch_limit / own) : 1;
  const int at_once = most < op.extent.replicas ? most : op.extent.replicas;
  auto* sums = static_cast<float*>(queue.scratch(own * at_once));
  t.sums = {sums, static_cast<std::ptrdiff_t>(count) * t.slices, static_cast<std::ptrdiff_t>(count)};
  const auto blocks_per_replica = static_cast<int>(divide_up(count, sum_threads));
  for (int first = 0; first < op.extent.replicas; first += at_once) {
    const int left = op.extent.replicas - first, replicas = left < at_once ? left : at_once;
    t.first_replica = first;
    send(queue, t, replicas);
    queue.launch("conv_weight_gradient_sum", sum_kernel,
                 {static_cast<unsigned>(static_cast<std::size_t>(blocks_per_replica) * replicas)}, {sum_threads},
                 SumTask{count, t.slices, blocks_per_replica, sums, op.gradient, first, op.accumulate});
  }
}

}  // namespace saccade::SACCADE_CUDA

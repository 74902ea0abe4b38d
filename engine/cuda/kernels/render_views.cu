#include "engine/cuda/portability.h"

#include "engine/cuda/kernels/kernels.h"

#include "engine/cuda/kernels/launch_size.h"
#include "engine/deformation.h"

/// Deformed views out of a table of images. A block takes pixels of one view, a thread one pixel with all its channels,
/// once for all replicas; the formulas are the host's own (engine/deformation.h), additions, products and divisions
/// that a GPU rounds as the host does, none of them fused.
///
/// Bytes a view: 56 of recipe, which is all that the host sends; height x width x channels of the table, each read
/// about four times, once from memory; 4 R times as many written. Floating-point operations a pixel: 14 for its place,
/// 13 a channel for the sample (4 of them make floats of bytes), about 45 for the colours of affine_hsv with one
/// division; about 25 in double a block. So 32 x 32 x 3 is 3 KB read, 12 KB written and 100,000 operations: a batch of
/// 1000 views is 15 MB, which memory at 3 TB/s moves in 5 us.
namespace saccade::SACCADE_CUDA {
namespace {

constexpr int threads = 256;

__device__ __forceinline__ AffineMatrix warp_of(const ViewRecipe& recipe) {
  AffineMatrix matrix = identity_warp;
  if (recipe.kind == ViewKind::plain) return matrix;
  for (std::size_t i = 0; i < 6; ++i) matrix[i] = recipe.parameters[recipe::warp_matrix + i];
  return matrix;
}

/// A pixel of the padded image: its first channel, or null in the padding.
template <int channels>
__device__ __forceinline__ const std::uint8_t* neighbour(const std::uint8_t* image, const MapShape& shape, int row,
                                                         int column) {
  const bool inside = row >= 1 && row <= shape.height && column >= 1 && column <= shape.width;
  return inside ? image + ((row - 1) * shape.width + column - 1) * channels : nullptr;
}

__device__ __forceinline__ float value(const std::uint8_t* pixel, int channel) {
  return pixel ? static_cast<float>(pixel[channel]) * byte_scale : 0.0f;
}

template <int channels>
__global__ void __launch_bounds__(threads) render_pixels(RenderViews op) {
  SACCADE_SHARED_ARRAY(PixelWarp, warps, [1]);
  const int width = op.shape.width;
  const auto pixels = static_cast<unsigned>(op.shape.height) * static_cast<unsigned>(width);
  const unsigned chunks = static_cast<unsigned>(divide_up(pixels, threads));
  const unsigned view = blockIdx.x / chunks, pixel = blockIdx.x % chunks * threads + threadIdx.x;
  const ViewRecipe& recipe = op.recipes[view];
  // In double precision, which many cards do slowly: once a block.
  if (threadIdx.x == 0) warps[0] = PixelWarp::make(warp_of(recipe), op.shape.height, width);
  __syncthreads();
  if (pixel >= pixels) return;

  const int row = static_cast<int>(pixel) / width, out_column = static_cast<int>(pixel) % width;
  const bool flipped = recipe.kind != ViewKind::plain && recipe.parameters[recipe::flip] == 1.0f;
  const int column = flipped ? width - 1 - out_column : out_column;
  const PixelWarp warp = warps[0];
  const float x = PixelWarp::along(warp.x_per_column, column, warp.x_start(row), width);
  const float y = PixelWarp::along(warp.y_per_column, column, warp.y_start(row), op.shape.height);
  const int left = static_cast<int>(x), upper = static_cast<int>(y);
  const float x_share = x - static_cast<float>(left), y_share = y - static_cast<float>(upper);
  const std::uint8_t* image = op.images + recipe.source * op.shape.features();
  const std::uint8_t* upper_left = neighbour<channels>(image, op.shape, upper, left);
  const std::uint8_t* upper_right = neighbour<channels>(image, op.shape, upper, left + 1);
  const std::uint8_t* lower_left = neighbour<channels>(image, op.shape, upper + 1, left);
  const std::uint8_t* lower_right = neighbour<channels>(image, op.shape, upper + 1, left + 1);
  float colour[channels];
  for (int c = 0; c < channels; ++c)
    colour[c] = pixelwise::bilinear(value(upper_left, c), value(upper_right, c), value(lower_left, c),
                                    value(lower_right, c), x_share, y_share);
  if constexpr (channels == 3)
    if (recipe.kind == ViewKind::affine_hsv)
      pixelwise::shift_hsv(colour[0], colour[1], colour[2], recipe.parameters[recipe::saturation],
                           recipe.parameters[recipe::hue]);

  const std::ptrdiff_t at = op.shape.offset(row, out_column);
  for (int replica = 0; replica < op.extent.replicas; ++replica) {
    float* to = op.output.at(replica, static_cast<int>(view)) + at;
    for (int c = 0; c < channels; ++c) to[c] = colour[c];
  }
}

}  // namespace

void render_views(Queue& queue, const RenderViews& op) {
  const std::size_t pixels = static_cast<std::size_t>(op.shape.height) * op.shape.width;
  const unsigned grid = blocks(pixels, threads, op.extent.views);
  queue.launch("render_views", op.shape.channels == 3 ? render_pixels<3> : render_pixels<1>, {grid}, {threads}, op);
}

}  // namespace saccade::SACCADE_CUDA

#pragma once
#include <cstddef>
#include <cstdint>

namespace saccade {

inline constexpr int lanes_per_vector = 16;  ///< logical vector width on every instruction set; fixes the order of sums

constexpr int round_up_to_lanes(int channels) {
  return (channels + lanes_per_vector - 1) / lanes_per_vector * lanes_per_vector;
}

/// Layout of one activity map in memory: [height + 2 border][width + 2 border][lanes] floats, channels innermost;
/// border pixels and lanes beyond `channels` are zero and stay zero.
struct MapShape {
  int height = 0, width = 0, channels = 0;
  int lanes =
      0;  ///< stored channels of a pixel: `channels` for images and features, rounded up to 16 for a layer's output
  int border = 1;  ///< zero pixels on each side: 1 for maps that a convolution reads, 0 for stored features

  static constexpr MapShape image(int height, int width, int channels) {
    return {height, width, channels, channels, 1};
  }
  static constexpr MapShape layer(int height, int width, int channels) {
    return {height, width, channels, round_up_to_lanes(channels), 1};
  }
  /// The same map without border and padding lanes: what a probe stores.
  constexpr MapShape compact() const { return {height, width, channels, channels, 0}; }

  constexpr std::ptrdiff_t row_stride() const { return static_cast<std::ptrdiff_t>(width + 2 * border) * lanes; }
  constexpr std::ptrdiff_t offset(int row, int column) const {
    return (row + border) * row_stride() + static_cast<std::ptrdiff_t>(column + border) * lanes;
  }
  constexpr std::size_t size() const {
    return static_cast<std::size_t>(height + 2 * border) * static_cast<std::size_t>(row_stride());
  }
  constexpr std::size_t features() const { return static_cast<std::size_t>(height) * width * channels; }
  friend bool operator==(const MapShape&, const MapShape&) = default;
};

/// Non-linearities; values are stored in checkpoints. hardtanh clips to [-1, 1], its derivative is 0 at and beyond +-1.
enum class Activation : std::uint8_t { none = 0, hardtanh = 1, tanh = 2, relu = 3 };

/// How a layer halves its map; values are stored in checkpoints. An odd last row or column of the input is dropped, so
/// that both ways give the same size. max_pool: 2x2 windows, the first of equal values in row-major order wins. stride:
/// the convolution is computed at the even positions (2y, 2x) alone.
enum class Downsample : std::uint8_t { none = 0, max_pool = 1, stride = 2 };

/// Whose weights a layer's units have. shared: a convolution, every position has the same. local: a locally connected
/// layer, every position has its own; biology has no way to keep them equal (Bartunov et al. 2018).
enum class Sharing : std::uint8_t { shared = 0, local = 1 };

/// How a device computes convolutions; values are stored in checkpoints. exact: every output is one chain of fused
/// multiply-adds in a fixed order, gradients are sums of such chains. fast: Winograd's F(4x4, 3x3) where it saves work,
/// with a quarter of the products and a rounding error about ten times as large (engine/cpu/kernels/winograd.h). Both
/// give the same bits for any number of threads.
enum class Arithmetic : std::uint8_t { exact = 0, fast = 1 };
constexpr const char* to_string(Arithmetic arithmetic) { return arithmetic == Arithmetic::exact ? "exact" : "fast"; }

/// One layer: 3x3 convolution (zero padding 1, no bias) at every position or every second one, with weights that the
/// positions share or with weights of their own, then optionally max-pool, then the activation.
///
/// Shared weights are stored "by post-synaptic unit": [rounded-up out channels][3][3][in.lanes] floats. A device may
/// keep a second, packed copy in an order that suits its forward kernel. Local weights are the better part of what a
/// step reads, so they are stored once, in an order that suits all kernels: [rows()][columns()][out.lanes / 16][3][3]
/// [in.lanes][16 outputs]. Padding rows and lanes are zero. The map below is an image of fewer than 16 channels or has
/// a multiple of 16 lanes.
struct ConvShape {
  MapShape in, out;
  Downsample down = Downsample::none;
  Activation activation = Activation::none;
  Sharing sharing = Sharing::shared;

  static constexpr ConvShape make(MapShape in, int out_channels, Downsample down, Activation activation,
                                  Sharing sharing = Sharing::shared) {
    const int divisor = down == Downsample::none ? 1 : 2;
    return {in, MapShape::layer(in.height / divisor, in.width / divisor, out_channels), down, activation, sharing};
  }
  constexpr bool pools() const { return down == Downsample::max_pool; }
  constexpr bool local() const { return sharing == Sharing::local; }
  /// Pixels of the map below from one output to the next.
  constexpr int step() const { return down == Downsample::none ? 1 : 2; }
  /// The same from one position of the convolution to the next, before pooling ...
  constexpr int stride() const { return down == Downsample::stride ? 2 : 1; }
  /// ... of which there are so many.
  constexpr int rows() const { return pools() ? 2 * out.height : out.height; }
  constexpr int columns() const { return pools() ? 2 * out.width : out.width; }
  constexpr std::size_t weights_of_position() const { return static_cast<std::size_t>(out.lanes) * 9 * in.lanes; }
  constexpr std::size_t weights() const {
    return local() ? static_cast<std::size_t>(rows()) * columns() * weights_of_position() : weights_of_position();
  }
  /// Where the weights of a position of a local layer begin.
  constexpr std::size_t position(int row, int column) const {
    return (static_cast<std::size_t>(row) * columns() + column) * weights_of_position();
  }
  /// Winner of each pooling window, one byte (0..3, row-major in the window): [out.height][out.width][out.lanes].
  constexpr std::size_t winners() const {
    return pools() ? static_cast<std::size_t>(out.height) * out.width * out.lanes : 0;
  }
};

/// Average pooling of a map with square windows that do not overlap; rows and columns that fill no window are dropped.
/// The averages have no border: a head or a probe reads them, never a convolution.
struct AverageShape {
  MapShape in, out;
  int side = 2;

  static constexpr AverageShape make(MapShape in, int side) {
    return {in, {in.height / side, in.width / side, in.channels, round_up_to_lanes(in.channels), 0}, side};
  }
};

/// A linear head without bias on a map: embedding = weights^T features. Weights are [features][lanes] floats, feature
/// f = (row * width + column) * channels + channel, embedding innermost, lanes beyond `embedding` zero.
struct HeadShape {
  MapShape in;
  int embedding = 64;

  constexpr int lanes() const { return round_up_to_lanes(embedding); }
  constexpr std::size_t weights() const { return in.features() * lanes(); }
};

/// A linear classifier on stored features. Weights are [classes][features rounded up to 16] floats.
struct ClassifierShape {
  std::size_t features = 0;
  int classes = 10;

  constexpr int lanes() const { return round_up_to_lanes(classes); }
  constexpr std::size_t weights_of_class() const {
    return (features + lanes_per_vector - 1) / lanes_per_vector * lanes_per_vector;
  }
  constexpr std::size_t weights() const { return weights_of_class() * classes; }
};

}  // namespace saccade

#pragma once
#include <cstddef>
#include <cstdint>

#include "engine/shapes.h"

/// The seam between the CPU device, which splits an operation into tasks, and the kernels, which do one task on one
/// thread. Each instruction set has its own table of the same functions.
namespace saccade::cpu {

/// Rows [row_begin, row_end) (that the convolution computes, before pooling) of channel blocks [block_begin, block_end)
/// of one view.
struct ConvForwardTask {
  ConvShape shape;
  const float* input;
  const float* packed;  ///< [out.lanes / 16][9][in.channels][16]
  float* output;
  std::uint8_t* winners;  ///< may be null
  int block_begin, block_end, row_begin, row_end;
};

/// The same for the error that goes down: blocks are of input channels, `error` is the map at the convolution's
/// resolution with a border of one zero pixel and shape.out.lanes lanes.
struct ConvInputGradientTask {
  ConvShape shape;
  const float* error;
  const float* feedback;  ///< weights by post-synaptic unit
  bool sign_only;
  const float* input;  ///< the activity below, for its derivative; null: a transposed convolution, `below` is applied
  Activation below;
  float* error_below;
  int block_begin, block_end, row_begin, row_end;
};

/// Floats from one of a tile's 36 values to the next, in [36][tiles][lanes]: one cache line more than they need,
/// because 36 lines a power of two apart would fall into the same few places of the cache.
constexpr std::ptrdiff_t winograd_step(int tiles, int lanes) { return std::ptrdiff_t{tiles} * lanes + 16; }

/// The maps that Winograd's scheme reads: activities, or errors, which are spread out by a factor of two where
/// `spread`.
struct WinogradSource {
  MapShape map;
  int height, width;  ///< of the convolution's result, before pooling; its 4x4 tiles are counted through views, rows
                      ///< and columns
  bool spread;
  const float* data;
  const std::uint8_t* winners;  ///< with spread: null for a stride
  std::ptrdiff_t data_view, winners_view;
  const std::int32_t* views;  ///< the views meant by 0, 1, ..; null: these themselves
};

/// Tiles [begin, end) of a convolution's results, at most winograd_most_tiles.
inline constexpr int winograd_most_tiles = 64;
struct WinogradTask {
  WinogradSource source;
  MapShape out;
  bool pools;
  const float* weights;  ///< from winograd_weights
  Activation activation;
  const float* below;  ///< activity whose derivative gates the result; null: the result is activated
  float* output;
  std::uint8_t* winners;  ///< may be null
  std::ptrdiff_t below_view, output_view, winners_view;
  int begin, end;
  int channels_at_once;  ///< a multiple of 16
  float* scratch;        ///< 36 * ((tiles rounded up to 8) * (channels_at_once + 32 blocks) + 16 (1 + blocks)),
                         ///< blocks being out.lanes / 32 rounded up where source.map.lanes > channels_at_once, else 1
};

/// Block `block` of 16 outputs of the transformed weights, [outputs / 16][36][inputs][16].
struct WinogradWeightsTask {
  const float* weights;  ///< by post-synaptic unit
  int in_lanes;          ///< of the map below
  bool down, sign_only;
  int inputs;  ///< lanes summed over: of the map below on the way up, of the layer on the way down
  float* packed;
  int block;
};

/// Tiles that Winograd's weight gradient transforms at a time: with 64 lanes their patches are 295 kB.
inline constexpr int winograd_group = 32;

/// Sums over tiles [begin, end) for output channels [16 block_begin, 16 block_end), in Winograd's domain:
/// [blocks][36][16][lanes below].
struct WinogradGradientTask {
  WinogradSource below, errors;  ///< the same tiles of both
  int begin, end, block_begin, block_end;
  float* sums;
  float* scratch;  ///< 36 * (winograd_step(winograd_group, lanes below) + winograd_step(winograd_group, 16))
};

/// gradient = (accumulate ? gradient : 0) + what the parts' sums come to, added in order, for one output channel.
struct WinogradGradientEnd {
  const float* sums;  ///< of all blocks, part 0
  std::ptrdiff_t part_size;
  int parts, in_lanes, channel;
  float* gradient;  ///< by post-synaptic unit
  bool accumulate;
};

/// gradient += of one view for output channels [block * 16, block * 16 + 16).
struct ConvWeightGradientTask {
  ConvShape shape;
  const float* input;
  const float* error;
  const std::uint8_t* winners;
  float* gradient;
  int block;
};

/// Errors of a locally connected layer, of the views that `active` lists.
struct LocalErrors {
  ConvShape shape;
  const float* error;
  const std::uint8_t* winners;  ///< null without max-pool
  std::ptrdiff_t error_view, winners_view;
  const std::int32_t* active;
  int count;
};

/// One output, at (row, column) after pooling, of a locally connected layer: all channels of all views, so that its
/// weights are fetched once.
struct LocalForwardTask {
  ConvShape shape;
  const float* input;
  const float* weights;
  float* output;
  std::uint8_t* winners;  ///< may be null
  std::ptrdiff_t input_view, output_view, winners_view;
  int views, row, column;
};

/// The gradient of the weights of one position, (row, column) before pooling.
struct LocalWeightGradientTask {
  LocalErrors errors;
  const float* input;
  std::ptrdiff_t input_view;
  float* gradient;
  bool accumulate;
  int row, column;
};

/// The error below at pixel (row, column).
struct LocalInputGradientTask {
  LocalErrors errors;
  const float* feedback;
  bool sign_only;
  const float* input;
  Activation below;
  float* error_below;
  std::ptrdiff_t input_view, below_view;
  int row, column;
};

/// Row `row` of the averages of one view.
struct AveragePoolTask {
  AverageShape shape;
  const float* input;
  float* output;
  int row;
};

/// Row `row` of the map of one view.
struct AveragePoolGradientTask {
  AverageShape shape;
  const float* error;
  const float* input;
  Activation below;
  float* error_below;
  int row;
};

/// One row of the map for `views` views that share the weights: partial[v * lanes + e] = sum over the row's features.
struct HeadForwardTask {
  HeadShape shape;
  const float* input;  ///< first view
  std::ptrdiff_t input_view;
  int views;
  const float* weights;
  float* partial;
  std::ptrdiff_t partial_view;
  int row;
};

/// Row `row` of the error below, for the active ones of `views` views.
struct HeadInputGradientTask {
  HeadShape shape;
  const float* error;
  std::ptrdiff_t error_view;
  const float* feedback;
  bool sign_only;
  const float* input;
  std::ptrdiff_t input_view;
  Activation below;
  const std::int32_t* active;  ///< null: all
  std::ptrdiff_t active_view;
  int views;
  float* error_below;
  std::ptrdiff_t below_view;
  int row;
  bool accumulate;
};

/// Row `row` of the gradient, summed over the active ones of `views` views in order.
struct HeadWeightGradientTask {
  HeadShape shape;
  const float* input;
  std::ptrdiff_t input_view;
  const float* error;
  std::ptrdiff_t error_view;
  const std::int32_t* active;  ///< may be null
  std::ptrdiff_t active_view;
  int views;
  float* gradient;
  bool accumulate;
  int row;
};

/// Features first .. first + count - 1 (first a multiple of 16) of `views` rows of a table: their part of the scores.
struct SoftmaxScoresTask {
  const float* table;
  std::ptrdiff_t table_row;
  const std::uint32_t* index;  ///< the rows
  int views;
  std::size_t first, count;
  int classes;
  const float* weights;  ///< [classes][class_weights]
  std::ptrdiff_t class_weights;
  float* scores;  ///< [views][lanes(classes)]
};

/// gradient = (accumulate ? gradient : 0) + sum over the views in order of error (x) features.
struct SoftmaxGradientTask {
  const float* table;
  std::ptrdiff_t table_row;
  const std::uint32_t* index;
  int views;
  std::size_t first, count;
  int classes;
  const float* error;  ///< [views][lanes(classes)]
  float* gradient;     ///< [classes][class_weights]
  std::ptrdiff_t class_weights;
  bool accumulate;
  const std::uint32_t* next;  ///< rows that the task after this one will read: they are fetched on the way
  int next_views;
};

struct HeadHebbTask {
  HeadShape shape;
  const float* input;
  const float* error;
  float rate;
  float* weights;
  float* feedback;  ///< may be null
  int row;
};

struct HingeTask {
  int lanes;
  const float* anchor;
  float trace;
  const float* noise;  ///< may be null
  const float* view;
};

struct CombineTask {
  std::size_t count;
  const float *a, *b;
  const float* c;  ///< may be null
  float scale;
  float* output;
};

struct TargetErrorTask {
  std::size_t count;
  const float *output, *target;
  Activation activation;
  float scale;
  float* error;
};

struct AdamTask {
  std::size_t begin, end;
  const float* gradient;
  float* weights;
  float* feedback;  ///< may be null
  float* first_moment;
  float* second_moment;
  float beta1, beta2, epsilon;
  float step;             ///< rate / (1 - beta1^t)
  float root_correction;  ///< 1 / sqrt(1 - beta2^t)
};

struct KernelTable {
  const char* name;
  int blocks_per_tile;  ///< channel blocks that one register tile covers: tasks should hold a multiple of it
  void (*conv_forward)(const ConvForwardTask&);
  void (*conv_winograd)(const WinogradTask&);
  void (*winograd_weights)(const WinogradWeightsTask&);
  void (*winograd_gradient)(const WinogradGradientTask&);
  void (*winograd_gradient_end)(const WinogradGradientEnd&);
  void (*conv_input_gradient)(const ConvInputGradientTask&);
  void (*conv_weight_gradient)(const ConvWeightGradientTask&);
  void (*local_forward)(const LocalForwardTask&);
  void (*local_weight_gradient)(const LocalWeightGradientTask&);
  void (*local_input_gradient)(const LocalInputGradientTask&);
  void (*average_pool)(const AveragePoolTask&);
  void (*average_pool_gradient)(const AveragePoolGradientTask&);
  void (*head_forward)(const HeadForwardTask&);
  void (*head_input_gradient)(const HeadInputGradientTask&);
  void (*head_weight_gradient)(const HeadWeightGradientTask&);
  void (*head_hebb)(const HeadHebbTask&);
  void (*softmax_scores)(const SoftmaxScoresTask&);
  void (*softmax_gradient)(const SoftmaxGradientTask&);
  float (*hinge_distance)(const HingeTask&);
  /// error += scale * sgn(trace * anchor + noise - view)
  void (*hinge_error)(const HingeTask&, float scale, float* error);
  float (*inner_product)(std::size_t count, const float* a, const float* b);
  /// y[i] += scale * x[i]
  void (*add_scaled)(std::size_t count, float scale, const float* x, float* y);
  /// error[i] *= f'(output[i])
  void (*through_activation)(Activation activation, std::size_t count, const float* output, float* error);
  /// weights[i] -= rate * gradient[i], the same increment to feedback unless null
  void (*sgd)(std::size_t begin, std::size_t end, float rate, const float* gradient, float* weights, float* feedback);
  void (*adam)(const AdamTask&);
  void (*combine)(const CombineTask&);
  /// Returns the sum of squared differences.
  float (*target_error)(const TargetErrorTask&);
};

namespace avx512 {
extern const KernelTable table;
}
namespace avx2 {
extern const KernelTable table;
}
namespace portable {
extern const KernelTable table;
}

}  // namespace saccade::cpu

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

/// gradient += of one view for output channels [block * 16, block * 16 + 16).
struct ConvWeightGradientTask {
  ConvShape shape;
  const float* input;
  const float* error;
  const std::uint8_t* winners;
  float* gradient;
  int block;
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

struct HeadInputGradientTask {
  HeadShape shape;
  const float* error;
  const float* feedback;
  bool sign_only;
  const float* input;
  Activation below;
  float* error_below;
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
  void (*conv_input_gradient)(const ConvInputGradientTask&);
  void (*conv_weight_gradient)(const ConvWeightGradientTask&);
  void (*average_pool)(const AveragePoolTask&);
  void (*average_pool_gradient)(const AveragePoolGradientTask&);
  void (*head_forward)(const HeadForwardTask&);
  void (*head_input_gradient)(const HeadInputGradientTask&);
  void (*head_weight_gradient)(const HeadWeightGradientTask&);
  void (*head_hebb)(const HeadHebbTask&);
  float (*hinge_distance)(const HingeTask&);
  /// error += scale * sgn(trace * anchor - view)
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

#pragma once
#include <cstddef>
#include <cstdint>

#include "engine/shapes.h"
#include "engine/view_recipe.h"

/// What a Device can be asked for: an operation is a plain struct of shapes, sizes and device memory. All operations
/// advance R replicas (learners with weights of their own) and n views at once.
namespace saccade {

/// R replicas of n views of something in device memory: element (r, v) starts at data + r * replica + v * view (strides
/// in elements). Weights, which all views share, have view stride 0.
template <class T>
struct Strided {
  T* data = nullptr;
  std::ptrdiff_t replica = 0;
  std::ptrdiff_t view = 0;

  constexpr T* at(int r, int v = 0) const { return data + r * replica + v * view; }
  /// The same from view `first` on; null stays null.
  constexpr Strided from(int first) const { return data ? Strided{at(0, first), replica, view} : Strided{}; }
  constexpr explicit operator bool() const { return data != nullptr; }
  constexpr operator Strided<const T>() const { return {data, replica, view}; }  // NOLINT: a const view of the same
};
using Floats = Strided<float>;
using ConstFloats = Strided<const float>;
using Bytes = Strided<std::uint8_t>;
using ConstBytes = Strided<const std::uint8_t>;
/// 1 where a view has an active error, else 0. It lives on the device: gradients and updates of inactive views are
/// skipped there, without asking the host. A null pointer means that every view is active.
using Flags = Strided<std::int32_t>;
using ConstFlags = Strided<const std::int32_t>;

struct Extent {
  int replicas = 1;
  int views = 1;
};

/// The synapses that carry an error back: forward weights (bp), random ones (rf, urf), or the sign of either.
struct Feedback {
  ConstFloats weights;     ///< in the layout of the forward weights
  bool sign_only = false;  ///< use sgn(weights), sgn(0) = 0
};

/// Which way a copy of weights is packed for: activity up, or errors down.
enum class Way { up, down };

/// Renews the packed copy of a layer's weights, of each replica that has one of the `extent.views` flags set (null: of
/// all).
struct ConvPack {
  ConvShape shape;
  Extent extent;
  Way way = Way::up;
  Arithmetic arithmetic = Arithmetic::exact;
  Feedback weights;  ///< shape.weights() per replica, shared; sign_only on the way down alone
  ConstFlags active;
  Floats packed;  ///< Device::packed_size()
};

struct ConvForward {
  ConvShape shape;
  Extent extent;
  ConstFloats input;   ///< shape.in
  ConstFloats packed;  ///< from conv_pack, way up, with the same arithmetic; the weights themselves of a local layer
  Floats output;       ///< shape.out
  Bytes winners;       ///< shape.winners(); null without max-pool, or when no backward step follows
  Arithmetic arithmetic = Arithmetic::exact;
};

/// gradient = (accumulate ? gradient : 0) + sum over active views, in order, of error (x) input.
struct ConvWeightGradient {
  ConvShape shape;
  Extent extent;
  ConstFloats input;   ///< shape.in
  ConstFloats error;   ///< shape.out: error before the activation, after pooling
  ConstBytes winners;  ///< as the forward pass left them
  ConstFlags active;
  Floats gradient;  ///< shape.weights() per replica
  bool accumulate = false;
  Arithmetic arithmetic = Arithmetic::exact;
};

/// error_below = f'(input) * (feedback^T error), f being the activation of the layer below, whose output is `input`.
struct ConvInputGradient {
  ConvShape shape;  ///< of a layer that has one below: in.lanes a multiple of 16
  Extent extent;
  ConstFloats error;  ///< shape.out
  ConstBytes winners;
  Feedback feedback;  ///< shape.weights() per replica
  ConstFloats input;  ///< shape.in
  Activation below = Activation::none;
  ConstFlags active;
  Floats error_below;       ///< shape.in
  ConstFloats packed = {};  ///< fast arithmetic: from conv_pack, way down; null: `feedback` itself is read, exactly
};

/// Transposed convolution ("deconvolution"), from a layer's output map to its input map: output = f(weights^T input).
/// With a stride the input stands at the even positions (2y, 2x), and a row or column of the output that no tap reaches
/// is f(0) = 0. The gradient of its weights is a ConvWeightGradient with roles exchanged: `input` the error at the
/// output before f, `error` the input here.
struct ConvTranspose {
  ConvShape shape;  ///< shared, dense or with a stride; its own activation is not used; in.lanes a multiple of 16
  Extent extent;
  ConstFloats input;    ///< shape.out
  ConstFloats weights;  ///< shape.weights() per replica
  Activation activation = Activation::none;
  ConstFlags active;  ///< outputs of inactive views are left as they are
  Floats output;      ///< shape.in
};

/// output = mean over each window, its terms added in row-major order.
struct AveragePool {
  AverageShape shape;
  Extent extent;
  ConstFloats input;  ///< shape.in
  Floats output;      ///< shape.out
};

/// error_below = f'(input) * error of the pixel's window / side^2, f being the activation whose output is `input`; 0
/// where a pixel is in no window.
struct AveragePoolGradient {
  AverageShape shape;
  Extent extent;
  ConstFloats error;  ///< shape.out
  ConstFloats input;  ///< shape.in
  Activation below = Activation::none;
  ConstFlags active;
  Floats error_below;  ///< shape.in
};

/// Embeddings of inactive views are left as they are.
struct HeadForward {
  HeadShape shape;
  Extent extent;
  ConstFloats input;    ///< shape.in
  ConstFloats weights;  ///< shape.weights() per replica
  Floats embedding;     ///< shape.lanes() per view
  ConstFlags active = {};
};

/// error_below = (accumulate ? error_below : 0) + f'(input) * (feedback error), f being the activation whose output is
/// `input`. Inactive views are left as they are.
struct HeadInputGradient {
  HeadShape shape;
  Extent extent;
  ConstFloats error;  ///< shape.lanes() per view
  Feedback feedback;  ///< shape.weights() per replica
  ConstFloats input;  ///< shape.in
  Activation below = Activation::none;
  ConstFlags active;
  Floats error_below;  ///< shape.in
  bool accumulate = false;
};

/// gradient = (accumulate ? gradient : 0) + sum over active views, in order, of input (x) error.
struct HeadWeightGradient {
  HeadShape shape;
  Extent extent;
  ConstFloats input;
  ConstFloats error;
  ConstFlags active;
  Floats gradient;  ///< shape.weights() per replica
  bool accumulate = false;
};

/// Hebbian step of a head, eq. 7: weights -= rate * input (x) error for each active view in turn; the same increments
/// go to `feedback` when it learns (urf). Nothing is stored between the activities and the synapse.
struct HeadHebb {
  HeadShape shape;
  Extent extent;
  ConstFloats input;
  ConstFloats error;
  ConstFlags active;
  ConstFloats rate;  ///< one number per replica
  Floats weights;
  Floats feedback;  ///< null unless it learns
};

/// A head's error goes down, then the head learns: head_input_gradient(error), then head_hebb(step), of the same views,
/// so that a device may fetch the weights once.
struct HeadDescend {
  HeadInputGradient error;
  HeadHebb step;
};

/// weights -= rate * gradient if any of the `flags` views is active; the same increment goes to `feedback` when it
/// learns.
struct SgdStep {
  std::size_t count = 0;  ///< a multiple of 16, as the sizes of all our weight arrays are
  Extent extent;          ///< views: number of flags looked at
  ConstFloats gradient;
  ConstFlags active;
  ConstFloats rate;  ///< one number per replica
  Floats weights;
  Floats feedback;
};

/// Adam (Kingma and Ba 2015, algorithm 1) with bias correction; a step without an active view is no step at all.
struct AdamStep {
  std::size_t count = 0;  ///< a multiple of 16
  Extent extent;
  ConstFloats gradient;
  ConstFlags active;
  ConstFloats rate;  ///< one number per replica
  float beta1 = 0.9f, beta2 = 0.999f, epsilon = 1e-8f;
  Floats weights;
  Floats feedback;
  Floats first_moment, second_moment;
  Strided<std::int64_t> steps;  ///< one per replica; advanced by this operation
};

/// output = a + scale (b - c) element by element for active views, on whole maps: zero borders and padding stay zero.
struct Combine {
  std::size_t count = 0;  ///< of one view, a multiple of 16
  Extent extent;
  ConstFloats a, b, c;  ///< c null: output = a + scale b
  float scale = 1;
  ConstFlags active;
  Floats output;  ///< may be one of the inputs
};

/// A local loss |y - target|^2 of active views: error = scale (y - target) f'(y), f being the activation whose output
/// is y; with scale 2 it is the derivative of the loss with respect to what enters f.
struct TargetError {
  std::size_t count = 0;  ///< of one view, a multiple of 16; zero borders and padding stay zero
  Extent extent;
  ConstFloats output;  ///< y
  ConstFloats target;
  Activation activation = Activation::none;
  float scale = 2;
  ConstFlags active;
  Floats error;  ///< may be `output` or `target`
  Floats loss;   ///< one float per view; null when it is not wanted
};

/// output = input + deviation * standard normal numbers, a function of (seed, entity, event, index of the view, place
/// in the map): Purpose::feedback_noise. Every replica gets the same numbers; borders and padding get none.
struct AddNoise {
  MapShape shape;
  Extent extent;
  ConstFloats input;
  float deviation = 0;
  std::uint64_t seed = 0;
  std::uint32_t entity = 0;
  std::uint64_t event = 0;
  int first = 0;  ///< index of the first view, so that a batch can be taken in parts
  Floats output;  ///< may be the input
};

/// Pixels [views][height][width][channels] from host memory into maps. Every replica gets the same views.
struct LoadViews {
  MapShape shape;
  Extent extent;
  const float* pixels = nullptr;
  Floats output;
};

/// Views of images that the device holds, rendered from their recipes into maps. Every replica gets the same views.
struct RenderViews {
  MapShape shape;  ///< height, width and channels (1 or 3) of the images, which the views share
  Extent extent;
  const std::uint8_t* images = nullptr;  ///< [count][height][width][channels]
  std::size_t count = 0;
  const ViewRecipe* recipes = nullptr;  ///< [views], in host memory, of kinds for which Device::renders()
  Floats output;
};

}  // namespace saccade

#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "engine/shapes.h"

/// The seam between what is learned and where it is computed. A Device owns memory and offers the operations that
/// learning needs; it has no policy. All operations advance R replicas (learners with weights of their own) and n views
/// at once.
namespace saccade {

/// R replicas of n views of something in device memory: element (r, v) starts at data + r * replica + v * view (strides
/// in elements). Weights, which all views share, have view stride 0.
template <class T>
struct Strided {
  T* data = nullptr;
  std::ptrdiff_t replica = 0;
  std::ptrdiff_t view = 0;

  T* at(int r, int v = 0) const { return data + r * replica + v * view; }
  explicit operator bool() const { return data != nullptr; }
  operator Strided<const T>() const { return {data, replica, view}; }  // NOLINT: a const view of the same
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

struct ConvForward {
  ConvShape shape;
  Extent extent;
  ConstFloats input;   ///< shape.in
  ConstFloats packed;  ///< from conv_pack
  Floats output;       ///< shape.out
  Bytes winners;       ///< shape.winners(); null without max-pool, or when no backward step follows
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
  Floats error_below;  ///< shape.in
};

/// Transposed convolution ("deconvolution"), from a layer's output map to its input map: output = f(weights^T input).
/// With a stride the input stands at the even positions (2y, 2x), and a row or column of the output that no tap reaches
/// is f(0) = 0. The gradient of its weights is a ConvWeightGradient with roles exchanged: `input` the error at the
/// output before f, `error` the input here.
struct ConvTranspose {
  ConvShape shape;  ///< dense or with a stride; its own activation is not used; in.lanes a multiple of 16
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

struct HeadForward {
  HeadShape shape;
  Extent extent;
  ConstFloats input;    ///< shape.in
  ConstFloats weights;  ///< shape.weights() per replica
  Floats embedding;     ///< shape.lanes() per view
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
  float rate = 0;
  Floats weights;
  Floats feedback;  ///< null unless it learns
};

/// One comparison of an arriving view with a remembered anchor.
struct HingeTerm {
  std::int32_t anchor = 0;  ///< index into the anchors
  std::int32_t view = 0;    ///< index into the views; terms are sorted by it
  bool positive = false;
  float weight = 1;  ///< multiplies loss and error (w of the negatives, or a trace that gates the error)
  float trace = 1;   ///< multiplies the remembered embedding (a trace that fades)
};

/// What one term gave. distance = |trace * anchor - view|_1.
struct HingeResult {
  float distance = 0;
  float loss = 0;  ///< weight * [distance - m1]_+ or weight * [m2 - distance]_+
  std::int32_t active = 0;
};

/// Contrastive hinge loss, eqs. 2 and 4-6, summed over terms; errors are derivatives with respect to the embeddings.
struct ContrastiveHinge {
  int embedding = 64;  ///< stored lanes are rounded up to 16
  int replicas = 1;
  int anchors = 0, views = 0;
  std::span<const HingeTerm> terms;  ///< host memory, the same for all replicas
  float positive_margin = 1, negative_margin = 3;
  ConstFloats anchor_embedding;  ///< per anchor
  ConstFloats view_embedding;    ///< per view
  Floats view_error;             ///< per view, overwritten
  Flags view_active;             ///< per view, overwritten
  Floats anchor_error;           ///< per anchor, overwritten; null under the blocked gradient
  Flags anchor_active;
  Strided<HingeResult> results;  ///< [replica][terms.size()], view stride 0
};

/// One comparison of a view with what an anchor predicts.
struct InnerProductTerm {
  std::int32_t anchor = 0;  ///< index into the anchors
  std::int32_t view = 0;    ///< index into the views; terms are sorted by it
  bool positive = false;
  float weight = 1;  ///< multiplies loss and errors
};

/// What one term gave.
struct InnerProductResult {
  float score = 0;  ///< prediction . view, over all elements
  float loss = 0;   ///< weight * [margin - score]_+ (positive) or weight * [margin + score]_+ (negative)
  std::int32_t active = 0;
};

/// Hinge loss on inner products of R = 1 maps of `count` floats (CLAPP, Illing et al. 2021), summed over terms. With
/// y = 1 for a positive, -1 for a negative, and sums over active terms in their order:
///   view_error = f'(view) * sum of -y * weight * prediction,   f being the activation whose output is `view`,
///   prediction_error = sum of -y * weight * view.
struct InnerProductHinge {
  std::size_t count = 0;  ///< a multiple of 16: padding of the maps is zero and gives zero
  int anchors = 0, views = 0;
  std::span<const InnerProductTerm> terms;  ///< host memory
  float margin = 1;
  Activation activation = Activation::none;  ///< f
  ConstFloats prediction;                    ///< per anchor
  ConstFloats view;                          ///< per view
  Floats view_error;                         ///< per view, overwritten
  Flags view_active;                         ///< per view, overwritten
  Floats prediction_error;                   ///< per anchor, overwritten
  Flags anchor_active;                       ///< per anchor, overwritten
  InnerProductResult* results = nullptr;     ///< [terms.size()] in device memory
};

/// SimCLR loss, eq. 1, with the mean over the batch of each branch added; R = 1 embeddings [n][lanes] of both branches.
struct SimClr {
  int embedding = 64;
  int pairs = 0;
  float temperature = 0.1f;
  ConstFloats a, b;
  Floats a_error, b_error;
  float* loss = nullptr;  ///< one float in device memory
};

/// Softmax cross-entropy, mean over the views; logits = scores + bias.
struct CrossEntropy {
  int classes = 10;
  Extent extent;
  ConstFloats scores;    ///< lanes(classes) per view
  ConstFloats bias;      ///< lanes(classes) per replica
  ConstFlags labels;     ///< one per view, 0 <= label < classes
  Floats error;          ///< derivative with respect to the scores, lanes(classes) per view
  Floats bias_gradient;  ///< sum of the errors over the views in order
  Floats loss;           ///< one per replica
  Flags correct;         ///< one per replica: number of views whose largest score is the label's (first of equals)
};

/// weights -= rate * gradient if any of the `flags` views is active; the same increment goes to `feedback` when it
/// learns.
struct SgdStep {
  std::size_t count = 0;  ///< a multiple of 16, as the sizes of all our weight arrays are
  Extent extent;          ///< views: number of flags looked at
  ConstFloats gradient;
  ConstFlags active;
  float rate = 0;
  Floats weights;
  Floats feedback;
};

/// Adam (Kingma and Ba 2015, algorithm 1) with bias correction; a step without an active view is no step at all.
struct AdamStep {
  std::size_t count = 0;  ///< a multiple of 16
  Extent extent;
  ConstFloats gradient;
  ConstFlags active;
  float rate = 1e-4f, beta1 = 0.9f, beta2 = 0.999f, epsilon = 1e-8f;
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

/// A Device is used by one thread at a time; it may use many inside an operation. Results are the same bits for any
/// number of threads: every output element has one owner and sums have a fixed order. Public functions check shapes and
/// pointers (std::invalid_argument: a programming error) and call the private implementation. Views and maps passed as
/// output must not overlap inputs unless said otherwise.
class Device {
 public:
  virtual ~Device() = default;

  virtual std::string name() const = 0;             ///< "cpu"
  virtual std::string instruction_set() const = 0;  ///< "avx512", "avx2", "portable": what decides the bits
  virtual int threads() const = 0;

  /// Zeroed, aligned memory. Throws std::bad_alloc.
  virtual std::shared_ptr<void> allocate(std::size_t bytes) = 0;
  virtual void write(void* to, const void* from_host, std::size_t bytes) = 0;
  virtual void read(void* to_host, const void* from, std::size_t bytes) = 0;
  virtual void copy(void* to, const void* from, std::size_t bytes) = 0;
  virtual void clear(void* to, std::size_t bytes) = 0;

  /// Floats of the packed copy of a layer's weights that the forward kernel reads.
  virtual std::size_t packed_size(const ConvShape& shape) const = 0;
  /// Renews the packed copy from the weights of each replica that has one of the `views` flags set (null: of all).
  void conv_pack(const ConvShape& shape, int replicas, ConstFloats weights, Floats packed, ConstFlags active = {},
                 int views = 1);

  void load_views(const LoadViews& op);
  void conv_forward(const ConvForward& op);
  void conv_weight_gradient(const ConvWeightGradient& op);
  void conv_input_gradient(const ConvInputGradient& op);
  void conv_transpose(const ConvTranspose& op);
  void average_pool(const AveragePool& op);
  void average_pool_gradient(const AveragePoolGradient& op);
  void head_forward(const HeadForward& op);
  void head_input_gradient(const HeadInputGradient& op);
  void head_weight_gradient(const HeadWeightGradient& op);
  void head_hebb(const HeadHebb& op);
  void contrastive_hinge(const ContrastiveHinge& op);
  void inner_product_hinge(const InnerProductHinge& op);
  void simclr(const SimClr& op);
  void cross_entropy(const CrossEntropy& op);
  void sgd_step(const SgdStep& op);
  void adam_step(const AdamStep& op);
  void combine(const Combine& op);
  void target_error(const TargetError& op);
  void add_noise(const AddNoise& op);

 private:
  virtual void conv_pack_impl(const ConvShape& shape, int replicas, ConstFloats weights, Floats packed,
                              ConstFlags active, int views) = 0;
  virtual void load_views_impl(const LoadViews& op) = 0;
  virtual void conv_forward_impl(const ConvForward& op) = 0;
  virtual void conv_weight_gradient_impl(const ConvWeightGradient& op) = 0;
  virtual void conv_input_gradient_impl(const ConvInputGradient& op) = 0;
  virtual void conv_transpose_impl(const ConvTranspose& op) = 0;
  virtual void average_pool_impl(const AveragePool& op) = 0;
  virtual void average_pool_gradient_impl(const AveragePoolGradient& op) = 0;
  virtual void head_forward_impl(const HeadForward& op) = 0;
  virtual void head_input_gradient_impl(const HeadInputGradient& op) = 0;
  virtual void head_weight_gradient_impl(const HeadWeightGradient& op) = 0;
  virtual void head_hebb_impl(const HeadHebb& op) = 0;
  virtual void contrastive_hinge_impl(const ContrastiveHinge& op) = 0;
  virtual void inner_product_hinge_impl(const InnerProductHinge& op) = 0;
  virtual void simclr_impl(const SimClr& op) = 0;
  virtual void cross_entropy_impl(const CrossEntropy& op) = 0;
  virtual void sgd_step_impl(const SgdStep& op) = 0;
  virtual void adam_step_impl(const AdamStep& op) = 0;
  virtual void combine_impl(const Combine& op) = 0;
  virtual void target_error_impl(const TargetError& op) = 0;
  virtual void add_noise_impl(const AddNoise& op) = 0;
};

/// The CPU device: `threads` 0 means all cores. The instruction set is the best one that the machine has, or what the
/// environment variable SACCADE_ISA names (avx512, avx2, portable); InputError when the machine cannot run that one.
std::unique_ptr<Device> make_cpu_device(int threads = 0);

}  // namespace saccade

#pragma once
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "engine/loss_operations.h"
#include "engine/operations.h"

/// The seam between what is learned and where it is computed. A Device owns memory and offers the operations that
/// learning needs; it has no policy. All operations advance R replicas (learners with weights of their own) and n views
/// at once.
namespace saccade {

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
  virtual std::string hardware() const = 0;  ///< "NVIDIA H100 80GB HBM3", the processor's model: what it calls itself

  /// Zeroed, aligned memory. Throws std::bad_alloc.
  virtual std::shared_ptr<void> allocate(std::size_t bytes) = 0;
  virtual void write(void* to, const void* from_host, std::size_t bytes) = 0;
  virtual void read(void* to_host, const void* from, std::size_t bytes) = 0;
  /// As read(), but the bytes may come at any time up to settle(), and `to_host` must stay until then: what a device is
  /// asked for next need not wait for them.
  virtual void read_later(void* to_host, const void* from, std::size_t bytes) { read(to_host, from, bytes); }
  virtual void settle() {}
  /// Events worth sending to it before their results are asked for.
  virtual int ahead() const { return 1; }
  virtual void copy(void* to, const void* from, std::size_t bytes) = 0;
  virtual void clear(void* to, std::size_t bytes) = 0;

  /// Floats of the packed copy of a layer's weights; 0 where this way needs none, as always with local weights.
  virtual std::size_t packed_size(const ConvShape& shape, Way way, Arithmetic arithmetic) const = 0;

  /// Whether render_views() takes views of this kind. The CPU device renders none: the streams do it, four pixels at a
  /// time, on threads beside the learner's, and what they leave in memory the learner reads at once. A GPU would have
  /// to be sent those pixels.
  virtual bool renders(ViewKind) const { return false; }

  void conv_pack(const ConvPack& op);
  void load_views(const LoadViews& op);
  /// What the streams' render() gives, bit by bit.
  void render_views(const RenderViews& op);
  void conv_forward(const ConvForward& op);
  /// Several layers for the same views, the input of each being the output of the one before: the same bits as one
  /// after the other, but a device may take some views through all of them while their activity is in its caches.
  void conv_forward(const std::vector<ConvForward>& layers);
  void conv_weight_gradient(const ConvWeightGradient& op);
  void conv_input_gradient(const ConvInputGradient& op);
  void conv_transpose(const ConvTranspose& op);
  void average_pool(const AveragePool& op);
  void average_pool_gradient(const AveragePoolGradient& op);
  void head_forward(const HeadForward& op);
  void head_input_gradient(const HeadInputGradient& op);
  void head_weight_gradient(const HeadWeightGradient& op);
  void head_hebb(const HeadHebb& op);
  void head_descend(const HeadDescend& op);
  void contrastive_hinge(const ContrastiveHinge& op);
  void inner_product_hinge(const InnerProductHinge& op);
  void simclr(const SimClr& op);
  void cross_entropy(const CrossEntropy& op);
  void softmax_regression(const SoftmaxRegression& op);
  void sgd_step(const SgdStep& op);
  void adam_step(const AdamStep& op);
  void combine(const Combine& op);
  void target_error(const TargetError& op);
  void add_noise(const AddNoise& op);

 private:
  virtual void conv_pack_impl(const ConvPack& op) = 0;
  virtual void load_views_impl(const LoadViews& op) = 0;
  virtual void render_views_impl(const RenderViews&) {}  ///< where nothing renders(), there are no views to render
  virtual void conv_forward_impl(const ConvForward& op) = 0;
  virtual void conv_forward_impl(const std::vector<ConvForward>& layers);
  virtual void conv_weight_gradient_impl(const ConvWeightGradient& op) = 0;
  virtual void conv_input_gradient_impl(const ConvInputGradient& op) = 0;
  virtual void conv_transpose_impl(const ConvTranspose& op) = 0;
  virtual void average_pool_impl(const AveragePool& op) = 0;
  virtual void average_pool_gradient_impl(const AveragePoolGradient& op) = 0;
  virtual void head_forward_impl(const HeadForward& op) = 0;
  virtual void head_input_gradient_impl(const HeadInputGradient& op) = 0;
  virtual void head_weight_gradient_impl(const HeadWeightGradient& op) = 0;
  virtual void head_hebb_impl(const HeadHebb& op) = 0;
  virtual void head_descend_impl(const HeadDescend& op) = 0;
  virtual void contrastive_hinge_impl(const ContrastiveHinge& op) = 0;
  virtual void inner_product_hinge_impl(const InnerProductHinge& op) = 0;
  virtual void simclr_impl(const SimClr& op) = 0;
  virtual void cross_entropy_impl(const CrossEntropy& op) = 0;
  virtual void softmax_regression_impl(const SoftmaxRegression& op) = 0;
  virtual void sgd_step_impl(const SgdStep& op) = 0;
  virtual void adam_step_impl(const AdamStep& op) = 0;
  virtual void combine_impl(const Combine& op) = 0;
  virtual void target_error_impl(const TargetError& op) = 0;
  virtual void add_noise_impl(const AddNoise& op) = 0;
};

/// The CPU device: `threads` 0 means all cores. The instruction set is the best one that the machine has, or what the
/// environment variable SACCADE_ISA names (avx512, avx2, portable); InputError when the machine cannot run that one.
std::unique_ptr<Device> make_cpu_device(int threads = 0);

/// The first GPU. InputError, which holds the reason alone, when there is none, no driver, or when this build has no
/// CUDA.
std::unique_ptr<Device> make_cuda_device();
/// Whether this build has the GPU's kernels.
bool built_with_cuda();

}  // namespace saccade

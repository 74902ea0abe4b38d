#pragma once
#include "engine/cuda/command_queue.h"
#include "engine/device.h"

namespace saccade::SACCADE_CUDA {

/// Device on a GPU: all data stays there, operations are sent to a queue, and the host waits only where it reads. Both
/// arithmetics are the same here: direct convolution in single precision, every sum a chain of fused multiply-adds in
/// an order that depends on shapes alone. So results are the same bits for the same build and kind of card.
class CudaDevice final : public Device {
 public:
  explicit CudaDevice(std::unique_ptr<Runtime> runtime) : runtime_(std::move(runtime)), queue_(*runtime_) {}

  std::string name() const override { return "cuda"; }
  std::string instruction_set() const override { return runtime_->architecture(); }
  int threads() const override { return 1; }
  std::string hardware() const override { return runtime_->card(); }
  const CommandQueue::Counts& counts() const { return queue_.counts(); }

  std::shared_ptr<void> allocate(std::size_t bytes) override;
  void write(void* to, const void* from_host, std::size_t bytes) override { queue_.upload(to, from_host, bytes); }
  void read(void* to_host, const void* from, std::size_t bytes) override { queue_.read(to_host, from, bytes); }
  void read_later(void* to_host, const void* from, std::size_t bytes) override {
    queue_.read_later(to_host, from, bytes);
  }
  void settle() override { queue_.settle(); }
  int ahead() const override { return 64; }
  void copy(void* to, const void* from, std::size_t bytes) override { queue_.copy(to, from, bytes); }
  void clear(void* to, std::size_t bytes) override { queue_.clear(to, bytes); }
  /// The kinds that only warp and recolour, each pixel for itself. Those that cut are rendered by the streams: some
  /// need the mean of the whole view.
  bool renders(ViewKind kind) const override { return kind <= ViewKind::rotate_scale_shift; }
  std::size_t packed_size(const ConvShape& shape, Way way, Arithmetic arithmetic) const override;

 private:
  void conv_pack_impl(const ConvPack& op) override;
  void load_views_impl(const LoadViews& op) override;
  void render_views_impl(const RenderViews& op) override;
  void conv_forward_impl(const ConvForward& op) override;
  void conv_weight_gradient_impl(const ConvWeightGradient& op) override;
  void conv_input_gradient_impl(const ConvInputGradient& op) override;
  void conv_transpose_impl(const ConvTranspose& op) override;
  void average_pool_impl(const AveragePool& op) override;
  void average_pool_gradient_impl(const AveragePoolGradient& op) override;
  void head_forward_impl(const HeadForward& op) override;
  void head_input_gradient_impl(const HeadInputGradient& op) override;
  void head_weight_gradient_impl(const HeadWeightGradient& op) override;
  void head_hebb_impl(const HeadHebb& op) override;
  void head_descend_impl(const HeadDescend& op) override;
  void contrastive_hinge_impl(const ContrastiveHinge& op) override;
  void inner_product_hinge_impl(const InnerProductHinge& op) override;
  void simclr_impl(const SimClr& op) override;
  void cross_entropy_impl(const CrossEntropy& op) override;
  void softmax_regression_impl(const SoftmaxRegression& op) override;
  void sgd_step_impl(const SgdStep& op) override;
  void adam_step_impl(const AdamStep& op) override;
  void combine_impl(const Combine& op) override;
  void target_error_impl(const TargetError& op) override;
  void add_noise_impl(const AddNoise& op) override;

  /// Host data of an operation, now on the device.
  template <class T>
  T* staged(const T* from_host, std::size_t count) {
    return const_cast<T*>(static_cast<const T*>(queue_.stage(from_host, count * sizeof(T))));
  }
  /// A gradient over no views.
  void no_views(Floats gradient, std::size_t size, int replicas, bool accumulate);

  std::unique_ptr<Runtime> runtime_;
  CommandQueue queue_;
};

}  // namespace saccade::SACCADE_CUDA

#pragma once
#include <vector>

#include "engine/cpu/isa.h"
#include "engine/cpu/softmax_errors.h"
#include "engine/cpu/term_groups.h"
#include "engine/device.h"
#include "engine/thread_pool.h"

namespace saccade::cpu {

inline bool is_active(const ConstFlags& active, int replica, int view) {
  return !active || *active.at(replica, view) != 0;
}

inline bool any_active(const ConstFlags& active, int replica, int views) {
  if (!active) return true;
  for (int view = 0; view < views; ++view)
    if (*active.at(replica, view) != 0) return true;
  return false;
}

/// Multiply-adds of a convolution in the direct scheme.
inline double multiply_adds(const ConvShape& s, const Extent& e) {
  return 9.0 * s.in.channels * s.out.channels * s.rows() * s.columns() * e.views * e.replicas;
}

/// Whether Winograd's scheme saves work: not where weights are not shared, on images of few channels, for every second
/// output of a stride, or where tiles of 4x4 would hang far over a small map.
inline bool winograd_pays(const ConvShape& s, Way way) {
  const bool strided_up = way == Way::up && s.down == Downsample::stride;
  return !s.local() && s.in.lanes % lanes_per_vector == 0 && !strided_up && s.in.height >= 3 && s.in.width >= 3;
}

/// Floats of scratch memory that a task of winograd() needs at most.
std::size_t winograd_scratch(const ConvShape& shape, Way way);

/// The reference device. It splits operations into tasks, each the only owner of what it writes; a kernel table does a
/// task.
class CpuDevice final : public Device {
 public:
  explicit CpuDevice(int threads);

  std::string name() const override { return "cpu"; }
  std::string instruction_set() const override { return kernels_.name; }
  int threads() const override { return pool_.threads(); }
  std::string hardware() const override;

  std::shared_ptr<void> allocate(std::size_t bytes) override;
  void write(void* to, const void* from_host, std::size_t bytes) override;
  void read(void* to_host, const void* from, std::size_t bytes) override;
  void copy(void* to, const void* from, std::size_t bytes) override;
  void clear(void* to, std::size_t bytes) override;
  std::size_t packed_size(const ConvShape& shape, Way way, Arithmetic arithmetic) const override;

 private:
  void conv_pack_impl(const ConvPack& op) override;
  void load_views_impl(const LoadViews& op) override;
  void conv_forward_impl(const ConvForward& op) override { forward(op, Threads::all); }
  void conv_forward_impl(const std::vector<ConvForward>& layers) override;
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

  void pass_row(const HeadInputGradient& op, int replica, int view, int views, int row);
  void hebb_row(const HeadHebb& op, int replica, int row);
  /// What an error on its way down and a transposed convolution share: the kernel's choice is whether `input` is there.
  struct TransposedConv {
    ConvShape shape;
    Extent extent;
    ConstFloats above;
    ConstBytes winners;
    Feedback weights;
    ConstFloats input;
    Activation activation;
    ConstFlags active;
    Floats below;
  };
  void transposed_conv(const TransposedConv& op);
  /// Whether an operation is shared among all threads, or done by the one that calls: a task of another.
  enum class Threads { all, this_one };
  void forward(const ConvForward& op, Threads threads);
  void local_forward(const ConvForward& op);
  void local_weight_gradient(const ConvWeightGradient& op);
  void local_input_gradient(const ConvInputGradient& op);
  void winograd_pack(const ConvPack& op);
  void winograd_forward(const ConvForward& op, Threads threads);
  void winograd_input_gradient(const ConvInputGradient& op);
  /// All tiles of `views` views; `task` says the rest.
  void winograd(const WinogradTask& task, int views, double work, Threads threads);
  void winograd_weight_gradient(const ConvWeightGradient& op);
  void find_active_views(ConstFlags active, int replica, int views);

  /// Room for at least `floats` per thread; it never shrinks. scratch() is the calling thread's.
  void reserve_scratch(std::size_t floats);
  float* scratch() const {
    const int thread = ThreadPool::current();
    return static_cast<float*>(scratch_.get()) + scratch_part_ * (thread > 0 && thread < threads() ? thread : 0);
  }

  bool shares(std::size_t count, double work) const {
    constexpr double worth_sharing = 2e5;  // about 2 us of one core; waking another costs as much
    return threads() > 1 && count > 1 && work >= worth_sharing;
  }
  /// task(0) .. task(count - 1), on all threads unless `work` (multiply-adds in all) is too small to share.
  template <class Task>
  void run(std::size_t count, double work, const Task& task, Threads threads = Threads::all) {
    if (threads == Threads::this_one || !shares(count, work)) {
      for (std::size_t i = 0; i < count; ++i) task(i);
      return;
    }
    pool_.run(count, task);
  }

  const KernelTable& kernels_;
  ThreadPool pool_;
  std::vector<float> partials_;       ///< sums of heads per row
  std::vector<float> spread_errors_;  ///< errors of a halved map, at the convolution's resolution
  std::vector<std::int32_t> active_views_;
  std::vector<float> sums_;     ///< of weight gradients in Winograd's domain
  std::vector<double> simclr_;  ///< what simclr() keeps between its steps
  SoftmaxErrors softmax_;
  TermGroups terms_by_view_, terms_by_anchor_;
  std::shared_ptr<void> scratch_;  ///< of Winograd's tasks, one part per thread
  std::size_t scratch_part_ = 0;   ///< floats of a part
};

}  // namespace saccade::cpu

#include "engine/cuda/cuda_device.h"

#include <exception>

#include "engine/cuda/kernels/kernels.h"

namespace saccade::SACCADE_CUDA {

namespace kernels = saccade::SACCADE_CUDA;  // their functions, which operations of the same name would hide

std::shared_ptr<void> CudaDevice::allocate(std::size_t bytes) {
  std::shared_ptr<void> memory = runtime_->allocate(bytes);
  void* start = memory.get();
  queue_.clear(start, bytes);
  // What still waits in the queue may use the memory: it is given back when that has run.
  return {start, [this, memory](void*) mutable {
            try {
              queue_.finish();
            } catch (const std::exception&) {  // NOLINT: this may run while an error is on its way; CUDA's errors stay,
            }                                  // and the next call that is not in a destructor throws them
            memory.reset();
          }};
}

void CudaDevice::no_views(Floats gradient, std::size_t size, int replicas, bool accumulate) {
  for (int r = 0; r < replicas && !accumulate; ++r) queue_.clear(gradient.at(r), size * sizeof(float));
}

std::size_t CudaDevice::packed_size(const ConvShape& shape, Way way, Arithmetic) const {
  return kernels::packed_size(shape, way);
}

void CudaDevice::conv_pack_impl(const ConvPack& op) { kernels::conv_pack(queue_, op); }

void CudaDevice::load_views_impl(const LoadViews& op) {
  LoadViews on_device = op;
  on_device.pixels = staged(op.pixels, op.shape.features() * static_cast<std::size_t>(op.extent.views));
  kernels::load_views(queue_, on_device);
}

void CudaDevice::render_views_impl(const RenderViews& op) {
  RenderViews on_device = op;
  on_device.recipes = staged(op.recipes, static_cast<std::size_t>(op.extent.views));
  kernels::render_views(queue_, on_device);
}

void CudaDevice::conv_forward_impl(const ConvForward& op) {
  op.shape.local() ? kernels::local_forward(queue_, op) : kernels::conv_forward(queue_, op);
}

void CudaDevice::conv_weight_gradient_impl(const ConvWeightGradient& op) {
  if (op.extent.views == 0) return no_views(op.gradient, op.shape.weights(), op.extent.replicas, op.accumulate);
  op.shape.local() ? kernels::local_weight_gradient(queue_, op) : kernels::conv_weight_gradient(queue_, op);
}

void CudaDevice::conv_input_gradient_impl(const ConvInputGradient& op) {
  op.shape.local() ? kernels::local_input_gradient(queue_, op) : kernels::conv_input_gradient(queue_, op);
}
void CudaDevice::conv_transpose_impl(const ConvTranspose& op) { kernels::conv_transpose(queue_, op); }
void CudaDevice::average_pool_impl(const AveragePool& op) { kernels::average_pool(queue_, op); }
void CudaDevice::average_pool_gradient_impl(const AveragePoolGradient& op) {
  kernels::average_pool_gradient(queue_, op);
}
void CudaDevice::head_forward_impl(const HeadForward& op) { kernels::head_forward(queue_, op); }
void CudaDevice::head_input_gradient_impl(const HeadInputGradient& op) { kernels::head_input_gradient(queue_, op); }

void CudaDevice::head_weight_gradient_impl(const HeadWeightGradient& op) {
  if (op.extent.views == 0) return no_views(op.gradient, op.shape.weights(), op.extent.replicas, op.accumulate);
  kernels::head_weight_gradient(queue_, op);
}

void CudaDevice::head_hebb_impl(const HeadHebb& op) { kernels::head_hebb(queue_, op); }

void CudaDevice::head_descend_impl(const HeadDescend& op) {
  kernels::head_input_gradient(queue_, op.error);
  kernels::head_hebb(queue_, op.step);
}

void CudaDevice::contrastive_hinge_impl(const ContrastiveHinge& op) {
  ContrastiveHinge on_device = op;
  on_device.terms = {staged(op.terms.data(), op.terms.size()), op.terms.size()};
  kernels::contrastive_hinge(queue_, on_device);
}

void CudaDevice::inner_product_hinge_impl(const InnerProductHinge& op) {
  InnerProductHinge on_device = op;
  on_device.terms = {staged(op.terms.data(), op.terms.size()), op.terms.size()};
  kernels::inner_product_hinge(queue_, on_device);
}

void CudaDevice::simclr_impl(const SimClr& op) { kernels::simclr(queue_, op); }
void CudaDevice::cross_entropy_impl(const CrossEntropy& op) { kernels::cross_entropy(queue_, op); }

void CudaDevice::softmax_regression_impl(const SoftmaxRegression& op) {
  SoftmaxRegression on_device = op;
  on_device.index = staged(op.index, static_cast<std::size_t>(op.extent.views));
  kernels::softmax_regression(queue_, on_device);
}

void CudaDevice::sgd_step_impl(const SgdStep& op) { kernels::sgd_step(queue_, op); }
void CudaDevice::adam_step_impl(const AdamStep& op) { kernels::adam_step(queue_, op); }
void CudaDevice::combine_impl(const Combine& op) { kernels::combine(queue_, op); }
void CudaDevice::target_error_impl(const TargetError& op) { kernels::target_error(queue_, op); }
void CudaDevice::add_noise_impl(const AddNoise& op) { kernels::add_noise(queue_, op); }

}  // namespace saccade::SACCADE_CUDA

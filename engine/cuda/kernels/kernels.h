#pragma once
#include "engine/cuda/queue.h"
#include "engine/loss_operations.h"
#include "engine/operations.h"

/// What the .cu files beside this header offer: one function for each operation of a Device, which sends its kernels to
/// a queue. All pointers in an operation are device memory, also those that a Device takes from the host's (terms,
/// index, pixels, recipes): the device has staged them. Operations with no replicas or views are not sent here.
///
/// Results have a fixed order of sums and no float atomics: the same bits for the same build and card. A view whose
/// flag is 0 is skipped on the device: its inputs may be anything, NaN too.
namespace saccade::SACCADE_CUDA {

std::size_t packed_size(const ConvShape& shape, Way way);
void conv_pack(Queue& queue, const ConvPack& op);
void conv_forward(Queue& queue, const ConvForward& op);
void conv_weight_gradient(Queue& queue, const ConvWeightGradient& op);
void conv_input_gradient(Queue& queue, const ConvInputGradient& op);
void conv_transpose(Queue& queue, const ConvTranspose& op);

/// The same for a shape that is local: its weights are not packed, and a transposed convolution has none.
void local_forward(Queue& queue, const ConvForward& op);
void local_weight_gradient(Queue& queue, const ConvWeightGradient& op);
void local_input_gradient(Queue& queue, const ConvInputGradient& op);

void average_pool(Queue& queue, const AveragePool& op);
void average_pool_gradient(Queue& queue, const AveragePoolGradient& op);
void load_views(Queue& queue, const LoadViews& op);
void render_views(Queue& queue, const RenderViews& op);
void combine(Queue& queue, const Combine& op);
void target_error(Queue& queue, const TargetError& op);
void add_noise(Queue& queue, const AddNoise& op);

void head_forward(Queue& queue, const HeadForward& op);
void head_input_gradient(Queue& queue, const HeadInputGradient& op);
void head_weight_gradient(Queue& queue, const HeadWeightGradient& op);
void head_hebb(Queue& queue, const HeadHebb& op);

void contrastive_hinge(Queue& queue, const ContrastiveHinge& op);
void inner_product_hinge(Queue& queue, const InnerProductHinge& op);
void simclr(Queue& queue, const SimClr& op);
void cross_entropy(Queue& queue, const CrossEntropy& op);
void softmax_regression(Queue& queue, const SoftmaxRegression& op);

void sgd_step(Queue& queue, const SgdStep& op);
void adam_step(Queue& queue, const AdamStep& op);

}  // namespace saccade::SACCADE_CUDA

#pragma once
#include "engine/cpu/kernels/kernels.h"

/// The kernels of one instruction set, each defined in the file of its name.
namespace saccade::cpu::SACCADE_ISA {

/// Register tile of the convolutions: 2 rows x tile_columns pixels x blocks_per_tile vectors of 16 channels. AVX-512
/// has 32 registers for 16 sums, two weights and a broadcast; on AVX2 a vector of 16 takes two of its 16 registers.
#if defined(SACCADE_ISA_avx512)
inline constexpr int tile_columns = 4, blocks_per_tile = 2;
#else
inline constexpr int tile_columns = 2, blocks_per_tile = 1;
#endif

void conv_forward(const ConvForwardTask& task);
void conv_winograd(const WinogradTask& task);
void winograd_weights(const WinogradWeightsTask& task);
void winograd_gradient(const WinogradGradientTask& task);
void winograd_gradient_end(const WinogradGradientEnd& task);
void conv_input_gradient(const ConvInputGradientTask& task);
void conv_weight_gradient(const ConvWeightGradientTask& task);
void local_forward(const LocalForwardTask& task);
void local_weight_gradient(const LocalWeightGradientTask& task);
void local_input_gradient(const LocalInputGradientTask& task);
void average_pool(const AveragePoolTask& task);
void average_pool_gradient(const AveragePoolGradientTask& task);
void head_forward(const HeadForwardTask& task);
void head_input_gradient(const HeadInputGradientTask& task);
void head_weight_gradient(const HeadWeightGradientTask& task);
void head_hebb(const HeadHebbTask& task);
void softmax_scores(const SoftmaxScoresTask& task);
void softmax_gradient(const SoftmaxGradientTask& task);
float hinge_distance(const HingeTask& task);
void hinge_error(const HingeTask& task, float scale, float* error);
float inner_product(std::size_t count, const float* a, const float* b);
void add_scaled(std::size_t count, float scale, const float* x, float* y);
void through_activation(Activation activation, std::size_t count, const float* output, float* error);
void sgd(std::size_t begin, std::size_t end, float rate, const float* gradient, float* weights, float* feedback);
void adam(const AdamTask& task);
void combine(const CombineTask& task);
float target_error(const TargetErrorTask& task);

}  // namespace saccade::cpu::SACCADE_ISA

#include "engine/cpu/kernels/declarations.h"

namespace saccade::cpu::SACCADE_ISA {

#define SACCADE_TEXT_OF(x) #x
#define SACCADE_TEXT(x) SACCADE_TEXT_OF(x)

extern const KernelTable table = {SACCADE_TEXT(SACCADE_ISA),
                                  blocks_per_tile,
                                  conv_forward,
                                  conv_winograd,
                                  winograd_weights,
                                  winograd_gradient,
                                  winograd_gradient_end,
                                  conv_input_gradient,
                                  conv_weight_gradient,
                                  local_forward,
                                  local_weight_gradient,
                                  local_input_gradient,
                                  average_pool,
                                  average_pool_gradient,
                                  head_forward,
                                  head_input_gradient,
                                  head_weight_gradient,
                                  head_hebb,
                                  softmax_scores,
                                  softmax_gradient,
                                  hinge_distance,
                                  hinge_error,
                                  inner_product,
                                  add_scaled,
                                  through_activation,
                                  sgd,
                                  adam,
                                  combine,
                                  target_error};

}  // namespace saccade::cpu::SACCADE_ISA

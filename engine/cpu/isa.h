#pragma once
#include "engine/cpu/kernels/kernels.h"

namespace saccade::cpu {

/// The table for the best instruction set of this machine, or for the one that SACCADE_ISA names. InputError when the
/// name is unknown or the machine cannot run it.
const KernelTable& select_kernels();

}  // namespace saccade::cpu

#pragma once
#include "models/activity.h"
#include "models/optimiser.h"

namespace saccade {

inline constexpr int end_to_end = -1;  ///< in place of a layer's number: the whole chain learns from the top head

/// How the error at an embedding becomes changes of synapses below it: errors carried back (Plasticity) or targets
/// (TargetPropagation). An optimiser turns each synapse's own factors into its change.
class CreditAssignment {
 public:
  virtual ~CreditAssignment() = default;

  /// `error`: derivative of the loss with respect to the embedding of each view; views whose flag in `active` is 0
  /// teach the network nothing.
  virtual void learn(int layer, const Views& views, ConstFloats error, ConstFlags active, Optimiser& optimiser) = 0;
};

}  // namespace saccade

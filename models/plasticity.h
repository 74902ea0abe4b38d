#pragma once
#include <vector>

#include "models/activity.h"
#include "models/credit.h"
#include "models/optimiser.h"
#include "models/parameters.h"

namespace saccade {

/// Carries the error at an embedding back to the synapses that learn from it, and lets an optimiser change them.
///
/// Layer-wise (layer i): the head on i and convolution i; the error takes one hop, through the head. End to end: the
/// top head and every convolution; each hop uses the rule's carrier as it was before this step, and the synapses of a
/// hop change only after the error has passed them.
class Plasticity final : public CreditAssignment {
 public:
  /// `views`: the largest number of views that one learn() may have. InputError for a rule that carries no errors.
  Plasticity(Device& device, Parameters& parameters, int views);

  /// `error`: derivative of the loss with respect to the embedding of each view; views whose flag in `active` is 0 cost
  /// nothing.
  void learn(int layer, const Views& views, ConstFloats error, ConstFlags active, Optimiser& optimiser) override;

 private:
  void change_conv(int layer, const Views& views, ConstFlags active, Optimiser& optimiser);

  Device& device_;
  Parameters& parameters_;
  std::vector<DeviceBuffer<float>> errors_;  ///< error at the output of each layer, before its activation
};

}  // namespace saccade

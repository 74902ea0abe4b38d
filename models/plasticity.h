#pragma once
#include <vector>

#include "models/activity.h"
#include "models/activity_averages.h"
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
  /// `views`: how many the errors of one go have room for. InputError for a rule that carries no errors.
  Plasticity(Device& device, Parameters& parameters, int views);

  /// From now on synapses learn from the departure of pre-synaptic activity from its average, which must outlive this.
  void learn_from_departures(ActivityAverages& averages) { averages_ = &averages; }

  /// `error`: derivative of the loss with respect to the embedding of each view; views whose flag in `active` is 0 cost
  /// nothing. More views than there is room for are taken in parts; under SGD a head then changes once, by their sum,
  /// and not view by view.
  void learn(int layer, const Views& views, ConstFloats error, ConstFlags active, Optimiser& optimiser) override;

  /// One step of a batch whose activity is not held as a whole: the factors of some views after those of others
  /// (`first`: a step begins) ...
  void gather(int layer, const Views& part, ConstFloats error, ConstFlags active, Optimiser& optimiser, bool first);
  /// ... and the change that they add up to; `active`: flags of all views.
  void change(int layer, const Extent& views, ConstFlags active, Optimiser& optimiser);

  /// Where a loss on the output of `layer` itself puts its error, one map per view from view 0 on: the derivative with
  /// respect to the output, times f'(output).
  Floats output_error(int layer) const { return errors_[static_cast<std::size_t>(top_of(layer))].strided(); }
  /// Learns from what is there: the convolution of `layer`, or end to end the whole chain; no head.
  void descend(int layer, const Views& views, ConstFlags active, Optimiser& optimiser);

 private:
  int top_of(int layer) const { return layer == end_to_end ? parameters_.network().depth() - 1 : layer; }
  static int bottom_of(int layer) { return layer == end_to_end ? 0 : layer; }
  void check(const Views& views) const;
  /// The error passes the head on layer `top`, which then learns.
  void learn_head(int top, const Views& views, ConstFloats error, ConstFlags active, Optimiser& optimiser);
  /// The hop through the head: to the averages that it reads, or to the output of layer `top` before its activation.
  HeadInputGradient head_gradient(int top, const Views& views, ConstFloats error, ConstFlags active);
  /// The error at the embedding becomes the error at the output of layer `top`, before its activation.
  void pass_head(int top, const Views& views, ConstFloats error, ConstFlags active);
  /// The error at the output of convolution i becomes that of the one below.
  void pass_conv(int i, const Views& views, ConstFlags active);
  ConvFactors conv_factors(int i, const Views& views, ConstFlags active);
  HeadFactors head_factors(int top, const Views& views, ConstFloats error, ConstFlags active);

  Device& device_;
  Parameters& parameters_;
  ActivityAverages* averages_ = nullptr;     ///< null: activity itself teaches
  std::vector<DeviceBuffer<float>> errors_;  ///< error at the output of each layer, before its activation
  std::vector<DeviceBuffer<float>>
      average_errors_;  ///< at the averages that each head reads; empty where it reads a map
};

}  // namespace saccade

#pragma once
#include <vector>

#include "models/optimiser.h"

namespace saccade {

/// Changes nothing: compares the gradient of every single view of a batch, which an event of that view alone would
/// apply, with a given gradient of the whole batch. For steps in parts (PairStep under the blocked hinge), in which a
/// view's error follows from its own terms.
class EventGradients final : public Optimiser {
 public:
  /// `batch`: conv.I.weight and head.I.weight of what learns, in logical layout.
  EventGradients(Device& device, const NetworkSpec& network, const std::vector<Tensor>& batch);
  std::string name() const override { return "none"; }
  void gather(int layer, const ConvFactors& part, bool first) override;
  void gather(int layer, const HeadFactors& part, bool first) override;
  void change_conv(int, const Extent&, ConstFlags, Floats, Floats) override {}
  void change_head(int, const Extent&, ConstFlags, Floats, Floats) override {}

  /// Sums over the views so far.
  struct Sums {
    double views = 0;
    double squared_norm = 0;
    double cosine = 0;    ///< to the batch's gradient, ...
    double compared = 0;  ///< ... over so many: neither gradient being zero
  };
  const Sums& conv(int layer) const { return conv_[static_cast<std::size_t>(layer)].sums; }
  const Sums& head(int layer) const { return head_[static_cast<std::size_t>(layer)].sums; }

 private:
  struct Bundle {
    std::vector<float> batch;  ///< in the device's layout
    double norm = 0;
    Sums sums;
    void add(double product, double squared_norm);
  };
  std::vector<std::int32_t> flags(ConstFlags active, int views) const;

  Device& device_;
  std::vector<Bundle> conv_, head_;
};

}  // namespace saccade

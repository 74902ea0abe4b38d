#pragma once
#include "tools/experiment/experiment.h"

namespace saccade {

/// How much work a batch-mode run is, in multiply-adds: good enough to scale a measured time to another run. Per pair
/// of views end to end: the forward pass of both, and twice a forward pass for each view that learns (one under the
/// blocked gradient, else both); layer-wise: the forward pass up to the layer, twice the layer and its head for each
/// view that learns; dtp adds three forward passes per feedback step. Times images, epochs and, layer-wise, layers. The
/// probe: the features once, then three passes of the classifier per image and epoch.
struct RunCost {
  double learning = 0, probing = 0;
};

RunCost run_cost(const Experiment& experiment);

/// Training images that the experiment uses: its `images`, or all of its data set.
std::int64_t training_images(const Experiment& experiment);

/// Test images that its accuracies are of: 1,000s that decide how exact they are.
std::int64_t tested_images(const Experiment& experiment);

/// An integer key of the experiment; `otherwise` when its value is a word.
std::int64_t integer_value(const Experiment& experiment, std::string_view key, std::int64_t otherwise = 0);

/// Scales measured times. Learning and probing have rates of their own.
class TimeEstimate {
 public:
  void learned(const RunCost& cost, double seconds) { add(learning_, cost.learning, seconds); }
  void probed(const RunCost& cost, double seconds) { add(probing_, cost.probing, seconds); }
  bool known() const { return learning_.cost > 0 || probing_.cost > 0; }
  double seconds(const RunCost& cost) const;

 private:
  struct Measured {
    double cost = 0, seconds = 0;
  };
  static void add(Measured& measured, double cost, double seconds) {
    if (cost > 0 && seconds > 0) measured.cost += cost, measured.seconds += seconds;
  }
  Measured learning_, probing_;
};

}  // namespace saccade

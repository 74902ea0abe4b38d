#pragma once
#include "engine/device.h"
#include "streams/image_set.h"
#include "tools/experiment/experiment.h"

namespace saccade {

/// Margins and learning rates that suit a network and a stream, from what the untrained network shows on
/// `measure.pairs` pairs of views; for plain SGD in the layer-wise schedules (rll, gll, pll). For each layer:
///   margins    m1 the mean distance of positives, m2 that of negatives: pairs are pulled and pushed from the first
///              event on, half of them, whatever the layer's scale; where m2 <= m1, nothing can be learned
///   rate.head  head_step / E |features|^2: one event moves an embedding by this fraction of its error
///   rate.conv  conv_step |w| / |gradient|: one event moves the weights w of a convolution by this fraction, the norm
///              being the root mean square over single events, with the margins above
/// Rounded to three digits. How the two fractions were found: tools/results/online.md.
struct Calibration {
  static constexpr double head_step = 0.015, conv_step = 1.5e-3;

  std::vector<Experiment::Margins> margins;
  Experiment::Rates rate;
};

/// InputError for another schedule or optimiser, without a data set, or where a layer has neither activity nor
/// gradient.
Calibration calibrate(Device& device, const Experiment& experiment, const DataSet& data);

}  // namespace saccade

#pragma once
#include <functional>
#include <string>

#include "models/feature_scaling.h"
#include "models/linear_probe.h"
#include "streams/image_set.h"
#include "tools/experiment/experiment.h"
#include "tools/run/labelled_views.h"
#include "tools/run/run_folder.h"

namespace saccade {

/// The linear probe of an experiment (method.md, section 7): trained on plain training images, tested on plain test
/// images and, when asked, on deformed ones, every image warped. Reads parameters, changes nothing of a
/// run.
class Evaluation {
 public:
  /// The data must outlive it.
  Evaluation(Device& device, const Experiment& experiment, const DataSet& data, bool quiet);

  /// Every layer of a network; `name` says whose in the progress line. Stops early, with the layers done, when
  /// interrupted.
  ProbeResults layers(const Parameters& parameters, const std::string& name);
  /// The network's own classifier (supervised loss): the head on top, and its bias.
  ProbeResults classifier(const Parameters& parameters, ConstFloats bias);
  /// Raw pixels.
  ProbeResults pixels(const Parameters& parameters);

 private:
  void probe(const Parameters& parameters, int layer, const std::string& name, ProbeResults& results);
  void test(LinearProbe& probe, const Parameters& parameters, int layer, const FeatureScaling* scaling,
            const std::string& trained, ProbeResults& results);

  Device& device_;
  const Experiment& experiment_;
  bool quiet_;
  LabelledViews train_, plain_, deformed_;
  std::string data_name_;
};

}  // namespace saccade

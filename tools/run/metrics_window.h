#pragma once
#include <array>
#include <limits>
#include <string>
#include <vector>

#include "engine/checkpoint.h"
#include "engine/recorder.h"
#include "models/pair_step.h"
#include "tools/report/metrics_file.h"
#include "tools/run/run_folder.h"

namespace saccade {

/// Means over a stretch of events, per layer, of what the updates were, and the number of updates so far: the rows of
/// metrics.csv. It only listens.
class MetricsWindow {
 public:
  /// `usual_loss`: what the loss of a layer may begin with; 0 = anything.
  explicit MetricsWindow(int layers, double usual_loss = 0);

  void add(const UpdateRecord& update);
  /// A step of a batch.
  void add(int layer, const StepSums& step);
  /// Writes one row per layer and quantity that has values and starts the next stretch.
  void write(MetricsWriter& out, std::uint64_t event, double time);
  /// Listens to another number of a layer.
  void check(int layer, const char* quantity, double value);
  /// Whether a number so far was not finite, and the first that was not, in words: "layer 2, distance: nan".
  bool diverged() const { return diverged_; }
  const std::string& not_finite() const { return not_finite_; }
  /// Which layer's mean loss has grown without bound, and how far, in words; empty: none. The bound is 10 times the
  /// loss and the distance of positive pairs in the layer's first stretch; for that one, 10 times the usual loss.
  const std::string& growth() const { return growth_; }
  /// Mean loss of an update, over all layers, in the latest stretch written, or in the first one as far as it has come;
  /// not a number where no view was compared.
  double last_loss() const;

  void save(Checkpoint& checkpoint) const;
  void load(const Checkpoint& checkpoint);

 private:
  struct Sums {
    double positives = 0, positive_distance = 0, positive_active = 0;
    double negatives = 0, negative_distance = 0, negative_active = 0;
    double views = 0, loss = 0, updates = 0;
    double remembered = 0, staleness = 0;  ///< terms of events: an anchor of a batch is never stale

    auto values() {
      return std::array{&positives,         &positive_distance, &positive_active, &negatives,
                        &negative_distance, &negative_active,   &views,           &loss,
                        &updates,           &remembered,        &staleness};
    }
  };
  void listen_for_growth(int layer, double loss, double positive_distance);

  std::vector<Sums> sums_;     ///< [0] is end to end, [1 + i] layer i
  std::vector<double> first_;  ///< of a layer: loss and distance of its first stretch; 0 = none yet
  double usual_loss_;
  bool diverged_ = false;
  std::string not_finite_, growth_;
  bool scores_ = false;  ///< of the latest step: its distances are scores
  double last_loss_ = std::numeric_limits<double>::quiet_NaN();
};

}  // namespace saccade

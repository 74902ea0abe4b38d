#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/device_buffer.h"
#include "models/online_learner.h"
#include "models/plasticity.h"

namespace saccade {

struct PairStepOptions {
  std::string loss = "hinge";  ///< "hinge" (eq. 2), "simclr" (eq. 1) or "supervised" (cross-entropy of the b views)
  int layer = end_to_end;      ///< the layer that learns with its head, or end_to_end
  Margins margins;
  int negatives = 4;  ///< T: a_s is compared with b_{s+1} .. b_{s+T}, no wrap-around; all_others: with every other b
  float negative_weight = 0.2f;
  bool block = true;  ///< hinge: no gradient through the anchors a, eq. 7
  float temperature = 0.1f;

  static constexpr int all_others = -1;
};

/// What a step saw: sums over its pairs and terms. `loss` is summed over pairs; a loss that is a mean counts for each.
struct StepSums {
  double pairs = 0, loss = 0;
  double positives = 0, positive_distance = 0, positive_active = 0;
  double negatives = 0, negative_distance = 0, negative_active = 0;
  bool scores = false;  ///< the loss compares scores (clapp), not distances
};

/// One step of a batch of n pairs of views, the same operations as event mode: forward, loss, errors carried back,
/// factors to an optimiser. It owns the activities, so that a trainer can call it again and again.
///
/// Under the hinge with the blocked gradient, anchors leave nothing but their embedding and a view's error follows from
/// the anchors alone: then the batch passes through in groups of `views_at_once`, depth first, and neither its activity
/// nor its errors are ever held as a whole.
class PairStep {
 public:
  /// Errors are carried back by a Plasticity of its own.
  PairStep(Device& device, Parameters& parameters, int pairs);
  static constexpr int views_at_once = 64;

  /// `credit`, made for 2 * pairs views of these parameters, must outlive the step.
  PairStep(Device& device, Parameters& parameters, int pairs, CreditAssignment& credit);

  /// n views each; `labels` for supervised, with `bias` [lanes(embedding)] on
  /// the device; `a` may then be empty. Returns the loss: summed over the batch (hinge) or a mean (simclr, supervised).
  /// InputError for an unknown loss or a label out of range.
  double run(const Stimuli& a, const Stimuli& b, const PairStepOptions& options, Optimiser& optimiser,
             const std::vector<std::int32_t>& labels = {}, ConstFloats bias = {}, Floats bias_gradient = {});

  /// The way up alone, with the same checks: the views that this loss would learn from (for
  /// TargetPropagation::pretrain).
  Views forward(const Stimuli& a, const Stimuli& b, const PairStepOptions& options);

  const StepSums& sums() const { return sums_; }
  /// Embeddings of the latest step, [n][embedding].
  std::vector<float> embedding_a() const { return embeddings(0); }
  std::vector<float> embedding_b() const { return embeddings(pairs_); }

 private:
  PairStep(Device& device, Parameters& parameters, int pairs, std::unique_ptr<Plasticity> own, CreditAssignment* given);
  std::vector<float> embeddings(int first) const;
  /// Room for so many views; what was there is lost when there was less.
  Activity& room(int views);
  int top_of(const PairStepOptions& options) const {
    return options.layer == end_to_end ? parameters_.network().depth() - 1 : options.layer;
  }
  /// The way up of `views`, whose first has number `first` among all 2n.
  void see(const Stimuli& stimuli, const Views& views, int top, int first);
  void check_pixels(const Stimuli& a, const Stimuli& b, bool later_alone) const;
  double blocked_hinge(const Stimuli& a, const Stimuli& b, const PairStepOptions& options, Optimiser& optimiser);
  /// Error and activity of the views b from `first` on, `count` of them, against all anchors.
  void hinge(const PairStepOptions& options, int first, int count);
  /// Of simclr and supervised, which sum into a mean on the device.
  double mean_loss();
  void supervised(const std::vector<std::int32_t>& labels, ConstFloats bias, Floats bias_gradient);

  Device& device_;
  Parameters& parameters_;
  int pairs_;
  std::unique_ptr<Activity> activity_;
  std::unique_ptr<Plasticity> plasticity_;  ///< null where the caller assigns credit
  CreditAssignment& credit_;
  // Views [0, n) are the anchors a, [n, 2n) the views b: where both learn, one call sums over all of them.
  DeviceBuffer<float> embedding_, error_;
  DeviceBuffer<std::int32_t> active_;
  DeviceBuffer<float> loss_;                     ///< simclr and supervised: the mean
  DeviceBuffer<std::int32_t> labels_, correct_;  ///< supervised
  DeviceBuffer<HingeResult> results_;
  std::vector<HingeTerm> terms_;
  std::vector<HingeResult> host_results_;
  StepSums sums_;
};

/// The terms of views b [first, first + count) of one batch, sorted by view, which is counted from `first`: the
/// positive, then the negatives from the youngest anchor to the oldest, as the sliding memory gives them.
void batch_terms(int pairs, int negatives, float negative_weight, int first, int count, std::vector<HingeTerm>& terms);

}  // namespace saccade

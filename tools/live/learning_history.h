#pragma once
#include <cstdint>
#include <vector>

#include "engine/recorder.h"

namespace saccade {

/// Means over stretches of views, per layer, of what the updates were: all of a run in a bounded number of stretches,
/// which become wider as the run becomes longer.
class LearningHistory {
 public:
  struct Sums {
    double learners = 0, active = 0, loss = 0;  ///< views that were compared; of them with an error
    double positives = 0, positive_distance = 0, negatives = 0, negative_distance = 0;
    void add(const Sums& other);
  };
  using Stretch = std::vector<Sums>;  ///< [0] is end to end, [1 + i] layer i

  explicit LearningHistory(int layers, std::size_t most_stretches = 120);

  /// Views come one behind the other; the first may have any number.
  void add(std::uint64_t event, const std::vector<UpdateRecord>& updates);

  std::uint64_t first() const { return first_; }  ///< number of the first view
  std::uint64_t width() const { return width_; }  ///< views of a stretch; the last may have had fewer yet
  const std::vector<Stretch>& stretches() const { return stretches_; }
  /// Means that forget: an update counts 1 / 100 of what it did when it was the latest after 460 more of its layer.
  const Stretch& recent() const { return recent_; }

 private:
  std::size_t layers_, most_;
  std::uint64_t first_ = 0, width_ = 20;
  std::vector<Stretch> stretches_;
  Stretch recent_;
};

}  // namespace saccade

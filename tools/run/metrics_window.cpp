#include "tools/run/metrics_window.h"
#include "tools/report/metrics_file.h"

#include <cmath>

#include "engine/error.h"

namespace saccade {

namespace {
constexpr const char* checkpoint_name = "record.metrics";
}

MetricsWindow::MetricsWindow(int layers) : sums_(static_cast<std::size_t>(layers) + 1) {}

void MetricsWindow::add(const UpdateRecord& update) {
  if (update.role != ViewRole::learner) return;
  Sums& sums = sums_[static_cast<std::size_t>(update.layer + 1)];
  bool active = false;
  sums.views += 1;
  for (const UpdateTerm& term : update.terms) {
    (term.positive ? sums.positives : sums.negatives) += 1;
    (term.positive ? sums.positive_distance : sums.negative_distance) += static_cast<double>(term.distance);
    (term.positive ? sums.positive_active : sums.negative_active) += term.active ? 1 : 0;
    sums.loss += static_cast<double>(term.loss);
    sums.remembered += 1;
    sums.staleness += term.staleness;
    active |= term.active;
    diverged_ |= !std::isfinite(term.distance) || !std::isfinite(term.loss);
  }
  sums.updates += active ? 1 : 0;
}

void MetricsWindow::add(int layer, const StepSums& step) {
  Sums& sums = sums_[static_cast<std::size_t>(layer + 1)];
  sums.views += step.pairs;
  sums.positives += step.positives;
  sums.positive_distance += step.positive_distance;
  sums.positive_active += step.positive_active;
  sums.negatives += step.negatives;
  sums.negative_distance += step.negative_distance;
  sums.negative_active += step.negative_active;
  sums.loss += step.loss;
  sums.updates += 1;
  scores_ = step.scores;
  diverged_ |= !std::isfinite(step.loss);
}

void MetricsWindow::write(MetricsWriter& out, std::uint64_t event, double time) {
  double loss = 0, views = 0;
  for (std::size_t i = 0; i < sums_.size(); ++i) {
    const Sums& s = sums_[i];
    const int layer = static_cast<int>(i) - 1;
    if (s.views == 0) continue;
    if (s.positives > 0) {
      out.add(event, time, layer, scores_ ? "positive_score" : "positive_distance", s.positive_distance / s.positives);
      out.add(event, time, layer, "positive_active", s.positive_active / s.positives);
    }
    if (s.negatives > 0) {
      out.add(event, time, layer, scores_ ? "negative_score" : "negative_distance", s.negative_distance / s.negatives);
      out.add(event, time, layer, "negative_active", s.negative_active / s.negatives);
    }
    if (s.remembered > 0) out.add(event, time, layer, "staleness", s.staleness / s.remembered);
    out.add(event, time, layer, "loss", s.loss / s.views);
    out.add(event, time, layer, "updates", s.updates);
    loss += s.loss;
    views += s.views;
  }
  if (views > 0) last_loss_ = loss / views;
  for (Sums& s : sums_) {
    const double updates = s.updates;  // counted over the whole run
    s = {};
    s.updates = updates;
  }
}

void MetricsWindow::save(Checkpoint& checkpoint) const {
  std::vector<double> values{last_loss_, diverged_ ? 1.0 : 0.0};
  for (Sums sums : sums_)
    for (const double* value : sums.values()) values.push_back(*value);
  checkpoint.reals.push_back({checkpoint_name, std::move(values)});
}

void MetricsWindow::load(const Checkpoint& checkpoint) {
  const std::vector<double>& values = checkpoint.real_values(checkpoint_name);
  std::size_t each = Sums{}.values().size();
  if (values.size() == 2 + sums_.size() * (each - 2)) each -= 2;  // of a program that knew no staleness
  if (values.size() != 2 + sums_.size() * each)
    throw InputError("checkpoint: record.metrics does not fit this network");
  last_loss_ = values[0];
  diverged_ = values[1] != 0;
  auto next = values.begin() + 2;
  for (Sums& sums : sums_)
    for (std::size_t i = 0; i < each; ++i) *sums.values()[i] = *next++;
}

}  // namespace saccade

#include "tools/run/metrics_window.h"

#include <fmt/format.h>

#include <cmath>

#include "engine/error.h"
#include "tools/report/metrics_file.h"

namespace saccade {

namespace {
constexpr const char* checkpoint_name = "record.metrics";
constexpr const char* first_name = "record.first_loss";
constexpr double growth_bound = 10;

std::string layer_text(int layer) { return layer < 0 ? "end to end" : fmt::format("layer {}", layer); }

}  // namespace

MetricsWindow::MetricsWindow(int layers, double usual_loss)
    : sums_(static_cast<std::size_t>(layers) + 1), first_(sums_.size()), usual_loss_(usual_loss) {}

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
    check(update.layer, "distance", term.distance);
    check(update.layer, "loss", term.loss);
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
  const char* compared = scores_ ? "score" : "distance";
  check(layer, compared, step.positive_distance);
  check(layer, compared, step.negative_distance);
  check(layer, "loss", step.loss);
}

void MetricsWindow::check(int layer, const char* quantity, double value) {
  if (std::isfinite(value) || diverged_) return;
  diverged_ = true;
  not_finite_ = fmt::format("{}, {}: {}", layer_text(layer), quantity, value);
}

void MetricsWindow::listen_for_growth(int layer, double loss, double positive_distance) {
  double& first = first_[static_cast<std::size_t>(layer + 1)];
  if (first <= 0) {
    first = loss + positive_distance;
    if (usual_loss_ > 0 && loss > growth_bound * usual_loss_ && growth_.empty())
      growth_ = fmt::format("{}, loss: {:.4g} from the start, more than {} times what the margins lead to ({:.4g})",
                            layer_text(layer), loss, growth_bound, usual_loss_);
  } else if (loss > growth_bound * first && growth_.empty()) {
    growth_ = fmt::format("{}, loss: {:.4g}, more than {} times what it began with (loss and distance {:.4g})",
                          layer_text(layer), loss, growth_bound, first);
  }
}

double MetricsWindow::last_loss() const {
  if (!std::isnan(last_loss_)) return last_loss_;
  double loss = 0, views = 0;
  for (const Sums& s : sums_) loss += s.loss, views += s.views;
  return loss / views;  // of none: not a number
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
    listen_for_growth(layer, s.loss / s.views, scores_ || s.positives == 0 ? 0 : s.positive_distance / s.positives);
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
  checkpoint.reals.push_back({first_name, first_});
}

void MetricsWindow::load(const Checkpoint& checkpoint) {
  const std::vector<double>& values = checkpoint.real_values(checkpoint_name);
  std::size_t each = Sums{}.values().size();
  if (values.size() == 2 + sums_.size() * (each - 2)) each -= 2;  // of a program that knew no staleness
  if (values.size() != 2 + sums_.size() * each)
    throw InputError("checkpoint: record.metrics does not fit this network");
  for (const Checkpoint::Reals& reals : checkpoint.reals) {  // one of an older program has none
    if (reals.name != first_name) continue;
    if (reals.values.size() != first_.size())
      throw InputError("checkpoint: record.first_loss does not fit this network");
    first_ = reals.values;
  }
  last_loss_ = values[0];
  diverged_ = values[1] != 0;
  auto next = values.begin() + 2;
  for (Sums& sums : sums_)
    for (std::size_t i = 0; i < each; ++i) *sums.values()[i] = *next++;
}

}  // namespace saccade

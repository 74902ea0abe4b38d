#include "tools/run/metrics_window.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "engine/error.h"
#include "tools/temporary_folder.h"

namespace saccade {
namespace {

UpdateRecord update(int layer, std::initializer_list<std::uint32_t> staleness) {
  UpdateRecord record;
  record.role = ViewRole::learner;
  record.layer = layer;
  for (const std::uint32_t stale : staleness)
    record.terms.push_back({record.terms.empty(), 2, 0.5f, true, 0, stale, 0});
  return record;
}

double last(const std::vector<MetricSeries>& series, int layer, const std::string& quantity) {
  for (const MetricSeries& one : series)
    if (one.layer == layer && one.quantity == quantity) return one.values.back();
  return -1;
}

}  // namespace

TEST_CASE("staleness is a mean over the terms of a stretch, across checkpoints, older ones too") {
  const TemporaryFolder temporary;
  MetricsWindow window(2);
  window.add(update(0, {1, 3, 8}));
  window.add(update(1, {5}));
  UpdateRecord anchor = update(0, {100});
  anchor.role = ViewRole::anchor;
  window.add(anchor);
  Checkpoint checkpoint, older;
  window.save(checkpoint);
  older = checkpoint;
  std::vector<double>& values = older.reals.at(0).values;
  const std::size_t each = (values.size() - 2) / 3;
  for (int layer = 2; layer >= 0; --layer) {
    const auto end = values.begin() + static_cast<std::ptrdiff_t>(2 + each * (static_cast<std::size_t>(layer) + 1));
    values.erase(end - 2, end);
  }
  for (const Checkpoint* from : {&checkpoint, &older}) {
    MetricsWindow resumed(2);
    resumed.load(*from);
    resumed.add(update(0, {0}));
    const std::filesystem::path file = temporary.path / "metrics.csv";
    {
      MetricsWriter writer(file);
      resumed.write(writer, 10, 1);
      resumed.add(update(1, {7, 9}));
      resumed.write(writer, 20, 2);
      writer.sync();
    }
    const auto series = read_metrics(file);
    CHECK(last(series, 0, "staleness") == (from == &checkpoint ? 3 : 0));
    CHECK(last(series, 1, "staleness") == 8);  // a stretch of its own
    CHECK(last(series, 0, "positive_distance") == 2);
    CHECK(last(series, 0, "updates") == 2);
    CHECK(last(series, 1, "updates") == 2);
  }
  values.pop_back();
  CHECK_THROWS_AS(MetricsWindow(2).load(older), InputError);
}

TEST_CASE("a batch has no staleness") {
  const TemporaryFolder temporary;
  MetricsWindow window(1);
  StepSums step;
  step.pairs = step.positives = 4, step.loss = 1;
  window.add(0, step);
  {
    MetricsWriter writer(temporary.path / "metrics.csv", batch_metrics_header);
    window.write(writer, 1, 1);
  }
  CHECK(last(read_metrics(temporary.path / "metrics.csv"), 0, "staleness") == -1);
  CHECK(last(read_metrics(temporary.path / "metrics.csv"), 0, "loss") == 0.25);
}

TEST_CASE("the first number that is not finite is told with its layer, and kept over checkpoints as a fact") {
  MetricsWindow window(3);
  window.add(update(2, {1}));
  CHECK(!window.diverged());
  UpdateRecord bad = update(1, {1, 1});
  bad.terms[1].loss = std::numeric_limits<float>::infinity();
  window.add(bad);
  CHECK(window.not_finite() == "layer 1, loss: inf");
  bad.layer = -1;
  bad.terms[0].distance = std::nanf("");
  window.add(bad);
  CHECK(window.not_finite() == "layer 1, loss: inf");
  MetricsWindow other(3), steps(3);
  other.add(bad);
  CHECK(other.not_finite() == "end to end, distance: nan");
  for (double StepSums::*quantity : {&StepSums::positive_distance, &StepSums::negative_distance, &StepSums::loss}) {
    MetricsWindow step(1);
    StepSums sums{.pairs = 1, .positives = 1};
    step.add(0, sums);
    CHECK(!step.diverged());
    sums.*quantity = -std::numeric_limits<double>::infinity();
    step.add(0, sums);
    CHECK(step.not_finite() == (quantity == &StepSums::loss ? "layer 0, loss: -inf" : "layer 0, distance: -inf"));
  }
  steps.check(0, "autoencoder_loss", 1);
  CHECK(!steps.diverged());
  steps.check(2, "autoencoder_loss", std::nan(""));
  CHECK(steps.not_finite() == "layer 2, autoencoder_loss: nan");
  Checkpoint checkpoint;
  window.save(checkpoint);
  MetricsWindow resumed(3);
  resumed.load(checkpoint);
  CHECK(resumed.diverged());
}

TEST_CASE("a loss that grows without bound is told once, against the layer's own beginning, across checkpoints") {
  const TemporaryFolder temporary;
  MetricsWriter writer(temporary.path / "metrics.csv");
  Checkpoint checkpoint;
  for (const bool resumed : {false, true}) {
    CAPTURE(resumed);
    MetricsWindow window(2);
    if (resumed) {
      window.load(checkpoint);
    } else {
      window.add(update(0, {1}));  // distance 2, loss 0.5
      window.add(update(1, {1}));
      window.write(writer, 10, 1);
      window.save(checkpoint);
    }
    UpdateRecord grown = update(1, {1});
    grown.terms[0].loss = 25;
    window.add(grown);
    window.write(writer, 20, 2);
    CHECK(window.growth().empty());
    grown.terms[0].loss = 25.1f;
    window.add(grown);
    window.write(writer, 30, 3);
    CHECK(window.growth() == "layer 1, loss: 25.1, more than 10 times what it began with (loss and distance 2.5)");
    grown.terms[0].loss = 1000;
    window.add(grown);
    window.write(writer, 40, 4);
    CHECK(window.growth().find("25.1") != std::string::npos);
    CHECK(!window.diverged());
  }
  checkpoint.reals.back().values.pop_back();
  CHECK_THROWS_AS(MetricsWindow(2).load(checkpoint), InputError);
}

}  // namespace saccade

#include "tools/run/metrics_window.h"

#include <doctest/doctest.h>

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

}  // namespace saccade

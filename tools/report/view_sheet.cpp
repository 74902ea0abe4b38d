#include "tools/report/view_sheet.h"

#include <algorithm>

#include "streams/fixations.h"
#include "streams/pair_batches.h"
#include "tools/experiment/setup.h"
#include "tools/report/picture_grid.h"

namespace saccade {
namespace {

constexpr int rows = 8;

/// fixations[i] holds an anchor and its later views; the rows below come from the first `rows` of them.
ViewSheet sheet_of(const ViewShape& view, ViewKind kind, const std::vector<std::vector<Pixels>>& fixations,
                   int positives, int negatives) {
  ViewSheet sheet;
  sheet.columns.push_back({"anchor", 1});
  if (positives > 0) sheet.columns.push_back({positives == 1 ? "positive" : "positives", positives});
  if (negatives > 0) sheet.columns.push_back({negatives == 1 ? "negative" : "negatives", negatives});
  const int columns = 1 + positives + negatives, shown = std::min(rows, static_cast<int>(fixations.size()) - negatives);
  PictureGrid grid(shown, columns, view, kind);
  for (int row = 0; row < shown; ++row) {
    const auto at = static_cast<std::size_t>(row);
    const auto put = [&](int column, const std::vector<Pixels>& views, std::size_t index) {
      if (index < views.size()) grid.put(row, column, views[index].data());  // a fixation may be short
    };
    for (int i = 0; i <= positives; ++i) put(i, fixations[at], static_cast<std::size_t>(i));
    for (int i = 0; i < negatives; ++i) put(1 + positives + i, fixations[at + 1 + static_cast<std::size_t>(i)], 1);
  }
  sheet.picture = grid.take();
  return sheet;
}

}  // namespace

ViewSheet first_pairs(const Experiment& experiment, const DataSet& data) {
  const auto batch = static_cast<int>(experiment.batch);
  const bool compares = experiment.loss == Experiment::Loss::hinge || experiment.loss == Experiment::Loss::clapp;
  const int wanted = !compares ? 0
                     : experiment.negatives == Experiment::all_negatives
                         ? 6
                         : static_cast<int>(std::min<std::int64_t>(6, experiment.negatives));
  const int negatives = std::min(wanted, batch - 1);
  const auto source = view_source(experiment, data);
  const PairBatches batches(source, {static_cast<std::uint64_t>(experiment.seed), batch, 1});
  std::vector<float> a, b;
  std::vector<std::int32_t> labels;
  batches.render(0, true, a, b, labels);
  std::vector<std::vector<Pixels>> pairs;
  const auto size = static_cast<std::ptrdiff_t>(source->view_shape().values());
  for (int i = 0; i < std::min(batch, rows + negatives); ++i)
    pairs.push_back({Pixels(a.begin() + i * size, a.begin() + (i + 1) * size),
                     Pixels(b.begin() + i * size, b.begin() + (i + 1) * size)});
  ViewSheet sheet = sheet_of(source->view_shape(), experiment.view.kind, pairs, 1, negatives);
  sheet.caption =
      "The first pairs of the first batch, as the network sees them: each row is a first view (the anchor), the second "
      "view of the same image (its positive), and second views of the next images (its first negatives).";
  return sheet;
}

ViewSheet first_views(const Experiment& experiment, const DataSet& data) {
  const int most = experiment.stream.dwell == Dwell::fixed ? static_cast<int>(experiment.stream.views) : 4;
  const int positives = std::min(3, most - 1);
  const int negatives = positives > 0 ? std::min<int>(6, static_cast<int>(experiment.negatives)) : 0;
  const auto source = view_source(experiment, data);
  Fixations sequence(*source, stream_options(experiment));
  std::vector<std::vector<Pixels>> fixations(rows + static_cast<std::size_t>(negatives));
  for (std::vector<Pixels>& views : fixations) {
    const Fixation& fixation = sequence.current();
    for (std::uint32_t i = 0; i < fixation.views && i <= static_cast<std::uint32_t>(std::max(1, positives)); ++i) {
      views.emplace_back(source->view_shape().values());
      source->render(source->draw(fixation.object, fixation.number, i), views.back().data());
    }
    sequence.advance();
  }
  ViewSheet sheet = sheet_of(source->view_shape(), experiment.view.kind, fixations, positives, negatives);
  sheet.caption =
      "The first fixations of the stream, as the learner sees them: each row is an anchor, the later view of the same "
      "object (its positive), and the later views of the next objects, which are compared with this anchor as its "
      "negatives. The learner is told that a saccade happened, never which object it sees.";
  return sheet;
}

}  // namespace saccade

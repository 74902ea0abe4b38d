#include "tools/report/view_sheet.h"

#include <algorithm>
#include <stdexcept>

#include "engine/view_file.h"
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

/// What has arrived of the stream that came first.
class FirstArrivals final : public RenderableStream {
 public:
  explicit FirstArrivals(const std::filesystem::path& file) : reader_(real_files(), file) {}
  std::optional<ScheduledEvent> next_recipe() override {
    while (auto event = reader_.next()) {
      const auto stream = std::visit([](const auto& e) { return e.stream; }, *event);
      if (stream == first_.value_or(stream)) {
        first_ = stream;
        return ScheduledEvent{{}, std::move(*event)};
      }
    }
    return {};
  }
  void render_pixels(View&) const override {}
  void seek(std::uint64_t) override { throw std::logic_error("arrivals are read once"); }

 private:
  ViewFileReader reader_;
  std::optional<std::uint32_t> first_;
};

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

ViewSheet first_views(const Experiment& experiment, RenderableStream& stream) {
  constexpr int most_positives = 3, most_events = 1000;  // a long fixation may have any number of views
  const int most_negatives = std::min<int>(6, static_cast<int>(experiment.negatives));
  std::vector<std::vector<Pixels>> fixations(1);
  for (int i = 0; i < most_events; ++i) {
    auto event = stream.next_recipe();
    if (!event) break;
    auto* view = std::get_if<View>(&event->event);
    if (!view && static_cast<int>(fixations.size()) == rows + most_negatives) break;
    if (!view) fixations.emplace_back();
    if (!view || fixations.back().size() > most_positives) continue;
    stream.render_pixels(*view);
    fixations.back().push_back(*view->pixels);
  }
  if (fixations.front().empty()) return {};  // nothing has come
  const auto longest = std::max_element(fixations.begin(), fixations.end(), [](const auto& a, const auto& b) {
                         return a.size() < b.size();
                       })->size();
  const int positives = static_cast<int>(longest) - 1;
  const int negatives =
      positives > 0 ? std::min(most_negatives, std::max(0, static_cast<int>(fixations.size()) - rows)) : 0;
  const NetworkSpec& network = experiment.network;
  ViewSheet sheet = sheet_of({network.height, network.width, network.channels}, experiment.view.kind, fixations,
                             positives, negatives);
  sheet.caption =
      "The first fixations of the stream, as the learner sees them: each row is an anchor, the later view of the same "
      "object (its positive), and the later views of the next objects, which are compared with this anchor as its "
      "negatives. The learner is told that a saccade happened, never which object it sees.";
  return sheet;
}

ViewSheet first_arrivals(const Experiment& experiment, const std::filesystem::path& recording) {
  std::filesystem::path open = recording;
  open += ".partial";
  FirstArrivals stream(std::filesystem::exists(recording) ? recording : open);
  return first_views(experiment, stream);
}

ViewSheet run_sheet(const Experiment& experiment, bool batches, const DataSet& data) {
  if (batches) return first_pairs(experiment, data);
  return first_views(experiment, *event_stream(experiment, data));
}

}  // namespace saccade

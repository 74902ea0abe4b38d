#include "tools/view_sheet.h"

#include <algorithm>

#include "streams/fixation_stream.h"
#include "tools/setup.h"

namespace saccade {
namespace {

void paste(Picture& picture, int row, int column, const ImageSet& images, const Pixels& view) {
  const int gap = 1;
  for (int y = 0; y < images.height; ++y)
    for (int x = 0; x < images.width; ++x)
      for (int c = 0; c < images.channels; ++c) {
        const std::size_t to = (static_cast<std::size_t>(row * (images.height + gap) + y) * picture.width +
                                column * (images.width + gap) + x) *
                                   images.channels +
                               c;
        const float value = view[(static_cast<std::size_t>(y) * images.width + x) * images.channels + c];
        picture.bytes[to] = static_cast<std::uint8_t>(std::clamp(value, 0.0f, 1.0f) * 255.0f + 0.5f);
      }
}

}  // namespace

ViewSheet first_views(const Experiment& experiment, const ImageSet& images) {
  constexpr int rows = 8;
  const int positives = std::min<int>(3, static_cast<int>(experiment.stream.views) - 1);
  const int negatives = positives > 0 ? std::min<int>(6, static_cast<int>(experiment.negatives)) : 0;
  FixationStream stream(images, stream_options(experiment));
  std::vector<std::vector<Pixels>> fixations(rows + static_cast<std::size_t>(negatives));
  while (auto event = stream.next()) {
    auto* view = std::get_if<View>(&event->event);
    if (!view) continue;
    if (view->fixation >= fixations.size()) break;
    fixations[view->fixation].push_back(*view->pixels);
  }
  ViewSheet sheet;
  sheet.columns.push_back({"anchor", 1});
  if (positives > 0) sheet.columns.push_back({positives == 1 ? "positive" : "positives", positives});
  if (negatives > 0) sheet.columns.push_back({negatives == 1 ? "negative" : "negatives", negatives});
  const int columns = 1 + positives + negatives;
  sheet.picture = {rows * (images.height + 1) - 1, columns * (images.width + 1) - 1, images.channels, {}};
  sheet.picture.bytes.assign(static_cast<std::size_t>(sheet.picture.height) * sheet.picture.width * images.channels,
                             128);
  for (int row = 0; row < rows; ++row) {
    const auto at = static_cast<std::size_t>(row);
    for (int i = 0; i <= positives; ++i)
      paste(sheet.picture, row, i, images, fixations[at][static_cast<std::size_t>(i)]);
    for (int i = 0; i < negatives; ++i)
      paste(sheet.picture, row, 1 + positives + i, images, fixations[at + 1 + static_cast<std::size_t>(i)][1]);
  }
  sheet.caption =
      "The first fixations of the stream, as the learner sees them: each row is an anchor, the later view of the same "
      "object (its positive), and the later views of the next objects, which are compared with this anchor as its "
      "negatives. The learner is told that a saccade happened, never which object it sees.";
  return sheet;
}

}  // namespace saccade

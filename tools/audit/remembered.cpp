#include "tools/audit/remembered.h"

#include <algorithm>
#include <cmath>

#include "models/activity.h"
#include "tools/experiment/setup.h"

namespace saccade {
namespace {

/// Views of the longest fixation; nothing where there is no longest, or none is known.
std::optional<double> longest_fixation(const Experiment& e) {
  if (e.stream.recorded() || e.stream.dwell == Dwell::geometric) return {};
  const auto views = static_cast<double>(e.stream.views);
  return e.stream.dwell == Dwell::uniform ? 2 * views - 1 : views;
}

}  // namespace

std::optional<double> oldest_anchor(const Experiment& e) {
  std::optional<double> oldest;
  if (!std::isinf(e.memory.window)) oldest = e.memory.window;
  const std::optional<double> longest = longest_fixation(e);
  if (!longest) return oldest;
  // From an anchor, the first view of its fixation, to the last view that is compared with it: sliding: the last of
  // the T-th fixation behind it (of so many as there is room for); held: the T-th view behind its own fixation.
  const auto negatives = static_cast<double>(e.negatives);
  const double fixations =
      e.memory.capacity > 0 ? std::min(negatives, static_cast<double>(e.memory.capacity - 1)) : negatives;
  const double views =
      e.memory.mode == Experiment::MemoryMode::held ? *longest - 1 + negatives : (fixations + 1) * *longest - 1;
  const double between = e.stream.duration() / static_cast<double>(e.stream.views);
  return std::min(oldest.value_or(views * between), views * between);
}

double anchor_floats(const Experiment& e) {
  const LearnerOptions options = learner_options(e);
  const double heads = e.schedule == Experiment::Schedule::e2e ? 1 : e.network.depth();
  double anchors = make_memory(options.memory)->slots();
  if (!std::isinf(e.memory.window) && !e.stream.recorded()) {
    // Anchors come a fixation apart; when one does, those behind it that are not older than the window are still held.
    const double between = e.stream.duration() / static_cast<double>(e.stream.views);
    const double shortest = e.stream.dwell == Dwell::fixed ? e.stream.duration() : between;
    anchors = std::min(anchors, 1 + std::floor(e.memory.window / shortest + 1e-9));
  }
  return anchors * (heads * e.network.head(0).lanes() + (e.block ? 0 : activity_floats(e.network)));
}

}  // namespace saccade

#include <doctest/doctest.h>

#include <set>

#include "tests/memory/memory_driver.h"

using namespace saccade;
using namespace saccade::test;

namespace {

/// The order that learning relies on: a positive leads, then negatives from the youngest anchor to the oldest.
bool well_ordered(const Recall& recall) {
  for (std::size_t i = 1; i < recall.comparisons.size(); ++i)
    if (recall.comparisons[i].positive || recall.comparisons[i].mark >= recall.comparisons[i - 1].mark) return false;
  return true;
}

bool slots_are_distinct(const ShortTermMemory& memory) {
  std::set<std::int64_t> slots;
  for (const Anchor& a : memory.anchors())
    if (a.slot < 0 || a.slot >= memory.slots() || !slots.insert(a.slot).second) return false;
  return true;
}

/// Counts what happened, so that a test can tell that its sequences reach the cases that it is about.
struct Tally {
  int anchors = 0, positives = 0, negatives = 0, idle = 0;
};

template <class Dumb>
void compare_with(const MemoryOptions& options, std::uint64_t seed, int most_views, Tally& tally) {
  Draw draw(seed);
  const auto memory = make_memory(options);
  Dumb dumb(options);
  std::vector<std::int64_t> owner(static_cast<std::size_t>(memory->slots()), -1);  // what lies in each slot, by mark
  std::int64_t mark = 0;
  for (const Step& step : random_steps(draw, 120, most_views, 400'000)) {
    // A memory that was written down and read back at this moment goes on as this one.
    const auto restored = make_memory(options);
    restored->restore(memory->save());
    if (step.saccade) {
      memory->saccade(), dumb.saccade(), restored->saccade();
      CHECK(restored->save() == memory->save());
      continue;
    }
    ++mark;
    const Answer expected = dumb.view(step.time, mark);
    const Recall& recall = memory->view(step.time, mark);
    CHECK(without_slots(recall) == expected);
    CHECK(without_slots(restored->view(step.time, mark)) == expected);
    CHECK(restored->save() == memory->save());
    CHECK(slots_are_distinct(*memory));
    CHECK(well_ordered(recall));
    for (const Comparison& c : recall.comparisons) {
      CHECK(owner.at(static_cast<std::size_t>(c.slot)) == c.mark);  // nobody else was stored there meanwhile
      CHECK(c.weight == (c.positive ? 1.0f : options.negative_weight));
      CHECK(c.scale == 1.0f);
      (c.positive ? tally.positives : tally.negatives)++;
    }
    if (recall.becomes_anchor) owner.at(static_cast<std::size_t>(recall.slot)) = mark, ++tally.anchors;
    if (!recall.becomes_anchor && recall.comparisons.empty()) ++tally.idle;
  }
}

template <class Dumb>
Tally compare_everywhere(const std::string& mode) {
  Tally tally;
  std::uint64_t seed = 0;
  for (int negatives = 0; negatives <= 5; ++negatives)
    for (double window : {-1.0, 0.0, 0.3, 1.2})
      for (int capacity : {0, 1, 2, 4, 9})
        for (int most_views = 1; most_views <= 4; ++most_views) {
          MemoryOptions options;
          options.mode = mode;
          options.negatives = negatives;
          options.negative_weight = 0.25f;
          options.window = window;
          options.capacity = capacity;
          CAPTURE(negatives);
          CAPTURE(window);
          CAPTURE(capacity);
          CAPTURE(most_views);
          CAPTURE(++seed);
          compare_with<Dumb>(options, seed, most_views, tally);
        }
  return tally;
}

}  // namespace

TEST_CASE("sliding memory against a model that forgets nothing") {
  const Tally tally = compare_everywhere<DumbSliding>("sliding");
  CHECK(tally.anchors > 10'000);
  CHECK(tally.positives > 5'000);
  CHECK(tally.negatives > 5'000);
  CHECK(tally.idle > 1'000);  // its own anchor was out of the window
}

TEST_CASE("held memory against the paper's text") {
  const Tally tally = compare_everywhere<DumbHeld>("held");
  CHECK(tally.anchors > 5'000);
  CHECK(tally.positives > 2'000);
  CHECK(tally.negatives > 5'000);
  CHECK(tally.idle > 2'000);
}

TEST_CASE("the comparison with a model notices a window that is one tick off") {
  MemoryOptions narrow, wide;
  narrow.window = 0.3;
  wide.window = 0.300001;
  bool differs = false;
  for (std::uint64_t seed = 1; seed <= 400 && !differs; ++seed) {
    Draw draw(seed);
    const auto memory = make_memory(narrow);
    DumbSliding dumb(wide);
    std::int64_t mark = 0;
    // Gaps of whole thirds of the window, so that an age of exactly one tick more than the window comes up.
    for (Step step : random_steps(draw, 200, 4, 3)) {
      const Time time = step.time * 100'000 + step.time / 3;
      if (step.saccade)
        memory->saccade(), dumb.saccade();
      else
        ++mark, differs |= !(without_slots(memory->view(time, mark)) == dumb.view(time, mark));
    }
  }
  CHECK(differs);
}

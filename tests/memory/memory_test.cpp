#include <doctest/doctest.h>

#include <cmath>

#include "engine/error.h"
#include "tests/memory/memory_driver.h"
#include "tests/streams/files.h"

using namespace saccade;
using namespace saccade::test;

namespace {

MemoryOptions with(const std::string& mode, int negatives, double window = -1, int capacity = 0) {
  MemoryOptions options;
  options.mode = mode;
  options.negatives = negatives;
  options.window = window;
  options.capacity = capacity;
  return options;
}

std::string refusal(const MemoryOptions& options) {
  return message_of<InputError>([&] { make_memory(options); });
}

}  // namespace

TEST_CASE("an anchor of exactly the window's age is held, one tick older is gone") {
  for (const std::string mode : {"sliding", "held"}) {
    CAPTURE(mode);
    for (Time late : {0, 1}) {
      const auto memory = make_memory(with(mode, 3, 0.3));
      CHECK(memory->view(1000, 1).becomes_anchor);
      const Recall& recall = memory->view(1000 + 300'000 + late, 2);
      CHECK(recall.comparisons.size() == (late == 0 ? 1 : 0));
      CHECK(memory->anchors().size() == (late == 0 ? 1 : 0));
      CHECK_FALSE(recall.becomes_anchor);  // it is no first view: the place stays empty until the next fixation
      memory->saccade();
      CHECK(memory->view(1000 + 300'000 + late, 3).becomes_anchor == (mode == "sliding" || late == 1));
    }
    const auto instant = make_memory(with(mode, 3, 0.0));
    instant->view(7, 1);
    CHECK(instant->view(7, 2).comparisons.size() == 1);
    CHECK(instant->view(8, 3).comparisons.empty());
  }
}

TEST_CASE("sliding: the oldest anchor gives way when the capacity is reached, and its slot is used again") {
  const auto memory = make_memory(with("sliding", 5, -1, 2));
  CHECK(memory->slots() == 2);
  for (int fixation = 0; fixation < 4; ++fixation) {
    CHECK(memory->view(fixation * 10, fixation).slot == fixation % 2);
    const Recall& recall = memory->view(fixation * 10 + 5, 100);
    CHECK(recall.comparisons.size() == (fixation == 0 ? 1 : 2));
    CHECK(recall.comparisons[0].positive);
    CHECK(recall.comparisons[0].mark == fixation);
    if (fixation > 0) CHECK(recall.comparisons[1].mark == fixation - 1);
    memory->saccade();
  }
  // More room than the negatives need is not taken.
  CHECK(make_memory(with("sliding", 5, -1, 100))->slots() == 6);
  CHECK(make_memory(with("sliding", 0))->slots() == 1);
  CHECK(make_memory(with("held", 5))->slots() == 1);
}

TEST_CASE("sliding: five fixations by hand, T = 2") {
  const auto memory = make_memory(with("sliding", 2));
  for (int fixation = 0; fixation < 5; ++fixation) {
    const Time start = fixation * 300'000;
    CHECK(memory->view(start, fixation).becomes_anchor);
    const Recall& recall = memory->view(start + 150'000, 9);
    CHECK(recall.comparisons.size() == static_cast<std::size_t>(std::min(fixation, 2)) + 1);
    for (std::size_t i = 0; i < recall.comparisons.size(); ++i) {
      const Comparison& c = recall.comparisons[i];
      CHECK(c.positive == (i == 0));
      CHECK(c.mark == fixation - static_cast<int>(i));
      CHECK(c.age == 150'000 + static_cast<Time>(i) * 300'000);
      CHECK(c.weight == (i == 0 ? 1.0f : 0.2f));
    }
    memory->saccade();
  }
}

TEST_CASE("held: two views a fixation by hand, T = 3") {
  const auto memory = make_memory(with("held", 3));
  // Fixation 0: anchor, positive; 1: two negatives; 2: the third, then nothing; 3: the next anchor.
  const char* roles =
      "AP"
      "NN"
      "N."
      "AP";
  for (int i = 0; i < 8; ++i) {
    CAPTURE(i);
    const Recall& recall = memory->view(i, i);
    CHECK(recall.becomes_anchor == (roles[i] == 'A'));
    CHECK(recall.comparisons.size() == (roles[i] == 'P' || roles[i] == 'N' ? 1 : 0));
    if (!recall.comparisons.empty()) CHECK(recall.comparisons[0].positive == (roles[i] == 'P'));
    if (i % 2 == 1) memory->saccade();
  }
}

TEST_CASE("options out of range are refused by name") {
  MemoryOptions options = with("sliding", -1);
  CHECK(says(refusal(options), {"negatives", "-1"}));
  CHECK(says(refusal(with("held", 100'001)), {"negatives", "100001"}));
  CHECK(says(refusal(with("sliding", 4, -1, -2)), {"memory.capacity", "-2"}));
  CHECK(says(refusal(with("slidng", 4)), {"memory.mode", "slidng", "sliding", "held"}));
  CHECK(says(refusal(with("sliding", 4, 1e300)), {"memory.window"}));
  CHECK(says(refusal(with("held", 4, std::nan(""))), {"memory.window", "nan"}));
  options = with("sliding", 4);
  options.trace.name = "exponental";
  CHECK(says(refusal(options), {"memory.trace", "exponental"}));
  options = with("sliding", 4);
  options.trace_acts = "gates";
  CHECK(says(refusal(options), {"memory.trace_acts", "gates", "scale and gate"}));
  for (double noise : {-0.1, std::nan(""), HUGE_VAL}) {
    options = with("held", 4);
    options.noise = noise;
    CHECK(says(refusal(options), {"memory.noise"}));
  }
  for (float weight : {-0.5f, std::nanf(""), INFINITY}) {
    options = with("sliding", 4);
    options.negative_weight = weight;
    CHECK(says(refusal(options), {"negative_weight"}));
  }
  for (int negatives : {0, 4, 100'000}) CHECK(refusal(with("sliding", negatives)).empty());
}

TEST_CASE("values that are no state of such a memory are refused") {
  // Two anchors: fixations 0 and 1, marks 10 and 11; the eye is in fixation 2.
  const auto make = [] { return make_memory(with("sliding", 2)); };
  const std::vector<std::int64_t> good{2, 1, 0, 100, 0, 0, 10, 1, 200, 1, 0, 11};
  const auto refused = [&](std::vector<std::int64_t> state) {
    return says(message_of<InputError>([&] { make()->restore(state); }), {"memory state"});
  };
  CHECK_FALSE(refused(good));
  const auto memory = make();
  memory->restore(good);
  CHECK(memory->save() == good);
  CHECK(memory->view(300, 12).becomes_anchor);

  CHECK(refused({}));
  CHECK(refused({2}));
  for (std::size_t cut : {3, 6, 8, 11}) CHECK(refused({good.begin(), good.begin() + static_cast<std::ptrdiff_t>(cut)}));
  auto bad = good;
  bad.insert(bad.end(), {2, 300, 2, 0, 12, 0, 400, 2, 0, 13});  // four anchors in three slots
  CHECK(refused(bad));
  const auto changed = [&](std::size_t at, std::int64_t value) {
    auto state = good;
    state[at] = value;
    return state;
  };
  CHECK(refused(changed(2, -1)));  // slot
  CHECK(refused(changed(2, 3)));
  CHECK(refused(changed(7, std::int64_t{1} << 32)));  // would be slot 0 if narrowed first
  CHECK(refused(changed(7, 0)));                      // two anchors in one slot
  CHECK(refused(changed(1, 2)));                      // neither first view nor later one
  CHECK(refused(changed(9, 3)));                      // an anchor of a fixation that is yet to come
}

#include "tools/live/learning_history.h"

#include <doctest/doctest.h>

#include <map>
#include <random>

namespace saccade {
namespace {

/// Some view's updates, drawn.
std::vector<UpdateRecord> drawn_updates(std::uint64_t event, int layers) {
  std::mt19937_64 random(event);
  std::vector<UpdateRecord> updates(1 + random() % 2);
  const auto role = static_cast<ViewRole>(random() % 3);
  for (UpdateRecord& update : updates) {
    update.event = event;
    update.role = role;
    update.layer = static_cast<int>(random() % static_cast<std::uint64_t>(layers + 1)) - 1;
    if (role == ViewRole::learner)
      for (auto i = random() % 3 + 1; i > 0; --i)
        update.terms.push_back({i == 1, static_cast<float>(random() % 100), static_cast<float>(random() % 10),
                                random() % 2 == 0, 0, 0, 0});
  }
  return updates;
}

}  // namespace

TEST_CASE("history of learning: bounded, and each stretch is the sum of its views") {
  constexpr int layers = 2;
  constexpr std::size_t most = 7;
  for (const std::uint64_t first : {std::uint64_t{0}, std::uint64_t{12345}}) {
    LearningHistory history(layers, most);
    for (std::uint64_t count = 1; count <= 1500; ++count) {
      history.add(first + count - 1, drawn_updates(first + count - 1, layers));
      REQUIRE(history.stretches().size() <= most);
      if (count % 97 != 0 && count > 80) continue;
      REQUIRE(history.first() == first);
      REQUIRE(history.stretches().size() == (count + history.width() - 1) / history.width());
      for (std::size_t s = 0; s < history.stretches().size(); ++s) {
        std::map<int, LearningHistory::Sums> sums;
        for (std::uint64_t event = first + s * history.width();
             event < std::min(first + count, first + (s + 1) * history.width()); ++event)
          for (const UpdateRecord& update : drawn_updates(event, layers)) {
            if (update.role != ViewRole::learner) continue;
            LearningHistory::Sums& sum = sums[update.layer];
            bool active = false;
            for (const UpdateTerm& term : update.terms) {
              sum.loss += static_cast<double>(term.loss);
              (term.positive ? sum.positives : sum.negatives) += 1;
              (term.positive ? sum.positive_distance : sum.negative_distance) += static_cast<double>(term.distance);
              active = active || term.active;
            }
            sum.learners += 1;
            sum.active += active ? 1 : 0;
          }
        for (int layer = -1; layer < layers; ++layer) {
          const LearningHistory::Sums& got = history.stretches()[s][static_cast<std::size_t>(layer + 1)];
          const LearningHistory::Sums& expected = sums[layer];
          // Whole numbers: no sum is rounded.
          REQUIRE(got.learners == expected.learners);
          REQUIRE(got.active == expected.active);
          REQUIRE(got.loss == expected.loss);
          REQUIRE(got.positives == expected.positives);
          REQUIRE(got.positive_distance == expected.positive_distance);
          REQUIRE(got.negatives == expected.negatives);
          REQUIRE(got.negative_distance == expected.negative_distance);
        }
      }
    }
    CHECK(history.width() > 100);
  }
}

TEST_CASE("history of learning: the recent means forget") {
  LearningHistory history(1);
  UpdateRecord update;
  update.role = ViewRole::learner;
  update.layer = 0;
  const auto mean = [&] { return history.recent()[1].loss / history.recent()[1].learners; };
  for (std::uint64_t event = 0; event < 2000; ++event) {
    update.terms = {{true, 1, event < 1000 ? 5.0f : 1.0f, true, 0, 0, 0}};
    history.add(event, {update});
    if (event < 1000) CHECK(mean() == doctest::Approx(5));
  }
  CHECK(mean() > 1);
  CHECK(mean() < 1.001);
  CHECK(history.recent()[0].learners == 0);
}

}  // namespace saccade

#include "streams/fixations.h"

#include <doctest/doctest.h>

#include <cmath>
#include <set>

#include "engine/error.h"
#include "same_events.h"

using namespace saccade;
using namespace saccade::test;

namespace {

std::vector<Fixation> take_fixations(std::size_t images, const FixationOptions& options, std::size_t count) {
  const ImageSet set = small_images(images);
  Fixations fixations(DeformedImages(set, ViewKind::affine_hsv, 1), options);
  std::vector<Fixation> taken;
  for (; taken.size() < count; fixations.advance()) taken.push_back(fixations.current());
  return taken;
}

std::vector<std::uint32_t> objects_of(const std::vector<Fixation>& fixations) {
  std::vector<std::uint32_t> objects;
  for (const Fixation& fixation : fixations) objects.push_back(fixation.object);
  return objects;
}

}  // namespace

TEST_CASE("shuffled: each object once per pass, in another order each pass and seed") {
  std::set<std::vector<std::uint32_t>> orders;
  for (std::uint64_t seed : {17, 18}) {
    const auto objects = objects_of(take_fixations(57, {.seed = seed}, 5 * 57));
    for (auto pass = objects.begin(); pass != objects.end(); pass += 57) {
      const std::set<std::uint32_t> seen(pass, pass + 57);
      CHECK(seen.size() == 57);
      CHECK(*seen.rbegin() == 56);
      orders.insert({pass, pass + 57});
    }
  }
  CHECK(orders.size() == 10);
}

TEST_CASE("fixed and blocked order") {
  const auto fixed = objects_of(take_fixations(7, {.order = ObjectOrder::fixed}, 21));
  const auto blocked = objects_of(take_fixations(7, {.order = ObjectOrder::blocked}, 21));
  const std::uint32_t by_class[] = {2, 5, 1, 4, 0, 3, 6};  // labels 2 1 0 2 1 0 2
  for (std::size_t i = 0; i < 21; ++i) {
    CHECK(fixed[i] == i % 7);
    CHECK(blocked[i] == by_class[i % 7]);
  }
  const auto blocks = objects_of(take_fixations(90, {.order = ObjectOrder::blocked}, 90));
  for (std::uint32_t i = 0; i < 90; ++i) CHECK(blocks[i] == i % 30 * 3 + 2 - i / 30);  // an unstable sort would show
}

TEST_CASE("the number of views has the distribution that was asked for") {
  constexpr std::size_t n = 20000;
  const auto counts = [](const std::vector<Fixation>& fixations) {
    std::vector<double> share(20, 0);
    for (const Fixation& fixation : fixations)
      if (fixation.views < share.size()) share[fixation.views] += 1.0 / static_cast<double>(n);
    return share;
  };
  // 5 standard deviations of a share p out of n.
  const auto near = [](double found, double p) {
    return std::abs(found - p) <= 5 * std::sqrt(p * (1 - p) / n) + 1e-12;
  };
  for (const Fixation& fixation : take_fixations(5, {.views = 3}, 100)) CHECK(fixation.views == 3);
  const auto uniform = counts(take_fixations(5, {.dwell = Dwell::uniform, .views = 3}, n));
  CHECK(uniform[0] == 0);
  CHECK(uniform[6] == 0);
  for (std::size_t i = 1; i <= 5; ++i) CHECK(near(uniform[i], 0.2));
  for (const double p : {0.25, 0.7, 1.0}) {
    CAPTURE(p);
    const FixationOptions options{.dwell = Dwell::geometric, .views = 4, .switch_probability = p == 0.25 ? 0.0 : p};
    const auto geometric = counts(take_fixations(5, options, n));
    CHECK(geometric[0] == 0);
    for (std::size_t i = 1; i < 20; ++i) CHECK(near(geometric[i], p * std::pow(1 - p, static_cast<double>(i) - 1)));
  }
}

TEST_CASE("returns go back to recent objects and delay the others") {
  constexpr std::size_t n = 20000;
  const auto objects =
      objects_of(take_fixations(1000, {.order = ObjectOrder::fixed, .returns = 0.3, .return_depth = 4}, n));
  std::uint32_t next = 0;
  std::size_t returned = 0;
  std::vector<std::size_t> depths(6, 0);
  for (std::size_t i = 0; i < n; ++i) {
    if (objects[i] == next % 1000) {
      ++next;
      continue;
    }
    ++returned;
    std::size_t back = 2;
    while (back <= 5 && (back > i || objects[i - back] != objects[i])) ++back;
    REQUIRE(back <= 5);  // the object of 2 to 5 fixations before
    ++depths[back];
  }
  CHECK(std::abs(static_cast<double>(returned) / n - 0.3) <= 5 * std::sqrt(0.3 * 0.7 / n));
  for (std::size_t back = 2; back <= 5; ++back) CHECK(depths[back] > returned / 10);
}

TEST_CASE("seeking equals walking") {
  const ImageSet set = small_images(11);
  const DeformedImages source(set, ViewKind::affine_hsv, 1);
  for (const FixationOptions& options :
       {FixationOptions{.views = 3}, FixationOptions{.dwell = Dwell::uniform, .views = 3},
        FixationOptions{.dwell = Dwell::geometric, .returns = 0.4, .return_depth = 3}}) {
    const auto walked = take_fixations(11, options, 200);
    Fixations fixations(source, options);
    for (const std::uint64_t view : {0u, 7u, 150u, 149u, 1u, 200u, 0u}) {
      fixations.seek(view);
      const Fixation& found = fixations.current();
      const Fixation& expected = walked[found.number];
      CHECK(found.first_view <= view);
      CHECK(view < found.first_view + found.views);
      CHECK(found.first_view == expected.first_view);
      CHECK(found.object == expected.object);
      CHECK(found.views == expected.views);
      fixations.advance();
      CHECK(fixations.current().object == walked[expected.number + 1].object);
    }
  }
}

TEST_CASE("fixations that cannot be are refused") {
  const auto refusal = [](const FixationOptions& options) {
    return message_of<InputError>([&] { take_fixations(5, options, 1); });
  };
  CHECK(refusal({}).empty());
  CHECK(says(refusal({.views = 0}), {"views per fixation = 0", "1 to 67108863"}));
  CHECK(says(refusal({.dwell = Dwell::uniform, .views = 1 << 26}), {"1 to 33554432"}));
  CHECK(says(refusal({.switch_probability = 1.5}), {"switch probability = 1.5"}));
  CHECK(says(refusal({.switch_probability = std::nan("")}), {"switch probability"}));
  CHECK(says(refusal({.returns = 1}), {"returns = 1", "below 1"}));
  CHECK(says(refusal({.returns = std::nan("")}), {"returns"}));
  CHECK(says(refusal({.return_depth = 0}), {"return depth = 0"}));
}

#include "engine/random.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <set>
#include <stdexcept>
#include <vector>

namespace {

using saccade::permuted;
using saccade::philox4x32;
using saccade::Purpose;
using saccade::Random;
using Counter = std::array<std::uint32_t, 4>;
using Key = std::array<std::uint32_t, 2>;

/// Chi-square of counts against equal expectations; NaN and infinities do not pass `<=`.
double chi_square(const std::vector<int>& counts) {
  double total = 0;
  for (int count : counts) total += count;
  const double expected = total / static_cast<double>(counts.size());
  double sum = 0;
  for (int count : counts) sum += (count - expected) * (count - expected) / expected;
  return sum;
}

/// Exceeded with a chance below exp(-14), one in a million (Laurent and Massart 2000, lemma 1); the seeds are fixed.
double chi_square_limit(std::size_t bins) {
  const double freedom = static_cast<double>(bins - 1);
  return freedom + 2 * std::sqrt(14 * freedom) + 2 * 14;
}

TEST_CASE("Philox4x32-10 gives the published vectors (Random123 kat_vectors)") {
  CHECK(philox4x32({0, 0, 0, 0}, {0, 0}) == Counter{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  const std::uint32_t ones = 0xffffffffu;
  CHECK(philox4x32({ones, ones, ones, ones}, {ones, ones}) == Counter{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
        Counter{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("a word is where the header says it is") {
  const std::uint64_t seed = 0x0123456789abcdefu, event = 0xfedcba9876543210u;
  const Key key{0x89abcdefu ^ (0x9E3779B9u * 0x01234567u), 4};
  const auto words = philox4x32({5, 77, 0x76543210u, 0xfedcba98u}, key);
  const Random random(seed, Purpose::view_recipe, 77, event);
  for (std::uint32_t i = 0; i < 4; ++i) CHECK(random.bits(20 + i) == words[i]);
}

TEST_CASE("each of seed, purpose, entity, event and draw matters; asking again does not") {
  const Random base(1, Purpose::layer_draw, 2, 3);
  std::set<std::uint32_t> words{base.bits(0), base.bits(1), base.bits(4)};
  words.insert(Random(2, Purpose::layer_draw, 2, 3).bits(0));
  words.insert(Random(1ull << 32 | 1, Purpose::layer_draw, 2, 3).bits(0));
  words.insert(Random(1, Purpose::trace_noise, 2, 3).bits(0));
  words.insert(Random(1, Purpose::layer_draw, 3, 3).bits(0));
  words.insert(Random(1, Purpose::layer_draw, 2, 4).bits(0));
  words.insert(Random(1, Purpose::layer_draw, 2, 3 | 1ull << 32).bits(0));
  CHECK(words.size() == 9);
  CHECK(base.bits(9) == base.bits(9));
  CHECK_THROWS_AS(Random(1, Purpose::layer_draw, saccade::permutation_entities, 0), std::out_of_range);
}

TEST_CASE("uniform numbers stay in their interval and fill it evenly") {
  const Random random(42, Purpose::view_recipe, 0, 0);
  const int draws = 1 << 18;
  std::vector<int> bins(256);
  double sum = 0;
  for (std::uint32_t i = 0; i < draws; ++i) {
    const float value = random.uniform(i);
    REQUIRE((value >= 0.0f && value < 1.0f));
    REQUIRE(value == static_cast<float>(random.bits(i) >> 8) / 16777216.0f);
    sum += value;
    ++bins[static_cast<std::size_t>(value * 256)];
  }
  CHECK(std::abs(sum / draws - 0.5) <= 5 / std::sqrt(12.0 * draws));
  CHECK(chi_square(bins) <= chi_square_limit(bins.size()));
  for (std::uint32_t i = 0; i < 100'000; ++i) {
    const float wide = random.uniform(i, -3.0f, 5.0f);
    REQUIRE((wide >= -3.0f && wide < 5.0f));
    // An interval of a few units in the last place, where low + (high - low) * u rounds up to `high`.
    const float narrow = random.uniform(i, 1.0f, 1.0000002f);
    REQUIRE((narrow >= 1.0f && narrow < 1.0000002f));
  }
  CHECK(random.uniform(0, 2.0f, 2.0f) == 2.0f);
}

TEST_CASE("the chi-square test sees a biased generator") {
  std::vector<int> bins(256, 1024);
  bins[0] = 1024 + 800;
  CHECK_FALSE(chi_square(bins) <= chi_square_limit(bins.size()));
}

TEST_CASE("integers below n are even") {
  const Random random(7, Purpose::layer_draw, 1, 1);
  for (const std::uint32_t n : {1u, 2u, 7u, 10u, 100u}) {
    std::vector<int> bins(n);
    for (std::uint32_t i = 0; i < 100'000; ++i) {
      const std::uint32_t value = random.below(i, n);
      REQUIRE(value < n);
      ++bins[value];
    }
    if (n > 1) CHECK(chi_square(bins) <= chi_square_limit(n));
  }
}

TEST_CASE("normal numbers have the moments and the distribution of the normal law") {
  const Random random(3, Purpose::trace_noise, 0, 0);
  const int draws = 200'000;
  double sum = 0, squares = 0, fourth = 0;
  std::vector<int> bins(50);
  for (std::uint32_t i = 0; i < draws; ++i) {
    const double value = random.normal(i);
    REQUIRE(std::isfinite(value));
    sum += value;
    squares += value * value;
    fourth += value * value * value * value;
    ++bins[static_cast<std::size_t>(0.5 * std::erfc(-value / std::sqrt(2.0)) * 50)];
  }
  CHECK(std::abs(sum / draws) <= 5 / std::sqrt(1.0 * draws));
  CHECK(std::abs(squares / draws - 1) <= 5 * std::sqrt(2.0 / draws));
  CHECK(std::abs(fourth / draws - 3) <= 5 * std::sqrt(96.0 / draws));
  CHECK(chi_square(bins) <= chi_square_limit(bins.size()));
  CHECK_THROWS_AS(random.normal(1u << 31), std::out_of_range);
}

TEST_CASE("permuted() is a permutation, another one for another seed, purpose or round") {
  for (const std::uint32_t n : {1u, 2u, 3u, 5u, 16u, 17u, 1000u, 4097u}) {
    CAPTURE(n);
    for (std::uint64_t round = 0; round < 3; ++round) {
      std::vector<int> seen(n);
      for (std::uint32_t i = 0; i < n; ++i) {
        const std::uint32_t value = permuted(9, Purpose::object_order, round, i, n);
        REQUIRE(value < n);
        REQUIRE(++seen[value] == 1);
      }
    }
  }
  int same_seed = 0, same_purpose = 0, same_round = 0;
  for (std::uint32_t i = 0; i < 1000; ++i) {
    const std::uint32_t value = permuted(9, Purpose::object_order, 0, i, 1000);
    same_seed += value == permuted(10, Purpose::object_order, 0, i, 1000);
    same_purpose += value == permuted(9, Purpose::probe_order, 0, i, 1000);
    same_round += value == permuted(9, Purpose::object_order, 1ull << 32, i, 1000);
  }
  // Two random permutations agree in one place on average (Poisson): 10 has a chance of 1e-7.
  CHECK(same_seed <= 10);
  CHECK(same_purpose <= 10);
  CHECK(same_round <= 10);
  CHECK_THROWS_AS(permuted(9, Purpose::object_order, 0, 3, 3), std::out_of_range);
  CHECK_THROWS_AS(permuted(9, Purpose::object_order, 0, 0, 0), std::out_of_range);
}

TEST_CASE("over rounds, an index lands everywhere evenly, and neighbours part") {
  for (const std::uint32_t n : {2u, 3u, 5u, 10u, 64u, 100u}) {
    CAPTURE(n);
    std::vector<int> places(n), steps(n);
    for (std::uint64_t round = 0; round < 1000u * n; ++round) {
      const std::uint32_t first = permuted(1, Purpose::object_order, round, 0, n);
      const std::uint32_t second = permuted(1, Purpose::object_order, round, 1, n);
      ++places[first];
      ++steps[(second + n - first) % n];
    }
    CHECK(chi_square(places) <= chi_square_limit(n));
    steps.erase(steps.begin());  // two indices never share a place
    if (n > 2) CHECK(chi_square(steps) <= chi_square_limit(n - 1));
  }
}

}  // namespace

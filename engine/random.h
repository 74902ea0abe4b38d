#pragma once
#include <array>
#include <cstdint>

/// Counter-based random numbers: a value is a function of (seed, purpose, entity, event, draw), so that it does not
/// depend on who asks first or on how many threads ask.
namespace saccade {

/// Philox4x32 with 10 rounds (Salmon, Moraes, Dror and Shaw, SC11). Bits equal the published test vectors.
std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key);

/// What a random number is for. The values are part of every recorded result: append, never renumber.
enum class Purpose : std::uint32_t {
  initial_weights = 1,
  feedback_weights = 2,
  object_order = 3,
  view_recipe = 4,
  layer_draw = 5,
  trace_noise = 6,
  probe_order = 7,
  test_view = 8,
  clapp_negative = 9,
  clapp_update = 10,
  feedback_noise = 11,
  dwell = 12,
  object_return = 13,
  trajectory = 14,
  layout = 15,
  trajectory_flip = 16,
  world_object = 17,
  world_paint = 18,
  world_noise = 19,
  world_background = 20,
  world_scene = 21,
  world_background_choice = 22,
  shuffled_positive = 23,
  measured_object = 24,
  circuit_noise = 25,
  circuit_threshold = 26,
  study_point = 30,  ///< 27 to 29 are free
};

/// Entities from here on belong to permuted(); Random refuses them (std::out_of_range), so that no word is used twice.
inline constexpr std::uint32_t permutation_entities = 0xFFFF'FFF0u;

/// One draw site: the numbers of one (seed, purpose, entity, event).
/// key = (low 32 bits of seed ^ golden * high 32 bits, purpose), counter = (draw / 4, entity, low event, high event).
class Random {
 public:
  Random(std::uint64_t seed, Purpose purpose, std::uint32_t entity, std::uint64_t event);

  /// The draw-th 32-bit word. Any order, any number of times.
  std::uint32_t bits(std::uint32_t draw) const;
  /// Uniform in [0, 1): (bits >> 8) * 2^-24, exact in float.
  float uniform(std::uint32_t draw) const;
  /// Uniform in [low, high): low + (high - low) * uniform, rounded in float; `high` itself is not reached.
  float uniform(std::uint32_t draw, float low, float high) const;
  /// Uniform integer in [0, n), n >= 1, by the high word of a 64-bit product; its bias is below n / 2^32.
  std::uint32_t below(std::uint32_t draw, std::uint32_t n) const;
  /// Standard normal by Box-Muller from the words 2 draw and 2 draw + 1 (so do not mix bits() and normal() at one
  /// site), with our own logarithm and cosine. draw < 2^31.
  double normal(std::uint32_t draw) const;

 private:
  std::array<std::uint32_t, 2> key_;
  std::uint32_t entity_;
  std::uint64_t event_;
};

/// A seeded permutation of 0..n-1 that can be evaluated at any index without a table: a Feistel network of Philox words
/// with cycle walking. index < n. `round` selects another permutation of the same seed (an epoch, say). 10 Feistel
/// rounds: with 4, halves of a few bits mix so badly that neighbours stay neighbours in small sets.
std::uint32_t permuted(std::uint64_t seed, Purpose purpose, std::uint64_t round, std::uint32_t index, std::uint32_t n);

}  // namespace saccade

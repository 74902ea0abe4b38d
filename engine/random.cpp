#include "engine/random.h"

#include <bit>
#include <cmath>
#include <stdexcept>

#include "engine/elementary.h"

namespace saccade {
namespace {

struct Product {
  std::uint32_t high, low;
};

Product multiply(std::uint32_t a, std::uint32_t b) {
  const std::uint64_t product = static_cast<std::uint64_t>(a) * b;
  return {static_cast<std::uint32_t>(product >> 32), static_cast<std::uint32_t>(product)};
}

constexpr std::uint32_t golden = 0x9E3779B9u;  // 2^32 / golden ratio; also the first Weyl constant of Philox

std::array<std::uint32_t, 2> make_key(std::uint64_t seed, Purpose purpose) {
  const auto low = static_cast<std::uint32_t>(seed);
  const auto high = static_cast<std::uint32_t>(seed >> 32);
  return {low ^ (golden * high), static_cast<std::uint32_t>(purpose)};
}

}  // namespace

std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const Product first = multiply(0xD2511F53u, counter[0]);
    const Product second = multiply(0xCD9E8D57u, counter[2]);
    counter = {second.high ^ counter[1] ^ key[0], second.low, first.high ^ counter[3] ^ key[1], first.low};
    key[0] += golden;
    key[1] += 0xBB67AE85u;  // sqrt(3) - 1
  }
  return counter;
}

Random::Random(std::uint64_t seed, Purpose purpose, std::uint32_t entity, std::uint64_t event)
    : key_(make_key(seed, purpose)), entity_(entity), event_(event) {
  if (entity >= permutation_entities) throw std::out_of_range("Random: entity numbers end at 2^32 - 17");
}

std::uint32_t Random::bits(std::uint32_t draw) const {
  return philox4x32({draw / 4, entity_, static_cast<std::uint32_t>(event_), static_cast<std::uint32_t>(event_ >> 32)},
                    key_)[draw % 4];
}

float Random::uniform(std::uint32_t draw) const { return static_cast<float>(bits(draw) >> 8) * 0x1p-24f; }

float Random::uniform(std::uint32_t draw, float low, float high) const {
  const float value = low + (high - low) * uniform(draw);
  // Rounding may reach `high` itself, which the interval excludes.
  return value < high || high <= low ? value : std::nextafter(high, low);
}

std::uint32_t Random::below(std::uint32_t draw, std::uint32_t n) const { return multiply(bits(draw), n).high; }

double Random::normal(std::uint32_t draw) const {
  if (draw >= 1u << 31) throw std::out_of_range("Random::normal: draw numbers end at 2^31, two words belong to each");
  // The middle of each of the 2^32 cells: never 0, so that the logarithm is finite.
  const double radius_bits = (bits(2 * draw) + 0.5) * 0x1p-32;
  const double angle = bits(2 * draw + 1) * (0x1.921fb54442d18p+2 * 0x1p-32);  // 2 pi
  return std::sqrt(-2.0 * own_log(radius_bits)) * own_cos(angle);
}

std::uint32_t permuted(std::uint64_t seed, Purpose purpose, std::uint64_t round, std::uint32_t index, std::uint32_t n) {
  if (index >= n) throw std::out_of_range("permuted: index must be below n");
  if (n == 1) return 0;
  const auto key = make_key(seed, purpose);
  // The smallest power of two that holds n, split into two halves of nearly the same width; a value that falls outside
  // 0..n-1 is permuted again, which keeps the map one-to-one and takes fewer than two walks on average.
  const int width = std::bit_width(n - 1);
  const int low_width = width / 2;
  const std::uint32_t low_mask = (1u << low_width) - 1;
  const std::uint32_t high_mask = (1u << (width - low_width)) - 1;
  std::uint32_t value = index;
  do {
    std::uint32_t low = value & low_mask, high = value >> low_width;
    for (std::uint32_t step = 0; step < 10; ++step) {
      const std::uint32_t word =
          philox4x32({step % 2 == 0 ? high : low, permutation_entities + step, static_cast<std::uint32_t>(round),
                      static_cast<std::uint32_t>(round >> 32)},
                     key)[0];
      if (step % 2 == 0) {
        low ^= word & low_mask;
      } else {
        high ^= word & high_mask;
      }
    }
    value = high << low_width | low;
  } while (value >= n);
  return value;
}

}  // namespace saccade

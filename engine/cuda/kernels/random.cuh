#pragma once
#include "engine/cuda/portability.h"
#include "engine/random.h"

/// The random numbers of engine/random.h as device code: the same words; normal() takes CUDA's log and cos in double,
/// which may differ from own_log and own_cos in the last bits.
namespace saccade::SACCADE_CUDA {

/// Key and counter of one draw site, see saccade::Random.
struct RandomSite {
  std::uint32_t key[2];
  std::uint32_t entity;
  std::uint64_t event;

  static constexpr RandomSite make(std::uint64_t seed, Purpose purpose, std::uint32_t entity, std::uint64_t event) {
    const auto low = static_cast<std::uint32_t>(seed), high = static_cast<std::uint32_t>(seed >> 32);
    return {{low ^ (0x9E3779B9u * high), static_cast<std::uint32_t>(purpose)}, entity, event};
  }
};

struct RandomWords {
  std::uint32_t word[4];
};

/// Words 4 block .. 4 block + 3 of a site: Philox4x32 with 10 rounds.
__device__ __forceinline__ RandomWords random_words(const RandomSite& site, std::uint32_t block) {
  std::uint32_t c0 = block, c1 = site.entity, c2 = static_cast<std::uint32_t>(site.event),
                c3 = static_cast<std::uint32_t>(site.event >> 32), k0 = site.key[0], k1 = site.key[1];
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t first = static_cast<std::uint64_t>(0xD2511F53u) * c0;
    const std::uint64_t second = static_cast<std::uint64_t>(0xCD9E8D57u) * c2;
    c0 = static_cast<std::uint32_t>(second >> 32) ^ c1 ^ k0;
    c1 = static_cast<std::uint32_t>(second);
    c2 = static_cast<std::uint32_t>(first >> 32) ^ c3 ^ k1;
    c3 = static_cast<std::uint32_t>(first);
    k0 += 0x9E3779B9u;  // Weyl sequences: 2^32 / golden ratio and sqrt(3) - 1
    k1 += 0xBB67AE85u;
  }
  return {{c0, c1, c2, c3}};
}

/// Random::normal: Box-Muller from the words 2 draw and 2 draw + 1.
__device__ __forceinline__ double random_normal(const RandomSite& site, std::uint32_t draw) {
  const RandomWords words = random_words(site, draw / 2);
  const bool second = draw % 2 != 0;
  const double radius_bits = ((second ? words.word[2] : words.word[0]) + 0.5) * 0x1p-32;
  const double angle = (second ? words.word[3] : words.word[1]) * (0x1.921fb54442d18p+2 * 0x1p-32);  // 2 pi
  return sqrt(-2.0 * log(radius_bits)) * cos(angle);
}

}  // namespace saccade::SACCADE_CUDA

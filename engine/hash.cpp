#include "engine/hash.h"

#define XXH_INLINE_ALL
#define XXH_NO_INLINE_HINTS 1  // debug builds cannot honour them
#include <xxhash.h>

#include <array>
#include <cinttypes>
#include <cstdio>

namespace saccade {

struct Hash::State {
  XXH3_state_t value;
};

Hash::Hash() : state_(std::make_unique<State>()) { XXH3_128bits_reset(&state_->value); }
Hash::Hash(Hash&&) noexcept = default;
Hash& Hash::operator=(Hash&&) noexcept = default;
Hash::~Hash() = default;

void Hash::add_bytes(const void* bytes, std::size_t size) { XXH3_128bits_update(&state_->value, bytes, size); }

std::string Hash::hex() const {
  const XXH128_hash_t hash = XXH3_128bits_digest(&state_->value);
  std::array<char, 33> digits;
  std::snprintf(digits.data(), digits.size(), "%016" PRIx64 "%016" PRIx64, hash.high64, hash.low64);
  return digits.data();
}

}  // namespace saccade

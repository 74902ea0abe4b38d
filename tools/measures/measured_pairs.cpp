#include "tools/measures/measured_pairs.h"

#include "engine/random.h"

namespace saccade {

MeasuredPairs measured_pairs(const ViewSource& source, std::uint64_t seed, int first, int count) {
  constexpr std::uint64_t first_fixation = std::uint64_t{1} << 62;  // beyond all streams and batches
  const std::size_t pixels = source.view_shape().values();
  MeasuredPairs pairs{count, std::vector<float>(pixels * static_cast<std::size_t>(count)), {}};
  pairs.b.resize(pairs.a.size());
  for (std::uint32_t i = 0; i < static_cast<std::uint32_t>(count); ++i) {
    const std::uint32_t number = static_cast<std::uint32_t>(first) + i;
    const std::uint32_t object =
        permuted(seed, Purpose::measured_object, number / source.size(), number % source.size(), source.size());
    source.render(source.draw(object, first_fixation + number, 0), pairs.a.data() + i * pixels);
    source.render(source.draw(object, first_fixation + number, 1), pairs.b.data() + i * pixels);
  }
  return pairs;
}

}  // namespace saccade

#include "models/readout_noise.h"

#include "engine/random.h"

namespace saccade {

ReadoutNoise::ReadoutNoise(Device& device, const NetworkSpec& network, int slots, std::uint64_t seed)
    : seed_(seed),
      embedding_(network.embedding),
      depth_(network.depth()),
      noise_(device, static_cast<std::size_t>(network.head(0).lanes()), 1, slots),
      host_(noise_.elements()) {}

ConstFloats ReadoutNoise::draw(const Recall& recall, std::uint64_t event, int layer, float deviation) {
  for (std::size_t place = 0; place < recall.comparisons.size(); ++place) {
    const auto entity =
        static_cast<std::uint32_t>(place) * static_cast<std::uint32_t>(depth_) + static_cast<std::uint32_t>(layer);
    const Random random(seed_, Purpose::trace_noise, entity, event);
    float* row = host_.data() + static_cast<std::size_t>(recall.comparisons[place].slot) * noise_.size();
    for (int i = 0; i < embedding_; ++i)
      row[i] = deviation * static_cast<float>(random.normal(static_cast<std::uint32_t>(i)));
  }
  noise_.write(host_);
  ConstFloats all = noise_.strided();
  all.replica = 0;
  return all;
}

}  // namespace saccade

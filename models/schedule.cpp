#include "models/schedule.h"

#include <stdexcept>

#include "engine/error.h"
#include "engine/random.h"
#include "models/plasticity.h"

namespace saccade {

Schedule::Schedule(const std::string& name, int depth, std::uint64_t seed, std::uint64_t events)
    : name_(name), depth_(depth), seed_(seed), events_(events) {
  if (name != "rll" && name != "gll" && name != "pll" && name != "e2e")
    throw InputError("schedule: no schedule is called \"" + name + "\"; known are rll, gll, pll and e2e");
  if (name == "gll" && events < static_cast<std::uint64_t>(depth))
    throw InputError("schedule: gll trains one layer after the other and needs at least one event a layer");
}

void Schedule::layers(std::uint64_t event, std::vector<int>& layers) const {
  layers.clear();
  if (name_ != "pll") return layers.push_back(layer(event));
  for (int i = 0; i < depth_; ++i) layers.push_back(i);
}

int Schedule::layer(std::uint64_t event) const {
  if (name_ == "pll") throw std::logic_error("Schedule::layer: all layers learn at once");
  if (name_ == "e2e") return end_to_end;
  if (name_ == "rll")
    return static_cast<int>(Random(seed_, Purpose::layer_draw, 0, event).below(0, static_cast<std::uint32_t>(depth_)));
  const std::uint64_t share = events_ / static_cast<std::uint64_t>(depth_);
  return static_cast<int>(std::min(event / share, static_cast<std::uint64_t>(depth_ - 1)));
}

}  // namespace saccade

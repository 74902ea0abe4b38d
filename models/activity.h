#pragma once
#include <vector>

#include "engine/device_buffer.h"
#include "models/network.h"
#include "models/parameters.h"
#include "models/stimuli.h"

namespace saccade {

/// What n views leave in the network on their way up: the map that every layer reads (map 0 is the image, map depth()
/// the top) and the winners of its pools. It is pre- and post-synaptic activity for learning; nothing else is kept.
class Activity {
 public:
  Activity(Device& device, const NetworkSpec& network, int views, int replicas = 1);

  int views() const { return views_; }
  int replicas() const { return replicas_; }
  Floats map(int i, int first = 0) const { return maps_[static_cast<std::size_t>(i)].strided(first); }
  Bytes winners(int layer, int first = 0) const { return winners_[static_cast<std::size_t>(layer)].strided(first); }
  /// Room for `size` floats per view, overwritten from call to call: what follows from the maps is not remembered.
  Floats scratch(Device& device, std::size_t size, int first);
  /// Where a way up is put together, so that a learner in its stride allocates nothing.
  std::vector<ConvForward>& layers() { return layers_; }
  /// The whole of it, for checkpoints.
  const DeviceBuffer<float>& map_buffer(int i) const { return maps_[static_cast<std::size_t>(i)]; }
  const DeviceBuffer<std::uint8_t>& winners_buffer(int layer) const {
    return winners_[static_cast<std::size_t>(layer)];
  }

 private:
  int views_, replicas_;
  std::vector<DeviceBuffer<float>> maps_;
  std::vector<DeviceBuffer<std::uint8_t>> winners_;
  DeviceBuffer<float> scratch_;
  std::vector<ConvForward> layers_;
};

/// Floats (bytes of winners count a quarter) of one view of one replica: the price of remembering it.
double activity_floats(const NetworkSpec& network);

/// Some views of an activity: [first, first + count).
struct Views {
  Activity& activity;
  int first = 0;
  int count = 1;
  Extent extent() const { return {activity.replicas(), count}; }
};

/// The first `count` of the stimuli become map 0. std::invalid_argument when they are fewer, or of other images.
void show(Device& device, const NetworkSpec& network, const Stimuli& stimuli, const Views& views);
/// Layers [begin, end) of the way up.
void ascend(Device& device, const Parameters& parameters, const Views& views, int begin, int end);
/// What the head on `layer` reads, of shape network.head(layer).in: the layer's map, or its averages, computed now and
/// valid until the next call on this activity.
ConstFloats head_input(Device& device, const NetworkSpec& network, const Views& views, int layer);
/// The head on `layer` reads its input; lanes(embedding) floats per view go to `embedding`, of active views.
void embed(Device& device, const Parameters& parameters, const Views& views, int layer, Floats embedding,
           ConstFlags active = {});

}  // namespace saccade

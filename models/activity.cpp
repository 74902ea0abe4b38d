#include "models/activity.h"

#include <fmt/format.h>

#include <stdexcept>

namespace saccade {

Activity::Activity(Device& device, const NetworkSpec& network, int views, int replicas)
    : views_(views), replicas_(replicas) {
  layers_.reserve(network.layers.size());
  for (int i = 0; i <= network.depth(); ++i) maps_.emplace_back(device, network.map(i).size(), replicas, views);
  for (int i = 0; i < network.depth(); ++i) winners_.emplace_back(device, network.conv(i).winners(), replicas, views);
}

Floats Activity::scratch(Device& device, std::size_t size, int first) {
  if (scratch_.size() < size) scratch_ = DeviceBuffer<float>(device, size, replicas_, views_);
  return scratch_.strided(first);
}

double activity_floats(const NetworkSpec& network) {
  double floats = 0;
  for (int i = 0; i <= network.depth(); ++i) floats += static_cast<double>(network.map(i).size());
  for (int i = 0; i < network.depth(); ++i) floats += static_cast<double>(network.conv(i).winners()) / sizeof(float);
  return floats;
}

void show(Device& device, const NetworkSpec& network, const Stimuli& stimuli, const Views& views) {
  const MapShape image = network.map(0);
  const Floats map = views.activity.map(0, views.first);
  if (stimuli.values(image.features()) < image.features() * static_cast<std::size_t>(views.count))
    throw std::invalid_argument(fmt::format("show: got {} numbers of pixels for {} views of {}",
                                            stimuli.values(image.features()), views.count, image.features()));
  if (!stimuli.images) {
    device.load_views({image, views.extent(), stimuli.pixels.data(), map});
    return;
  }
  if (!stimuli.images->fit(image))
    throw std::invalid_argument("show: the device's images are not of the network's size");
  device.render_views(
      {image, views.extent(), stimuli.images->bytes(), stimuli.images->count(), stimuli.recipes.data(), map});
}

void ascend(Device& device, const Parameters& parameters, const Views& views, int begin, int end) {
  std::vector<ConvForward>& layers = views.activity.layers();
  layers.clear();
  for (int i = begin; i < end; ++i)
    layers.push_back({parameters.network().conv(i), views.extent(), views.activity.map(i, views.first),
                      parameters.conv(i).ascending(), views.activity.map(i + 1, views.first),
                      views.activity.winners(i, views.first), parameters.arithmetic()});
  device.conv_forward(layers);
}

ConstFloats head_input(Device& device, const NetworkSpec& network, const Views& views, int layer) {
  const ConstFloats map = views.activity.map(layer + 1, views.first);
  if (network.head_average == 1) return map;
  const AverageShape shape = network.average(layer);
  const Floats averages = views.activity.scratch(device, shape.out.size(), views.first);
  device.average_pool({shape, views.extent(), map, averages});
  return averages;
}

void embed(Device& device, const Parameters& parameters, const Views& views, int layer, Floats embedding,
           ConstFlags active) {
  device.head_forward({parameters.network().head(layer), views.extent(),
                       head_input(device, parameters.network(), views, layer), parameters.head(layer).forward.shared(),
                       embedding, active});
}

}  // namespace saccade

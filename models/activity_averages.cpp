#include "models/activity_averages.h"

#include <fmt/format.h>

#include "engine/error.h"

namespace saccade {

ActivityAverages::ActivityAverages(Device& device, const NetworkSpec& network, int views, int replicas, float rate)
    : device_(device), network_(network), rate_(rate) {
  for (int i = 0; i <= network.depth(); ++i) {
    averages_.emplace_back(device, network.map(i).size(), replicas);
    departures_.emplace_back(device, network.map(i).size(), replicas, views);
  }
  if (network.head_average > 1)
    for (int i = 0; i < network.depth(); ++i)
      head_departures_.emplace_back(device, network.head(i).in.size(), replicas, views);
}

void ActivityAverages::follow(const Views& arriving, int begin, int end) {
  for (int i = begin; i < end; ++i) {
    const Floats average = averages_[static_cast<std::size_t>(i)].shared();
    // average += rate (activity - average)
    device_.combine({whole_vectors(network_.map(i)),
                     arriving.extent(),
                     average,
                     arriving.activity.map(i, arriving.first),
                     average,
                     rate_,
                     {},
                     average});
  }
}

ConstFloats ActivityAverages::departure(const Views& views, int i) {
  const auto index = static_cast<std::size_t>(i);
  const Floats departure = departures_[index].strided();
  device_.combine({whole_vectors(network_.map(i)),
                   views.extent(),
                   views.activity.map(i, views.first),
                   averages_[index].shared(),
                   {},
                   -1,
                   {},
                   departure});
  return departure;
}

ConstFloats ActivityAverages::head_departure(const Views& views, int layer) {
  const ConstFloats departure = this->departure(views, layer + 1);
  if (network_.head_average == 1) return departure;
  const Floats averaged = head_departures_[static_cast<std::size_t>(layer)].strided();
  device_.average_pool({network_.average(layer), views.extent(), departure, averaged});
  return averaged;
}

void ActivityAverages::save(Checkpoint& checkpoint, int replica) const {
  for (std::size_t i = 0; i < averages_.size(); ++i)
    checkpoint.tensors.push_back(
        {fmt::format("average.{}", i), {averages_[i].size()}, averages_[i].read_replica(replica)});
}

void ActivityAverages::load(const Checkpoint& checkpoint, int replica) {
  for (std::size_t i = 0; i < averages_.size(); ++i) {
    const std::string name = fmt::format("average.{}", i);
    const Tensor& tensor = checkpoint.tensor(name);
    if (tensor.data.size() != averages_[i].size())
      throw InputError(
          fmt::format("checkpoint: {} holds {} numbers, expected {}", name, tensor.data.size(), averages_[i].size()));
    averages_[i].write_replica(replica, tensor.data);
  }
}

}  // namespace saccade

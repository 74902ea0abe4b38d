#pragma once
#include <vector>

#include "models/activity.h"

namespace saccade {

/// Every unit's running average of its own activity, a trace that it could keep itself, for covariance learning
/// (Sejnowski 1977): a synapse changes by error times (activity minus its average) instead of error times activity.
///
/// Why: what is left of the blocked gradient of one pair, eq. 7, is sign(x^B - x^A) (x) f^B, where the whole gradient
/// has f^B - f^A. The sign is as often + as -, so in the mean over pairs the average activity changes nothing; at each
/// single event it is most of f (two thirds of its squared norm in an untrained conv5) and makes the synapses
/// wander, which a batch averages away. Measured: the loss falls faster so, and yet the features are less useful
/// (tools/results/online.md).
class ActivityAverages {
 public:
  /// `rate`: weight of the arriving view in the average. Room for the departures of `views` views.
  ActivityAverages(Device& device, const NetworkSpec& network, int views, int replicas, float rate);

  /// Maps [begin, end) of an arriving view join their averages.
  void follow(const Views& arriving, int begin, int end);
  /// Activity minus average of map i, a convolution's pre-synaptic activity; valid until the next call for this map.
  ConstFloats departure(const Views& views, int i);
  /// The same of what the head on `layer` reads.
  ConstFloats head_departure(const Views& views, int layer);

  /// Of one replica.
  void save(Checkpoint& checkpoint, int replica = 0) const;
  /// InputError when it does not fit the network.
  void load(const Checkpoint& checkpoint, int replica = 0);

 private:
  /// A map's last numbers, fewer than 16, belong to its border and stay zero.
  static std::size_t whole_vectors(const MapShape& map) { return map.size() / lanes_per_vector * lanes_per_vector; }

  Device& device_;
  NetworkSpec network_;
  float rate_;
  std::vector<DeviceBuffer<float>> averages_, departures_, head_departures_;
};

}  // namespace saccade

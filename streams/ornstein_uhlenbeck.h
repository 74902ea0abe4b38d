#pragma once
#include <cstdint>

#include "engine/random.h"

namespace saccade {

/// A path of the Ornstein-Uhlenbeck process dx = -x dt / tau + s sqrt(2 / tau) dW, sampled at equal steps: at every
/// time normal with mean 0 and standard deviation s (`spread`), with correlation exp(-lag / tau) (Uhlenbeck and
/// Ornstein 1930). The update is exact for any step: x(t + h) = x(t) e^(-h / tau) + s sqrt(1 - e^(-2 h / tau)) n.
class OrnsteinUhlenbeck {
 public:
  /// Seconds for both times. InputError unless spread >= 0, time_constant > 0 and step > 0, all finite.
  OrnsteinUhlenbeck(double spread, double time_constant, double step);

  /// The path's value after `steps` steps; it starts anywhere (stationary), not at 0. Walks all steps from the start:
  /// nothing is remembered, so that any view of a fixation can be drawn alone. Path number `path` of `paths` that share
  /// one draw site takes the normal draws steps * paths + path, which must stay below 2^31.
  double at(const Random& random, std::uint32_t path, std::uint32_t paths, std::uint32_t steps) const;

 private:
  double spread_, keep_, kick_;
};

}  // namespace saccade

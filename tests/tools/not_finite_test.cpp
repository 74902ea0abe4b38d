#include "tools/run/not_finite.h"

#include <doctest/doctest.h>

#include <limits>

#include "engine/device.h"

namespace saccade {

TEST_CASE("one weight of a replica that is not finite is found, in every bundle") {
  const auto device = make_cpu_device(1);
  const Parameters parameters(*device, known_network("conv3"), make_rule("urf"), Heads::every_layer, 1, 2);
  REQUIRE(all_finite(parameters, 0));
  REQUIRE(all_finite(parameters, 1));
  int bundles = 0;
  for (int layer = 0; layer < parameters.network().depth(); ++layer)
    for (const Synapses* synapses : {&parameters.conv(layer), &parameters.head(layer)})
      for (const DeviceBuffer<float>* weights : {&synapses->forward, &synapses->feedback}) {
        if (!*weights) continue;
        ++bundles;
        CAPTURE(layer);
        const std::vector<float> before = weights->read_replica(1);
        for (const float bad : {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
          std::vector<float> spoilt = before;
          spoilt.back() = bad;
          weights->write_replica(1, spoilt);
          CHECK(!all_finite(parameters, 1));
          CHECK(all_finite(parameters, 0));
        }
        weights->write_replica(1, before);
      }
  CHECK(bundles > 2 * parameters.network().depth());  // feedback too
  CHECK(all_finite(parameters, 1));
}

}  // namespace saccade

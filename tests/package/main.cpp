#include <cstdio>

#include "engine/device.h"
#include "models/online_learner.h"

int main() {
  const auto device = saccade::make_cpu_device(1);
  const saccade::NetworkSpec network = saccade::known_network("conv3");
  saccade::LearnerOptions options;
  options.schedule = "e2e";
  options.rates = {{1e-3f, 1e-3f, 1e-3f}, {1e-3f, 1e-3f, 1e-3f}};
  saccade::OnlineLearner learner(*device, network, options);
  for (int i = 0; i < 4; ++i) {
    const auto pixels =
        std::make_shared<const saccade::Pixels>(network.map(0).features(), 0.25f * static_cast<float>(i));
    learner.handle(saccade::View{.time = i, .pixels = pixels});
  }
  std::printf("%llu events\n", static_cast<unsigned long long>(learner.events()));
  return learner.events() == 4 ? 0 : 1;
}

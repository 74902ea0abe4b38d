#pragma once
#include <functional>
#include <string>
#include <vector>

#include "models/network.h"
#include "tools/check/trial.h"

/// Whether a device computes what another one does: every operation of the seam (engine/device.h) on the shapes of a
/// network, with the same made-up inputs on both.
namespace saccade::check {

struct Case {
  std::string operation;                ///< of Device
  std::string detail;                   ///< "layer 1, 3 views"
  std::function<void(Trial&)> prepare;  ///< gives a trial its memory and its call
};

struct Result {
  double error = 0;  ///< largest of the outputs that are wrong, else of all; not finite where an output is not
  double tolerance = 0;
  bool ok = false;
  double device_ms = 0, reference_ms = 0;  ///< medians; 0 when nothing was timed
};

/// All of them: each operation at least once, R = 1 and R = 3.
std::vector<Case> cases(const NetworkSpec& network, int views);
std::vector<Case> convolution_cases(const NetworkSpec& network, int views);
std::vector<Case> head_cases(const NetworkSpec& network, int views);
std::vector<Case> loss_cases(const NetworkSpec& network, int views);
std::vector<Case> map_cases(const NetworkSpec& network, int views);
std::vector<Case> optimiser_cases(const NetworkSpec& network);

Result run(const Case& one, Device& device, Device& reference, bool timed);

}  // namespace saccade::check

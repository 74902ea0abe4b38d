#pragma once
#include <filesystem>
#include <optional>
#include <string>

#include "tools/experiment/experiment.h"
#include "tools/run/run_folder.h"

namespace saccade {

class Device;

/// Accuracies of untrained networks and raw pixels that runs share, in a folder that several processes may use at once.
/// A run takes what another one with the same seed and protocol has measured: every key of the experiment counts but
/// those that only learning reads, and so do the device and its arithmetic.
class BaselineCache {
 public:
  /// An empty folder: nothing is shared.
  BaselineCache(std::filesystem::path folder, const Experiment& experiment, const Device& device);

  std::optional<ProbeResults> find(const std::string& network) const;
  void add(const std::string& network, const ProbeResults& results) const;

 private:
  std::filesystem::path file(const std::string& network) const;

  std::filesystem::path folder_;
  std::string key_;
};

}  // namespace saccade

#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "tools/run/run_folder.h"

namespace saccade {

/// probes.csv of a run: event,network,test,layer,features,accuracy,protocol, a row an accuracy; network is learned,
/// untrained or pixels, test plain or deformed. It is also the run's cache: a resumed run finds the untrained network's
/// accuracies there.
class ProbeLog {
 public:
  /// A new log, or the rows up to `resume_event` of an old one. InputError when the old one cannot be read.
  ProbeLog(std::filesystem::path file, std::optional<std::uint64_t> resume_event, FileSystem& files = real_files());

  void add(std::uint64_t event, const std::string& network, const ProbeResults& results);
  bool has(const std::string& network) const;
  bool has(const std::string& network, std::uint64_t event) const;
  /// The rows of a network's latest event.
  ProbeResults latest(const std::string& network) const;
  ProbeResults at(const std::string& network, std::uint64_t event) const;
  /// Those at which a network was probed, in order.
  std::vector<std::uint64_t> events(const std::string& network) const;

 private:
  struct Row {
    std::uint64_t event;
    std::string network;
    bool deformed;
    ProbeResult result;
  };
  void write() const;

  FileSystem& files_;
  std::filesystem::path file_;
  std::vector<Row> rows_;
};

}  // namespace saccade

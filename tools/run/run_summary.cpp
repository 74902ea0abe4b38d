#include <sys/resource.h>

#include <nlohmann/json.hpp>

#include "tools/run/run_folder.h"

namespace saccade {
namespace {

nlohmann::ordered_json probe_json(const std::vector<ProbeResult>& results) {
  auto list = nlohmann::ordered_json::array();
  for (const ProbeResult& r : results)
    list.push_back({{"layer", r.layer}, {"features", r.features}, {"accuracy", r.accuracy}, {"protocol", r.protocol}});
  return list;
}

}  // namespace

std::string summary_json(const RunSummary& s) {
  nlohmann::ordered_json json = {{"command", s.command},
                                 {"seed", s.seed},
                                 {"device", s.device},
                                 {"instruction_set", s.instruction_set},
                                 {"arithmetic", s.arithmetic},
                                 {"threads", s.threads},
                                 {"data", s.data},
                                 {"events", s.events},
                                 {"epochs", s.epochs},
                                 {"updates", s.updates},
                                 {"seconds", s.seconds},
                                 {"events_per_second", s.events_per_second},
                                 {"pairs_per_second", s.pairs_per_second},
                                 {"peak_rss_bytes", s.peak_rss_bytes},
                                 {"fingerprint", s.fingerprint},
                                 {"loss", s.loss},
                                 {"interrupted", s.interrupted},
                                 {"diverged", s.diverged}};
  if (!s.stream.empty()) json["stream"] = {{"file", s.stream}, {"hash", s.stream_hash}};
  json["probe"] = probe_json(s.probe.plain);
  json["random_probe"] = probe_json(s.random_probe.plain);
  json["pixels_probe"] = probe_json(s.pixels_probe.plain);
  json["deformed_probe"] = probe_json(s.probe.deformed);
  json["deformed_random_probe"] = probe_json(s.random_probe.deformed);
  json["deformed_pixels_probe"] = probe_json(s.pixels_probe.deformed);
  json["classifier"] = probe_json(s.classifier.plain);
  json["deformed_classifier"] = probe_json(s.classifier.deformed);
  // Names of files and folders may hold any bytes; a summary with a replacement character is better than none.
  return json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

std::uint64_t peak_rss_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
}

}  // namespace saccade

#include <fmt/format.h>
#include <sys/resource.h>

#include <limits>
#include <nlohmann/json.hpp>
#include <type_traits>

#include "engine/error.h"
#include "engine/file_system.h"
#include "tools/run/run_folder.h"

namespace saccade {
namespace {

using Json = nlohmann::ordered_json;

Json probe_json(const std::vector<ProbeResult>& results) {
  auto list = Json::array();
  for (const ProbeResult& r : results)
    list.push_back({{"layer", r.layer}, {"features", r.features}, {"accuracy", r.accuracy}, {"protocol", r.protocol}});
  return list;
}

constexpr std::pair<const char*, ProbeResults RunSummary::*> probes[] = {{"probe", &RunSummary::probe},
                                                                         {"random_probe", &RunSummary::random_probe},
                                                                         {"pixels_probe", &RunSummary::pixels_probe},
                                                                         {"classifier", &RunSummary::classifier}};

/// Reads members of a JSON object; one that is missing leaves its target as it is.
class Reader {
 public:
  Reader(const Json& json, const std::filesystem::path& file) : json_(json), file_(file) {
    if (!json.is_object()) fail("", json, "an object");
  }

  template <class T>
  void get(const char* key, T& target) const {
    if (!json_.contains(key)) return;
    const Json& value = json_[key];
    if constexpr (std::is_same_v<T, std::string>) {
      if (!value.is_string()) fail(key, value, "a string");
    } else if constexpr (std::is_same_v<T, bool>) {
      if (!value.is_boolean()) fail(key, value, "true or false");
    } else if constexpr (std::is_same_v<T, double>) {
      if (value.is_null()) {  // what a number that is not finite became
        target = std::numeric_limits<double>::quiet_NaN();
        return;
      }
      if (!value.is_number()) fail(key, value, "a number");
    } else {
      if (!value.is_number_integer() || (std::is_unsigned_v<T> && !value.is_number_unsigned()))
        fail(key, value, "a whole number");
    }
    target = value.get<T>();
  }

  void get(const std::string& key, std::vector<ProbeResult>& target) const {
    if (!json_.contains(key)) return;
    if (!json_[key].is_array()) fail(key, json_[key], "a list");
    for (const Json& one : json_[key]) {
      const Reader reader(one, file_);
      ProbeResult& result = target.emplace_back();
      reader.get("layer", result.layer);
      reader.get("features", result.features);
      reader.get("accuracy", result.accuracy);
      reader.get("protocol", result.protocol);
    }
  }

 private:
  [[noreturn]] void fail(const std::string& key, const Json& value, const char* expected) const {
    throw InputError(fmt::format("{}: {}found {:.60}, expected {}", file_.string(), key.empty() ? key : key + ": ",
                                 value.dump(-1, ' ', true, Json::error_handler_t::replace), expected));
  }

  const Json& json_;
  const std::filesystem::path& file_;
};

constexpr std::pair<const char*, std::uint64_t EventServerCounts::*> served_counts[] = {
    {"connections", &EventServerCounts::connections},
    {"crowded", &EventServerCounts::crowded},
    {"refused", &EventServerCounts::refused},
    {"silent", &EventServerCounts::silent},
    {"lost", &EventServerCounts::lost},
    {"accepted", &EventServerCounts::events},
    {"dropped", &EventServerCounts::dropped}};

}  // namespace

std::string summary_json(const RunSummary& s) {
  Json json = {{"command", s.command},
               {"seed", s.seed},
               {"device", s.device},
               {"instruction_set", s.instruction_set},
               {"arithmetic", s.arithmetic},
               {"threads", s.threads},
               {"data", s.data},
               {"events", s.events},
               {"epochs", s.epochs},
               {"length", s.length},
               {"updates", s.updates},
               {"seconds", s.seconds},
               {"events_per_second", s.events_per_second},
               {"pairs_per_second", s.pairs_per_second},
               {"peak_rss_bytes", s.peak_rss_bytes},
               {"memory_floats", s.memory_floats},
               {"fingerprint", s.fingerprint},
               {"loss", s.loss},
               {"interrupted", s.interrupted},
               {"diverged", s.diverged}};
  if (!s.divergence.empty()) json["divergence"] = s.divergence;
  if (!s.collapse.empty()) json["collapse"] = s.collapse;
  if (s.served) {
    json["served"] = {{"streams", s.streams}};
    for (const auto& [name, count] : served_counts) json["served"][name] = (*s.served).*count;
  }
  if (!s.stream.empty()) json["stream"] = {{"file", s.stream}, {"hash", s.stream_hash}};
  for (const auto& [name, results] : probes)
    for (const bool deformed : {false, true})
      json[(deformed ? "deformed_" : "") + std::string(name)] =
          probe_json(deformed ? (s.*results).deformed : (s.*results).plain);
  // Names of files and folders may hold any bytes; a summary with a replacement character is better than none.
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

RunSummary read_summary(const std::filesystem::path& file) {
  const std::vector<std::uint8_t> bytes = real_files().read_all(file, std::size_t{1} << 24);
  Json json;
  try {
    json = Json::parse(bytes);
  } catch (const Json::parse_error& error) {
    throw InputError(bytes.empty() ? fmt::format("{}: this file is empty, expected JSON", file.string())
                                   : fmt::format("{}: this is not JSON, from byte {} on", file.string(), error.byte));
  } catch (const Json::exception& error) {  // a number that no double holds
    throw InputError(fmt::format("{}: {}", file.string(), error.what()));
  }
  const Reader reader(json, file);
  RunSummary s;
  reader.get("command", s.command);
  reader.get("seed", s.seed);
  reader.get("device", s.device);
  reader.get("instruction_set", s.instruction_set);
  reader.get("arithmetic", s.arithmetic);
  reader.get("threads", s.threads);
  reader.get("data", s.data);
  reader.get("events", s.events);
  reader.get("epochs", s.epochs);
  reader.get("length", s.length);
  reader.get("updates", s.updates);
  reader.get("seconds", s.seconds);
  reader.get("events_per_second", s.events_per_second);
  reader.get("pairs_per_second", s.pairs_per_second);
  reader.get("peak_rss_bytes", s.peak_rss_bytes);
  reader.get("memory_floats", s.memory_floats);
  reader.get("fingerprint", s.fingerprint);
  reader.get("loss", s.loss);
  reader.get("interrupted", s.interrupted);
  reader.get("diverged", s.diverged);
  reader.get("divergence", s.divergence);
  reader.get("collapse", s.collapse);
  if (const auto stream = json.find("stream"); stream != json.end()) {
    const Reader recorded(*stream, file);
    recorded.get("file", s.stream);
    recorded.get("hash", s.stream_hash);
  }
  if (const auto served = json.find("served"); served != json.end()) {
    const Reader counts(*served, file);
    s.served.emplace();
    for (const auto& [name, count] : served_counts) counts.get(name, (*s.served).*count);
  }
  for (const auto& [name, results] : probes) {
    reader.get(std::string(name), (s.*results).plain);
    reader.get("deformed_" + std::string(name), (s.*results).deformed);
  }
  return s;
}

std::uint64_t peak_rss_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
}

}  // namespace saccade

#include "tools/report/metrics_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <sstream>

#include "engine/error.h"
#include "tools/read_text.h"

namespace saccade {
namespace {

constexpr std::array<std::string_view, 41> quantities{
    "positive_distance", "negative_distance", "positive_active", "negative_active", "loss", "updates", "positive_score",
    "negative_score", "autoencoder_loss", "staleness",
    // of LearningMeasures
    "conv_moved", "conv_step", "conv_descent", "conv_gradient_norm", "conv_event_gradient_norm", "conv_event_descent",
    "conv_rule_descent", "head_moved", "head_step", "head_descent", "head_gradient_norm", "head_event_gradient_norm",
    "head_event_descent", "feature_norm2", "feature_variance", "participation_ratio", "saturation",
    "conv_feedback_angle", "head_feedback_angle", "embedding_variance", "embedding_participation_ratio",
    // of Representations
    "knn_accuracy", "similarity_within", "similarity_between", "factor_rotation", "factor_distance", "factor_place",
    "factor_light", "factor_strength", "factor_ambient",
    // of the run
    "memory_floats"};

template <class T>
bool parse(std::string_view text, T& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

std::vector<MetricSeries> read_metrics(const std::filesystem::path& file, FileSystem& files) {
  std::istringstream in(read_text(file, files));
  std::string line;
  if (!std::getline(in, line) || (line != event_metrics_header && line != batch_metrics_header))
    throw InputError(fmt::format("{}, line 1: found \"{:.60}\", expected \"{}\" or \"{}\"", file.string(), line,
                                 event_metrics_header, batch_metrics_header));
  std::map<std::pair<int, std::size_t>, MetricSeries> series;
  for (std::size_t number = 2; std::getline(in, line); ++number) {
    if (in.eof()) break;  // no newline: the writer was killed inside this line
    std::array<std::string_view, 5> fields;
    std::string_view rest = line;
    std::size_t count = 0;
    for (; count < 5; ++count) {
      const std::size_t comma = count < 4 ? rest.find(',') : rest.size();
      if (comma == std::string_view::npos) break;
      fields[count] = rest.substr(0, comma);
      rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
    std::uint64_t event = 0;
    double time = 0, value = 0;
    int layer = 0;
    const auto quantity = std::find(quantities.begin(), quantities.end(), fields[3]);
    if (count != 5 || quantity == quantities.end() || !parse(fields[0], event) || !parse(fields[1], time) ||
        !parse(fields[2], layer) || layer < -1 || !parse(fields[4], value))
      throw InputError(
          fmt::format("{}, line {}: found \"{:.80}\", expected number,time,layer,quantity,value with a known quantity",
                      file.string(), number, line));
    MetricSeries& target = series[{layer, static_cast<std::size_t>(quantity - quantities.begin())}];
    target.layer = layer;
    target.quantity = *quantity;
    target.events.push_back(static_cast<double>(event));
    target.times.push_back(time);
    target.values.push_back(value);
  }
  std::vector<MetricSeries> list;
  for (auto& [key, one] : series) list.push_back(std::move(one));
  return list;
}

void MetricsWriter::add(std::uint64_t event, double time, int layer, std::string_view quantity, double value) {
  file_.write(fmt::format("{},{},{},{},{}\n", event, time, layer, quantity, value));
}

}  // namespace saccade

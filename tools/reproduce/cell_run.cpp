#include "tools/reproduce/cell_run.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>

#include "engine/error.h"
#include "tools/experiment/experiment_differences.h"
#include "tools/replace_file.h"
#include "tools/run/probe_command.h"
#include "tools/run/run_folder.h"
#include "tools/run/train.h"

namespace saccade {
namespace {

namespace fs = std::filesystem;

/// "e2e bp, all negatives" as a folder: "e2e-bp-all-negatives".
std::string folder_name(const std::string& cell) {
  std::string name;
  for (char c : cell)
    if (std::isalnum(static_cast<unsigned char>(c)))
      name += c;
    else if (!name.empty() && name.back() != '-' && c != ',')
      name += '-';
  return name;
}

nlohmann::json read_json(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return nlohmann::json::parse(in, nullptr, false);
}

/// A finished run's summary: it is there, whole, and not of an interrupted run.
bool finished(const fs::path& folder) {
  const nlohmann::json summary = read_json(folder / "summary.json");
  return summary.is_object() && summary.contains("interrupted") && summary["interrupted"] == false;
}

std::vector<double> accuracies_in(const nlohmann::json& summary, const std::string& key) {
  std::vector<double> values;
  if (summary.is_object() && summary.contains(key) && summary[key].is_array())
    for (const auto& one : summary[key])
      if (one.contains("accuracy") && one["accuracy"].is_number())
        values.push_back(100 * one["accuracy"].get<double>());
  return values;
}

std::string accuracy_key(const PresetCell& cell) {
  return fmt::format("{}{}", cell.deformed ? "deformed_" : "", cell.classifier ? "classifier" : "probe");
}

}  // namespace

fs::path newest_checkpoint(const fs::path& folder) {
  fs::path newest;
  std::int64_t most = -1;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    constexpr std::string_view prefix = "checkpoint-";
    std::int64_t number = -1;
    if (!name.starts_with(prefix) || !name.ends_with(".ckpt")) continue;
    std::from_chars(name.data() + prefix.size(), name.data() + name.size(), number);
    if (number > most) most = number, newest = entry.path();
  }
  if (newest.empty()) throw InputError(fmt::format("{}: there is no checkpoint in this run", folder.string()));
  return newest;
}

CellRun::CellRun(const PresetTable& table, const PresetCell& cell, std::int64_t seed, const ReproduceRequest& request,
                 const fs::path& presets)
    : cell_(cell), seed_(seed), preset_(presets / (cell.preset + ".toml")) {
  const fs::path out = request.flags.out;
  run_ = out / "runs" / cell.preset / fmt::format("seed-{}", seed);
  const Experiment bare = load_experiment(preset_, {}, Mode::batch);
  overrides_.push_back(fmt::format("seed={}", seed));
  const std::string data = data_name(bare.data);
  const bool supervised = experiment_word(bare, "loss") == "supervised";
  if (!request.encoder_data.empty() && (data == "cifar100" || data == "cifar10") && !supervised)
    overrides_.push_back("data=" + request.encoder_data);
  if (request.epochs && integer_value(bare, "epochs") > 0)  // 0: the random encoder
    overrides_.push_back(fmt::format("epochs={}", *request.epochs));
  if (request.images)
    overrides_.push_back(
        fmt::format("images={}", bare.images == 0 ? *request.images : std::min(bare.images, *request.images)));
  std::vector<std::string> with_probe = overrides_;
  with_probe.insert(with_probe.end(), cell.probe.begin(), cell.probe.end());
  probe_overrides_ = cell.probe;
  for (const std::string& assignment : request.flags.set) {
    overrides_.push_back(assignment);
    with_probe.push_back(assignment);
    if (assignment.starts_with("probe.")) probe_overrides_.push_back(assignment);
  }
  encoder_ = load_experiment(preset_, overrides_, Mode::batch);
  published_ = load_experiment(preset_, cell.probe, Mode::batch);
  asked_ = load_experiment(preset_, with_probe, Mode::batch);
  if (!table.runs()) return;
  check(run_, encoder_);
  if (cell.probe.empty()) return;
  probe_ = out / "probes" / table.name / folder_name(cell.name) / fmt::format("seed-{}", seed);
  check(probe_, asked_);
}

void CellRun::check(const fs::path& folder, const Experiment& asked) const {
  const fs::path file = RunFolder{folder}.experiment();
  if (!fs::exists(file)) return;
  const std::vector<std::string> differences =
      experiment_differences(asked, load_experiment(file, {}, Mode::batch), true);
  if (!differences.empty())
    throw InputError(
        fmt::format("{}: there is another run here than the one asked for: {}; use another --out, or ask for "
                    "the same again",
                    folder.string(), fmt::join(differences, ", ")));
}

bool CellRun::trained() const { return fs::exists(RunFolder{run_}.experiment()) && finished(run_); }

bool CellRun::probed() const { return fs::exists(RunFolder{probe_}.experiment()) && finished(probe_); }

RunCost CellRun::left() const {
  RunCost cost;
  if (!trained()) cost = run_cost(encoder_);
  if (!cell_.probe.empty() && !probed() && !diverged()) cost.probing += run_cost(asked_).probing;
  return cost;
}

int CellRun::run(const CommonFlags& flags, TimeEstimate& estimate) const {
  const auto elapsed = [begin = std::chrono::steady_clock::now()] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  };
  CommonFlags own = flags;
  own.json = false;
  own.out.clear();
  own.resume.clear();
  own.set.clear();
  if (!trained()) {
    const bool begun = fs::exists(RunFolder{run_}.experiment());
    (begun ? own.resume : own.out) = run_;
    if (!begun) own.set = overrides_;
    if (const int code = train({.experiment = begun ? fs::path() : preset_, .flags = own, .announce = false});
        code != 0 && !diverged())
      return code;
    estimate.learned(run_cost(encoder_), seconds());
    if (!begun) estimate.probed(run_cost(encoder_), elapsed() - seconds());
  }
  if (!cell_.probe.empty() && !probed() && !diverged()) {
    const double before = elapsed();
    fs::remove_all(probe_);  // of an interrupted probe: it starts again
    own.resume.clear();
    own.out = probe_;
    own.set = probe_overrides_;
    if (const int code = probe_checkpoint(newest_checkpoint(run_), own, false)) return code;
    // The experiment last: only a finished probe has one.
    replace_file(RunFolder{probe_}.experiment(), write_experiment(asked_));
    estimate.probed(run_cost(asked_), elapsed() - before);
  }
  return 0;
}

nlohmann::json CellRun::summary() const { return read_json(RunFolder{cell_.probe.empty() ? run_ : probe_}.summary()); }

double CellRun::accuracy() const {
  const std::vector<double> values = accuracies_in(summary(), accuracy_key(cell_));
  return values.empty() ? std::numeric_limits<double>::quiet_NaN() : values.back();
}

std::vector<double> CellRun::accuracies() const { return accuracies_in(summary(), accuracy_key(cell_)); }

bool CellRun::diverged() const {
  const nlohmann::json summary = read_json(RunFolder{run_}.summary());
  return summary.is_object() && summary.contains("diverged") && summary["diverged"] == true;
}

double CellRun::seconds() const {
  const nlohmann::json summary = read_json(RunFolder{run_}.summary());
  return summary.is_object() && summary.contains("seconds") && summary["seconds"].is_number()
             ? summary["seconds"].get<double>()
             : 0;
}

}  // namespace saccade

#pragma once
#include <nlohmann/json_fwd.hpp>

#include "tools/reproduce/reproduce.h"
#include "tools/reproduce/run_cost.h"

namespace saccade {

/// One seed of one cell of a table: the encoder's run and, where the cell asks for one, a probe of its own on it.
class CellRun {
 public:
  /// Reads the preset. InputError when a key or an override is refused, or the folder holds another run.
  CellRun(const PresetTable& table, const PresetCell& cell, std::int64_t seed, const ReproduceRequest& request,
          const std::filesystem::path& presets);

  const PresetCell& cell() const { return cell_; }
  std::int64_t seed() const { return seed_; }
  const std::filesystem::path& folder() const { return run_; }
  /// The experiment as asked, and as published.
  const Experiment& experiment() const { return asked_; }
  const Experiment& published() const { return published_; }

  bool done() const { return trained() && (cell_.probe.empty() || probed() || diverged()); }
  /// What is left to do, as multiply-adds.
  RunCost left() const;
  /// Runs or resumes what is missing; measured times go to `estimate`. Returns 0, or 130 when interrupted.
  int run(const CommonFlags& flags, TimeEstimate& estimate) const;

  /// summary.json whose accuracies are this cell's.
  nlohmann::json summary() const;
  /// The accuracy that the cell compares, %; NaN when it was not measured.
  double accuracy() const;
  /// Of all layers that were probed, from the lowest, %.
  std::vector<double> accuracies() const;
  /// Whether numbers that were not finite stopped it: it then has no accuracy.
  bool diverged() const;
  /// Seconds in the learning loop.
  double seconds() const;

 private:
  bool trained() const;
  bool probed() const;
  void check(const std::filesystem::path& folder, const Experiment& asked) const;

  PresetCell cell_;
  std::int64_t seed_;
  std::filesystem::path preset_, run_, probe_;
  std::vector<std::string> overrides_, probe_overrides_;
  Experiment published_, asked_;  ///< with the cell's probe, what its numbers depend on
  Experiment encoder_;            ///< what the run folder must hold
};

/// The newest checkpoint of a run. InputError when there is none.
std::filesystem::path newest_checkpoint(const std::filesystem::path& folder);

}  // namespace saccade

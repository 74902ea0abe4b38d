#pragma once
#include <optional>
#include <string>
#include <vector>

#include "tools/experiment/experiment.h"

namespace saccade {

/// Whether a configuration meets the conditions of plausible learning (Tang, Yang and Amit 2022, introduction), from
/// what its parts declare to read and to compute (models/declaration.h), the memory's options and the schedule.
struct Audit {
  enum class Verdict { met, in_part, not_met };
  struct Condition {
    std::string key;   ///< "presynaptic", "postsynaptic", "operations", "symmetry", "unsupervised", "locking"
    std::string name;  ///< as the paper numbers it
    Verdict verdict = Verdict::met;
    std::string where;  ///< which part of the configuration decides it
    std::string why;
  };
  /// A quantity that a change of synapses reads.
  struct Read {
    std::string quantity, by;
    std::string age;                ///< how old it is at most, in words
    std::optional<double> seconds;  ///< the same; nothing where there is no bound, or not in seconds
  };
  /// What has to be kept between views, besides the weights.
  struct Kept {
    std::string what;
    double floats = 0;
  };
  bool batches = false;
  std::string configuration;  ///< in one line
  std::vector<Condition> conditions;
  std::vector<Read> reads;
  std::vector<Kept> kept;
  std::vector<std::string> needs;  ///< what else is taken for granted, beyond the paper's conditions
};
std::string to_string(Audit::Verdict verdict);

/// As saccade replay runs it, or (`batches`) saccade train. InputError for what neither can.
Audit audit(const Experiment& experiment, bool batches);

/// Tables for a terminal.
std::string audit_text(const Audit& audit);
/// Indented JSON: command, configuration, conditions (key, name, verdict, where, why), reads, kept, needs.
std::string audit_json(const Audit& audit);

}  // namespace saccade

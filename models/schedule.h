#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "models/parameters.h"

namespace saccade {

/// Who learns at an event (method.md, section 4), as a function of the event's number: "rll" draws a layer for each
/// event, uniformly or by weights, "gll" trains layer after layer for an equal share of the events, "pll" lets every
/// layer learn at every event, each from its own head, in parallel, "e2e" lets all learn from the top head.
class Schedule {
 public:
  /// `events`: the length of the run, which gll divides. `weights`: rll draws layer i with probability weights[i] /
  /// their sum; empty: all alike. InputError for an unknown name, for gll without a length, and for weights that are
  /// not one per layer, below 0 or all 0, or given to another schedule.
  Schedule(const std::string& name, int depth, std::uint64_t seed, std::uint64_t events,
           const std::vector<double>& weights = {});

  const std::string& name() const { return name_; }
  /// What learns at this event, from the bottom to the top: layers, or end_to_end alone.
  void layers(std::uint64_t event, std::vector<int>& layers) const;
  /// The only one of them. std::logic_error where there are several (pll).
  int layer(std::uint64_t event) const;
  Heads heads() const { return name_ == "e2e" ? Heads::top_only : Heads::every_layer; }

 private:
  std::string name_;
  int depth_;
  std::uint64_t seed_, events_;
  std::vector<double> shares_;  ///< sums of weights up to each layer; empty: all layers alike
};

}  // namespace saccade

#pragma once
#include <utility>
#include <vector>

#include "tests/models/runs.h"

/// Golden fingerprints of short runs: the same with avx2 and avx512, any number of threads, debug and release (portable
/// rounds otherwise). A change here means that every published number of such runs changes: say why in the commit.
/// `saccade-tests models -tc="golden*"` prints the fingerprints that it found instead.
namespace saccade::test {

struct Golden {
  Run run;
  const char* fingerprint;
};

inline const std::vector<Golden>& golden_runs() {
  static const std::vector<Golden> runs = {
      {{.name = "tiny rll bp sgd"}, ""},
      {{.name = "tiny e2e urf adam unblocked", .schedule = "e2e", .rule = "urf", .optimiser = "adam", .block = false}, ""},
      {{.name = "tiny gll sign sgd, 3 views", .schedule = "gll", .rule = "sign", .views_per_fixation = 3}, ""},
      {{.name = "tiny e2e sign-forward sgd held", .schedule = "e2e", .rule = "sign-forward", .memory = "held", .views_per_fixation = 4}, ""},
      {{.name = "conv3 rll bp sgd", .network = "conv3", .views = 60}, ""},
      {{.name = "conv3 e2e rf adam unblocked", .network = "conv3", .schedule = "e2e", .rule = "rf", .optimiser = "adam", .block = false, .views = 60}, ""},
  };
  return runs;
}

}  // namespace saccade::test

#pragma once
#include <string>
#include <vector>

#include "tests/models/runs.h"

/// Golden fingerprints of short runs: the same with avx2 and avx512, any number of threads, debug and release (portable
/// rounds otherwise). A change here means that every published number of such runs changes: say why in the commit. The
/// failing test prints the fingerprint that it found.
namespace saccade::test {

struct Golden {
  Run run;
  std::string fingerprint;
};

inline const std::vector<Golden>& golden_runs() {
  static const std::vector<Golden> runs = {
      {{.name = "tiny rll bp sgd"}, "767e6dffe56bfe96905e4f98853e50bb"},
      {{.name = "tiny e2e urf adam unblocked", .schedule = "e2e", .rule = "urf", .optimiser = "adam", .block = false},
       "f7c8c9ff897583300298f69e1e782a23"},
      {{.name = "tiny gll sign sgd, 3 views", .schedule = "gll", .rule = "sign", .views_per_fixation = 3},
       "a3667d04ecfeddcb065e02e061afa58d"},
      {{.name = "tiny e2e sign-forward sgd held",
        .schedule = "e2e",
        .rule = "sign-forward",
        .memory = "held",
        .views_per_fixation = 4},
       "a6b954f720639ae97424c4517aeef6da"},
      {{.name = "conv3 rll bp sgd", .network = "conv3", .views = 60}, "0cc3519a012cce13f74257938e8d11f8"},
      {{.name = "conv3 e2e rf adam unblocked",
        .network = "conv3",
        .schedule = "e2e",
        .rule = "rf",
        .optimiser = "adam",
        .block = false,
        .views = 60},
       "7c1938a2aaaa5a29b2f6b0c290dd22f3"},
  };
  return runs;
}

}  // namespace saccade::test

#pragma once
#include <string>
#include <vector>

#include "tests/models/runs.h"

/// Golden fingerprints of short runs: the same with avx2 and avx512, any number of threads, debug and release (portable
/// rounds otherwise). A change here means that every published number of such runs changes: say why in the commit. The
/// failing test prints the fingerprint that it found.
namespace saccade::test {

/// The devices of this machine whose bits must agree.
inline std::vector<std::string> vector_sets() {
  std::vector<std::string> sets;
  for (const std::string isa : {"avx512", "avx2"})
    if (ref::cpu_device(isa, 1) != nullptr) sets.push_back(isa);
  return sets;
}

struct Golden {
  Run run;
  std::string fingerprint;
};

inline const std::vector<Golden>& golden_runs() {
  static const std::vector<Golden> runs = {
      {{.name = "tiny rll bp sgd"}, "22482305b198f670985b27845137fd3e"},
      {{.name = "tiny e2e urf adam unblocked", .schedule = "e2e", .rule = "urf", .optimiser = "adam", .block = false},
       "0ee80432e4c3293172202be9d8f36df4"},
      {{.name = "tiny gll sign sgd, 3 views", .schedule = "gll", .rule = "sign", .views_per_fixation = 3},
       "3c583514bfada3a8de689a7326d1287c"},
      {{.name = "tiny e2e sign-forward sgd held",
        .schedule = "e2e",
        .rule = "sign-forward",
        .memory = "held",
        .views_per_fixation = 4},
       "aac733954bddb0448ada5d1028ed3a88"},
      {{.name = "conv3 rll bp sgd", .network = "conv3", .views = 60}, "0cc3519a012cce13f74257938e8d11f8"},
      {{.name = "conv3 e2e rf adam unblocked",
        .network = "conv3",
        .schedule = "e2e",
        .rule = "rf",
        .optimiser = "adam",
        .block = false,
        .views = 60},
       "7c1938a2aaaa5a29b2f6b0c290dd22f3"},
      {{.name = "tiny e2e bp sgd fast", .schedule = "e2e", .block = false, .arithmetic = Arithmetic::fast},
       "c33c4d16b673037a9287b09fab4a4762"},
      {{.name = "conv3 rll bp sgd fast", .network = "conv3", .views = 60, .arithmetic = Arithmetic::fast},
       "31327ffb80fec66c006e3996796ca889"},
      {{.name = "local rll bp sgd", .network = "local"}, "6f34a39072acb51caf3474a67a03b3e5"},
      {{.name = "local e2e urf adam unblocked",
        .network = "local",
        .schedule = "e2e",
        .rule = "urf",
        .optimiser = "adam",
        .block = false},
       "2e21f68cd3ab26c9571ed76b6a378878"},
      {{.name = "tiny pll bp sgd", .schedule = "pll"}, "58c5dd12ea62cc771fa6d6e494f88dde"},
      {{.name = "tiny pll urf sgd, covariance, falling rates",
        .schedule = "pll",
        .rule = "urf",
        .activity = "covariance",
        .final_rate = 0},
       "3b15fb60dcdfef1263bcd1cf963b3a91"},
      {{.name = "tiny rll, exponential, noise", .trace = "exponential", .noise = 0.5},
       "fe327e18a2143ef060e2fa7f7c09fa12"},
      {{.name = "tiny e2e unblocked, synaptic gate",
        .schedule = "e2e",
        .block = false,
        .trace = "synaptic",
        .trace_acts = "gate"},
       "56771b7b8808f6703acb0f4b5556719d"},
      {{.name = "tiny pll, noisy circuit, synaptic-peak",
        .schedule = "pll",
        .trace = "synaptic-peak",
        .error = "circuit"},
       "e7c9662ecd79930e9a4d0ab08f5fb363"},
  };
  return runs;
}

}  // namespace saccade::test

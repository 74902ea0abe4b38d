#include "tests/models/fingerprints.h"

#include <doctest/doctest.h>

using namespace saccade;
using namespace saccade::test;

TEST_CASE("golden fingerprints of short runs") {
  for (const Golden& golden : golden_runs()) {
    CAPTURE(golden.run.name);
    for (const std::string& isa : vector_sets()) {
      CAPTURE(isa);
      CHECK(run_of(*ref::cpu_device(isa, 2), golden.run) == golden.fingerprint);
    }
  }
}

#pragma once
#include <doctest/doctest.h>

#include "tests/models/runs.h"

namespace saccade::test {

/// Events sent `block` views at a time, without waiting for the device in between, come to what they come to one by
/// one: every record, every count, and the whole state whenever it is asked for.
inline void check_ahead(Device& device, const NetworkSpec& network, const LearnerOptions& options,
                        const std::vector<Event>& events, std::size_t block) {
  CAPTURE(block);
  OnlineLearner one_by_one(device, network, options), ahead(device, network, options);
  std::vector<std::vector<std::vector<UpdateRecord>>> expected;  // [view][replica]
  std::size_t updates = 0, learned = 0;
  for (std::size_t i = 0; i < events.size(); ++i) {
    one_by_one.handle(events[i]);
    ahead.send(events[i]);
    if (std::holds_alternative<View>(events[i])) {
      expected.emplace_back();
      for (int r = 0; r < options.replicas; ++r) expected.back().push_back(one_by_one.records(r));
      for (const UpdateRecord& record : one_by_one.records()) learned += !record.terms.empty();
    }
    if (expected.size() < block && i + 1 < events.size()) continue;
    ahead.settle();
    for (std::size_t view = 0; view < expected.size(); ++view)
      for (int r = 0; r < options.replicas; ++r)
        REQUIRE(ahead.records_of(view, r) == expected[view][static_cast<std::size_t>(r)]);
    for (int r = 0; r < options.replicas; ++r) {
      REQUIRE(ahead.updates(r) == one_by_one.updates(r));
      REQUIRE(fingerprint(saved(ahead, r)) == fingerprint(saved(one_by_one, r)));
    }
    updates = one_by_one.updates();
    expected.clear();
  }
  CHECK(updates > 0);
  CHECK(learned > updates / 2);
}

}  // namespace saccade::test

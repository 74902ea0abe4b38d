#pragma once
#include <chrono>
#include <string>
#include <vector>

#include "engine/recorder.h"
#include "memory/short_term_memory.h"
#include "tools/run/run_folder.h"

namespace saccade {

/// Someone who looks at an event-mode run while it learns. All calls come from the run's thread, between two views.
/// What is told is copied: a run with a watch has the bits of one without. A watch may hold a run up, never change it.
class Watch {
 public:
  using Duration = std::chrono::steady_clock::duration;
  virtual ~Watch() = default;

  /// What the run is at: "learning", "probing the learned network".
  virtual void phase(const std::string& what) = 0;
  /// A view came, with what it did and the anchors that are held now.
  virtual void view(const View& view, const std::vector<UpdateRecord>& updates, const std::vector<Anchor>& anchors) = 0;
  /// Accuracies of the learned network after so many views, and of the untrained one and raw pixels, as far as there
  /// are any. What was probed before comes first; the same may come again.
  virtual void probed(std::uint64_t event, const ProbeResults& learned, const ProbeResults& untrained,
                      const ProbeResults& pixels) = 0;
  /// Holds the run until the next view may come, or `stop` is true. Returns how long it did.
  virtual Duration wait(bool (*stop)()) = 0;
  virtual void ended(const RunSummary& summary) = 0;
  /// Behind all else: stays for as long as it wants to be looked at, or until `stop`.
  virtual void stay(bool (*stop)()) = 0;
};

}  // namespace saccade

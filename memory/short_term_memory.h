#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/time.h"
#include "memory/trace.h"

namespace saccade {

struct MemoryOptions {
  std::string mode = "sliding";  ///< "sliding" (method.md, section 6) or "held"
  int negatives = 4;             ///< T: fixations in sliding, views in held; 0 or more
  float negative_weight = 0.2f;  ///< w
  double window = -1;            ///< W in seconds; negative: unbounded
  int capacity = 0;              ///< anchors held at once; 0: as many as the negatives need
  TraceOptions trace;
  /// What the trace's strength r does: "scale": the embedding a is read as r a, so that distances drift; "gate": loss
  /// and error of the comparison are multiplied by r, so that the update fades.
  std::string trace_acts = "scale";
  /// Of each unit of a remembered embedding as it is read, whatever its trace: standard deviation in units of
  /// m1 / (units of the embedding), the mean difference of a pair that is as far apart as the positive margin. Up to
  /// the owner, who has the embeddings.
  double noise = 0;
};

/// An anchor that is held: where its embedding lies and since when.
struct Anchor {
  std::int64_t slot = 0;
  Time stored = 0;
  std::int64_t fixation = 0;  ///< by the memory's own count of saccades
  std::int64_t uses = 0;      ///< negatives seen (held mode)
  std::int64_t mark = 0;      ///< what the owner gave when it was stored (its number of updates)
};

/// One comparison that the arriving view takes part in.
struct Comparison {
  std::int32_t slot = 0;
  bool positive = false;
  float weight = 1;  ///< of loss and error, before the gate
  float scale = 1;   ///< of the remembered embedding
  float gate = 1;    ///< of loss and error; the trace's strength is in one of the two
  Time age = 0;
  std::int64_t mark = 0;
};

/// What the memory makes of an arriving view: an anchor to be stored in `slot`, or comparisons (positive first, then
/// the negatives from the youngest anchor to the oldest), or neither.
struct Recall {
  bool becomes_anchor = false;
  std::int32_t slot = 0;
  std::vector<Comparison> comparisons;

  /// Neither, without giving back memory.
  void clear() { becomes_anchor = false, slot = 0, comparisons.clear(); }
};

/// Which anchors are held, for how long, and what an arriving view is compared with. It knows times and saccades, no
/// labels and no activities: those lie in the owner's slots 0 .. slots() - 1. Not thread-safe. Invariant: two anchors
/// never share a slot; an anchor that has left is gone.
class ShortTermMemory {
 public:
  virtual ~ShortTermMemory() = default;

  /// A view arrives at `now`; `mark` is kept with it if it becomes an anchor. The reference is valid until the next
  /// call.
  virtual const Recall& view(Time now, std::int64_t mark) = 0;
  /// The eye moves on: the next view is the first of a fixation.
  void saccade() { first_view_ = true, ++fixation_; }

  int slots() const { return slots_; }
  const std::vector<Anchor>& anchors() const { return anchors_; }

  /// f(mark) is the mark of each anchor from now on: for an owner who knows it later than the anchor comes.
  template <class F>
  void renew_marks(F f) {
    for (Anchor& anchor : anchors_) anchor.mark = f(anchor.mark);
  }

  /// All of the state as integers, for checkpoints.
  std::vector<std::int64_t> save() const;
  /// InputError when the values are not a state of a memory with these options.
  void restore(const std::vector<std::int64_t>& state);

 protected:
  ShortTermMemory(const MemoryOptions& options, int slots);
  void forget_older_than_window(Time now);
  void store(Time now, std::int64_t mark);
  Comparison compare(const Anchor& anchor, bool positive, Time now) const;

  MemoryOptions options_;
  std::unique_ptr<TraceModel> trace_;
  bool gates_;
  int slots_;
  Time window_;
  std::vector<Anchor> anchors_;  ///< oldest first
  std::int64_t fixation_ = 0;
  bool first_view_ = true;
  Recall recall_;
};

/// InputError naming the option that is out of range.
std::unique_ptr<ShortTermMemory> make_memory(const MemoryOptions& options);

}  // namespace saccade

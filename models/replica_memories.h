#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "memory/short_term_memory.h"

namespace saccade {

/// The short-term memories of learners that advance together, one each, above anchors that they share: an anchor's
/// activity lies in one slot for all of them, whatever slot each one's own memory would keep it in. What a learner is
/// told (its comparisons, its slots, its state) is what it would be told alone.
///
/// Invariant: what the memories hold is a chain. They differ in window and number of negatives only, so all of them
/// store the same views, and what one holds and another does not is older. Hence the longest list has all that any of
/// them compares, and as many shared slots as the largest memory has are enough.
///
/// Alone a learner also keeps, in slots that are free, embeddings that it reads no more; its fingerprint has them.
/// Where the shared slot is needed for something else while a learner's own is still free, they are kept aside.
class ReplicaMemories {
 public:
  /// InputError for memories that cannot be had, or that may store different views: in mode "held" windows and
  /// negatives must agree.
  explicit ReplicaMemories(const std::vector<MemoryOptions>& options);

  int slots() const { return slots_; }  ///< shared
  const ShortTermMemory& memory(int replica) const { return *memories_[static_cast<std::size_t>(replica)]; }
  int slots(int replica) const { return memory(replica).slots(); }  ///< of its own
  int terms() const { return terms_; }                              ///< most comparisons of a view
  void saccade();
  /// A view arrives; `marks`: one per replica. What it does, with shared slots: the comparisons are those of the
  /// longest list. Valid until the next call.
  const Recall& view(Time now, const std::vector<std::int64_t>& marks);
  /// The same as the replica would be told alone. Its comparisons are the first of the shared ones.
  const Recall& of(int replica) const { return *recalls_[static_cast<std::size_t>(replica)]; }

  /// f(mark, replica) is the mark of each anchor from now on.
  template <class F>
  void renew_marks(F f) {
    for (std::size_t r = 0; r < memories_.size(); ++r)
      memories_[r]->renew_marks([&](std::int64_t mark) { return f(mark, r); });
  }

  /// A slot of a replica's own.
  struct Slot {
    int replica = 0, slot = 0;
  };
  /// Whose embeddings must be kept aside before the shared slot that view() named is written.
  const std::vector<Slot>& displaced() const { return displaced_; }
  void keep_aside(const Slot& slot, std::vector<float> embeddings);

  /// Where the embeddings of a replica's own slot lie: in a shared slot, or aside (-1).
  int place(const Slot& slot) const { return places_[static_cast<std::size_t>(slot.replica)][slot.slot]; }
  /// Empty: nothing was ever stored there.
  const std::vector<float>& aside(const Slot& slot) const;

  /// The states of memory(0), memory(1), ...; all slots get places anew, and nothing is aside. InputError when one does
  /// not fit its memory, or when they are not states of learners that saw the same.
  void restore(const std::vector<std::vector<std::int64_t>>& states);

 private:
  const std::vector<Anchor>& anchors(int replica) const { return memory(replica).anchors(); }
  int replicas() const { return static_cast<int>(memories_.size()); }
  int longest() const;
  void store();

  std::vector<std::unique_ptr<ShortTermMemory>> memories_;
  int slots_ = 0, terms_ = 0;
  std::vector<const Recall*> recalls_;
  Recall shared_;
  std::vector<std::vector<int>> places_;  ///< [replica][own slot]
  std::vector<Slot> displaced_;
  std::vector<bool> taken_;  ///< shared slots that hold an anchor
  std::map<std::pair<int, int>, std::vector<float>> aside_;
};

}  // namespace saccade

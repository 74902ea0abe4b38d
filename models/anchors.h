#pragma once
#include <cstdint>
#include <vector>

#include "models/activity.h"

namespace saccade {

/// The embeddings of remembered anchors and of the arriving view, one row per head, each computed when it is needed.
///
/// Every head remembers every anchor as it was when it came (method.md, section 6). But the synapses of a layer, its
/// convolution and its head, change only at an event that draws the layer (end to end: at any event that learns). Until
/// then the anchor's way up to that layer and its embedding there can wait: the bits are those of the time when it
/// came. So an anchor leaves its pixels here, climbs as far as drawn layers ask, and is embedded together with the
/// arriving view and all others that wait for that head, in one pass over the head's weights. What is replaced before
/// its head is drawn costs nothing.
///
/// Invariant: the synapses of what waits have not changed since the anchor came. Whoever changes synapses calls
/// embed(layer) or settle() first.
class Anchors {
 public:
  /// `remember_activity`: the activity of all slots is kept for learning from it (no blocked gradient). Else it is kept
  /// while something waits, if that takes at most `waiting_floats`; with more slots than that allows nothing waits.
  Anchors(Device& device, const Parameters& parameters, int heads, int slots, bool remember_activity,
          std::size_t waiting_floats);

  /// Where the pixels of the arriving view go, or of one that becomes the anchor in `slot`.
  Views arrive() {
    arrived_ = 0;
    return arriving();
  }
  Views arriving() { return {activity_, activity_.views() - 1, 1}; }
  Views place(int slot) { return may_wait_ ? Views{activity_, slot, 1} : arriving(); }
  /// The pixels are in place(slot): it is an anchor now.
  void store(int slot);
  /// The arriving view, and what waits for this layer (or end_to_end), climbs and is embedded. Several layers of one
  /// view: in any order, but before its synapses change.
  void embed(int layer);
  /// All that waits is computed: buffer() and activity() hold what a checkpoint keeps.
  void settle();

  /// [slots + 1][heads][lanes]: the arriving view's row, that of the layer embedded last, lies behind the slots.
  const DeviceBuffer<float>& buffer() const { return embeddings_; }
  Floats of_slots(int layer) const { return row(0, layer); }
  Floats of_arriving(int layer) const { return row(slots_, layer); }
  Activity& activity() { return activity_; }
  const Activity& activity() const { return activity_; }
  /// Other embeddings and activities have been written: nothing waits.
  void forget_waiting();

 private:
  int depth() const { return parameters_.network().depth(); }
  int head_row(int layer) const { return heads_ == 1 ? 0 : layer; }
  Floats row(int slot, int layer) const;
  /// One flag per slot and one for the arriving view, which always waits.
  std::int32_t* waiting(int head) { return waiting_.data() + head * (slots_ + 1); }
  void climb(int slot, int end);
  /// The first `count` of `flags` are put where the device reads them, for every replica.
  void put_flags(const std::int32_t* flags, int count);

  Device& device_;
  const Parameters& parameters_;
  int heads_, slots_;
  bool may_wait_;
  Activity activity_;  ///< of the slots and the arriving view behind them; of the latter alone if nothing may wait
  DeviceBuffer<float> embeddings_;
  DeviceBuffer<std::int32_t> flags_;  ///< of the head that is being read
  std::vector<int> climbed_;          ///< layers that the anchor in a slot has passed
  int arrived_ = 0;                   ///< layers that the arriving view has passed
  std::vector<std::int32_t> waiting_;
};

}  // namespace saccade

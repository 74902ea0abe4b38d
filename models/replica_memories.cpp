#include "models/replica_memories.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/error.h"

namespace saccade {

ReplicaMemories::ReplicaMemories(const std::vector<MemoryOptions>& options) {
  const MemoryOptions& first = options.front();
  for (const MemoryOptions& each : options) {
    memories_.push_back(make_memory(each));
    if (each.mode == "held" && (each.window != first.window || each.negatives != first.negatives))
      throw InputError(
          "memory.mode = \"held\": which views become anchors depends on the window and the negatives, so learners "
          "that "
          "differ in them cannot advance together; expected \"sliding\"");
    slots_ = std::max(slots_, memories_.back()->slots());
    terms_ = std::max(terms_, each.negatives + 1);
    places_.emplace_back(static_cast<std::size_t>(memories_.back()->slots()), -1);
  }
  recalls_.resize(memories_.size());
  displaced_.reserve(memories_.size() * static_cast<std::size_t>(slots_));
  taken_.resize(static_cast<std::size_t>(slots_));
}

void ReplicaMemories::saccade() {
  for (const auto& memory : memories_) memory->saccade();
}

int ReplicaMemories::longest() const {
  int longest = 0;
  for (int r = 1; r < replicas(); ++r)
    if (anchors(r).size() > anchors(longest).size()) longest = r;
  return longest;
}

const Recall& ReplicaMemories::view(Time now, const std::vector<std::int64_t>& marks) {
  displaced_.clear();
  shared_.clear();
  for (std::size_t r = 0; r < memories_.size(); ++r) recalls_[r] = &memories_[r]->view(now, marks[r]);
  if (recalls_.front()->becomes_anchor) {
    store();
    return shared_;
  }
  const auto most = std::max_element(recalls_.begin(), recalls_.end(), [](const Recall* a, const Recall* b) {
    return a->comparisons.size() < b->comparisons.size();
  });
  shared_.comparisons = (*most)->comparisons;
  for (Comparison& c : shared_.comparisons) c.slot = place({static_cast<int>(most - recalls_.begin()), c.slot});
  return shared_;
}

/// The lowest slot that is free, as in each memory: of memories alike everyone's own slot.
void ReplicaMemories::store() {
  std::fill(taken_.begin(), taken_.end(), false);
  const int most = longest();
  const std::int64_t arrived = anchors(most).back().fixation;
  for (const Anchor& anchor : anchors(most))
    if (anchor.fixation != arrived)
      taken_[static_cast<std::size_t>(place({most, static_cast<int>(anchor.slot)}))] = true;
  shared_.becomes_anchor = true;
  shared_.slot = static_cast<std::int32_t>(std::find(taken_.begin(), taken_.end(), false) - taken_.begin());
  for (int r = 0; r < replicas(); ++r) {
    std::vector<int>& places = places_[static_cast<std::size_t>(r)];
    for (int slot = 0; slot < slots(r); ++slot)
      if (places[static_cast<std::size_t>(slot)] == shared_.slot && slot != of(r).slot) displaced_.push_back({r, slot});
    places[static_cast<std::size_t>(of(r).slot)] = shared_.slot;
  }
}

void ReplicaMemories::keep_aside(const Slot& slot, std::vector<float> embeddings) {
  places_[static_cast<std::size_t>(slot.replica)][static_cast<std::size_t>(slot.slot)] = -1;
  aside_[{slot.replica, slot.slot}] = std::move(embeddings);
}

const std::vector<float>& ReplicaMemories::aside(const Slot& slot) const {
  static const std::vector<float> nothing;
  const auto found = aside_.find({slot.replica, slot.slot});
  return found == aside_.end() ? nothing : found->second;
}

void ReplicaMemories::restore(const std::vector<std::vector<std::int64_t>>& states) {
  for (std::size_t r = 0; r < memories_.size(); ++r) memories_[r]->restore(states[r]);
  aside_.clear();
  const int most = longest();
  for (int r = 0; r < replicas(); ++r) {
    std::vector<int>& places = places_[static_cast<std::size_t>(r)];
    std::fill(places.begin(), places.end(), -1);
    std::fill(taken_.begin(), taken_.end(), false);
    const auto at = [&](const Anchor& anchor) -> int& { return places[static_cast<std::size_t>(anchor.slot)]; };
    const bool same_eye = states[static_cast<std::size_t>(r)][0] == states.front()[0] &&
                          states[static_cast<std::size_t>(r)][1] == states.front()[1];
    for (const Anchor& anchor : anchors(r)) {
      for (const Anchor& other : anchors(most))
        if (other.fixation == anchor.fixation && other.stored == anchor.stored)
          at(anchor) = static_cast<int>(other.slot);
      if (at(anchor) < 0) break;
      taken_[static_cast<std::size_t>(at(anchor))] = true;
    }
    if (!same_eye || std::any_of(anchors(r).begin(), anchors(r).end(), [&](const Anchor& a) { return at(a) < 0; }))
      throw InputError(
          fmt::format("memory.state: learner {} of those that advance together remembers other views than "
                      "learner {}; expected checkpoints of the same stream",
                      r + 1, most + 1));
    // What is not read again stays where it is, if the replica has nothing else there.
    for (int slot = 0; slot < slots(r); ++slot)
      if (places[static_cast<std::size_t>(slot)] < 0 && !taken_[static_cast<std::size_t>(slot)])
        places[static_cast<std::size_t>(slot)] = slot;
  }
}

}  // namespace saccade

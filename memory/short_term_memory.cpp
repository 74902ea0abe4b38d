#include "memory/short_term_memory.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "engine/error.h"
#include "memory/held_memory.h"
#include "memory/sliding_memory.h"

namespace saccade {

ShortTermMemory::ShortTermMemory(const MemoryOptions& options, int slots)
    : options_(options),
      trace_(make_trace(options.trace)),
      gates_(options.trace_acts == "gate"),
      slots_(slots),
      window_(options.window < 0 ? std::numeric_limits<Time>::max() : to_ticks(options.window)) {}

void ShortTermMemory::forget_older_than_window(Time now) {
  std::erase_if(anchors_, [&](const Anchor& anchor) { return now - anchor.stored > window_; });
}

void ShortTermMemory::store(Time now, std::int64_t mark) {
  if (static_cast<int>(anchors_.size()) == slots_) anchors_.erase(anchors_.begin());
  std::int64_t slot = 0;
  while (std::any_of(anchors_.begin(), anchors_.end(), [&](const Anchor& anchor) { return anchor.slot == slot; }))
    ++slot;
  anchors_.push_back({slot, now, fixation_, 0, mark});
  recall_.becomes_anchor = true;
  recall_.slot = static_cast<std::int32_t>(slot);
}

Comparison ShortTermMemory::compare(const Anchor& anchor, bool positive, Time now) const {
  const Time age = now - anchor.stored;
  const float strength = trace_->strength(age);
  return {static_cast<std::int32_t>(anchor.slot),
          positive,
          positive ? 1.0f : options_.negative_weight,
          gates_ ? 1.0f : strength,
          gates_ ? strength : 1.0f,
          age,
          anchor.mark};
}

std::vector<std::int64_t> ShortTermMemory::save() const {
  std::vector<std::int64_t> state{fixation_, first_view_ ? 1 : 0};
  for (const Anchor& a : anchors_) state.insert(state.end(), {a.slot, a.stored, a.fixation, a.uses, a.mark});
  return state;
}

void ShortTermMemory::restore(const std::vector<std::int64_t>& state) {
  const std::size_t count = state.size() < 2 ? 0 : (state.size() - 2) / 5;
  if (state.size() < 2 || (state.size() - 2) % 5 != 0 || count > static_cast<std::size_t>(slots_))
    throw InputError(fmt::format("memory state: found {} numbers, expected 2 + 5 per anchor of at most {} anchors",
                                 state.size(), slots_));
  if (state[1] != 0 && state[1] != 1)
    throw InputError(fmt::format("memory state: the mark of a first view is {}, expected 0 or 1", state[1]));
  anchors_.clear();
  fixation_ = state[0];
  first_view_ = state[1] != 0;
  for (std::size_t i = 2; i < state.size(); i += 5) {
    if (state[i] < 0 || state[i] >= slots_)
      throw InputError(fmt::format("memory state: an anchor lies in slot {}, expected 0 to {}", state[i], slots_ - 1));
    if (std::any_of(anchors_.begin(), anchors_.end(), [&](const Anchor& anchor) { return anchor.slot == state[i]; }))
      throw InputError(fmt::format("memory state: two anchors lie in slot {}", state[i]));
    if (state[i + 2] > fixation_)
      throw InputError(fmt::format("memory state: an anchor is of fixation {}, but the eye is in fixation {}",
                                   state[i + 2], fixation_));
    anchors_.push_back({state[i], state[i + 1], state[i + 2], state[i + 3], state[i + 4]});
  }
}

std::unique_ptr<ShortTermMemory> make_memory(const MemoryOptions& options) {
  if (options.negatives < 0 || options.negatives > 100000)
    throw InputError(fmt::format("negatives is {}, expected 0 to 100000", options.negatives));
  if (options.capacity < 0)
    throw InputError(fmt::format("memory.capacity is {}, expected 0 or more", options.capacity));
  if (!(options.negative_weight >= 0) || options.negative_weight > std::numeric_limits<float>::max())
    throw InputError(fmt::format("negative_weight is {}, expected 0 or more", options.negative_weight));
  if (!(options.window <= latest_second))
    throw InputError(fmt::format("memory.window is {} s, expected at most {} s", options.window, latest_second));
  if (!(options.noise >= 0 && options.noise <= 1e6))
    throw InputError(fmt::format("memory.noise is {}, expected 0 to 1000000", options.noise));
  if (options.trace_acts != "scale" && options.trace_acts != "gate")
    throw InputError(
        fmt::format("memory.trace_acts: no action is called \"{}\"; known are scale and gate", options.trace_acts));
  if (options.mode == "sliding") return std::make_unique<SlidingMemory>(options);
  if (options.mode == "held") return std::make_unique<HeldMemory>(options);
  throw InputError(fmt::format("memory.mode: no memory is called \"{}\"; known are sliding and held", options.mode));
}

}  // namespace saccade

#pragma once
#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "memory/short_term_memory.h"
#include "tests/reference/tensors.h"

/// Random sequences of views and saccades, and memories that are written down again straight from method.md, section 6.
namespace saccade::test {

using reference::Draw;

struct Step {
  bool saccade = false;
  Time time = 0;
};

/// Fixations of 1 to `most_views` views; now and then a saccade follows a saccade. Some views come at the same time.
inline std::vector<Step> random_steps(Draw& draw, int count, int most_views, Time longest_gap) {
  std::vector<Step> steps;
  Time now = draw.below(1000);
  int left = 1 + draw.below(most_views);
  for (int i = 0; i < count; ++i) {
    if (draw.below(4) > 0) now += draw.below(static_cast<int>(longest_gap) + 1);
    const bool saccade = left == 0 || draw.below(20) == 0;
    steps.push_back({saccade, now});
    left = saccade ? 1 + draw.below(most_views) : left - 1;
  }
  return steps;
}

/// What a comparison must be, without the slot, which is the memory's own business.
struct Expected {
  std::int64_t mark = 0;
  bool positive = false;
  Time age = 0;
  friend bool operator==(const Expected&, const Expected&) = default;
};

struct Answer {
  bool becomes_anchor = false;
  std::vector<Expected> comparisons;
  friend bool operator==(const Answer&, const Answer&) = default;
};

struct Remembered {
  std::int64_t mark = 0;
  Time stored = 0;
  int fixation = 0, used = 0;
};

inline bool within(double window, Time age) { return window < 0 || age <= static_cast<Time>(window * 1e6 + 0.5); }

/// Keeps every first view for ever and asks of all of them, at every view, whether they count.
class DumbSliding {
 public:
  explicit DumbSliding(const MemoryOptions& options) : o_(options) {}
  void saccade() { ++fixation_, first_ = true; }
  Answer view(Time now, std::int64_t mark) {
    if (first_) {
      first_ = false;
      all_.push_back({mark, now, fixation_, 0});
      return {true, {}};
    }
    Answer answer;
    for (std::size_t back = 1; back <= all_.size(); ++back) {
      const Remembered& a = all_[all_.size() - back];
      const bool among_newest = o_.capacity == 0 || back <= static_cast<std::size_t>(o_.capacity);
      if (among_newest && a.fixation >= fixation_ - o_.negatives && within(o_.window, now - a.stored))
        answer.comparisons.push_back({a.mark, a.fixation == fixation_, now - a.stored});
    }
    return answer;
  }

 private:
  MemoryOptions o_;
  std::vector<Remembered> all_;
  int fixation_ = 0;
  bool first_ = true;
};

/// One anchor, and the text sentence by sentence.
class DumbHeld {
 public:
  explicit DumbHeld(const MemoryOptions& options) : o_(options) {}
  void saccade() { ++fixation_, first_ = true; }
  Answer view(Time now, std::int64_t mark) {
    const bool first = first_;
    first_ = false;
    const bool used_up = a_ && a_->fixation != fixation_ && a_->used == o_.negatives;
    if (a_ && (used_up || !within(o_.window, now - a_->stored))) a_.reset();
    if (!a_ && first) {
      a_ = Remembered{mark, now, fixation_, 0};
      return {true, {}};
    }
    if (!a_) return {};
    const bool positive = a_->fixation == fixation_;
    a_->used += !positive;
    return {false, {{a_->mark, positive, now - a_->stored}}};
  }

 private:
  MemoryOptions o_;
  std::optional<Remembered> a_;
  int fixation_ = 0;
  bool first_ = true;
};

inline Answer without_slots(const Recall& recall) {
  Answer answer{recall.becomes_anchor, {}};
  for (const Comparison& c : recall.comparisons) answer.comparisons.push_back({c.mark, c.positive, c.age});
  return answer;
}

}  // namespace saccade::test

#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "streams/view_source.h"

namespace saccade {

/// How successive fixations choose their object. shuffled: every object once per pass, in a fresh order each pass.
/// fixed: as numbered. blocked: all objects of class 0 in order, then class 1, and so on.
enum class ObjectOrder : std::uint8_t { shuffled, fixed, blocked };

/// How many views a fixation has, with mean V. fixed: V. uniform: 1 to 2 V - 1, all equally likely. geometric: after
/// each view the eye leaves with probability p, so that n views have probability p (1 - p)^(n - 1), with mean 1 / p.
enum class Dwell : std::uint8_t { fixed, uniform, geometric };

struct FixationOptions {
  Dwell dwell = Dwell::fixed;
  int views = 2;                  ///< V, 1 to 2^26 - 1 (uniform: 2^25)
  double switch_probability = 0;  ///< p of geometric, up to 1; 0 stands for 1 / V
  ObjectOrder order = ObjectOrder::shuffled;
  /// Probability that a fixation goes back to an object of one of the `return_depth` fixations before the last one
  /// (drawn uniformly) instead of on to the next in order, which then waits for the next fixation.
  double returns = 0;
  int return_depth = 10;
  std::uint64_t seed = 1;
};

/// One object looked at: its number, and the number of its first view in the whole stream.
struct Fixation {
  std::uint64_t number = 0;
  std::uint64_t first_view = 0;
  std::uint32_t views = 0;
  std::uint32_t object = 0;
};

/// The sequence of fixations, without end.
class Fixations {
 public:
  /// InputError for options outside their ranges, or an order by class of a source without classes.
  Fixations(const ViewSource& source, const FixationOptions& options);

  const Fixation& current() const { return current_; }
  void advance();
  /// To the fixation that shows view number `view` of the stream; view 0 is the beginning. With a fixed dwell and no
  /// returns this is one step, else a walk of about 0.1 us a fixation.
  void seek(std::uint64_t view);

 private:
  void set(std::uint64_t number, std::uint64_t first_view);
  std::uint32_t draw_views(std::uint64_t number) const;
  std::uint32_t draw_object(std::uint64_t number);
  std::uint32_t in_order(std::uint64_t place) const;

  FixationOptions options_;
  std::uint32_t objects_;
  std::vector<std::uint32_t> by_class_;  ///< order blocked only
  Fixation current_;
  std::uint64_t fresh_ = 0;            ///< fixations so far that were no returns
  std::vector<std::uint32_t> recent_;  ///< ring: the object of fixation f at f mod its size
};

}  // namespace saccade

#pragma once
#include <optional>
#include <string>
#include <vector>

#include "tools/measures/measure.h"

namespace saccade {

/// Tells when embeddings have collapsed: views of whatever objects lie on one point, or on a line (method.md, section
/// 8: without negatives distances fall to 0, and the loss with them).
class CollapseAlarm {
 public:
  enum class Of {
    variance,            ///< of a head's embedding, less than `limit` times that of the untrained network
    participation_ratio  ///< less than `limit` directions
  };
  /// `untrained`: measures that have embedding_variance and embedding_participation_ratio for every head.
  CollapseAlarm(Of of, double limit, std::vector<Measure> untrained);

  /// Which head has collapsed, and how far, in words; nothing where none has. A number that is missing (no variance) or
  /// not a number counts as collapsed.
  std::optional<std::string> heard(const std::vector<Measure>& now) const;

 private:
  Of of_;
  double limit_;
  std::vector<Measure> untrained_;
};

}  // namespace saccade

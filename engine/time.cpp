#include "engine/time.h"

#include <sstream>

#include "engine/error.h"

namespace saccade {

Time to_ticks(double seconds) {
  if (!(seconds >= 0.0 && seconds <= latest_second)) {
    std::ostringstream message;
    message << "time: got " << seconds << " s, expected 0 to " << latest_second << " s";
    throw InputError(message.str());
  }
  const double scaled = seconds * static_cast<double>(ticks_per_second);
  const auto whole = static_cast<Time>(scaled);
  return scaled - static_cast<double>(whole) >= 0.5 ? whole + 1 : whole;
}

}  // namespace saccade

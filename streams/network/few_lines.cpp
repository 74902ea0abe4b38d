#include "streams/network/few_lines.h"

#include <fmt/format.h>

#include <utility>

namespace saccade {

void FewLines::say(const std::string& line) {
  look();
  if (said_ == 0) second_ = Clock::now();
  if (++said_ > 5)
    ++unsaid_;
  else
    say_(line);
}

void FewLines::look() {
  if (said_ == 0 || Clock::now() - second_ <= std::chrono::seconds(1)) return;
  said_ = 0;
  tell_rest();
}

void FewLines::tell_rest() {
  if (const int rest = std::exchange(unsaid_, 0); rest > 0) say_(fmt::format("{} more lines of this kind", rest));
}

}  // namespace saccade

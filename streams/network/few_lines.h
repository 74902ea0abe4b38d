#pragma once
#include <chrono>
#include <functional>
#include <string>

namespace saccade {

/// Lines for people about what others can cause as often as they like: at most five a second, and then how many more
/// there were. Owned by one thread.
class FewLines {
 public:
  explicit FewLines(std::function<void(const std::string&)> say) : say_(std::move(say)) {}
  ~FewLines() { tell_rest(); }
  FewLines(const FewLines&) = delete;
  FewLines& operator=(const FewLines&) = delete;

  void say(const std::string& line);
  /// How many were not said, once their second is over. To be called now and then.
  void look();

 private:
  using Clock = std::chrono::steady_clock;

  void tell_rest();

  const std::function<void(const std::string&)> say_;
  Clock::time_point second_{};
  int said_ = 0, unsaid_ = 0;
};

}  // namespace saccade

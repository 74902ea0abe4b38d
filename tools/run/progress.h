#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

namespace saccade {

/// Tells how far long work is, on standard error: a bar with rate and remaining time on a terminal, a plain line about
/// every 5 s elsewhere, nothing when quiet. Work under 2 s shows nothing. Only reads the clock: it cannot change a
/// result.
class Progress {
 public:
  /// `unit` names what is counted, e.g. "views"; total 0: as many as come. `done` is where a resumed run starts.
  Progress(std::string what, std::uint64_t total, std::string unit, bool quiet, std::uint64_t done = 0);
  /// Ends the line of the bar.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// Cheap enough for every event. `note` is shown at the end of the line.
  void update(std::uint64_t done, const std::string& note = {});

 private:
  using Clock = std::chrono::steady_clock;
  void show(std::uint64_t done, const std::string& note, double elapsed);

  std::string what_, unit_;
  std::uint64_t total_, start_, last_ = 0;
  bool quiet_, terminal_, shown_ = false;
  Clock::time_point begin_, next_;
};

/// A progress that is told its total along with what is done.
std::function<void(std::size_t done, std::size_t total)> progress_of(const std::string& what, const std::string& unit,
                                                                     bool quiet);

/// "1:02:03", "4:05", "12 s"; "?" when it is not known.
std::string duration_text(double seconds);

}  // namespace saccade

#include "tools/run/progress.h"
#include "tools/tell.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <memory>

namespace saccade {
namespace {

constexpr auto quiet_start = std::chrono::seconds(2);
constexpr auto bar_interval = std::chrono::milliseconds(200);
constexpr auto line_interval = std::chrono::seconds(5);

std::size_t terminal_columns() {
  winsize size{};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

}  // namespace

std::string duration_text(double seconds) {
  if (!(seconds >= 0) || seconds > 1e9) return "?";
  const auto s = static_cast<long>(std::lround(seconds));
  if (s < 60) return fmt::format("{} s", s);
  if (s < 3600) return fmt::format("{}:{:02}", s / 60, s % 60);
  return fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
}

Progress::Progress(std::string what, std::uint64_t total, std::string unit, bool quiet, std::uint64_t done)
    : what_(std::move(what)),
      unit_(std::move(unit)),
      total_(total),
      start_(done),
      quiet_(quiet),
      terminal_(isatty(STDERR_FILENO) != 0),
      begin_(Clock::now()),
      next_(begin_ + quiet_start) {}

Progress::~Progress() {
  if (shown_ && terminal_) std::fputc('\n', stderr);
}

void Progress::update(std::uint64_t done, const std::string& note) {
  if (quiet_) return;
  const auto now = Clock::now();
  const bool last = shown_ && done >= total_ && last_ < total_;
  if (now < next_ && !last) return;
  next_ = now + (terminal_ ? Clock::duration(bar_interval) : Clock::duration(line_interval));
  last_ = done;
  shown_ = true;
  show(done, note, std::chrono::duration<double>(now - begin_).count());
}

std::function<void(std::size_t, std::size_t)> progress_of(const std::string& what, const std::string& unit,
                                                          bool quiet) {
  return [=, shown = std::shared_ptr<Progress>()](std::size_t done, std::size_t total) mutable {
    if (!shown) shown = std::make_shared<Progress>(what, total, unit, quiet);
    shown->update(done);
    if (done == total) shown.reset();
  };
}

void Progress::show(std::uint64_t done, const std::string& note, double elapsed) {
  const double fraction = total_ == 0 ? 1.0 : std::min(1.0, static_cast<double>(done) / static_cast<double>(total_));
  const double rate = static_cast<double>(done - std::min(start_, done)) / elapsed;
  const double remaining = static_cast<double>(total_ - std::min(done, total_)) / rate;
  std::string text = fmt::format("{:3.0f} %  {}/{} {}  {:.0f}/s  {} left", std::floor(100 * fraction), done, total_,
                                 unit_, rate, duration_text(remaining));
  if (total_ == 0) text = fmt::format("{} {}  {:.0f}/s", done, unit_, rate);
  if (!note.empty()) text += "  " + note;
  if (!terminal_) {
    put_on_stderr(fmt::format("{}: {}\n", what_, text));
    return;
  }
  const std::size_t columns = terminal_columns();
  std::string bar;
  if (const std::size_t fixed = what_.size() + text.size() + 6; total_ > 0 && columns > fixed + 8) {
    const std::size_t width = std::min<std::size_t>(columns - fixed, 30);
    const auto full = static_cast<std::size_t>(fraction * static_cast<double>(width));
    bar = fmt::format("[{:#<{}}{:.<{}}] ", "", full, "", width - full);
  }
  std::string line = what_ + " " + bar + text;
  if (line.size() >= columns) line.resize(columns - 1);  // a wrapped line could not be overwritten
  put_on_stderr(fmt::format("\r{}\033[K", line));
  std::fflush(stderr);
}

}  // namespace saccade

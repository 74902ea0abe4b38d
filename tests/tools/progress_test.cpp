#include "tools/run/progress.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <pty.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <limits>
#include <memory>
#include <string>
#include <thread>

#include "tools/captured.h"

using namespace saccade;
using namespace std::chrono_literals;

namespace {

/// Standard error as a terminal of some columns.
class Terminal {
 public:
  explicit Terminal(unsigned short columns) {
    const winsize size{24, columns, 0, 0};
    REQUIRE(::openpty(&master_, &slave_, nullptr, nullptr, &size) == 0);
    ::fcntl(master_, F_SETFL, O_NONBLOCK);
    enter();
  }
  ~Terminal() {
    leave();
    ::close(master_);
    ::close(slave_);
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  void enter() {
    before_ = ::dup(STDERR_FILENO);
    ::dup2(slave_, STDERR_FILENO);
  }
  void leave() {
    if (before_ < 0) return;
    std::fflush(stderr);
    ::dup2(before_, STDERR_FILENO);
    ::close(before_);
    before_ = -1;
  }
  /// What was written since.
  std::string text() {
    std::fflush(stderr);
    std::string all(4096, 0);
    const ssize_t got = ::read(master_, all.data(), all.size());
    all.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
    return all;
  }

 private:
  int master_ = -1, slave_ = -1, before_ = -1;
};

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("progress: nothing of short work; a bar as wide as a terminal, a line elsewhere; nothing when quiet") {
  Terminal terminal(60);
  auto bar = std::make_unique<Progress>("replay", 200, "views", false, 100);
  bar->update(120, "loss 0.5");
  CHECK(terminal.text() == "");
  terminal.leave();
  const Captured captured(STDERR_FILENO);
  Progress lines("reading", 0, "images", false), quiet("probe", 10, "steps", true);
  std::this_thread::sleep_for(2050ms);
  lines.update(7, "of a folder");
  lines.update(8);  // within 5 s of the last
  quiet.update(5);
  const std::string said = captured.text();
  CHECK(said.starts_with("reading: 7 images  "));
  CHECK(said.ends_with("/s  of a folder\n"));
  CHECK(std::count(said.begin(), said.end(), '\n') == 1);

  terminal.enter();
  bar->update(150, "loss 0.5");
  std::string shown = terminal.text();
  CAPTURE(shown);
  CHECK(shown.starts_with("\rreplay "));
  CHECK(contains(shown, " 75 %  150/200 views"));
  CHECK(shown.ends_with("\033[K"));
  CHECK(shown.size() - 4 < 60);  // less than a line, but for what returns and clears
  bar->update(200);              // the end is shown however soon it comes
  shown = terminal.text();
  CHECK(contains(shown, "[####"));
  CHECK(contains(shown, "100 %  200/200 views"));
  bar.reset();
  CHECK(terminal.text() == "\r\n");
  terminal.leave();  // to what is captured, before that ends
}

TEST_CASE("durations as one reads them") {
  CHECK(duration_text(3723.4) == "1:02:03");
  CHECK(duration_text(245) == "4:05");
  CHECK(duration_text(11.6) == "12 s");
  CHECK(duration_text(-1) == "?");
  CHECK(duration_text(std::numeric_limits<double>::infinity()) == "?");
  CHECK(duration_text(std::numeric_limits<double>::quiet_NaN()) == "?");
}

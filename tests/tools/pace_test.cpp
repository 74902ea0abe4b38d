#include "tools/live/pace.h"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>

namespace saccade {
namespace {

using namespace std::chrono_literals;

bool never() { return false; }
std::atomic<bool> stopped{false};
bool when_stopped() { return stopped; }

/// A run without end that counts its views.
struct Runner {
  explicit Runner(Pace& pace) {
    stopped = false;
    thread = std::thread([this, &pace] {
      while (!stopped) {
        pace.wait(when_stopped);
        if (!stopped) ++views;
        std::this_thread::sleep_for(100us);
      }
    });
  }
  ~Runner() {
    stopped = true;
    thread.join();
  }
  /// Views once it stands still.
  int settled() const {
    for (int before = -1; before != views; std::this_thread::sleep_for(60ms)) before = views;
    return views;
  }
  std::atomic<int> views{0};
  std::thread thread;
};

}  // namespace

TEST_CASE("pace: commands are taken word by word") {
  Pace pace;
  CHECK_FALSE(pace.state().paused);
  CHECK(pace.state().speed == 0);
  for (const char* command :
       {"pause", "resume", "step", "speed 1", "speed 0.1", "speed 100000", "speed 2.5", "speed max"})
    CHECK(pace.command(command));
  for (const char* wrong :
       {"",          "Pause",      "pause ",       " pause",        "speed",     "speed ",    "speed 0",
        "speed -1",  "speed 0.01", "speed 100001", "speed nan",     "speed inf", "speed 1e3", "speed 0x10",
        "speed 1,5", "speed  1",   "speed 1 ",     "speed maximum", "steps",     "stepstep"}) {
    const Pace::State before = pace.state();
    CHECK_FALSE_MESSAGE(pace.command(wrong), wrong);
    CHECK(pace.state().paused == before.paused);
    CHECK(pace.state().speed == before.speed);
  }
}

TEST_CASE("pace: pause holds, a step lets one view pass, resume and stop let go") {
  Pace pace;
  CHECK(pace.wait(never) == Pace::Clock::duration{});
  CHECK(pace.command("pause"));
  {
    const Runner runner(pace);
    CHECK(runner.settled() == 0);
    for (int i = 1; i <= 3; ++i) {
      CHECK(pace.command("step"));
      CHECK(runner.settled() == i);
    }
    CHECK(pace.command("step"));
    CHECK(pace.command("step"));
    CHECK(runner.settled() == 5);
    CHECK(pace.command("resume"));
    while (runner.views < 20) std::this_thread::sleep_for(1ms);
    CHECK(pace.command("step"));  // of one that runs: it stands still where it is
    const int views = runner.settled();
    std::this_thread::sleep_for(50ms);
    CHECK(runner.views == views);
    CHECK(pace.state().paused);
  }  // stopped while it is held
}

TEST_CASE("pace: so many views a second, never more") {
  Pace pace;
  CHECK(pace.command("speed 200"));
  const auto begin = Pace::Clock::now();
  Pace::Clock::duration held{};
  for (int i = 0; i < 20; ++i) held += pace.wait(never);
  const auto took = Pace::Clock::now() - begin;
  CHECK(took >= 19 * 5ms);
  CHECK(held <= took);
  CHECK(held >= took / 2);
  // A slow one is held until the speed changes.
  CHECK(pace.command("speed 0.1"));
  pace.wait(never);
  std::thread other([&] {
    std::this_thread::sleep_for(50ms);
    CHECK(pace.command("speed max"));
  });
  CHECK(pace.wait(never) < 5s);
  other.join();
  CHECK(pace.wait(never) == Pace::Clock::duration{});
}

}  // namespace saccade

/// Tasks of a ThreadPool with a race of the kind named, for ThreadSanitizer to report; `nothing` has none.
#include <atomic>
#include <cstdio>
#include <string_view>
#include <thread>
#include <vector>

#include "engine/thread_pool.h"

namespace {

/// Two tasks on two threads, neither ordered against the other: they meet by relaxed operations only.
template <class Task>
void side_by_side(const Task& task) {
  std::atomic<int> arrived = 0;
  saccade::ThreadPool(2).run(2, [&](std::size_t i) {
    arrived.fetch_add(1, std::memory_order_relaxed);
    while (arrived.load(std::memory_order_relaxed) < 2) std::this_thread::yield();
    task(i);
  });
}

}  // namespace

int main(int, char** arguments) {
  const std::string_view kind = arguments[1] ? arguments[1] : "";
  std::vector<int> counters(3);
  if (kind == "counter") {  // in memory that both change
    side_by_side([&](std::size_t) { ++counters[2]; });
  } else if (kind == "captured") {  // one reads what the other writes
    side_by_side([&](std::size_t i) { counters[i] = i == 0 ? 1 : counters[0]; });
  } else if (kind == "nothing") {  // written before, in and after the tasks
    for (int round = 0; round < 100; ++round) {
      counters[2] = round;
      side_by_side([&](std::size_t i) { counters[i] += counters[2]; });
      counters[2] = counters[0] + counters[1];
    }
  } else {
    std::fputs("usage: racing_tasks counter|captured|nothing\n", stderr);
    return 2;
  }
  std::printf("%d\n", counters[2]);
}

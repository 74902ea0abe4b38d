#include "engine/thread_pool.h"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <numeric>
#include <stdexcept>
#include <thread>
#include <vector>

namespace saccade {
namespace {

TEST_CASE("every task of a pool runs once, whatever the number of threads and tasks") {
  for (const int threads : {1, 2, 5})
    for (const std::size_t count : {0, 1, 2, 7, 1000}) {
      CAPTURE(threads);
      CAPTURE(count);
      const ThreadPool pool(threads);
      CHECK(pool.threads() == threads);
      std::vector<int> runs(count), thread(count, -1);
      pool.run(count, [&](std::size_t i) {
        ++runs[i];
        thread[i] = ThreadPool::current();
      });
      CHECK(runs == std::vector<int>(count, 1));
      for (const int t : thread) CHECK((t >= 0 && t < threads));
    }
  CHECK(ThreadPool(0).threads() >= 1);
}

TEST_CASE("a pool has all of its threads, whatever other pools there are and however few cores") {
  const ThreadPool smaller(1), pool(5), smallest(1);
  std::atomic<int> arrived = 0;
  std::vector<int> met(5);
  const auto last_call = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  pool.run(5, [&](std::size_t i) {
    ++arrived;
    while (arrived < 5 && std::chrono::steady_clock::now() < last_call) std::this_thread::yield();
    met[i] = arrived;
  });
  CHECK(met == std::vector<int>(5, 5));
}

TEST_CASE("what a task throws, run() throws, and the pool goes on") {
  const ThreadPool pool(2);
  CHECK_THROWS_WITH_AS(pool.run(100,
                                [](std::size_t i) {
                                  if (i == 42) throw std::out_of_range("task 42");
                                }),
                       "task 42", std::out_of_range);
  std::vector<std::size_t> done(100);
  pool.run(done.size(), [&](std::size_t i) { done[i] = i; });
  CHECK(std::accumulate(done.begin(), done.end(), std::size_t{0}) == 4950);
}

}  // namespace
}  // namespace saccade

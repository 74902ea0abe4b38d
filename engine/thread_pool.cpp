#include "engine/thread_pool.h"

#include <tbb/blocked_range.h>
#include <tbb/global_control.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#include <mutex>

#ifdef SACCADE_THREAD_SANITIZER
/// What ThreadSanitizer is told not to report: what oneTBB's own code does to its own memory through functions that the
/// sanitizer intercepts (memcmp and delete of its thread starts, now and then). Not what tasks do: they are our code,
/// in no library (racing_tasks shows that their races are reported all the same).
extern "C" const char* __tsan_default_suppressions();
extern "C" const char* __tsan_default_suppressions() { return "called_from_lib:libtbb.so\n"; }
#endif

namespace saccade {

namespace {

/// oneTBB would otherwise stop at the number of cores. Of several such controls it obeys the lowest, so all pools share
/// one, which only grows: an arena keeps to its own number anyway.
void allow(int threads) {
  static std::mutex mutex;
  static std::unique_ptr<tbb::global_control> control;
  static int allowed = tbb::this_task_arena::max_concurrency();
  const std::lock_guard lock(mutex);
  if (threads <= allowed) return;
  control = std::make_unique<tbb::global_control>(tbb::global_control::max_allowed_parallelism,
                                                  static_cast<std::size_t>(threads));
  allowed = threads;
}

}  // namespace

struct ThreadPool::Arena {
  explicit Arena(int threads) : arena(threads) {}

  tbb::task_arena arena;
};

ThreadPool::ThreadPool(int threads) : threads_(threads > 0 ? threads : tbb::this_task_arena::max_concurrency()) {
  allow(threads_);
  arena_ = std::make_unique<Arena>(threads_);
}

ThreadPool::~ThreadPool() = default;

int ThreadPool::current() { return tbb::this_task_arena::current_thread_index(); }

void ThreadPool::share(std::size_t count, void (*some)(void*, std::size_t, std::size_t), void* of) const {
  arena_->arena.execute([&] {
    tbb::parallel_for(tbb::blocked_range<std::size_t>(0, count),
                      [&](const tbb::blocked_range<std::size_t>& part) { some(of, part.begin(), part.end()); });
  });
}

}  // namespace saccade

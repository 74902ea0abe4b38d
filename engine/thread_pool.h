#pragma once
#include <cstddef>
#include <memory>

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SACCADE_THREAD_SANITIZER
#endif
#elif defined(__SANITIZE_THREAD__)
#define SACCADE_THREAD_SANITIZER
#endif
#ifdef SACCADE_THREAD_SANITIZER
#include <sanitizer/tsan_interface.h>
#endif

namespace saccade {

/// Threads that share independent tasks: the one place where our work enters oneTBB and leaves it again.
///
/// ThreadSanitizer does not see how oneTBB hands work over: its library is not built for it. So thread_pool.cpp, the
/// only source with oneTBB's templates, is not looked at either, and what oneTBB promises is told to the sanitizer
/// here: what came before run() comes before every task, and every task before what follows run(). Two tasks are never
/// ordered, so a race between them is reported (tests/threads/racing_tasks.cpp).
class ThreadPool {
 public:
  explicit ThreadPool(int threads);  ///< 0 or less: as many as there are cores
  ~ThreadPool();

  int threads() const { return threads_; }
  /// Which of this pool's threads calls: 0 .. threads() - 1 in a task, any value outside of one.
  static int current();

  /// task(0) .. task(count - 1), in any order, on all threads, the caller's among them. What one throws, run() throws;
  /// tasks that have not begun by then are left out.
  template <class Task>
  void run(std::size_t count, const Task& task) const {
    Shared<Task> shared{task, {}, {}};
    shared.begin.release();
    const Acquires ended{shared.end};
    share(
        count,
        [](void* of, std::size_t first, std::size_t last) {
          auto& part = *static_cast<Shared<Task>*>(of);
          part.begin.acquire();
          const Releases end{part.end};  // where a task throws, too
          for (std::size_t i = first; i < last; ++i) part.task(i);
        },
        &shared);
  }

 private:
  /// A name for a moment; only its address counts. Without the sanitizer it does nothing.
  struct Moment {
#ifdef SACCADE_THREAD_SANITIZER
    void release() { __tsan_release(this); }
    void acquire() { __tsan_acquire(this); }
#else
    void release() {}
    void acquire() {}
#endif
  };
  struct Releases {
    ~Releases() { moment.release(); }
    Moment& moment;
  };
  struct Acquires {
    ~Acquires() { moment.acquire(); }
    Moment& moment;
  };
  template <class Task>
  struct Shared {
    const Task& task;
    Moment begin, end;
  };

  /// some(of, first, last) for parts of 0 .. count - 1 that are all of it.
  void share(std::size_t count, void (*some)(void* of, std::size_t first, std::size_t last), void* of) const;

  struct Arena;
  int threads_;
  std::unique_ptr<Arena> arena_;
};

}  // namespace saccade

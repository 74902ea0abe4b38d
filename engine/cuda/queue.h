#pragma once
#include <cstddef>
#include <type_traits>

/// Where kernels are sent to. This header and the kernels know nothing of what executes them.
namespace saccade::SACCADE_CUDA {

struct Size3 {
  unsigned x = 1, y = 1, z = 1;
};

/// One kernel, its geometry and the one plain struct that it takes by value.
struct Launch {
  const char* name;
  const void* kernel;
  /// Calls the kernel's function with the task: how the emulation runs it.
  void (*call)(const void* kernel, const void* task);
  Size3 grid, block;
  const void* task;
  std::size_t task_bytes;
};

/// A sequence of launches on one device; each starts when the one before has ended.
class Queue {
 public:
  virtual ~Queue() = default;

  /// `kernel` is a __global__ function of one trivially copyable struct of at most 4 KiB. An empty grid is no launch.
  template <class Task>
  void launch(const char* name, void (*kernel)(Task), Size3 grid, Size3 block, Task task) {
    static_assert(std::is_trivially_copyable_v<Task> && sizeof(Task) <= 4096);
    if (grid.x == 0 || grid.y == 0 || grid.z == 0) return;
    __builtin_clear_padding(&task);  // launches are compared byte by byte
    add({name, reinterpret_cast<const void*>(kernel),
         [](const void* function, const void* given) {
           reinterpret_cast<void (*)(Task)>(const_cast<void*>(function))(*static_cast<const Task*>(given));
         },
         grid, block, &task, sizeof(Task)});
  }

  /// Memory of at least `bytes` for the launches of one operation, with anything in it; the next operation may get the
  /// same.
  virtual void* scratch(std::size_t bytes) = 0;

 private:
  virtual void add(const Launch& launch) = 0;
};

}  // namespace saccade::SACCADE_CUDA

#pragma once
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "engine/cuda/queue.h"

namespace saccade::SACCADE_CUDA {

/// What a device is told to do, in order.
struct Command {
  enum class Kind : std::uint8_t { launch, upload, copy, clear };
  Kind kind = Kind::launch;
  Launch launch{};  ///< its task is at CommandList::task()
  std::size_t task_at = 0;
  void* to = nullptr;          ///< device memory
  const void* from = nullptr;  ///< upload: the host's, page-locked; copy: the device's
  std::size_t bytes = 0;
};

/// Commands with the tasks of their launches, and a key: two lists with equal keys do the same, whenever they run. What
/// differs from one event to the next passes through memory, never through a task.
class CommandList {
 public:
  void launch(const Launch& launch) {
    Command command;
    command.launch = launch;
    constexpr std::size_t alignment = 16;
    command.task_at = (tasks_.size() + alignment - 1) / alignment * alignment;
    tasks_.resize(command.task_at + launch.task_bytes);
    std::memcpy(tasks_.data() + command.task_at, launch.task, launch.task_bytes);
    const unsigned geometry[] = {launch.grid.x,  launch.grid.y,  launch.grid.z,
                                 launch.block.x, launch.block.y, launch.block.z};
    append_key(&launch.kernel, sizeof launch.kernel);
    append_key(geometry, sizeof geometry);
    append_key(launch.task, launch.task_bytes);
    commands_.push_back(command);
  }
  void move(Command::Kind kind, void* to, const void* from, std::size_t bytes) {
    Command command;
    command.kind = kind;
    command.to = to;
    command.from = from;
    command.bytes = bytes;
    append_key(&kind, sizeof kind);
    append_key(&to, sizeof to);
    append_key(&from, sizeof from);
    append_key(&bytes, sizeof bytes);
    commands_.push_back(command);
  }

  void append(const CommandList& list) {
    for (const Command& command : list.commands_) {
      Launch launch_of = command.launch;
      launch_of.task = list.task(command);
      if (command.kind == Command::Kind::launch)
        launch(launch_of);
      else
        move(command.kind, command.to, command.from, command.bytes);
    }
  }

  const std::vector<Command>& commands() const { return commands_; }
  const void* task(const Command& command) const { return tasks_.data() + command.task_at; }
  const std::string& key() const { return key_; }
  bool empty() const { return commands_.empty(); }
  void clear() {
    commands_.clear();
    tasks_.clear();
    key_.clear();
  }

 private:
  void append_key(const void* bytes, std::size_t size) { key_.append(static_cast<const char*>(bytes), size); }

  std::vector<Command> commands_;
  std::vector<std::byte> tasks_;  ///< operator new aligns the first to 16
  std::string key_;
};

}  // namespace saccade::SACCADE_CUDA

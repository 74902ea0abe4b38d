#include <sys/mman.h>

#include <cstdlib>
#include <cstring>
#include <new>
#include <stdexcept>

#include "cuda_emulation.h"
#include "engine/cuda/runtime.h"

/// What lies below the CUDA device in the tests: its commands run on the host. Without a sanitizer, device memory can
/// be touched only while they run, so that a host's access to a device's memory is a crash, as it is with a GPU; with
/// one, each allocation is one of the heap, so that the sanitizer sees its ends.
namespace saccade::SACCADE_CUDA {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool sanitized = true;
#else
constexpr bool sanitized = false;
#endif

/// Address space that is closed but for the lifetime of an Open. What is given back is not used again.
class Region {
 public:
  static Region& one() {
    static Region region;
    return region;
  }
  std::byte* take(std::size_t bytes) {
    constexpr std::size_t page = 4096;
    std::byte* start = base_ + used_;
    used_ += (bytes + page - 1) / page * page;
    if (used_ > reserved) throw std::bad_alloc();
    const Open open;
    std::memset(start, 0xff, bytes);
    return start;
  }

  struct Open {
    Open() { one().protect(PROT_READ | PROT_WRITE); }
    ~Open() { one().protect(PROT_NONE); }
  };

 private:
  Region()
      : base_(static_cast<std::byte*>(
            mmap(nullptr, reserved, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0))) {
    if (base_ == MAP_FAILED) throw std::bad_alloc();
  }
  void protect(int access) const {
    if (used_ > 0 && mprotect(base_, used_, access) != 0) throw std::runtime_error("emulated device: mprotect failed");
  }

  static constexpr std::size_t reserved = std::size_t{1} << 40;
  std::byte* base_;
  std::size_t used_ = 0;
};

class EmulatedRuntime final : public Runtime {
 public:
  std::string card() const override { return "CUDA emulated on the host"; }
  std::string architecture() const override { return "emulated"; }

  std::shared_ptr<void> allocate(std::size_t bytes) override {
    if constexpr (sanitized) return {emulation::allocate(bytes), emulation::release};
    return {Region::one().take(bytes), [bytes](void* old) { madvise(old, bytes, MADV_DONTNEED); }};
  }
  std::shared_ptr<void> allocate_host(std::size_t bytes) override { return {std::malloc(bytes), std::free}; }

  std::shared_ptr<void> record(const CommandList& list) override { return std::make_shared<CommandList>(list); }
  void replay(void* recorded) override { run(*static_cast<const CommandList*>(recorded)); }
  void run(const CommandList& list) override {
    const auto open = opened();
    for (const Command& command : list.commands()) run(list, command);
  }
  void wait() override {}
  void download(void* to_host, const void* from, std::size_t bytes) override {
    const auto open = opened();
    std::memcpy(to_host, from, bytes);
  }

 private:
  static std::unique_ptr<Region::Open> opened() { return sanitized ? nullptr : std::make_unique<Region::Open>(); }
  static void run(const CommandList& list, const Command& c) {
    switch (c.kind) {
      case Command::Kind::launch:
        emulation::run(c.launch.name, {c.launch.grid.x, c.launch.grid.y, c.launch.grid.z},
                       {c.launch.block.x, c.launch.block.y, c.launch.block.z},
                       [&] { c.launch.call(c.launch.kernel, list.task(c)); });
        break;
      case Command::Kind::upload:
      case Command::Kind::copy:
        std::memcpy(c.to, c.from, c.bytes);
        break;
      case Command::Kind::clear:
        std::memset(c.to, 0, c.bytes);
        break;
    }
  }
};

}  // namespace

std::unique_ptr<Runtime> make_runtime() { return std::make_unique<EmulatedRuntime>(); }

}  // namespace saccade::SACCADE_CUDA

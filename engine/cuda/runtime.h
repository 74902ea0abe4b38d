#pragma once
#include <memory>
#include <string>

#include "engine/cuda/command_list.h"

namespace saccade::SACCADE_CUDA {

/// The little that the CUDA device asks of what lies below it: the CUDA runtime, or in the tests an emulation on the
/// host (tests/emulation), so that all above is the same code. Errors are std::runtime_error with the call's name;
/// memory that is not there is std::bad_alloc.
class Runtime {
 public:
  virtual ~Runtime() = default;

  virtual std::string card() const = 0;          ///< "NVIDIA H100 80GB HBM3"
  virtual std::string architecture() const = 0;  ///< "sm_90", what decides the bits

  /// Device memory with anything in it, aligned to 256 bytes.
  virtual std::shared_ptr<void> allocate(std::size_t bytes) = 0;
  /// Page-locked memory of the host, from which uploads run beside the device's work.
  virtual std::shared_ptr<void> allocate_host(std::size_t bytes) = 0;

  /// A list that can be replayed with one call, as often as wanted. What tasks point to must stay.
  virtual std::shared_ptr<void> record(const CommandList& list) = 0;
  virtual void replay(void* recorded) = 0;
  virtual void run(const CommandList& list) = 0;
  /// Everything sent so far has ended; errors of kernels are thrown here.
  virtual void wait() = 0;
  /// Waits, then copies.
  virtual void download(void* to_host, const void* from, std::size_t bytes) = 0;
};

/// The runtime of the first CUDA device. InputError when there is no GPU, no driver or one that is too old.
std::unique_ptr<Runtime> make_runtime();

}  // namespace saccade::SACCADE_CUDA

#include <cuda_runtime_api.h>
#include <fmt/format.h>

#include <new>
#include <stdexcept>

#include "engine/cuda/runtime.h"
#include "engine/error.h"

/// The CUDA runtime. One stream: operations follow one another, and what may run at the same time runs inside a kernel.
namespace saccade::SACCADE_CUDA {
namespace {

void check(cudaError_t result, const char* call) {
  if (result == cudaSuccess) return;
  if (result == cudaErrorMemoryAllocation) throw std::bad_alloc();
  throw std::runtime_error(
      fmt::format("CUDA: {} failed: {} ({})", call, cudaGetErrorString(result), cudaGetErrorName(result)));
}

dim3 size(const Size3& s) { return {s.x, s.y, s.z}; }

class GpuRuntime final : public Runtime {
 public:
  explicit GpuRuntime(const cudaDeviceProp& properties) : properties_(properties) {
    check(cudaSetDevice(0), "cudaSetDevice");
    check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "cudaStreamCreate");
    // An arena: memory that is given back stays with the pool, so that later buffers cost no call of the driver.
    cudaMemPool_t pool = nullptr;
    check(cudaDeviceGetDefaultMemPool(&pool, 0), "cudaDeviceGetDefaultMemPool");
    std::uint64_t keep = UINT64_MAX;
    check(cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &keep), "cudaMemPoolSetAttribute");
  }
  ~GpuRuntime() override {
    cudaStreamSynchronize(stream_);
    cudaStreamDestroy(stream_);
  }

  std::string card() const override { return properties_.name; }
  std::string architecture() const override { return fmt::format("sm_{}{}", properties_.major, properties_.minor); }

  std::shared_ptr<void> allocate(std::size_t bytes) override {
    void* memory = nullptr;
    check(cudaMallocAsync(&memory, bytes, stream_), "cudaMallocAsync");
    return {memory, [stream = stream_](void* old) { cudaFreeAsync(old, stream); }};
  }
  std::shared_ptr<void> allocate_host(std::size_t bytes) override {
    void* memory = nullptr;
    check(cudaMallocHost(&memory, bytes), "cudaMallocHost");
    return {memory, [](void* old) { cudaFreeHost(old); }};
  }

  std::shared_ptr<void> record(const CommandList& list) override {
    check(cudaStreamBeginCapture(stream_, cudaStreamCaptureModeThreadLocal), "cudaStreamBeginCapture");
    cudaGraph_t graph = nullptr;
    try {
      run(list);
    } catch (...) {
      cudaStreamEndCapture(stream_, &graph);
      if (graph) cudaGraphDestroy(graph);
      throw;
    }
    check(cudaStreamEndCapture(stream_, &graph), "cudaStreamEndCapture");
    cudaGraphExec_t executable = nullptr;
    const cudaError_t made = cudaGraphInstantiate(&executable, graph, 0);
    cudaGraphDestroy(graph);
    check(made, "cudaGraphInstantiate");
    return {executable, [](void* old) { cudaGraphExecDestroy(static_cast<cudaGraphExec_t>(old)); }};
  }
  void replay(void* recorded) override {
    check(cudaGraphLaunch(static_cast<cudaGraphExec_t>(recorded), stream_), "cudaGraphLaunch");
  }
  void run(const CommandList& list) override {
    for (const Command& command : list.commands()) run(list, command);
  }
  void wait() override { check(cudaStreamSynchronize(stream_), "cudaStreamSynchronize"); }
  void download(void* to_host, const void* from, std::size_t bytes) override {
    check(cudaMemcpyAsync(to_host, from, bytes, cudaMemcpyDeviceToHost, stream_), "cudaMemcpyAsync to the host");
    wait();
  }

 private:
  void run(const CommandList& list, const Command& c) {
    switch (c.kind) {
      case Command::Kind::launch: {
        void* arguments[] = {const_cast<void*>(list.task(c))};
        check(cudaLaunchKernel(c.launch.kernel, size(c.launch.grid), size(c.launch.block), arguments, 0, stream_),
              c.launch.name);
        break;
      }
      case Command::Kind::upload:
        check(cudaMemcpyAsync(c.to, c.from, c.bytes, cudaMemcpyHostToDevice, stream_), "cudaMemcpyAsync to the device");
        break;
      case Command::Kind::copy:
        check(cudaMemcpyAsync(c.to, c.from, c.bytes, cudaMemcpyDeviceToDevice, stream_), "cudaMemcpyAsync");
        break;
      case Command::Kind::clear:
        check(cudaMemsetAsync(c.to, 0, c.bytes, stream_), "cudaMemsetAsync");
        break;
    }
  }

  cudaDeviceProp properties_;
  cudaStream_t stream_ = nullptr;
};

}  // namespace

std::unique_ptr<Runtime> make_runtime() {
  int count = 0;
  const cudaError_t found = cudaGetDeviceCount(&count);
  if (found == cudaErrorInsufficientDriver)
    throw InputError("there is no driver of an NVIDIA card, or it is older than this build's CUDA");
  if (found != cudaSuccess || count == 0)
    throw InputError(fmt::format("no GPU was found ({})",
                                 found == cudaSuccess ? "the driver lists none" : cudaGetErrorString(found)));
  cudaDeviceProp properties{};
  check(cudaGetDeviceProperties(&properties, 0), "cudaGetDeviceProperties");
  if (properties.major < 8)
    throw InputError(fmt::format("{} has compute capability {}.{}, expected at least 8.0", properties.name,
                                 properties.major, properties.minor));
  return std::make_unique<GpuRuntime>(properties);
}

}  // namespace saccade::SACCADE_CUDA

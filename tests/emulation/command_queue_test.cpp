#include <doctest/doctest.h>

#include <stdexcept>

#include "engine/cuda/cuda_device.h"
#include "engine/device_buffer.h"

using namespace saccade;
using namespace saccade::cuda_emulated;

namespace {

/// The emulated runtime, until it is told to fail as a GPU does when a kernel has gone wrong: at every wait from then
/// on.
class FailingRuntime final : public Runtime {
 public:
  explicit FailingRuntime(const bool& fails) : fails_(fails) {}
  std::string card() const override { return inner_->card(); }
  std::string architecture() const override { return inner_->architecture(); }
  std::shared_ptr<void> allocate(std::size_t bytes) override { return inner_->allocate(bytes); }
  std::shared_ptr<void> allocate_host(std::size_t bytes) override { return inner_->allocate_host(bytes); }
  std::shared_ptr<void> record(const CommandList& list) override { return inner_->record(list); }
  void replay(void* recorded) override { inner_->replay(recorded); }
  void run(const CommandList& list) override { inner_->run(list); }
  void wait() override {
    if (fails_) throw std::runtime_error("CUDA: cudaStreamSynchronize failed");
  }
  void download(void* to_host, const void* from, std::size_t bytes) override {
    wait();
    inner_->download(to_host, from, bytes);
  }

 private:
  std::unique_ptr<Runtime> inner_ = make_runtime();
  const bool& fails_;
};

}  // namespace

TEST_CASE("a GPU's error is an exception where a result is asked for; buffers are freed all the same") {
  bool fails = false;
  CudaDevice device(std::make_unique<FailingRuntime>(fails));
  const auto learn = [&] {
    const DeviceBuffer<float> buffer(device, 16);
    buffer.write(std::vector<float>(16, 1.0f));
    CHECK(buffer.read() == std::vector<float>(16, 1.0f));
    fails = true;
    buffer.clear();
    return buffer.read();
  };
  CHECK_THROWS_WITH_AS(learn(), "CUDA: cudaStreamSynchronize failed", std::runtime_error);
}

TEST_CASE("a list is sent plainly once, then recorded, then replayed; another one has its own key") {
  CudaDevice device(make_runtime());
  const DeviceBuffer<float> a(device, 64), b(device, 64);
  a.read();
  const auto start = device.counts();
  for (float value : {1.0f, 2.0f, 3.0f, 4.0f}) {
    a.write(std::vector<float>(64, value));  // what the host gives may differ
    device.copy(b.data(), a.data(), 64 * sizeof(float));
    CHECK(b.read() == std::vector<float>(64, value));
  }
  CHECK(device.counts().plain - start.plain == 1);
  CHECK(device.counts().recorded - start.recorded == 1);
  CHECK(device.counts().replayed - start.replayed == 3);
  device.copy(a.data(), b.data(), 32 * sizeof(float));
  b.read();
  CHECK(device.counts().plain - start.plain == 2);
}

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

TEST_CASE("results that may come later: in order, whatever is sent and read between, larger than the mail too") {
  CudaDevice device(make_runtime());
  const DeviceBuffer<float> a(device, 64), b(device, 64);
  const std::size_t many = (std::size_t{1} << 20) / sizeof(float) + 64;  // more than the mail holds
  const DeviceBuffer<float> large(device, many);
  std::vector<std::vector<float>> got;
  got.reserve(2000);
  const auto later = [&](const DeviceBuffer<float>& from, std::size_t count) {
    got.emplace_back(count, -1.0f);
    device.read_later(got.back().data(), from.data(), count * sizeof(float));
  };
  const auto start = device.counts();
  std::vector<std::vector<float>> expected;
  for (int i = 0; i < 1000; ++i) {  // 64 answers of 64 floats are a sixteenth of the mail
    CAPTURE(i);
    expected.emplace_back(64, static_cast<float>(i));
    a.write(expected.back());
    device.copy(b.data(), a.data(), 64 * sizeof(float));
    later(b, i % 7 == 0 ? 63 : 64);
    if (i % 7 == 0) expected.back().pop_back();
    if (i % 100 == 13) CHECK(b.read() == std::vector<float>(64, static_cast<float>(i)));
    if (i % 300 == 17) {
      expected.emplace_back(many, 0.5f + static_cast<float>(i));
      large.write(expected.back());
      later(large, many);
    }
    if (i % 250 != 49) continue;
    device.settle();
    CHECK(got == expected);
  }
  device.settle();
  device.settle();
  CHECK(got == expected);
  const auto end = device.counts();
  CHECK(end.plain - start.plain < 30);
  CHECK(end.uploads - start.uploads < 1000 / 8 + 50);
  CHECK(end.downloads - start.downloads < 50);
  unsigned char odd[3] = {9, 9, 9};  // no whole words: at once
  a.clear();
  device.read_later(odd, a.data(), sizeof odd);
  CHECK(odd[0] + odd[1] + odd[2] == 0);
}

TEST_CASE("a GPU's error that shows late is thrown by settle(), and the mail is empty then") {
  bool fails = false;
  CudaDevice device(std::make_unique<FailingRuntime>(fails));
  const DeviceBuffer<float> buffer(device, 16);
  std::vector<float> got(16, 2.0f);
  device.read_later(got.data(), buffer.data(), 16 * sizeof(float));
  fails = true;
  CHECK_THROWS_WITH_AS(device.settle(), "CUDA: cudaStreamSynchronize failed", std::runtime_error);
  CHECK(got == std::vector<float>(16, 2.0f));
  fails = false;
  device.settle();
  CHECK(got == std::vector<float>(16, 2.0f));
}

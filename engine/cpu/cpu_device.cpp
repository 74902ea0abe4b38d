#include "engine/cpu/cpu_device.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <new>

namespace saccade::cpu {

CpuDevice::CpuDevice(int threads) : kernels_(select_kernels()), pool_(threads) {}

std::string CpuDevice::hardware() const {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    const std::size_t colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown processor";
}

std::shared_ptr<void> CpuDevice::allocate(std::size_t bytes) {
  constexpr std::size_t huge_page = std::size_t{2} << 20;
  const std::size_t alignment = bytes >= huge_page ? huge_page : 64;
  const std::size_t size = (bytes + alignment - 1) / alignment * alignment;
  void* memory = std::aligned_alloc(alignment, size);
  if (!memory) throw std::bad_alloc();
  if (alignment == huge_page) madvise(memory, size, MADV_HUGEPAGE);  // a hint: without huge pages all works, slower
  std::memset(memory, 0, size);
  return {memory, std::free};
}

void CpuDevice::reserve_scratch(std::size_t floats) {
  if (floats <= scratch_part_) return;
  scratch_ = allocate(floats * threads() * sizeof(float));
  scratch_part_ = floats;
}

void CpuDevice::write(void* to, const void* from_host, std::size_t bytes) { std::memcpy(to, from_host, bytes); }
void CpuDevice::read(void* to_host, const void* from, std::size_t bytes) { std::memcpy(to_host, from, bytes); }
void CpuDevice::copy(void* to, const void* from, std::size_t bytes) { std::memcpy(to, from, bytes); }
void CpuDevice::clear(void* to, std::size_t bytes) { std::memset(to, 0, bytes); }

void CpuDevice::load_views_impl(const LoadViews& op) {
  const MapShape& shape = op.shape;
  const std::size_t row = static_cast<std::size_t>(shape.width) * shape.channels;
  const auto views = static_cast<std::size_t>(op.extent.views);
  run(views, static_cast<double>(views * shape.features()), [&](std::size_t v) {
    const float* pixels = op.pixels + v * shape.features();
    for (int r = 0; r < op.extent.replicas; ++r) {
      float* map = op.output.at(r, static_cast<int>(v));
      for (int y = 0; y < shape.height; ++y) {
        const float* from = pixels + static_cast<std::size_t>(y) * row;
        float* to = map + shape.offset(y, 0);
        if (shape.lanes == shape.channels) {
          std::memcpy(to, from, row * sizeof(float));
        } else {
          for (int x = 0; x < shape.width; ++x)
            std::memcpy(to + x * shape.lanes, from + x * shape.channels, sizeof(float) * shape.channels);
        }
      }
    }
  });
}

}  // namespace saccade::cpu

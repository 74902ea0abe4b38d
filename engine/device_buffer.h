#pragma once
#include <cstddef>
#include <memory>
#include <stdexcept>
#include <vector>

#include "engine/device.h"

namespace saccade {

/// Typed device memory, zero at first: [replicas][views][size] elements. Move-only; freed with the last owner. The
/// device must outlive it.
template <class T>
class DeviceBuffer {
 public:
  DeviceBuffer() = default;
  DeviceBuffer(Device& device, std::size_t size, int replicas = 1, int views = 1)
      : device_(&device), size_(size), replicas_(replicas), views_(views) {
    if (elements() > 0) memory_ = device.allocate(elements() * sizeof(T));
  }
  DeviceBuffer(DeviceBuffer&&) = default;
  DeviceBuffer& operator=(DeviceBuffer&&) = default;

  T* data() const { return static_cast<T*>(memory_.get()); }
  std::size_t size() const { return size_; }  ///< elements of one view of one replica
  std::size_t elements() const { return size_ * replicas_ * views_; }
  int replicas() const { return replicas_; }
  int views() const { return views_; }
  explicit operator bool() const { return memory_ != nullptr; }

  /// All replicas, from view `first` on.
  Strided<T> strided(int first = 0) const {
    if (!memory_) return {};
    const auto view = static_cast<std::ptrdiff_t>(size_);
    return {data() + first * view, view * views_, view};
  }
  /// Weights: one per replica, shared by all views.
  Strided<T> shared() const { return {data(), static_cast<std::ptrdiff_t>(size_ * views_), 0}; }

  std::vector<T> read() const {
    std::vector<T> host;
    read(host);
    return host;
  }
  /// The same into a vector that is used again and again, so that it need not ask for memory.
  void read(std::vector<T>& host) const {
    host.resize(elements());
    if (!host.empty()) device_->read(host.data(), data(), host.size() * sizeof(T));
  }
  /// Like data(), this does not ask for a non-const buffer: constness is that of the handle, not of the memory.
  void write(const std::vector<T>& host) const {
    if (host.size() != elements()) throw std::invalid_argument("DeviceBuffer::write: wrong size");
    if (!host.empty()) device_->write(data(), host.data(), host.size() * sizeof(T));
  }
  /// All views of one replica.
  std::vector<T> read_replica(int replica) const {
    std::vector<T> host(size_ * static_cast<std::size_t>(views_));
    if (!host.empty()) device_->read(host.data(), shared().at(replica), host.size() * sizeof(T));
    return host;
  }
  void write_replica(int replica, const std::vector<T>& host) const {
    if (host.size() != size_ * static_cast<std::size_t>(views_))
      throw std::invalid_argument("DeviceBuffer::write_replica: wrong size");
    if (!host.empty()) device_->write(shared().at(replica), host.data(), host.size() * sizeof(T));
  }
  void clear() const {
    if (memory_) device_->clear(data(), elements() * sizeof(T));
  }

 private:
  Device* device_ = nullptr;
  std::shared_ptr<void> memory_;
  std::size_t size_ = 0;
  int replicas_ = 1, views_ = 1;
};

}  // namespace saccade

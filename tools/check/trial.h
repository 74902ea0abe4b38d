#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <tuple>
#include <utility>
#include <vector>

#include "engine/device_buffer.h"

namespace saccade::check {

// How far two devices may be apart: the L2 norm of the difference over that of the reference.

/// The operation is the same IEEE arithmetic in the same order everywhere, or only moves data.
inline constexpr double same_bits = 0;
/// Both sum in single precision, in orders of their own. n terms of either sign, added one by one, leave an error of
/// about 0.4 sqrt(n) 2^-24 of the sum: 2e-6 for the longest chain of conv5 and vgg6 over taps and channels, 9 x 1024;
/// seen are up to 1e-6, also where functions (exp, log, tanh) differ by some units in the last place. A wrong index, a
/// missing term or half a precision is orders of magnitude above the limit.
inline constexpr double rounding = 1e-5;
/// The same where a sum runs over all positions of all views and so has no longest chain: 8e-6 by that rule for the
/// 10^5 positions of 100 maps of 32 x 32. (Two such maps leave 6e-7; by the root of their number, 100 would leave
/// 4e-6.)
inline double rounding_of(double terms) { return rounding * std::max(1.0, std::sqrt(terms / 1e5)); }

/// Which views have an active error.
enum class Active {
  all,            ///< without flags
  some,           ///< two of three
  not_replica_1,  ///< a replica without any, beside others
};

/// A learning rate for each replica: 0.001, 0.002 ...
std::vector<float> rates(int replicas);

/// What made-up numbers are uniform in; rounded to multiples of `step` where that is not 0.
struct Range {
  float low = -1, high = 1, step = 0;
};

/// One operation made ready on one device: its memory, filled with numbers that depend on nothing but the order in
/// which they are asked for, what it writes, and how to call it.
class Trial {
 public:
  explicit Trial(Device& device) : device_(device) {}
  Trial(const Trial&) = delete;  // what it holds points to it
  Trial& operator=(const Trial&) = delete;
  Device& device() const { return device_; }

  /// [replicas][views][size] numbers. All memory lives as long as the trial.
  const DeviceBuffer<float>& floats(std::size_t size, const Extent& extent, const Range& range = {});
  /// The same in rows of `used` numbers, padded with zeros to the lanes that are stored.
  const DeviceBuffer<float>& rows(std::size_t rows, int used, const Extent& extent, const Range& range = {});
  /// Borders are zero. The channels of the networks that are checked need no padding.
  const DeviceBuffer<float>& maps(const MapShape& shape, const Extent& extent, const Range& range = {});
  /// Activity that a layer may have left: within the limits of the activation, and at them here and there.
  const DeviceBuffer<float>& maps(const MapShape& shape, const Extent& extent, Activation activation);
  /// Winners of pooling windows.
  const DeviceBuffer<std::uint8_t>& winners(const ConvShape& shape, const Extent& extent);
  ConstFlags flags(const Extent& extent, Active active);
  /// What is written for inactive views may be anything: NaN, so that what is multiplied by 0 instead of skipped shows.
  void spoil_inactive(const DeviceBuffer<float>& values, Active active);
  template <class T>
  const DeviceBuffer<T>& zeros(std::size_t size, const Extent& extent) {
    return keep(DeviceBuffer<T>(device_, size, extent.replicas, extent.views));
  }
  template <class T>
  const DeviceBuffer<T>& put(const std::vector<T>& values, std::size_t size, const Extent& extent) {
    const DeviceBuffer<T>& buffer = zeros<T>(size, extent);
    buffer.write(values);
    return buffer;
  }
  /// Numbers for host memory.
  std::vector<float> host_floats(std::size_t count, const Range& range = {});

  /// What is timed, and then compared.
  template <class Op>
  void calls(void (Device::*operation)(const Op&), const Op& op) {
    call = [this, operation, op] { (device_.*operation)(op); };
  }
  std::function<void()> call;
  /// Makes the result comparable, where devices keep it in layouts of their own.
  std::function<void()> afterwards = [] {};

  /// Something that the operation writes; at least one.
  template <class T>
  void compare(const DeviceBuffer<T>& output, double tolerance = rounding) {
    compare(output, tolerance,
            [](T value, std::vector<float>& numbers) { numbers.push_back(static_cast<float>(value)); });
  }
  /// The same of structs: `append(value, numbers)` takes one apart.
  template <class T, class Append>
  void compare(const DeviceBuffer<T>& output, double tolerance, const Append& append) {
    outputs_.push_back({tolerance, [&output, append] {
                          std::vector<float> numbers;
                          for (const T& value : output.read()) append(value, numbers);
                          return numbers;
                        }});
    if (outputs_.size() > 1) return;
    finish_ = [this, &output] {
      T one{};
      device_.read(&one, output.data(), sizeof one);
    };
  }
  struct Output {
    double tolerance;
    std::function<std::vector<float>()> read;
  };
  const std::vector<Output>& outputs() const { return outputs_; }
  /// Reads one number: the device's work has ended then.
  void finish() const { finish_(); }

 private:
  template <class T>
  const DeviceBuffer<T>& keep(DeviceBuffer<T> buffer) {
    auto& all = std::get<std::deque<DeviceBuffer<T>>>(buffers_);
    return all.emplace_back(std::move(buffer));
  }
  float next();

  Device& device_;
  std::tuple<std::deque<DeviceBuffer<float>>, std::deque<DeviceBuffer<std::uint8_t>>,
             std::deque<DeviceBuffer<std::int32_t>>, std::deque<DeviceBuffer<std::int64_t>>,
             std::deque<DeviceBuffer<HingeResult>>, std::deque<DeviceBuffer<InnerProductResult>>>
      buffers_;
  std::size_t drawn_ = 0;
  std::vector<Output> outputs_;
  std::function<void()> finish_;
};

}  // namespace saccade::check

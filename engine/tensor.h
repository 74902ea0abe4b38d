#pragma once
#include <cstddef>
#include <string>
#include <vector>

namespace saccade {

/// A named array in host memory, row-major float32: how weights and state travel between devices, checkpoints and
/// files. Logical layout, without padding: conv.I.weight [K, C, 3, 3], head.I.weight [64, F] with F in the order
/// (channel, row, column), so that the bytes do not depend on the layout inside a device.
struct Tensor {
  std::string name;
  std::vector<std::size_t> shape;
  std::vector<float> data;

  std::size_t elements() const {
    std::size_t n = 1;
    for (std::size_t extent : shape) n *= extent;
    return n;
  }
};

}  // namespace saccade

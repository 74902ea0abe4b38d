#pragma once
#include <cstddef>

/// Numbers of blocks. Grids are laid along x, which takes 2^31 - 1 blocks (y and z take 65535): a kernel takes its
/// block number apart by division.
namespace saccade::SACCADE_CUDA {

constexpr std::size_t divide_up(std::size_t count, std::size_t part) { return (count + part - 1) / part; }

/// Blocks of `per_block` for `count` things, for each of `times` (views, replicas).
constexpr unsigned blocks(std::size_t count, std::size_t per_block, std::size_t times = 1) {
  return static_cast<unsigned>(divide_up(count, per_block) * times);
}

}  // namespace saccade::SACCADE_CUDA

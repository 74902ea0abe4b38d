#pragma once
#include <cstdint>
#include <functional>

namespace saccade {

/// Called often during long work with how many bytes are done. What it throws ends the work and passes through.
using Tick = std::function<void(std::uint64_t done)>;

}  // namespace saccade

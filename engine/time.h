#pragma once
#include <cstdint>

namespace saccade {

/// Simulated time, integer microseconds since the start of the stream: sums are exact and the order of events is total.
using Time = std::int64_t;

inline constexpr Time ticks_per_second = 1'000'000;

/// 127,000 years; below half of the largest Time, so that the sum of two times cannot overflow.
inline constexpr double latest_second = 4e12;

/// Nearest tick, halves upwards. Throws InputError unless 0 <= seconds <= latest_second.
Time to_ticks(double seconds);

inline double to_seconds(Time time) { return static_cast<double>(time) / static_cast<double>(ticks_per_second); }

}  // namespace saccade

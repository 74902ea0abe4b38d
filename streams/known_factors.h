#pragma once
#include <cstddef>
#include <string>
#include <vector>

namespace saccade {

/// What is known of images beside their labels: factors that they were made from. A factor has one number or several.
struct KnownFactors {
  std::vector<std::string> names;
  std::vector<std::size_t> widths;  ///< numbers of each factor
  std::vector<float> values;        ///< [n][sum of widths]

  std::size_t width() const {
    std::size_t sum = 0;
    for (const std::size_t own : widths) sum += own;
    return sum;
  }
  std::size_t size() const { return names.empty() ? 0 : values.size() / width(); }
  /// Of images [first, first + count).
  KnownFactors part(std::size_t first, std::size_t count) const {
    const auto begin = values.begin() + static_cast<std::ptrdiff_t>(first * width());
    return {names, widths, {begin, begin + static_cast<std::ptrdiff_t>(count * width())}};
  }
};

}  // namespace saccade

#include "streams/shape_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace saccade {

std::string shape_text(const ViewShape& shape) {
  return fmt::format("{}x{}x{}", shape.height, shape.width, shape.channels);
}

std::optional<ViewShape> shape_from_text(const std::string& text) {
  constexpr int largest = 99999;
  ViewShape shape;
  const char *at = text.data(), *end = at + text.size();
  for (int* extent : {&shape.height, &shape.width, &shape.channels}) {
    const auto [rest, error] = std::from_chars(at, end, *extent);
    if (error != std::errc() || *extent < 1 || *extent > largest) return std::nullopt;
    at = rest;
    if (at == end) return extent == &shape.height ? std::nullopt : std::optional(shape);
    if (*at++ != 'x') return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace saccade

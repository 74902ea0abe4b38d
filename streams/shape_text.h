#pragma once
#include <optional>
#include <string>

#include "streams/views.h"

namespace saccade {

/// "32x32x3": height, width and channels.
std::string shape_text(const ViewShape& shape);
/// Back again; "32x32" leaves channels 0. Nothing for another text, or for sizes below 1 or above 99999.
std::optional<ViewShape> shape_from_text(const std::string& text);

}  // namespace saccade

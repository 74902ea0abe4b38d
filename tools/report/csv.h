#pragma once
#include <string>

namespace saccade {

/// A text as a field of a CSV file (RFC 4180).
std::string csv_quoted(const std::string& text);

}  // namespace saccade

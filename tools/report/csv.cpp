#include "tools/report/csv.h"

namespace saccade {

std::string csv_quoted(const std::string& text) {
  std::string csv = "\"";
  for (const char c : text) csv += c == '"' ? "\"\"" : std::string(1, c);
  return csv + "\"";
}

}  // namespace saccade

#pragma once
#include <string>
#include <vector>

namespace saccade {

/// A table row by row; the first row is its head. Cells are HTML.
class HtmlTable {
 public:
  explicit HtmlTable(const std::vector<std::string>& head) { row(head, "th"); }
  /// A cell that begins with a digit, a sign or a dash is a number.
  void row(const std::vector<std::string>& cells, const char* element = "td");
  std::string html() const { return "<div class=\"scroll\"><table>\n" + html_ + "</table></div>\n"; }

 private:
  std::string html_;
};

/// Text as HTML that does not break into lines: a name.
std::string unbroken(const std::string& name);

}  // namespace saccade

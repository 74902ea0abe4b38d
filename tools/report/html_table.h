#pragma once
#include <string>
#include <vector>

namespace saccade {

/// A table row by row; the first row is its head. Cells are HTML.
class HtmlTable {
 public:
  explicit HtmlTable(std::vector<std::string> head) : head_(std::move(head)) {}
  /// A cell that begins with a digit, a sign or a dash is a number.
  void row(const std::vector<std::string>& cells);
  std::string html() const;

 private:
  std::vector<std::string> head_;
  std::vector<bool> numbers_;  ///< columns, as the first row has them
  std::string rows_;
};

/// Text as HTML that does not break into lines: a name.
std::string unbroken(const std::string& name);

}  // namespace saccade

#include "tools/report/html_table.h"

#include <fmt/format.h>

#include <cctype>

#include "tools/report/html.h"

namespace saccade {

namespace {

bool is_number(const std::string& cell) {
  return !cell.empty() && (std::isdigit(static_cast<unsigned char>(cell[0])) || cell[0] == '+' || cell[0] == '-' ||
                           cell.starts_with("–"));
}

std::string cell_html(const char* element, bool number, const std::string& cell) {
  return fmt::format("<{0}{1}>{2}</{0}>", element, number ? " class=\"number\"" : "", cell);
}

}  // namespace

void HtmlTable::row(const std::vector<std::string>& cells) {
  rows_ += "<tr>";
  for (const std::string& cell : cells) rows_ += cell_html("td", is_number(cell), cell);
  rows_ += "</tr>\n";
  if (numbers_.empty())
    for (const std::string& cell : cells) numbers_.push_back(is_number(cell));
}

std::string HtmlTable::html() const {
  std::string head;
  for (std::size_t i = 0; i < head_.size(); ++i)
    head += cell_html("th", i < numbers_.size() ? numbers_[i] : is_number(head_[i]), head_[i]);
  return "<div class=\"scroll\"><table>\n<tr>" + head + "</tr>\n" + rows_ + "</table></div>\n";
}

std::string unbroken(const std::string& name) { return "<span class=\"key\">" + escape_html(name) + "</span>"; }

}  // namespace saccade

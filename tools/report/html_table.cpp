#include "tools/report/html_table.h"

#include <fmt/format.h>

#include <cctype>

#include "tools/report/html.h"

namespace saccade {

void HtmlTable::row(const std::vector<std::string>& cells, const char* element) {
  html_ += "<tr>";
  for (const std::string& cell : cells) {
    const bool number = !cell.empty() && (std::isdigit(static_cast<unsigned char>(cell[0])) || cell[0] == '+' ||
                                          cell[0] == '-' || cell.starts_with("–"));
    html_ += fmt::format("<{0}{1}>{2}</{0}>", element, number ? " class=\"number\"" : "", cell);
  }
  html_ += "</tr>\n";
}

std::string unbroken(const std::string& name) { return "<span class=\"key\">" + escape_html(name) + "</span>"; }

}  // namespace saccade

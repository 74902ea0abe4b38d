#include "tools/reproduce/reproduce_outputs.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "tools/replace_file.h"
#include "tools/report/csv.h"
#include "tools/report/html.h"
#include "tools/report/plot.h"
#include "tools/report/statistic.h"
#include "tools/reproduce/gaps.h"
#include "tools/run/progress.h"
#include "tools/run/run_folder.h"

namespace saccade {
namespace {

std::string number(double value, const char* format = "{:.2f}") {
  return std::isfinite(value) ? fmt::format(fmt::runtime(format), value) : std::string();
}

std::string published(const CellResult& result) {
  return (result.cell.at_least ? "≥ " : "") + number(result.cell.published);
}

std::string ours(const CellResult& result) {
  return number(result.mean) + (std::isfinite(result.sd) ? " ± " + number(result.sd) : std::string());
}

std::string or_dash(const std::string& text) { return text.empty() ? "–" : text; }

/// Characters, not bytes: continuation bytes of UTF-8 take no room.
std::size_t width(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

/// What the random encoder of the same table reaches; NaN where there is none.
double untrained(const ReproducedTable& table) {
  for (const CellResult& result : table.cells)
    if (result.cell.name == "random encoder") return result.mean;
  return std::numeric_limits<double>::quiet_NaN();
}

std::vector<std::vector<std::string>> cells_as_text(const ReproducedTable& table) {
  std::vector<std::vector<std::string>> rows{
      {"cell", "published", "ours", "seeds", "difference", "over random", "learning"}};
  for (const CellResult& result : table.cells)
    rows.push_back({result.cell.name, or_dash(published(result)), or_dash(ours(result)),
                    fmt::format("{}", result.seeds.size()), or_dash(number(result.difference(), "{:+.2f}")),
                    or_dash(result.cell.name == "random encoder" ? std::string()
                                                                 : number(result.mean - untrained(table), "{:+.2f}")),
                    result.seeds.empty() ? "–" : duration_text(result.seconds)});
  return rows;
}

/// Every difference once, with the cells that it is in; first those of every cell.
std::vector<std::pair<std::string, std::string>> differences(const ReproducedTable& table) {
  std::vector<std::pair<std::string, std::string>> common, own;
  std::vector<std::string> said;
  for (const CellResult& first : table.cells)
    for (const std::string& text : first.differs) {
      if (std::find(said.begin(), said.end(), text) != said.end()) continue;
      said.push_back(text);
      std::vector<std::string> with, without;
      for (const CellResult& result : table.cells)
        (std::find(result.differs.begin(), result.differs.end(), text) != result.differs.end() ? with : without)
            .push_back(result.cell.name);
      if (without.empty())
        common.emplace_back("every cell", text);
      else if (with.size() > 2 && without.size() <= 2)
        common.emplace_back(fmt::format("every cell but {}", fmt::join(without, "; ")), text);
      else
        own.emplace_back(fmt::format("{}", fmt::join(with, "; ")), text);
    }
  common.insert(common.end(), own.begin(), own.end());
  return common;
}

/// How many of the published gaps are seen, and a line for each that is not.
struct GapsAsText {
  std::string summary;
  std::vector<std::string> unseen;
};

GapsAsText gaps_as_text(const ReproducedTable& table) {
  const std::vector<Gap> gaps = published_gaps(table);
  GapsAsText text;
  std::size_t reversed = 0;
  for (const Gap& gap : gaps) {
    if (gap.seen()) continue;
    reversed += gap.reversed();
    text.unseen.push_back(fmt::format("{} over {}: published {:+.2f}, ours {:+.2f} ± {:.2f} ({})",
                                      gap.better->cell.name, gap.worse->cell.name, gap.published, gap.ours, gap.error,
                                      gap.reversed() ? "the other way round" : "not told apart"));
  }
  if (!gaps.empty())
    text.summary = fmt::format(
        "{} pairs of cells have published numbers that differ by more than {:g} points. Ours differ in the same "
        "direction by more than two standard errors in {}, in the other direction in {}; {} are not told apart. "
        "(Standard errors are those of the test images, or of the seeds where those are larger.)",
        gaps.size(), least_gap, gaps.size() - text.unseen.size(), reversed, text.unseen.size() - reversed);
  return text;
}

bool any_number(const ReproducedTable& table) {
  return std::any_of(table.cells.begin(), table.cells.end(), [](const CellResult& result) {
    return std::isfinite(result.cell.published) || std::isfinite(result.mean);
  });
}

std::string dots(const ReproducedTable& table) {
  DotPlot plot{.title = "Published and ours", .x_label = "test accuracy, %", .rows = {}};
  for (const CellResult& result : table.cells)
    plot.rows.push_back({result.cell.name, result.cell.published, result.mean, result.sd});
  return "<figure><div class=\"scroll\"><div style=\"min-width:30rem\">" + dot_plot_svg(plot) +
         "</div></div></figure>\n";
}

std::string numbers_html(const ReproducedTable& table) {
  std::string html = "<div class=\"scroll\"><table>\n";
  const auto rows = cells_as_text(table);
  for (std::size_t r = 0; r < rows.size(); ++r) {
    html += "<tr>";
    for (std::size_t i = 0; i < rows[r].size(); ++i)
      html += fmt::format("<{0}{1}>{2}</{0}>", r == 0 ? "th" : "td", i == 0 ? "" : " class=\"number\"",
                          escape_html(rows[r][i]));
    html += "</tr>\n";
  }
  return html + "</table></div>\n";
}

}  // namespace

void set_accuracies(CellResult& result, const std::vector<double>& accuracies) {
  const Statistic over_seeds = statistic(accuracies);
  result.mean = over_seeds.mean;
  result.sd = over_seeds.sd;
}

std::string reproduced_csv(const ReproducedTable& table) {
  std::string csv =
      "table,cell,row,column,published,ours_mean,ours_sd,n,difference,seeds,epochs,images,seconds,protocol,differs\n";
  for (const CellResult& r : table.cells)
    csv += fmt::format("{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}\n", table.table.name, csv_quoted(r.cell.name),
                       csv_quoted(r.cell.row), csv_quoted(r.cell.column), number(r.cell.published),
                       number(r.mean, "{:.4f}"), number(r.sd, "{:.4f}"), r.seeds.size(),
                       number(r.difference(), "{:.4f}"), csv_quoted(fmt::format("{}", fmt::join(r.seeds, " "))),
                       r.epochs, r.images, number(r.seconds, "{:.1f}"), csv_quoted(table.table.protocol),
                       csv_quoted(fmt::format("{}", fmt::join(r.differs, "; "))));
  return csv;
}

std::string reproduced_markdown(const ReproducedTable& table) {
  std::string text = fmt::format("# {}\n\n{}\n\n", table.table.title, table.table.caption);
  if (any_number(table)) {
    const auto rows = cells_as_text(table);
    for (std::size_t r = 0; r < rows.size(); ++r) {
      text += fmt::format("| {} |\n", fmt::join(rows[r], " | "));
      if (r == 0) text += "|---|---:|---:|---:|---:|---:|---:|\n";
    }
    text += "\nTest accuracy in %; ± is the standard deviation over seeds; learning: time in the learning loops.\n\n";
  }
  if (!table.left.empty()) text += table.left + "\n\n";
  if (const GapsAsText gaps = gaps_as_text(table); !gaps.summary.empty()) {
    text += gaps.summary + (gaps.unseen.empty() ? "" : " Those that are not seen:") + "\n\n";
    for (const std::string& gap : gaps.unseen) text += "- " + gap + "\n";
    if (!gaps.unseen.empty()) text += "\n";
  }
  if (!table.table.protocol.empty()) text += "Protocol of the paper: " + table.table.protocol + "\n\n";
  const auto differ = differences(table);
  if (!differ.empty()) text += "How ours differs:\n\n";
  for (const auto& [cells, one] : differ) text += fmt::format("- {}: {}\n", cells, one);
  return text;
}

std::string reproduced_html(const ReproducedTable& table) {
  std::string body = fmt::format("<h1>{}</h1>\n<p class=\"faint\">{}</p>\n", escape_html(table.table.title),
                                 escape_html(table.table.caption));
  if (!table.left.empty()) body += "<p><strong>" + escape_html(table.left) + "</strong></p>\n";
  body += table.figure;
  if (any_number(table)) {
    if (!table.figure.empty()) body += "<h2>Numbers</h2>\n";
    const bool compared = std::any_of(table.cells.begin(), table.cells.end(),
                                      [](const CellResult& result) { return std::isfinite(result.cell.published); });
    body += (compared ? dots(table) : std::string()) + numbers_html(table) +
            "<p class=\"faint\">Test accuracy in %; ± is the standard deviation over seeds; learning: time in the "
            "learning loops of all seeds, probes not counted.</p>\n";
  }
  if (const GapsAsText gaps = gaps_as_text(table); !gaps.summary.empty()) {
    body += "<h2>Which published gaps are seen</h2>\n<p>" + escape_html(gaps.summary) + "</p>\n";
    if (!gaps.unseen.empty()) {
      body += "<details><summary>Those that are not</summary><ul>\n";
      for (const std::string& gap : gaps.unseen) body += "<li>" + escape_html(gap) + "</li>\n";
      body += "</ul></details>\n";
    }
  }
  if (!table.table.protocol.empty())
    body += "<h2>Protocol of the paper</h2>\n<p>" + escape_html(table.table.protocol) + "</p>\n";
  if (const auto differ = differences(table); !differ.empty()) {
    body += "<h2>How ours differs</h2>\n<ul>\n";
    for (const auto& [cells, one] : differ)
      body += fmt::format("<li><strong>{}</strong>: {}</li>\n", escape_html(cells), escape_html(one));
    body += "</ul>\n";
  }
  return html_page(table.table.title, body);
}

std::string reproduced_json(const ReproducedTable& table) {
  nlohmann::ordered_json cells = nlohmann::ordered_json::array();
  for (const CellResult& r : table.cells)
    cells.push_back({{"cell", r.cell.name},
                     {"row", r.cell.row},
                     {"column", r.cell.column},
                     {"published", r.cell.published},
                     {"at_least", r.cell.at_least},
                     {"ours_mean", r.mean},
                     {"ours_sd", r.sd},
                     {"n", r.seeds.size()},
                     {"difference", r.difference()},
                     {"seeds", r.seeds},
                     {"epochs", r.epochs},
                     {"images", r.images},
                     {"seconds", r.seconds},
                     {"differs", r.differs}});
  const nlohmann::ordered_json json = {{"command", "reproduce"},
                                       {"table", table.table.name},
                                       {"title", table.table.title},
                                       {"protocol", table.table.protocol},
                                       {"cells", cells}};
  return json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

std::string reproduced_text(const ReproducedTable& table) {
  std::string text = table.table.title + "\n";
  if (!any_number(table)) return text;
  const auto rows = cells_as_text(table);
  std::vector<std::size_t> widths(rows[0].size());
  for (const auto& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i]));
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string space(widths[i] - width(row[i]), ' ');
      line += i == 0 ? row[i] + space : "  " + space + row[i];
    }
    text += line + "\n";
  }
  return text;
}

void write_outputs(const ReproducedTable& table, const std::filesystem::path& out) {
  const std::string& name = table.table.name;
  if (table.table.runs()) {
    replace_file(out / (name + ".csv"), reproduced_csv(table));
    replace_file(out / (name + ".md"), reproduced_markdown(table));
  }
  replace_file(out / (name + ".html"), reproduced_html(table));
}

}  // namespace saccade

#include "tools/sweep/study_report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <sstream>

#include "tools/read_text.h"
#include "tools/replace_file.h"
#include "tools/report/html.h"
#include "tools/report/html_table.h"
#include "tools/report/plot.h"
#include "tools/sweep/study_plots.h"
#include "tools/sweep/study_tables.h"

namespace saccade {
namespace {

namespace fs = std::filesystem;

/// Paragraphs, empty lines between them.
std::string paragraphs(const std::string& text, const char* attributes = "") {
  std::string html, paragraph, line;
  std::istringstream in(text + "\n\n");
  while (std::getline(in, line)) {
    if (!line.empty()) {
      paragraph += (paragraph.empty() ? "" : "\n") + line;
    } else if (!paragraph.empty()) {
      html += fmt::format("<p{}>{}</p>\n", attributes, escape_html(paragraph));
      paragraph.clear();
    }
  }
  return html;
}

std::string note(const std::string& text) { return paragraphs(text, " class=\"faint\""); }

class StudyPage {
 public:
  StudyPage(const StudyResults& results, const StudyFolder& folder, FileSystem& disk)
      : results_(results), folder_(folder), disk_(disk), measures_(study_measures(results)) {}

  void write() {
    fs::remove_all(folder_.plots());  // of points that a former page had
    fs::create_directories(folder_.plots());
    const Study& study = results_.study;
    std::string body = fmt::format("<h1>{}</h1>\n", escape_html(study.title));
    body += paragraphs(study.question, " style=\"font-size:1.1em\"") + state() + paragraphs(study.notes);
    body += comparisons() + points_table(results_) + layers_table(results_) + measures_table(results_) + curves() +
            cost_table(results_) + failures() + protocols() + files();
    replace_file(folder_.report(), html_page(study.title, body), disk_);
  }

 private:
  std::string state() const {
    std::string text = fmt::format("{} points, {} seeds ({}): {} of {} runs finished", results_.study.points.size(),
                                   results_.study.seeds.size(), fmt::join(results_.study.seeds, ", "),
                                   results_.count(RunState::finished), results_.runs.size());
    for (const RunState state :
         {RunState::diverged, RunState::collapsed, RunState::failed, RunState::begun, RunState::missing})
      if (const std::size_t count = results_.count(state); count > 0)
        text += fmt::format(", {} {}", count, to_string(state));
    return note(text +
                ". A gain is the accuracy of a linear probe on the top layer minus that on the untrained network of "
                "the same seed. Mean ± standard deviation over the seeds that finished.");
  }

  std::string figure(const StudyPlot& plot) const {
    replace_file(folder_.plots() / (plot.name + ".svg"), svg_file(plot.svg), disk_);
    return std::string(plot.wide ? "<figure style=\"grid-column:1/-1;max-width:none\">" : "<figure>") + plot.svg +
           "</figure>\n";
  }

  std::string comparisons() const {
    std::string html;
    for (const StudyMeasure& measure : measures_) {
      const std::vector<StudyPlot> plots = measure_plots(results_, measure);
      // Several maps of one measure stand below its name, single plots side by side.
      if (plots.size() > 1) html += fmt::format("</div>\n<h3>{}</h3>\n<div class=\"plots\">\n", measure.title);
      for (const StudyPlot& plot : plots) html += figure(plot);
    }
    const bool maps = html.find("class=\"cell\"") != std::string::npos;
    return "<h2>What came out</h2>\n<div class=\"plots\">\n" + html + "</div>\n" +
           note(maps ? "Colours span at least four standard deviations of a cell, so that noise does not look like a "
                       "pattern."
                     : "");
  }

  std::string curves() const {
    const std::vector<StudyPlot> plots = loss_plots(results_);
    if (plots.empty()) return {};
    std::string html = "<h2>While learning</h2>\n<div class=\"legend\">";
    const std::vector<int> layers = loss_layers(results_);
    for (std::size_t i = 0; i < layers.size() && layers.size() > 1; ++i)
      html += fmt::format(
          "<span class=\"key\"><svg class=\"plot\" viewBox=\"0 0 20 12\" aria-hidden=\"true\"><path "
          "class=\"line c{}\" d=\"M1 6h18\"/></svg>layer {}</span>",
          i % 7, layers[i]);
    html += "</div>\n<div class=\"multiples\">\n";
    for (const StudyPlot& plot : plots) html += figure(plot);
    std::string text = "The loss over the run, a line for every seed; all plots have the same scale.";
    if (results_.study.points.size() > most_curves)
      text += fmt::format(" The first {} of {} points.", most_curves, results_.study.points.size());
    return html + "</div>\n" + note(text);
  }

  std::string failures() const {
    HtmlTable table({"run", "state", "why"});
    bool any = false;
    for (const StudyResult& one : results_.runs) {
      if (one.state == RunState::finished) continue;
      table.row({unbroken(one.run.name), to_string(one.state), escape_html(one.error)});
      any = true;
    }
    std::string html = any ? "<h2>Runs that did not finish</h2>\n" + table.html() +
                                 note(
                                     "Runs that diverged (a distance or a loss was not a finite number) or collapsed "
                                     "(measure.collapse stopped them) are in results.csv, but in no mean and no map.")
                           : std::string();
    if (!results_.others.empty())
      html += note(fmt::format("Folders below runs/ that are no longer in the study, left out: {}.",
                               fmt::join(results_.others, ", ")));
    return html;
  }

  std::string protocols() const {
    std::vector<std::string> said;
    for (const StudyResult& one : results_.runs)
      for (const auto* list : {&one.summary.probe.plain, &one.summary.probe.deformed})
        for (const ProbeResult& result : *list)
          if (const std::string protocol = seedless(result.protocol, one.run.seed);
              std::find(said.begin(), said.end(), protocol) == said.end())
            said.push_back(protocol);
    std::string html;
    for (const std::string& protocol : said) html += "<li>" + escape_html(protocol) + "</li>\n";
    return html.empty() ? html : "<h2>Protocol</h2>\n<ul>\n" + html + "</ul>\n";
  }

  std::string files() const {
    std::string html =
        "<h2>Again</h2>\n<p><code>saccade sweep sweep.toml --out DIR</code>, with sweep.toml:</p>\n<pre>" +
        escape_html(read_text(folder_.sweep())) + "</pre>\n";
    if (!results_.study.base_text.empty())
      html += "<p>The experiment that it names (base.toml):</p>\n<pre>" + escape_html(results_.study.base_text) +
              "</pre>\n";
    return html;
  }

  const StudyResults& results_;
  const StudyFolder& folder_;
  FileSystem& disk_;
  std::vector<StudyMeasure> measures_;
};

}  // namespace

void write_study_results(const StudyResults& results, const StudyFolder& folder, FileSystem& files) {
  replace_file(folder.results(), results_csv(results), files);
  replace_file(folder.measures(), measures_csv(results), files);
  replace_file(folder.costs(), costs_csv(results), files);
  StudyPage(results, folder, files).write();
}

}  // namespace saccade

#include "tools/sweep/study_report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <sstream>

#include "tools/read_text.h"
#include "tools/replace_file.h"
#include "tools/report/html.h"
#include "tools/report/html_table.h"
#include "tools/report/plot.h"
#include "tools/run/progress.h"
#include "tools/sweep/study_plots.h"

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
  StudyPage(const StudyResults& results, const StudyFolder& folder)
      : results_(results), folder_(folder), measures_(study_measures(results)) {}

  void write() {
    fs::remove_all(folder_.plots());  // of points that a former page had
    fs::create_directories(folder_.plots());
    const Study& study = results_.study;
    std::string body = fmt::format("<h1>{}</h1>\n", escape_html(study.title));
    body += paragraphs(study.question, " style=\"font-size:1.1em\"") + state() + paragraphs(study.notes);
    body +=
        comparisons() + points_table() + layers_table() + curves() + cost_table() + failures() + protocols() + files();
    replace_file(folder_.report(), html_page(study.title, body));
  }

 private:
  std::string state() const {
    const std::size_t finished = results_.count(RunState::finished) + results_.count(RunState::diverged);
    std::string text =
        fmt::format("{} points, {} seeds ({}): {} of {} runs finished", results_.study.points.size(),
                    results_.study.seeds.size(), fmt::join(results_.study.seeds, ", "), finished, results_.runs.size());
    for (const RunState state : {RunState::diverged, RunState::failed, RunState::begun, RunState::missing})
      if (const std::size_t count = results_.count(state); count > 0)
        text += fmt::format(", {} {}", count, to_string(state));
    return note(text +
                ". A gain is the accuracy of a linear probe on the top layer minus that on the untrained network of "
                "the same seed. Mean ± standard deviation over the seeds.");
  }

  std::string figure(const StudyPlot& plot) const {
    replace_file(folder_.plots() / (plot.name + ".svg"), svg_file(plot.svg));
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

  /// Over the finished runs of a point.
  template <class Value>
  Statistic over_seeds(std::size_t point, Value value) const {
    std::vector<double> values;
    const std::size_t seeds = results_.study.seeds.size();
    for (std::size_t i = point * seeds; i < (point + 1) * seeds; ++i)
      if (results_.runs[i].finished())
        if (const double one = value(results_.runs[i]); !std::isnan(one)) values.push_back(one);
    return statistic(values);
  }

  static double top_accuracy(const std::vector<ProbeResult>& results) {
    return results.empty() ? NAN : results.back().accuracy;
  }

  std::string points_table() const {
    std::vector<std::string> head{"#", "point"};
    struct Column {
      const char *name, *format;
      double scale;
      std::function<double(const StudyResult&)> value;
    };
    std::vector<Column> columns;
    const auto add = [&](const char* name, const char* format, double scale, auto value) {
      if (std::any_of(results_.runs.begin(), results_.runs.end(),
                      [&](const StudyResult& one) { return one.finished() && std::isfinite(value(one)); }))
        columns.push_back({name, format, scale, value});
    };
    add("plain, %", "{:.2f}", 100, [](const StudyResult& r) { return top_accuracy(r.summary.probe.plain); });
    add("untrained, %", "{:.2f}", 100, [](const StudyResult& r) { return top_accuracy(r.summary.random_probe.plain); });
    for (const StudyMeasure& measure : measures_)
      if (measure.name == "gain-plain") add("gain", "{:+.2f}", 1, measure.of);
    add("deformed, %", "{:.2f}", 100, [](const StudyResult& r) { return top_accuracy(r.summary.probe.deformed); });
    add("untrained, %", "{:.2f}", 100,
        [](const StudyResult& r) { return top_accuracy(r.summary.random_probe.deformed); });
    for (const StudyMeasure& measure : measures_)
      if (measure.name == "gain-deformed") add("gain", "{:+.2f}", 1, measure.of);
    add("loss", "{:.3f}", 1, [](const StudyResult& r) { return r.summary.loss; });
    for (const Column& column : columns) head.push_back(column.name);
    head.push_back("runs");
    HtmlTable table(head);
    for (std::size_t p = 0; p < results_.study.points.size(); ++p) {
      std::vector<std::string> row{fmt::format("{}", p + 1), escape_html(point_label(results_, p))};
      for (const Column& column : columns)
        row.push_back(short_text(over_seeds(p, column.value), column.scale, column.format));
      row.push_back(fmt::format("{}", over_seeds(p, [](const StudyResult&) { return 0.0; }).n));
      table.row(row);
    }
    return "<h2>All points</h2>\n" + table.html() +
           note("Accuracies and gains are those of the top layer; runs: finished seeds. " + pixels() +
                "results.csv has every run and layer.");
  }

  /// Without the number of seeds, which has a column of its own.
  static std::string short_text(const Statistic& s, double scale, const char* format) {
    const std::string text = statistic_text(s, scale, format);
    return text.substr(0, text.rfind(" ("));
  }

  std::string pixels() const {
    std::vector<double> plain, deformed;
    for (const StudyResult& one : results_.runs) {
      if (!one.summary.pixels_probe.plain.empty()) plain.push_back(one.summary.pixels_probe.plain[0].accuracy);
      if (!one.summary.pixels_probe.deformed.empty()) deformed.push_back(one.summary.pixels_probe.deformed[0].accuracy);
    }
    if (plain.empty()) return {};
    std::string text = fmt::format("Raw pixels: {:.2f} %", 100 * statistic(plain).mean);
    if (!deformed.empty()) text += fmt::format(", deformed {:.2f} %", 100 * statistic(deformed).mean);
    return text + " (mean over the runs). ";
  }

  std::string layers_table() const {
    std::set<int> layers;
    for (const StudyResult& one : results_.runs)
      for (const ProbeResult& result : one.summary.probe.plain) layers.insert(result.layer);
    if (layers.size() < 2) return {};
    const auto gain = [](const std::vector<ProbeResult>& learned, const std::vector<ProbeResult>& untrained,
                         int layer) {
      for (const ProbeResult& a : learned)
        for (const ProbeResult& b : untrained)
          if (a.layer == layer && b.layer == layer) return a.accuracy - b.accuracy;
      return std::nan("");
    };
    std::vector<std::string> head{"#", "point"};
    for (const char* test : {"plain", "deformed"})
      for (const int layer : layers) head.push_back(fmt::format("{}, layer {}", test, layer));
    HtmlTable table(head);
    for (std::size_t p = 0; p < results_.study.points.size(); ++p) {
      std::vector<std::string> row{fmt::format("{}", p + 1), escape_html(point_label(results_, p))};
      for (const bool deformed : {false, true})
        for (const int layer : layers)
          row.push_back(short_text(
              over_seeds(p,
                         [&](const StudyResult& r) {
                           return deformed ? gain(r.summary.probe.deformed, r.summary.random_probe.deformed, layer)
                                           : gain(r.summary.probe.plain, r.summary.random_probe.plain, layer);
                         }),
              100, "{:+.2f}"));
      table.row(row);
    }
    return "<h2>Gain of every layer, points</h2>\n" + table.html();
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

  std::string cost_table() const {
    HtmlTable table({"#", "point", "learning, s", "views/s", "memory, floats", "peak memory, MB"});
    bool any = false;
    for (std::size_t p = 0; p < results_.study.points.size(); ++p) {
      const Statistic seconds = over_seeds(p, [](const StudyResult& r) { return r.summary.seconds; });
      any |= seconds.n > 0;
      table.row(
          {fmt::format("{}", p + 1), escape_html(point_label(results_, p)), short_text(seconds, 1, "{:.2f}"),
           fmt::format("{:.0f}", over_seeds(p, [](const StudyResult& r) { return r.summary.events_per_second; }).mean),
           fmt::format("{:.0f}", over_seeds(p, [](const StudyResult& r) { return r.summary.memory_floats; }).mean),
           short_text(over_seeds(p, [](const StudyResult& r) { return static_cast<double>(r.summary.peak_rss_bytes); }),
                      1e-6, "{:.0f}")});
    }
    if (!any) return {};
    return "<h2>Cost</h2>\n" + table.html() +
           note(
               "Learning: the learning loop on one thread, deformation included, loading and probing excluded, beside "
               "the other runs and whatever else the machine did. Memory: floats that short-term memory holds at the "
               "end.");
  }

  std::string failures() const {
    HtmlTable table({"run", "state", "why"});
    bool any = false;
    for (const StudyResult& one : results_.runs) {
      if (one.state == RunState::finished) continue;
      table.row({unbroken(one.run.name), to_string(one.state), escape_html(one.error)});
      any = true;
    }
    return any ? "<h2>Runs that are not finished, failed or diverged</h2>\n" + table.html() : std::string();
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
  std::vector<StudyMeasure> measures_;
};

}  // namespace

void write_study_report(const StudyResults& results, const StudyFolder& folder) { StudyPage(results, folder).write(); }

}  // namespace saccade

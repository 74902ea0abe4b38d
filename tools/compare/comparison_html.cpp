#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "tools/compare/comparison.h"
#include "tools/compare/comparison_plots.h"
#include "tools/report/html.h"
#include "tools/report/html_table.h"
#include "tools/run/progress.h"

namespace saccade {
namespace {

constexpr const char* tests[] = {"plain", "deformed"};

std::string section(const char* title) { return fmt::format("<h2>{}</h2>\n", title); }
std::string note(const std::string& text) { return "<p class=\"faint\">" + escape_html(text) + "</p>\n"; }

std::string state_of(const RecordedRun& run) {
  const RunSummary& s = run.summary;
  const std::uint64_t done = run.batches() ? s.updates : s.events;
  std::string text = fmt::format("{} {}", done, run.batches() ? "steps" : "views");
  text = (run.finished ? "finished, " : "<strong>unfinished</strong>, ") + text;
  if (!run.finished && s.length > 0) text += fmt::format(" of {}", s.length);
  if (s.diverged) text += ", <strong>diverged</strong>";
  return "<span class=\"key\">" + text + "</span>";
}

std::string runs_table(const RunComparison& c) {
  HtmlTable table({"", "run", "seed", "mode", "data", "network", "loss", "schedule", "rule", "state"});
  for (const ComparedRun& run : c.runs) {
    const Experiment& e = run.run.experiment;
    table.row({group_mark(c, run.group), unbroken(run.name), fmt::format("{}", e.seed),
               run.run.batches() ? "batch" : "event", escape_html(run.run.summary.data), escape_html(e.network.name),
               experiment_word(e, "loss"), experiment_word(e, "schedule"), experiment_word(e, "rule"),
               state_of(run.run)});
  }
  return section("Runs") + table.html();
}

std::string settings_table(const RunComparison& c) {
  if (c.settings.empty())
    return section("Settings") + note("The runs differ by nothing but their seeds and how they are stored.");
  std::vector<std::string> head{"key"};
  for (std::size_t g = 0; g < c.groups.size(); ++g) head.push_back(group_mark(c, g));
  HtmlTable table(head);
  for (const DifferingKey& key : c.settings) {
    std::vector<std::string> row{"<code>" + escape_html(key.name) + "</code>"};
    for (const std::string& value : key.values) row.push_back("<code>" + escape_html(value) + "</code>");
    table.row(row);
  }
  return section("What differs") + table.html();
}

std::string accuracies(const RunComparison& c) {
  std::string html;
  for (const char* test : tests) {
    const std::string plots = accuracy_plots(c, test);
    if (plots.empty()) continue;
    html += "<div class=\"plots\">\n" + plots + "</div>\n";
    HtmlTable table({"", "layer", "learned, %", "untrained, %", "points gained", "pixels, %"});
    const auto name = [&](const char* network, std::optional<int> layer) {
      return MeasureName{fmt::format("accuracy_{}_{}", test, network), layer};
    };
    for (std::size_t g = 0; g < c.groups.size(); ++g) {
      const int depth = c.runs[c.groups[g].runs.front()].run.experiment.network.depth();
      for (int layer = 0; layer < depth; ++layer) {
        const Statistic learned = c.of_group(g, name("learned", layer)),
                        untrained = c.of_group(g, name("untrained", layer));
        if (learned.n == 0 && untrained.n == 0) continue;
        table.row({layer == 0 ? group_mark(c, g) + " " + unbroken(c.groups[g].name) : std::string(),
                   fmt::format("{}", layer), statistic_text(learned, 100, "{:.2f}"),
                   statistic_text(untrained, 100, "{:.2f}"),
                   statistic_text(c.gain(g, name("learned", layer), name("untrained", layer)), 100, "{:+.2f}"),
                   statistic_text(c.of_group(g, name("pixels", std::nullopt)), 100, "{:.2f}")});
      }
    }
    html += table.html();
  }
  if (html.empty()) return section("Accuracy of a linear probe") + note("No run was probed.");
  return section("Accuracy of a linear probe") + html +
         note(
             "Mean ± standard deviation over the seeds, whose number stands in parentheses. Gains are differences "
             "within a run.");
}

/// Every group against the first one, seed by seed.
std::string paired_differences(const RunComparison& c) {
  if (c.groups.size() < 2) return {};
  std::vector<std::string> head{"measure"};
  for (std::size_t g = 1; g < c.groups.size(); ++g)
    head.push_back(group_mark(c, g) + "&nbsp;−&nbsp;" + group_mark(c, 0));
  HtmlTable table(head);
  bool any = false;
  for (const MeasureName& of : c.measures()) {
    const bool accuracy =
        of.name.starts_with("accuracy_") && !of.name.ends_with("_untrained") && !of.name.ends_with("_pixels");
    if (!accuracy && of.name != "loss") continue;
    std::vector<std::string> row{unbroken(of.name + (of.layer ? fmt::format(", layer {}", *of.layer) : std::string()))};
    bool some = false;
    for (std::size_t g = 1; g < c.groups.size(); ++g) {
      const Statistic difference = c.paired(g, 0, of);
      some |= difference.n > 0;
      row.push_back(statistic_text(difference, accuracy ? 100 : 1, accuracy ? "{:+.2f}" : "{:+.4f}"));
    }
    if (some) table.row(row);
    any |= some;
  }
  if (!any) return {};
  return section("Differences, seed by seed") + table.html() +
         note(fmt::format("Against {}, over the seeds that both have: mean ± standard deviation (number of seeds). "
                          "Accuracies in points.",
                          c.groups[0].letter));
}

std::string curves(const RunComparison& c) {
  const std::string plots = curve_plots(c);
  if (plots.empty()) return {};
  return section("While learning") +
         note(
             "A line per run, over the views that it has seen. What lies above four times the largest of the runs' "
             "medians is cut off.") +
         plots;
}

std::string cost_table(const RunComparison& c) {
  const auto or_dash = [](bool known, const std::string& text) { return known ? escape_html(text) : "–"; };
  HtmlTable table({"", "run", "learning", "views/s", "pairs/s", "peak memory", "threads", "device", "instructions",
                   "arithmetic", "fingerprint"});
  for (const ComparedRun& run : c.runs) {
    const RunSummary& s = run.run.summary;
    table.row({group_mark(c, run.group), unbroken(run.name), duration_text(s.seconds),
               fmt::format("{:.0f}", s.events_per_second), fmt::format("{:.0f}", s.pairs_per_second),
               or_dash(s.peak_rss_bytes > 0, fmt::format("{:.0f} MB", static_cast<double>(s.peak_rss_bytes) / 1e6)),
               or_dash(s.threads > 0, fmt::format("{}", s.threads)), or_dash(!s.device.empty(), s.device),
               or_dash(!s.instruction_set.empty(), s.instruction_set), or_dash(!s.arithmetic.empty(), s.arithmetic),
               "<code>" + escape_html(s.fingerprint.substr(0, 8)) + "</code>"});
  }
  return section("Cost") + table.html() +
         note(
             "Over the learning loop, deformation included, loading and probing excluded. Times of runs that shared "
             "a machine with other work, or used other threads, do not compare.");
}

/// Every protocol once, whatever the run's seed, with the groups whose accuracies it is of.
std::string protocols(const RunComparison& c) {
  std::vector<std::pair<std::string, std::vector<std::string>>> said;
  for (const ComparedRun& run : c.runs)
    for (const ComparedMeasure& measure : run.measures) {
      if (measure.protocol.empty()) continue;
      const std::string protocol = seedless(measure.protocol, run.run.experiment.seed);
      auto found = std::find_if(said.begin(), said.end(), [&](const auto& one) { return one.first == protocol; });
      if (found == said.end()) found = said.insert(said.end(), {protocol, {}});
      const std::string& letter = c.groups[run.group].letter;
      if (std::find(found->second.begin(), found->second.end(), letter) == found->second.end())
        found->second.push_back(letter);
    }
  if (said.empty()) return {};
  HtmlTable table({"of", "protocol"});
  for (const auto& [protocol, letters] : said)
    table.row({fmt::format("{}", fmt::join(letters, ", ")), escape_html(protocol)});
  return section("Protocols") + table.html();
}

}  // namespace

std::string comparison_html(const RunComparison& c) {
  const std::string title = fmt::format("Comparison of {} runs", c.runs.size());
  const auto unfinished =
      std::count_if(c.runs.begin(), c.runs.end(), [](const ComparedRun& run) { return !run.run.finished; });
  std::string body = "<h1>" + title + "</h1>\n";
  body += note(fmt::format("{} {} of settings; a letter and a colour each{}.", c.groups.size(),
                           c.groups.size() == 1 ? "group" : "groups",
                           unfinished > 0 ? fmt::format("; {} of the runs not finished", unfinished) : std::string()));
  body += runs_table(c) + settings_table(c) + accuracies(c) + paired_differences(c) + curves(c) + cost_table(c) +
          protocols(c);
  return html_page(title, body);
}

}  // namespace saccade
